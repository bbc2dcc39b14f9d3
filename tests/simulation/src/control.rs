//! What the gates and the scheduler share: where the polled task stands, and what it may do next.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use token_core::id::{SessionId, UserId};
use token_core::time::Timestamp;

/// A call of a storage port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    OpenSession,
    Rotate,
    EndSession,
    EndSessionsOf,
    Session,
    Record,
    Sweep,
    Credentials,
    ChangePassword,
    DisableUser,
    EnableUser,
    DeleteUser,
    Keys,
    ChangeKeys,
    EndedSessions,
    Other,
}

impl Port {
    /// Whether it is a unit of work of the thread that writes, so that it can share a commit.
    pub fn writes(self) -> bool {
        !matches!(
            self,
            Self::Session | Self::Credentials | Self::Keys | Self::EndedSessions | Self::Other
        )
    }
}

/// Where a task stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// Before anything was done.
    Before(Port),
    /// In the writer's queue, while the writer is held.
    Queued(Port),
    /// Done, and the answer not looked at yet.
    After(Port),
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is made, and answered.
    Go,
    /// It goes into the queue, to be collected later.
    Queue,
    /// It fails before anything is done.
    Refuse,
    /// It is made, and its answer lost: whoever asked does not know.
    Lose,
}

/// What storage did, as the gate saw it.
#[derive(Debug, Clone)]
pub enum Effect {
    /// A session was opened with that password hash.
    Opened {
        id: SessionId,
        user: UserId,
        hash: String,
        created_at: Timestamp,
    },
    /// A late recovery was granted at that generation.
    Recovered(SessionId, i64),
    /// A page of ended sessions was read.
    Polled,
}

/// Which passwords the polled task speaks of: the hashing port cannot look into them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Speaker {
    pub password: u32,
    pub new_password: u32,
}

#[derive(Default)]
struct State {
    halt: Option<Halt>,
    fate: Option<Fate>,
    speaker: Speaker,
    calls: u64,
    effects: Vec<Effect>,
    free: bool,
}

#[derive(Default)]
pub struct Control(Mutex<State>);

impl Control {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stands still until the scheduler polls again with a fate.
    pub async fn halt(&self, at: Halt) -> Fate {
        let mut halted = false;
        poll_fn(|_| {
            let mut state = self.lock();
            if state.free {
                return Poll::Ready(Fate::Go);
            }
            if halted {
                return Poll::Ready(state.fate.take().unwrap_or(Fate::Go));
            }
            halted = true;
            state.halt = Some(at);
            Poll::Pending
        })
        .await
    }

    /// Before a task is polled.
    pub fn let_go(&self, fate: Fate, speaker: Speaker) {
        let mut state = self.lock();
        state.fate = Some(fate);
        state.speaker = speaker;
        state.halt = None;
    }

    /// Where the task that was just polled stands.
    pub fn stands_at(&self) -> Option<Halt> {
        self.lock().halt.take()
    }

    /// Does something that nothing interleaves with, as a process does at its start.
    pub fn freely<T>(&self, work: impl FnOnce() -> T) -> T {
        self.lock().free = true;
        let done = work();
        self.lock().free = false;
        done
    }

    pub fn speaker(&self) -> Speaker {
        self.lock().speaker
    }

    pub fn count_call(&self) {
        self.lock().calls += 1;
    }

    /// How many calls of storage there were so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    pub fn note(&self, effect: Effect) {
        self.lock().effects.push(effect);
    }

    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.lock().effects)
    }
}
