//! The threads behind a `Remote`, and how they end.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use token_core::jwks::JwksClient;

use super::feed::Feed;

/// Dropped, it tells its threads to end. They do so when they next look, which a read from the
/// network can put off by a few seconds.
#[derive(Default)]
pub(in crate::protect) struct Workers(Arc<Stop>);

/// A flag that can be waited for.
#[derive(Default)]
pub(super) struct Stop {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Workers {
    /// Keeps these keys fresh.
    pub(super) fn keep_fresh(&self, keys: JwksClient) -> io::Result<()> {
        self.spawn("renewd-keys", move |stop| keep_fresh(&keys, stop))
    }

    /// Follows this feed.
    pub(super) fn follow(&self, feed: Feed) -> io::Result<()> {
        self.spawn("renewd-feed", move |stop| feed.follow(stop))
    }

    fn spawn(&self, name: &str, work: impl FnOnce(&Stop) + Send + 'static) -> io::Result<()> {
        let stop = Arc::clone(&self.0);
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || work(&stop)).map(drop)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        *self.0.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}

impl Stop {
    /// Waits that long, or until there is no more to do. Says whether there is none.
    pub(super) fn wait(&self, span: Duration) -> bool {
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(raised, span, |raised| !*raised);
        let (raised, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *raised
    }

    pub(super) fn is_raised(&self) -> bool {
        self.wait(Duration::ZERO)
    }
}

fn keep_fresh(keys: &JwksClient, stop: &Stop) {
    loop {
        // A request for an unknown key may fetch as well, and put off what is due.
        let due_in = keys.refresh_due_in();
        if stop.wait(due_in) {
            return;
        }
        if due_in.is_zero()
            && let Err(error) = pollster::block_on(keys.refresh())
        {
            tracing::warn!(%error, "cannot fetch the issuer's keys");
        }
    }
}
