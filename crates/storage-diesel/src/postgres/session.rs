//! A connection to the server, with the settings that correctness and durability rest on.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};

use super::roots::system_roots;
use super::{advice, rights};
use crate::error::OpenError;
use crate::options::PostgresOptions;
use crate::url::{Defaults, PostgresUrl};
use crate::vitals::Vitals;

/// The oldest server that has `xid8`, which the feed of ended sessions counts with.
const OLDEST_VERSION: i32 = 130_000;

/// Connects to a server that can be written to, whatever its own defaults are.
pub(crate) fn connect(
    url: &PostgresUrl,
    options: &PostgresOptions,
) -> Result<PgConnection, OpenError> {
    connect_with(url, options, &Vitals::default())
}

/// Likewise, and others see how the connection does.
pub(super) fn connect_with(
    url: &PostgresUrl,
    options: &PostgresOptions,
    vitals: &Vitals,
) -> Result<PgConnection, OpenError> {
    let connection_string = url.connection_string(Defaults {
        connect_timeout: options.connect_timeout,
        system_roots: system_roots(),
    });
    let mut conn =
        PgConnection::establish(&connection_string).map_err(|error| OpenError::Unreachable {
            server: url.to_string(),
            why: advice::explain(&error.to_string()),
        })?;
    vitals.follow(&mut conn)?;
    // `off` would acknowledge what a crash can undo; every other level is at least as good as `on`
    // on this server, and the operator's choice.
    conn.batch_execute(&format!(
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; \
         SET lock_timeout = {}; SET statement_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}; \
         SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') = 'off';",
        options.lock_timeout.as_millis(),
        options.statement_timeout.as_millis(),
        options.statement_timeout.as_millis(),
    ))?;
    check_writable(&mut conn)?;
    Ok(conn)
}

/// Statements of refreshes find every row by its key. The planner cannot know: what it is given are
/// lists, so that it would plan each time anew, for a list of that length, which takes longer than
/// the work, and read a table as a whole while that is small, or was when it was last counted.
const BY_KEY: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;";

/// As [`connect_with`], for refreshes in batches.
pub(super) fn connect_for_batches(
    url: &PostgresUrl,
    options: &PostgresOptions,
    vitals: &Vitals,
) -> Result<PgConnection, OpenError> {
    let mut conn = connect_with(url, options, vitals)?;
    conn.batch_execute(BY_KEY)?;
    Ok(conn)
}

#[derive(QueryableByName)]
struct Role {
    #[diesel(sql_type = Bool)]
    standby: bool,
    #[diesel(sql_type = Bool)]
    read_only: bool,
}

/// Asked of every new connection: after a failover the same address may be a standby's.
fn check_writable(conn: &mut PgConnection) -> Result<(), OpenError> {
    let role: Role = diesel::sql_query(
        "SELECT pg_is_in_recovery() AS standby, \
         current_setting('default_transaction_read_only')::boolean AS read_only",
    )
    .get_result(conn)?;
    let why = match role {
        Role { standby: true, .. } => {
            "it is a standby, which only reads: name the primary, or all servers and \
             target_session_attrs=read-write"
        }
        Role {
            read_only: true, ..
        } => {
            "it only reads (default_transaction_read_only is on): let its user write, or name \
             another server"
        }
        Role { .. } => return Ok(()),
    };
    Err(OpenError::Unsuitable(why.to_owned()))
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Settings of the server with which it acknowledges what a power cut can undo. They are the whole
/// server's, and no connection can change them for itself.
pub(super) fn doubts(conn: &mut PgConnection) -> Result<Vec<String>, OpenError> {
    let off: Vec<Setting> = diesel::sql_query(
        "SELECT name FROM pg_settings \
         WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name",
    )
    .load(conn)?;
    let doubt = |Setting { name }| {
        format!("PostgreSQL runs with {name} = off: a power cut can undo what was acknowledged")
    };
    Ok(off.into_iter().map(doubt).collect())
}

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    encoding: String,
}

/// Checks that the server can do what is asked of it, and that the schema can be looked at.
pub(crate) fn check(conn: &mut PgConnection) -> Result<(), OpenError> {
    let server: Server = diesel::sql_query(
        "SELECT current_setting('server_version_num')::integer AS version, \
         current_setting('server_encoding') AS encoding",
    )
    .get_result(conn)?;
    if server.version < OLDEST_VERSION {
        return Err(OpenError::Unsuitable(format!(
            "version 13 or later is needed, this is {}",
            server.version / 10_000
        )));
    }
    if server.encoding != "UTF8" {
        return Err(OpenError::Unsuitable(format!(
            "its encoding must be UTF8 and is {}",
            server.encoding
        )));
    }
    rights::check_status(conn)
}
