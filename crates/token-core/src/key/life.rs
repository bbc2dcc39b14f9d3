//! The life of keys: pending → active → retiring → retired.
//!
//! What is to be done next is decided here, as a pure function of the keys that are stored, so
//! that any number of nodes may ask at any time, crash anywhere and ask again. Storage carries a
//! decision out in one transaction, and only if it still is the decision there.
//!
//! - A *pending* key is published and does not sign. It becomes active when whoever verifies has
//!   had the time to learn of it, counted from the moment at which a node found it committed.
//! - The *active* key signs; there is one for each purpose.
//! - A *retiring* key signs no more and verifies until nothing that it signed is valid.
//! - A *retired* key is refused, and its secret part is gone.
//!
//! Where a purpose has no active key (a new installation, an emergency), the pending one, else a
//! new one, is active at once.

use std::time::Duration;

use crate::id::KeyId;
use crate::policy::{CLOCK_BOUND, COMMIT_BOUND};
use crate::store::{KeyPurpose, KeyState, StoredKey};
use crate::time::Timestamp;

/// How soon every node that is ready has read changed keys: it looks every second.
pub const RELOAD_BOUND: Duration = Duration::from_secs(5);

/// The most leeway that a verifier may have.
const VERIFIER_LEEWAY: Duration = Duration::from_mins(1);

/// The `alg` of every pepper but the first.
pub(super) const PEPPER: &str = "HMAC-SHA-384";

/// Which keys are managed here, and how long they stay where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLife {
    /// The `alg` of new access keys; `None` where a configured secret signs.
    pub access: Option<&'static str>,
    /// Whether refresh keys are managed.
    pub refresh: bool,
    /// How long an access key signs before the next one takes over; `None`: until it is told.
    pub rotation: Option<Duration>,
    /// How long verifiers may keep the published keys without asking again.
    pub jwks_max_age: Duration,
    /// How long an access token lasts.
    pub access_lifetime: Duration,
    /// How long a session lasts at the most.
    pub session_max_age: Duration,
    /// Until when some session needs a refresh key that would be retired otherwise: one that began
    /// when sessions were configured to last longer.
    pub refresh_needed_until: Option<Timestamp>,
}

/// A key among all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRef {
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Its name.
    pub kid: KeyId,
}

/// What is to be done with the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTask {
    /// Whatever is due.
    Due(KeyLife),
    /// Access tokens are to be signed by this algorithm: its key takes over like any other next
    /// key, once it was published long enough.
    Algorithm(&'static str),
    /// A new key of that purpose is to take over, once it was published long enough.
    Rotate(KeyPurpose),
    /// That key is not to be trusted any more, from now on.
    Retire(KeyId),
}

/// One step in the life of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStep {
    /// Store a new key, pending or active.
    Create {
        /// What it is for.
        purpose: KeyPurpose,
        /// Its `alg`.
        alg: String,
        /// Where its life begins.
        state: KeyState,
    },
    /// Note that the key was found committed: from now on every node sees it.
    Publish(KeyRef),
    /// Move the key on.
    Move {
        /// Which.
        key: KeyRef,
        /// Where it is.
        from: KeyState,
        /// Where it goes.
        to: KeyState,
    },
}

/// Why a task is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// No such key, or it is retired.
    #[error("there is no key {0} that could be retired")]
    NoSuchKey(KeyId),
    /// Nothing of that purpose is managed.
    #[error("there is no {0} key to rotate: the server has not made one yet")]
    NoneActive(&'static str),
    /// The next key is on its way.
    #[error("the key {0} is pending already: it takes over by itself")]
    AlreadyPending(KeyId),
    /// Without it nobody could set a password.
    #[error(
        "the key {0} is the active pepper: rotate it first, and retire it when it is out of use"
    )]
    ActivePepper(KeyId),
    /// A node that does not know yet may be hashing with it.
    #[error("the pepper {0} was replaced only a moment ago: retire it in a minute")]
    RecentPepper(KeyId),
}

impl KeyLife {
    /// How long a key is published before it signs: until every node has read it, and every
    /// verifier asked again after that, by whatever clock.
    pub fn lead(&self, purpose: KeyPurpose) -> Duration {
        match purpose {
            KeyPurpose::Access => lead_after(self.jwks_max_age),
            KeyPurpose::Refresh | KeyPurpose::Pepper | KeyPurpose::MasterCheck => {
                lead_after(Duration::ZERO)
            }
        }
    }

