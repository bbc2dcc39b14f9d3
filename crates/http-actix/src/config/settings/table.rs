//! The table itself, in the order of `renewd.toml`.

use super::database::{
    CONNECT_TIMEOUT, CONNECTIONS, DATABASE_URL, LOCK_TIMEOUT, MIGRATE, PATIENCE,
    ROTATION_CONNECTIONS, STATEMENT_TIMEOUT,
};
use super::{DefaultValue, Secret, Setting};

/// The table in `renewd.toml` that says which claims carry which member of a user.
pub const CLAIMS: &str = "tokens.access.claims";

/// All settings, in the order of `renewd.toml`.
pub const ALL: [&Setting; 37] = [
    &DATABASE_URL,
    &MIGRATE,
    &CONNECTIONS,
    &ROTATION_CONNECTIONS,
    &CONNECT_TIMEOUT,
    &LOCK_TIMEOUT,
    &STATEMENT_TIMEOUT,
    &PATIENCE,
    &LISTEN,
    &ALLOWED_ORIGINS,
    &TRUSTED_PROXIES,
    &ISSUER,
    &AUDIENCE,
    &LEEWAY,
    &ACCESS_ALG,
    &ACCESS_TYP,
    &ACCESS_LIFETIME,
    &REFRESH_LIFETIME,
    &REFRESH_POLICY,
    &REUSE_POLICY,
    &REPLAY_WINDOW,
    &SESSION_MAX_AGE,
    &SESSIONS_PER_USER,
    &MAX_STALENESS,
    &WHEN_STALE,
    &KEY_ROTATION,
    &JWKS_MAX_AGE,
    &RSA_BITS,
    &REGISTRATION,
    &PASSWORD_MIN_LENGTH,
    &BCRYPT_COST,
    &HASH_QUEUE,
    &THROTTLE,
    &COOKIE_SECURE,
    &COOKIE_DOMAIN,
    &LOG_FILTER,
    &LOG_FORMAT,
];

/// All secrets.
pub const SECRETS: [&Secret; 3] = [&ACCESS_SECRET, &REFRESH_SECRET, &MASTER_KEY];

/// `http.listen`.
pub const LISTEN: Setting = Setting {
    variable: "RENEWD_LISTEN",
    flag: "listen",
    fallback: Some("PORT"),
    key: "http.listen",
    default: DefaultValue::Text("127.0.0.1:8080"),
    value: "IP:PORT",
    help: "Where to listen; port 0 picks a free one and prints it",
};

/// `http.allowed_origins`.
pub const ALLOWED_ORIGINS: Setting = Setting {
    variable: "RENEWD_ALLOWED_ORIGINS",
    flag: "allowed-origins",
    fallback: None,
    key: "http.allowed_origins",
    default: DefaultValue::Derived("the issuer's"),
    value: "ORIGINS",
    help: "Web origins that may call from a browser (CORS and CSRF), separated by commas",
};

/// `http.trusted_proxies`.
pub const TRUSTED_PROXIES: Setting = Setting {
    variable: "RENEWD_TRUSTED_PROXIES",
    flag: "trusted-proxies",
    fallback: None,
    key: "http.trusted_proxies",
    default: DefaultValue::Derived("none"),
    value: "NETWORKS",
    help: "Reverse proxies whose X-Forwarded-For is believed: addresses or networks (CIDR), separated by commas",
};

/// `tokens.issuer`.
pub const ISSUER: Setting = Setting {
    variable: "RENEWD_ISSUER",
    flag: "issuer",
    fallback: None,
    key: "tokens.issuer",
    default: DefaultValue::Derived("http://localhost:<port>"),
    value: "URL",
    help: "The `iss` of every token and the base of every link",
};

/// `tokens.audience`.
pub const AUDIENCE: Setting = Setting {
    variable: "RENEWD_AUDIENCE",
    flag: "audience",
    fallback: None,
    key: "tokens.audience",
    default: DefaultValue::Derived("the issuer"),
    value: "TEXT",
    help: "The `aud` of access tokens",
};

/// `tokens.leeway`.
pub const LEEWAY: Setting = Setting {
    variable: "RENEWD_CLOCK_LEEWAY",
    flag: "clock-leeway",
    fallback: None,
    key: "tokens.leeway",
    default: DefaultValue::Text("0s"),
    value: "DURATION",
    help: "How long past their end access tokens are accepted here; 60s at most",
};

/// `tokens.access.alg`.
pub const ACCESS_ALG: Setting = Setting {
    variable: "RENEWD_ACCESS_TOKEN_ALG",
    flag: "access-token-alg",
    fallback: None,
    key: "tokens.access.alg",
    default: DefaultValue::Text("ES256"),
    value: "ALG",
    help: "The algorithm of the managed keys that sign access tokens: ES256, EdDSA (Ed25519) or RS256",
};

