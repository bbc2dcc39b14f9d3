//! A connection to the server, with the settings that correctness and durability rest on.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};

use crate::error::OpenError;
use crate::options::PostgresOptions;
use crate::url::PostgresUrl;

/// The oldest server that has `xid8`, which the feed of ended sessions counts with.
const OLDEST_VERSION: i32 = 130_000;

/// Connects, whatever the server's own defaults are.
pub(crate) fn connect(
    url: &PostgresUrl,
    options: &PostgresOptions,
) -> Result<PgConnection, OpenError> {
    let connection_string = url.connection_string(options.connect_timeout);
    let mut conn =
        PgConnection::establish(&connection_string).map_err(|source| OpenError::Unreachable {
            server: url.to_string(),
            source,
        })?;
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
    Ok(conn)
}

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Bool)]
    standby: bool,
}

/// Checks that the server can do what is asked of it.
pub(super) fn check(conn: &mut PgConnection) -> Result<(), OpenError> {
    let server: Server = diesel::sql_query(
        "SELECT current_setting('server_version_num')::integer AS version, \
         current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby",
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
    if server.standby {
        return Err(OpenError::Unsuitable(
            "it is a standby, which only reads: name the primary, or all servers and \
             target_session_attrs=read-write"
                .to_owned(),
        ));
    }
    Ok(())
}