    /// How long a key verifies after another took over: until what the last node signed with it,
    /// before that node knew, is not accepted anywhere any more. `None`: until it is retired by
    /// hand, because passwords of people who do not log in wait for it.
    pub fn kept(&self, purpose: KeyPurpose) -> Option<Duration> {
        let valid = match purpose {
            KeyPurpose::Access => self.access_lifetime + VERIFIER_LEEWAY,
            KeyPurpose::Refresh => self.session_max_age,
            KeyPurpose::Pepper | KeyPurpose::MasterCheck => return None,
        };
        // The time of the takeover was written down before its commit. One clock bound lies between
        // signer and verifier, one between who demotes and who retires.
        Some(COMMIT_BOUND + RELOAD_BOUND + valid + CLOCK_BOUND * 2)
    }

    fn needed_until(&self, purpose: KeyPurpose) -> Option<Timestamp> {
        self.refresh_needed_until
            .filter(|_| purpose == KeyPurpose::Refresh)
    }

    /// The `alg` of the first key of a purpose, if it is managed.
    fn first(&self, purpose: KeyPurpose) -> Option<&'static str> {
        match purpose {
            KeyPurpose::Access => self.access,
            KeyPurpose::Refresh => self.refresh.then_some(super::sources::KEY_MATERIAL),
            KeyPurpose::Pepper => Some(PEPPER),
            KeyPurpose::MasterCheck => None,
        }
    }

    /// Whether it is time to publish the key that takes over from this one.
    fn wants_successor(&self, active: &StoredKey, now: Timestamp) -> bool {
        let Some(rotation) = self
            .rotation
            .filter(|_| active.purpose == KeyPurpose::Access)
        else {
            return false;
        };
        let since = active.times.activated_at.unwrap_or(active.created_at);
        let ahead = rotation.saturating_sub(self.lead(active.purpose));
        since.plus(ahead) <= now
    }
}

impl KeyTask {
    /// The steps that lead from the keys as they are to what is wanted, in an order in which they
    /// can be made; none if everything is as it should be. `now` was taken after the keys had
    /// been read, so that each of them was committed before.
    pub fn decide(&self, keys: &[StoredKey], now: Timestamp) -> Result<Vec<KeyStep>, KeyRefusal> {
        match self {
            Self::Due(life) => Ok(due(keys, life, now)),
            Self::Algorithm(alg) => Ok(switch(keys, alg)),
            Self::Rotate(purpose) => rotate(keys, *purpose),
            Self::Retire(kid) => retire(keys, kid, now),
        }
    }

    /// Who is behind it, for the audit log.
    pub(super) const fn origin(&self) -> &'static str {
        match self {
            Self::Due(_) => "schedule",
            Self::Algorithm(_) => "configuration",
            Self::Rotate(_) | Self::Retire(_) => "command",
        }
    }
}

impl KeyStep {
    /// The refresh key that is refused after this step, if it is one.
    pub fn retired_refresh_key(&self) -> Option<&KeyId> {
        match self {
            Self::Move { key, to, .. }
                if key.purpose == KeyPurpose::Refresh && *to == KeyState::Retired =>
            {
                Some(&key.kid)
            }
            Self::Move { .. } | Self::Create { .. } | Self::Publish(_) => None,
        }
    }
}

impl KeyRef {
    fn of(key: &StoredKey) -> Self {
        Self {
            purpose: key.purpose,
            kid: key.kid.clone(),
        }
    }
}

/// How long a key is published before it signs, where it may be kept for so long.
pub(crate) fn lead_after(jwks_max_age: Duration) -> Duration {
    jwks_max_age + RELOAD_BOUND + CLOCK_BOUND
}

fn due(keys: &[StoredKey], life: &KeyLife, now: Timestamp) -> Vec<KeyStep> {
    let mut steps = Vec::new();
    for purpose in KeyPurpose::ALL {
        let Some(alg) = life.first(purpose) else {
            continue;
        };
        let pending = in_state(keys, purpose, KeyState::Pending);
        let unseen = pending.filter(|key| key.times.published_at.is_none());
        steps.extend(unseen.map(|key| KeyStep::Publish(KeyRef::of(key))));
        match (in_state(keys, purpose, KeyState::Active), pending) {
            (None, Some(next)) => steps.push(moved(next, KeyState::Active)),
            (None, None) => steps.push(create(purpose, alg, KeyState::Active)),
            (Some(active), Some(next)) => {
                let published = next.times.published_at;
                if published.is_some_and(|at| at.plus(life.lead(purpose)) <= now) {
                    steps.push(moved(active, KeyState::Retiring));
                    steps.push(moved(next, KeyState::Active));
                }
            }
            (Some(active), None) if life.wants_successor(active, now) => {
                steps.push(create(purpose, alg, KeyState::Pending));
            }
            (Some(_), None) => {}
        }
        let Some(kept) = life.kept(purpose) else {
            continue;
        };
        for key in of(keys, purpose).filter(|key| key.state == KeyState::Retiring) {
            let since = key.times.retiring_at.unwrap_or(now);
            let needed = life.needed_until(purpose).is_some_and(|at| at > now);
            if since.plus(kept) <= now && !needed {
                steps.push(moved(key, KeyState::Retired));
            }
        }
    }
    steps
}