/// `tokens.access.typ`.
pub const ACCESS_TYP: Setting = Setting {
    variable: "RENEWD_ACCESS_TOKEN_TYP",
    flag: "access-token-typ",
    fallback: None,
    key: "tokens.access.typ",
    default: DefaultValue::Text("at+jwt"),
    value: "TYP",
    help: "The `typ` of access tokens: at+jwt, or JWT for verifiers that know no other",
};

/// `tokens.access.lifetime`.
pub const ACCESS_LIFETIME: Setting = Setting {
    variable: "ACCESS_TOKEN_EXPIRY",
    flag: "access-token-expiry",
    fallback: None,
    key: "tokens.access.lifetime",
    default: DefaultValue::Text("15m"),
    value: "DURATION",
    help: "How long an access token lasts",
};

/// `tokens.refresh.lifetime`.
pub const REFRESH_LIFETIME: Setting = Setting {
    variable: "REFRESH_TOKEN_EXPIRY",
    flag: "refresh-token-expiry",
    fallback: None,
    key: "tokens.refresh.lifetime",
    default: DefaultValue::Text("30d"),
    value: "DURATION",
    help: "How long a session lasts without a refresh",
};

/// `tokens.refresh.policy`.
pub const REFRESH_POLICY: Setting = Setting {
    variable: "RENEWD_REFRESH_POLICY",
    flag: "refresh-policy",
    fallback: None,
    key: "tokens.refresh.policy",
    default: DefaultValue::Text("sliding"),
    value: "POLICY",
    help: "What a refresh does to that end: sliding moves it on, fixed leaves it",
};

/// `tokens.refresh.reuse`.
pub const REUSE_POLICY: Setting = Setting {
    variable: "RENEWD_REUSE_POLICY",
    flag: "reuse-policy",
    fallback: None,
    key: "tokens.refresh.reuse",
    default: DefaultValue::Text("strict"),
    value: "POLICY",
    help: "What a spent refresh token means after the replay window: strict ends the session, recover forgives once in a while",
};

/// `tokens.refresh.replay_window`.
pub const REPLAY_WINDOW: Setting = Setting {
    variable: "RENEWD_REPLAY_WINDOW",
    flag: "replay-window",
    fallback: None,
    key: "tokens.refresh.replay_window",
    default: DefaultValue::Text("30s"),
    value: "DURATION",
    help: "How long a refresh can be repeated to the same answer; 0 (never) to 5m",
};

/// `session.max_age`.
pub const SESSION_MAX_AGE: Setting = Setting {
    variable: "RENEWD_SESSION_MAX_AGE",
    flag: "session-max-age",
    fallback: None,
    key: "session.max_age",
    default: DefaultValue::Text("90d"),
    value: "DURATION",
    help: "How long a session lasts at the most",
};

/// `session.per_user`.
pub const SESSIONS_PER_USER: Setting = Setting {
    variable: "RENEWD_SESSIONS_PER_USER",
    flag: "sessions-per-user",
    fallback: None,
    key: "session.per_user",
    default: DefaultValue::Text("1000"),
    value: "NUMBER",
    help: "How many live sessions a user may have; the least recently refreshed is ended beyond it",
};

/// `revocation.max_staleness`.
pub const MAX_STALENESS: Setting = Setting {
    variable: "RENEWD_FEED_MAX_STALENESS",
    flag: "feed-max-staleness",
    fallback: None,
    key: "revocation.max_staleness",
    default: DefaultValue::Text("10s"),
    value: "DURATION",
    help: "How old the knowledge of ended sessions may be",
};

/// `revocation.stale`.
pub const WHEN_STALE: Setting = Setting {
    variable: "RENEWD_FEED_STALE",
    flag: "feed-stale",
    fallback: None,
    key: "revocation.stale",
    default: DefaultValue::Text("closed"),
    value: "POLICY",
    help: "What happens when it is older: closed answers 503, open goes on",
};

/// `keys.rotation`.
pub const KEY_ROTATION: Setting = Setting {
    variable: "RENEWD_KEY_ROTATION",
    flag: "key-rotation",
    fallback: None,
    key: "keys.rotation",
    default: DefaultValue::Text("90d"),
    value: "DURATION",
    help: "How long a key signs access tokens before the next one takes over; 0 or off: until it is told",
};

/// `keys.jwks_max_age`.
pub const JWKS_MAX_AGE: Setting = Setting {
    variable: "RENEWD_JWKS_MAX_AGE",
    flag: "jwks-max-age",
    fallback: None,
    key: "keys.jwks_max_age",
    default: DefaultValue::Text("5m"),
    value: "DURATION",
    help: "How long verifiers may keep the published keys, and so how long a new key waits; 1s to 1d",
};

