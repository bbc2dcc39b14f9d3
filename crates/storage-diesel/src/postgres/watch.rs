//! What the server tells of its own accord, and what time it has: a thread with a connection for
//! this alone.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::result::QueryResult;

use super::background::Background;
use super::clock::Offset;
use super::session::connect_with;
use crate::connection::AnyConnection;
use crate::error::OpenError;
use crate::hint::Hint;
use crate::link::Link;
use crate::options::PostgresOptions;
use crate::unit::Shared;
use crate::url::PostgresUrl;
use crate::vitals::Vitals;

/// How often the connection is looked at, which takes less than a microsecond and asks nothing of
/// the server. So many ends in a short time are one hint.
const GLANCE: Duration = Duration::from_millis(5);

/// The channel on which the server tells, at the commit, that keys changed. See the migrations.
const KEYS: &str = "renewd_keys";

/// Both channels; the other one is for sessions that ended.
const LISTEN: &str = "LISTEN renewd_ended; LISTEN renewd_keys";

/// The thread.
pub(super) struct Watch {
    thread: Background,
    hints: Arc<Hints>,
}

/// What whoever waits is told.
#[derive(Debug, Default)]
struct Hints {
    ended: Hint,
    keys: Hint,
}

impl Watch {
    /// Measures the clock once, then watches on a thread. The connection listens already: what ends
    /// from now on is told, so the feed may be read for the first time.
    pub(super) fn start(
        link: Link,
        offset: Offset,
        shared: &Arc<Shared>,
    ) -> Result<Self, OpenError> {
        let hints = Arc::new(Hints::default());
        let mut watcher = Watcher {
            link,
            seen: None,
            hints: Arc::clone(&hints),
            offset,
            shared: Arc::clone(shared),
        };
        watcher.look()?;
        let thread = Background::start("postgres-watch", move |stopped| watcher.serve(stopped))?;
        Ok(Self { thread, hints })
    }

    /// Comes when sessions may have ended since this was last awaited.
    pub(super) async fn ended(&self) {
        self.hints.ended.take().await;
    }

    /// Comes when keys may have changed since this was last awaited.
    pub(super) async fn keys_changed(&self) {
        self.hints.keys.take().await;
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        self.thread.close();
    }
}

struct Watcher {
    link: Link,
    /// The number of the connection that was looked at last.
    seen: Option<u32>,
    hints: Arc<Hints>,
    offset: Offset,
    shared: Arc<Shared>,
}

impl Watcher {
    fn serve(&mut self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
            // The link says when it cannot connect again. Until it can, whoever waits for a hint
            // has to read the feed at a pace of its own.
            drop(self.look());
        }
    }

    fn look(&mut self) -> QueryResult<()> {
        let tally = &self.shared.tally;
        let Ok(AnyConnection::Postgres(conn)) = self.link.get() else {
            tally.listening.store(false, Ordering::Relaxed);
            return Ok(());
        };
        let looked = news(conn).and_then(|told| {
            self.offset.measure_if_due(conn)?;
            Ok(told)
        });
        match looked {
            Ok(told) => {
                tally.listening.store(true, Ordering::Relaxed);
                tally
                    .notifications
                    .fetch_add(told.ended + told.keys, Ordering::Relaxed);
                // Before a new connection listened anything may have happened.
                let number = Some(self.link.opened());
                let new = std::mem::replace(&mut self.seen, number) != number;
                if told.ended > 0 || new {
                    self.hints.ended.give();
                }
                if told.keys > 0 || new {
                    self.hints.keys.give();
                }
                Ok(())
            }
            Err(error) => {
                // Once lost, a connection is so for ever.
                tally.listening.store(false, Ordering::Relaxed);
                self.link.lose();
                Err(error)
            }
        }
    }
}

/// Connects and listens.
pub(super) fn listen(
    url: &PostgresUrl,
    options: &PostgresOptions,
    vitals: &Vitals,
) -> Result<PgConnection, OpenError> {
    let mut conn = connect_with(url, options, vitals)?;
    // Outside a transaction: it is in force when this returns.
    conn.batch_execute(LISTEN)?;
    Ok(conn)
}

/// How often the server has told of what, since it was last asked.
#[derive(Default)]
struct News {
    ended: u64,
    keys: u64,
}

fn news(conn: &mut PgConnection) -> QueryResult<News> {
    let mut news = News::default();
    for notification in conn.notifications_iter() {
        if notification?.channel == KEYS {
            news.keys += 1;
        } else {
            news.ended += 1;
        }
    }
    Ok(news)
}
