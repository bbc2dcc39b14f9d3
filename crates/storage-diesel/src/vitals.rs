//! Signs of life of a connection: who serves it, and since when it waits for an answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

/// What is known of one thread's connection, for other threads than its own. It goes on with the
/// next connection where one is lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vitals(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sent: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    backend: Option<String>,
    asked: Option<Instant>,
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The process that serves a session, named so that no other one ever has the name.
pub(crate) const BACKEND: &str = "(pid::text || ' ' || backend_start::text)";

impl Vitals {
    /// Follows a connection from now on.
    pub(crate) fn follow(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let backend: Backend = diesel::sql_query(format!(
            "SELECT {BACKEND} AS name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ))
        .get_result(conn)?;
        self.lock().backend = Some(backend.name);
        conn.set_instrumentation(self.clone());
        Ok(())
    }

    /// How many statements were sent, `BEGIN` and `COMMIT` included.
    pub(crate) fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// The connection is gone.
    pub(crate) fn lost(&self) {
        *self.lock() = State::default();
    }

    /// Who should have answered, if that takes longer than `patience`.
    pub(crate) fn waits_for(&self, patience: Duration) -> Option<String> {
        let state = self.lock();
        let asked = state.asked.filter(|asked| asked.elapsed() > patience);
        asked.and(state.backend.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instrumentation for Vitals {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            self.0.sent.fetch_add(1, Ordering::Relaxed);
            self.lock().asked = Some(Instant::now());
        } else if matches!(event, InstrumentationEvent::FinishQuery { .. }) {
            self.lock().asked = None;
        }
    }
}