/// `keys.rsa_bits`.
pub const RSA_BITS: Setting = Setting {
    variable: "RENEWD_RSA_BITS",
    flag: "rsa-bits",
    fallback: None,
    key: "keys.rsa_bits",
    default: DefaultValue::Text("3072"),
    value: "NUMBER",
    help: "The size of new RS256 keys: 2048, 3072 or 4096",
};

/// `accounts.registration`.
pub const REGISTRATION: Setting = Setting {
    variable: "RENEWD_REGISTRATION",
    flag: "registration",
    fallback: None,
    key: "accounts.registration",
    default: DefaultValue::Text("open"),
    value: "POLICY",
    help: "Who makes accounts: open is anybody, closed only admins",
};

/// `accounts.password_min_length`.
pub const PASSWORD_MIN_LENGTH: Setting = Setting {
    variable: "RENEWD_PASSWORD_MIN_LENGTH",
    flag: "password-min-length",
    fallback: None,
    key: "accounts.password_min_length",
    default: DefaultValue::Text("8"),
    value: "NUMBER",
    help: "The least number of characters of a password; 8 to 64",
};

/// `accounts.bcrypt_cost`.
pub const BCRYPT_COST: Setting = Setting {
    variable: "RENEWD_BCRYPT_COST",
    flag: "bcrypt-cost",
    fallback: None,
    key: "accounts.bcrypt_cost",
    default: DefaultValue::Text("12"),
    value: "NUMBER",
    help: "The cost of a password hash; 10 to 16, each step doubles it",
};

/// `accounts.hash_queue`.
pub const HASH_QUEUE: Setting = Setting {
    variable: "RENEWD_HASH_QUEUE",
    flag: "hash-queue",
    fallback: None,
    key: "accounts.hash_queue",
    default: DefaultValue::Text("64"),
    value: "NUMBER",
    help: "How many password checks may wait before the answer is 503; 1 to 100000",
};

/// `accounts.throttle`.
pub const THROTTLE: Setting = Setting {
    variable: "RENEWD_THROTTLE",
    flag: "throttle",
    fallback: None,
    key: "accounts.throttle",
    default: DefaultValue::Text("on"),
    value: "SWITCH",
    help: "Limit password attempts; off is for load tests only",
};

/// `cookies.secure`.
pub const COOKIE_SECURE: Setting = Setting {
    variable: "RENEWD_COOKIE_SECURE",
    flag: "cookie-secure",
    fallback: None,
    key: "cookies.secure",
    default: DefaultValue::Text("true"),
    value: "BOOL",
    help: "Cookies over https only; false is for development over plain http",
};

/// `cookies.domain`.
pub const COOKIE_DOMAIN: Setting = Setting {
    variable: "RENEWD_COOKIE_DOMAIN",
    flag: "cookie-domain",
    fallback: None,
    key: "cookies.domain",
    default: DefaultValue::Derived("none"),
    value: "DOMAIN",
    help: "The Domain of the access cookie, so that sibling hosts receive it too",
};

/// `log.filter`.
pub const LOG_FILTER: Setting = Setting {
    variable: "RENEWD_LOG",
    flag: "log",
    fallback: None,
    key: "log.filter",
    default: DefaultValue::Text("info"),
    value: "FILTER",
    help: "What is logged: error, warn, info, debug, trace, or a tracing filter",
};

/// `log.format`.
pub const LOG_FORMAT: Setting = Setting {
    variable: "RENEWD_LOG_FORMAT",
    flag: "log-format",
    fallback: None,
    key: "log.format",
    default: DefaultValue::Derived("text on a terminal, else json"),
    value: "FORMAT",
    help: "How it is logged: text or json",
};

/// The secret that access tokens are signed with.
pub const ACCESS_SECRET: Secret = Secret {
    variable: "ACCESS_TOKEN_SECRET",
    file_variable: "ACCESS_TOKEN_SECRET_FILE",
    file_key: None,
    help: "Sign access tokens with this secret (HS256) instead of managed keys; 32 bytes at least",
};

/// The key material of refresh tokens.
pub const REFRESH_SECRET: Secret = Secret {
    variable: "REFRESH_TOKEN_SECRET",
    file_variable: "REFRESH_TOKEN_SECRET_FILE",
    file_key: None,
    help: "Key material of refresh tokens instead of a managed key; 32 bytes at least",
};

/// The master key.
pub const MASTER_KEY: Secret = Secret {
    variable: "RENEWD_MASTER_KEY",
    file_variable: "RENEWD_MASTER_KEY_FILE",
    file_key: Some("keys.master_file"),
    help: "32 bytes in base64 that encrypt the stored keys and seed the pepper of password \
           hashes; with SQLite made at the first start as master.key beside the database",
};