/// A pending key of another algorithm has signed nothing and makes room. With no active key there
/// is nothing to switch from.
fn switch(keys: &[StoredKey], alg: &str) -> Vec<KeyStep> {
    let purpose = KeyPurpose::Access;
    let Some(active) = in_state(keys, purpose, KeyState::Active) else {
        return Vec::new();
    };
    let pending = in_state(keys, purpose, KeyState::Pending);
    let mut steps = Vec::new();
    let stays = pending.is_some_and(|key| key.alg == alg);
    steps.extend(
        pending
            .filter(|key| key.alg != alg)
            .map(|key| moved(key, KeyState::Retired)),
    );
    if active.alg != alg && !stays {
        steps.push(create(purpose, alg, KeyState::Pending));
    }
    steps
}

fn rotate(keys: &[StoredKey], purpose: KeyPurpose) -> Result<Vec<KeyStep>, KeyRefusal> {
    let Some(active) = in_state(keys, purpose, KeyState::Active) else {
        return Err(KeyRefusal::NoneActive(purpose.as_str()));
    };
    if let Some(next) = in_state(keys, purpose, KeyState::Pending) {
        return Err(KeyRefusal::AlreadyPending(next.kid.clone()));
    }
    Ok(vec![create(purpose, successor(active), KeyState::Pending)])
}

fn retire(keys: &[StoredKey], kid: &KeyId, now: Timestamp) -> Result<Vec<KeyStep>, KeyRefusal> {
    let found = keys.iter().find(|key| {
        let is_managed = key.purpose != KeyPurpose::MasterCheck;
        key.kid == *kid && is_managed && key.state != KeyState::Retired
    });
    let Some(key) = found else {
        return Err(KeyRefusal::NoSuchKey(kid.clone()));
    };
    let was_active = key.state == KeyState::Active;
    if was_active && key.purpose == KeyPurpose::Pepper {
        return Err(KeyRefusal::ActivePepper(kid.clone()));
    }
    let settled = |at: Timestamp| at.plus(COMMIT_BOUND + RELOAD_BOUND + CLOCK_BOUND) <= now;
    let is_recent = key.state == KeyState::Retiring && !key.times.retiring_at.is_none_or(settled);
    if is_recent && key.purpose == KeyPurpose::Pepper {
        return Err(KeyRefusal::RecentPepper(kid.clone()));
    }
    let mut steps = vec![moved(key, KeyState::Retired)];
    if was_active {
        steps.push(match in_state(keys, key.purpose, KeyState::Pending) {
            Some(next) => moved(next, KeyState::Active),
            None => create(key.purpose, successor(key), KeyState::Active),
        });
    }
    Ok(steps)
}

/// The `alg` of the key after this one.
fn successor(key: &StoredKey) -> &str {
    match key.purpose {
        KeyPurpose::Pepper => PEPPER,
        KeyPurpose::Access | KeyPurpose::Refresh | KeyPurpose::MasterCheck => &key.alg,
    }
}

fn of(keys: &[StoredKey], purpose: KeyPurpose) -> impl Iterator<Item = &StoredKey> {
    keys.iter().filter(move |key| key.purpose == purpose)
}

/// Storage keeps at most one pending and one active key for each purpose.
fn in_state(keys: &[StoredKey], purpose: KeyPurpose, state: KeyState) -> Option<&StoredKey> {
    of(keys, purpose).find(|key| key.state == state)
}

fn moved(key: &StoredKey, to: KeyState) -> KeyStep {
    KeyStep::Move {
        key: KeyRef::of(key),
        from: key.state,
        to,
    }
}

fn create(purpose: KeyPurpose, alg: &str, state: KeyState) -> KeyStep {
    KeyStep::Create {
        purpose,
        alg: alg.to_owned(),
        state,
    }
}
