//! A hint from one thread to whoever waits for it in a future.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Given any number of times before it is taken, it is taken once; it is not lost if nobody waits.
#[derive(Debug, Default)]
pub(crate) struct Hint(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    given: bool,
    waiting: Vec<Waker>,
}

impl Hint {
    /// Gives the hint.
    pub(crate) fn give(&self) {
        let waiting = {
            let mut state = self.lock();
            state.given = true;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Comes when the hint was given since it was last taken, and takes it.
    pub(crate) async fn take(&self) {
        poll_fn(|context| {
            let mut state = self.lock();
            if std::mem::take(&mut state.given) {
                return Poll::Ready(());
            }
            let waker = context.waker();
            if !state.waiting.iter().any(|other| other.will_wake(waker)) {
                state.waiting.push(waker.clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Context;
    use std::time::Duration;

    use pollster::block_on;

    use super::*;

    #[test]
    fn a_hint_waits_to_be_taken_and_is_taken_once() {
        let hint = Hint::default();
        hint.give();
        hint.give();
        block_on(hint.take());
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(hint.take()).poll(&mut context).is_pending());
    }

    #[test]
    fn whoever_waits_is_woken() {
        let hint = Arc::new(Hint::default());
        let giver = Arc::clone(&hint);
        let thread = std::thread::spawn(move || {
            while giver.lock().waiting.is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
            giver.give();
        });
        block_on(hint.take());
        thread.join().unwrap();
    }
}
