//! The part of the table that is about the database.

use super::{DefaultValue, Setting};

/// `database.url`.
pub const DATABASE_URL: Setting = Setting {
    variable: "RENEWD_DATABASE_URL",
    flag: "database-url",
    fallback: Some("DATABASE_URL"),
    key: "database.url",
    default: DefaultValue::Text("sqlite://data/renewd.db"),
    value: "URL",
    help: "The database: sqlite://PATH or postgres://…, chosen by the scheme alone",
};

/// `database.migrate`.
pub const MIGRATE: Setting = Setting {
    variable: "RENEWD_MIGRATE",
    flag: "migrate",
    fallback: None,
    key: "database.migrate",
    default: DefaultValue::Text("true"),
    value: "BOOL",
    help: "Run migrations at start: true or false",
};

/// `database.connections`.
pub const CONNECTIONS: Setting = Setting {
    variable: "RENEWD_DATABASE_CONNECTIONS",
    flag: "database-connections",
    fallback: None,
    key: "database.connections",
    default: DefaultValue::Text("10"),
    value: "NUMBER",
    help: "PostgreSQL: connections for everything but refreshes; 1 to 1000, and one more listens",
};

/// `database.rotation_connections`.
pub const ROTATION_CONNECTIONS: Setting = Setting {
    variable: "RENEWD_DATABASE_ROTATION_CONNECTIONS",
    flag: "database-rotation-connections",
    fallback: None,
    key: "database.rotation_connections",
    default: DefaultValue::Text("2"),
    value: "NUMBER",
    help: "PostgreSQL: connections for refreshes, which share them in batches; 1 to 16",
};

/// `database.connect_timeout`.
pub const CONNECT_TIMEOUT: Setting = Setting {
    variable: "RENEWD_DATABASE_CONNECT_TIMEOUT",
    flag: "database-connect-timeout",
    fallback: None,
    key: "database.connect_timeout",
    default: DefaultValue::Text("5s"),
    value: "DURATION",
    help: "PostgreSQL: how long each host has to answer, and a silent one to be given up; 1s to 1m",
};

/// `database.lock_timeout`.
pub const LOCK_TIMEOUT: Setting = Setting {
    variable: "RENEWD_DATABASE_LOCK_TIMEOUT",
    flag: "database-lock-timeout",
    fallback: None,
    key: "database.lock_timeout",
    default: DefaultValue::Text("5s"),
    value: "DURATION",
    help: "PostgreSQL: how long a statement waits for a lock; 1s to 10s",
};

/// `database.statement_timeout`.
pub const STATEMENT_TIMEOUT: Setting = Setting {
    variable: "RENEWD_DATABASE_STATEMENT_TIMEOUT",
    flag: "database-statement-timeout",
    fallback: None,
    key: "database.statement_timeout",
    default: DefaultValue::Text("15s"),
    value: "DURATION",
    help: "PostgreSQL: how long a statement may take, migrations excepted; 1s to 20s",
};

/// `database.patience`.
pub const PATIENCE: Setting = Setting {
    variable: "RENEWD_DATABASE_PATIENCE",
    flag: "database-patience",
    fallback: None,
    key: "database.patience",
    default: DefaultValue::Text("5s"),
    value: "DURATION",
    help: "How long a request waits for the database before it is answered 503; 1s to 10s",
};
