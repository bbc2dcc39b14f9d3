//! Connections whose answer was lost on the way. libpq waits for an answer for ever, and where
//! something between here and the server keeps the connection up, no limit of TCP's ends it. The
//! server can say that it owes nothing: it has been idle for a while. It is then asked, over another
//! connection, to close that one, which also frees the locks that are held on it.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use super::background::Background;
use crate::error::OpenError;
use crate::vitals::{BACKEND, Vitals};

/// How often the connections are looked at.
const GLANCE: Duration = Duration::from_millis(500);
/// How often at the least where the server was asked and is at work on what they wait for.
const SELDOM: Duration = Duration::from_secs(8);
/// How long a statement has to take before the server is asked. Most take a millisecond.
const LONG: Duration = Duration::from_secs(2);

/// How to get a connection to ask over.
pub(super) type Connect = Box<dyn Fn() -> Result<PgConnection, OpenError> + Send>;

/// Looks after these connections on a thread.
pub(super) fn start(connections: Vec<Vitals>, connect: Connect) -> Result<Background, OpenError> {
    Background::start("postgres-guard", move |stopped| {
        serve(&connections, &connect, stopped);
    })
}

fn serve(connections: &[Vitals], connect: &Connect, stopped: &Receiver<()>) {
    let mut pause = GLANCE;
    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let waiting = connections.iter().filter_map(|one| one.waits_for(LONG));
        let waiting: Vec<String> = waiting.collect();
        if waiting.is_empty() {
            pause = GLANCE;
            continue;
        }
        match connect().map(|mut conn| close_idle(&mut conn, &waiting)) {
            Ok(Ok(closed)) if closed > 0 => {
                tracing::warn!(closed, "answers of the database were lost on the way");
                pause = GLANCE;
            }
            Ok(Ok(_)) => pause = (pause * 2).min(SELDOM),
            Ok(Err(error)) => {
                tracing::debug!(%error, "cannot ask which connections are idle");
                pause = (pause * 2).min(SELDOM);
            }
            // Nobody is reached. As soon as that changes, time matters.
            Err(_) => pause = GLANCE,
        }
    }
}

/// Has those closed on which the server has nothing to do, and says how many. A moment must have
/// passed since it had: an answer may be on its way.
fn close_idle(conn: &mut PgConnection, waiting: &[String]) -> QueryResult<usize> {
    diesel::sql_query(format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE {BACKEND} = ANY($1) AND state LIKE 'idle%' \
         AND state_change < clock_timestamp() - interval '1 second'"
    ))
    .bind::<Array<Text>, _>(waiting)
    .execute(conn)
}
