//! A thread that does something over and over until it is told to end.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender};

use crate::error::OpenError;

/// The thread.
pub(super) struct Background(Mutex<Option<Thread>>);

struct Thread {
    /// Goes on until this is dropped.
    until: Sender<()>,
    handle: JoinHandle<()>,
}

impl Background {
    /// Starts it. What it receives from never has anything, and ends when the thread is to end.
    pub(super) fn start(
        name: &str,
        work: impl FnOnce(&Receiver<()>) + Send + 'static,
    ) -> Result<Self, OpenError> {
        let (until, stopped) = crossbeam_channel::bounded(0);
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&stopped))
            .map_err(OpenError::Thread)?;
        Ok(Self(Mutex::new(Some(Thread { until, handle }))))
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        let thread = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Thread { until, handle }) = thread {
            drop(until);
            drop(handle.join());
        }
    }
}
