//! Not more faults at once than there are processors: they are about time.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

static BUSY: Mutex<usize> = Mutex::new(0);
static LEFT: Condvar = Condvar::new();

/// The right to try a fault, until it is dropped.
pub struct Turn(());

/// Waits for a turn.
pub fn mine() -> Turn {
    let turns = thread::available_parallelism().map_or(1, usize::from);
    let busy = LEFT.wait_while(busy(), |busy| *busy >= turns);
    *busy.expect("nobody panics with it") += 1;
    Turn(())
}

impl Drop for Turn {
    fn drop(&mut self) {
        *busy() -= 1;
        LEFT.notify_one();
    }
}

fn busy() -> MutexGuard<'static, usize> {
    BUSY.lock().expect("nobody panics with it")
}
