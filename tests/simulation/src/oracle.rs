//! The judge: a small record of what was acknowledged, and the rules that rows and answers are held
//! against after every step. It knows nothing of `decide`.

mod answers;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use token_core::service::Service;
use token_core::time::{Clock, Timestamp};

use crate::clock::SimClock;
use crate::database::Rows;
use crate::node::MAX_STALENESS;
use crate::settings::Settings;

pub use answers::Judged;

/// How old an end may be of which a node hears that ends all sessions of a user.
const HEARD_OF: Duration = Duration::from_hours(1);

/// A rule was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: &'static str,
    /// How.
    pub what: String,
}

pub type Checked = Result<(), Violation>;

/// Fails with a [`Violation`] of the rule unless the condition holds.
macro_rules! hold {
    ($rule:expr, $condition:expr, $($what:tt)*) => {
        if !$condition {
            return Err($crate::oracle::Violation { rule: $rule, what: format!($($what)*) });
        }
    };
}
pub(crate) use hold;

/// The end of a session, as it was acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// After so many steps.
    pub sequence: u64,
    /// When, on the monotonic clock.
    pub at: Duration,
}

/// What is known of a session.
pub struct Record {
    /// What the trace calls it.
    pub name: String,
    pub user: String,
    /// The hash that it was opened with.
    hash: String,
    /// Its absolute end, by the policy alone.
    absolute_end: Timestamp,
    /// Somebody has a copy of its tokens.
    pub stolen: bool,
    /// Why its client is promised nothing any more, if that is so.
    pub shaken: Option<&'static str>,
    /// How many messages of its client were lost.
    losses: u32,
    /// How many outages it has waited through for one answer.
    interruptions: u32,
    /// The digest of each generation.
    digests: BTreeMap<i64, String>,
    /// The refresh token of each generation that was answered.
    pub tokens: BTreeMap<u64, String>,
    /// The last access tokens, with their `exp`.
    pub access: Vec<(String, Timestamp)>,
    /// The highest generation that was answered.
    acknowledged: i64,
    pub end: Option<End>,
    recoveries: i64,
    last_recovered: Option<i64>,
}

/// When a node was last in trouble: it started, or storage failed. After a step of the clock it may
/// be near any trouble again, until it is started anew.
#[derive(Debug, Clone, Copy, Default)]
struct Trouble {
    at: Duration,
    failing: bool,
    stepped_since: bool,
}

pub struct Oracle {
    settings: Settings,
    pub rows: Rows,
    pub sessions: BTreeMap<String, Record>,
    /// Every refresh token that was answered: its session, generation and `exp`.
    pub issued: BTreeMap<String, (String, u64, Timestamp)>,
    /// Which ends a node must know of.
    knows: [BTreeSet<String>; 2],
    trouble: [Trouble; 2],
    /// When each node started, and whether it has polled since.
    started_at: [Duration; 2],
    polled_once: [bool; 2],
    /// The session of every access token that was answered.
    pub bearers: BTreeMap<String, String>,
    /// The users' passwords as they were last acknowledged.
    passwords: BTreeMap<String, String>,
    pub sequence: u64,
    keys_retired: bool,
    stepped: bool,
}

impl Oracle {
    pub fn new(settings: &Settings, rows: Rows) -> Self {
        Self {
            settings: settings.clone(),
            rows,
            sessions: BTreeMap::new(),
            issued: BTreeMap::new(),
            knows: Default::default(),
            trouble: Default::default(),
            started_at: Default::default(),
            polled_once: Default::default(),
            bearers: BTreeMap::new(),
            passwords: BTreeMap::new(),
            sequence: 0,
            keys_retired: false,
            stepped: false,
        }
    }

    /// What the trace calls a session.
    pub fn name(&self, id: &str) -> String {
        self.sessions
            .get(id)
            .map_or_else(|| "s?".to_owned(), |record| record.name.clone())
    }

    /// Whose session it is.
    pub fn user_of(&self, id: &str) -> String {
        let record = self.sessions.get(id);
        record.map_or_else(String::new, |record| record.user.clone())
    }

    /// Keys changed; after a step of the clock that may have been before its time.
    pub fn keys_changed(&mut self) {
        self.keys_retired |= self.stepped;
    }

    /// Refresh tokens that have not expired, so that their keys are there.
    pub fn unexpired(&self, now: Timestamp) -> Vec<String> {
        let all = self
            .issued
            .iter()
            .filter(|(_, (_, _, exp))| *exp > now && !self.keys_retired);
        all.map(|(token, _)| token.clone()).collect()
    }

    /// A client of this session is promised nothing from now on.
    pub fn shake(&mut self, id: &str, why: &'static str) {
        if let Some(record) = self.sessions.get_mut(id) {
            record.shaken.get_or_insert(why);
        }
    }

    /// A message of the session's client was lost. I2 promises a session for two.
    pub fn lost_message(&mut self, id: &str) {
        if let Some(record) = self.sessions.get_mut(id) {
            record.losses += 1;
            if record.losses > 2 {
                record.shaken.get_or_insert("lost three messages");
            }
        }
    }

    /// An outage began while the session's client waited for an answer.
    pub fn interrupted(&mut self, id: &str) {
        if let Some(record) = self.sessions.get_mut(id) {
            record.interruptions += 1;
            if record.interruptions > 1 {
                record
                    .shaken
                    .get_or_insert("two outages, and no answer between them");
            }
        }
    }

    /// The session's client got new tokens.
    pub fn confirmed(&mut self, id: &str) {
        if let Some(record) = self.sessions.get_mut(id) {
            record.interruptions = 0;
        }
    }

    /// A node started.
    pub fn started(&mut self, node: usize, monotonic: Duration) {
        self.started_at[node] = monotonic;
        self.polled_once[node] = false;
        self.knows[node].clear();
        self.trouble[node] = Trouble {
            at: monotonic,
            ..Trouble::default()
        };
    }

    /// A call of storage failed there, or worked.
    pub fn storage_failed(&mut self, node: usize, monotonic: Duration) {
        let trouble = &mut self.trouble[node];
        trouble.at = monotonic;
        trouble.failing = true;
    }

    pub fn storage_worked(&mut self, node: usize, monotonic: Duration) {
        let trouble = &mut self.trouble[node];
        if trouble.failing {
            trouble.at = monotonic;
            trouble.failing = false;
        }
    }

    /// The time of day was set. What ended so long ago that the nodes have forgotten it, or never
    /// read it, may be young again until they poll.
    pub fn clock_stepped(&mut self, monotonic: Duration) {
        self.stepped = true;
        for trouble in &mut self.trouble {
            trouble.stepped_since = true;
        }
        let kept = self.settings.policy.access_is_accepted_for();
        for (knows, started) in self.knows.iter_mut().zip(self.started_at) {
            knows.retain(|id| {
                let end = self.sessions.get(id).and_then(|record| record.end);
                end.is_some_and(|end| end.at >= started && monotonic.saturating_sub(end.at) < kept)
            });
        }
    }

    /// A poll that began after so many steps, and at that time of day, was merged at that node. It
    /// brings what the clock says is recent: not the ends that were written down while the clock was
    /// behind, nor those whose rows a sweep deleted while it was ahead.
    pub fn polled(&mut self, node: usize, began: u64, now: Timestamp) {
        self.polled_once[node] = true;
        let since = now.minus(self.settings.policy.access_is_accepted_for());
        let known = self.sessions.iter().filter_map(|(id, record)| {
            record.end.filter(|end| end.sequence < began)?;
            let ended_at = self.rows.sessions.get(id)?.ended_at?;
            (Timestamp::from_micros(ended_at) >= since).then(|| id.clone())
        });
        self.knows[node].extend(known);
    }

    /// Whether a sweep took the session's row while the clock was ahead: whoever is asked to end
    /// it finds nothing to end.
    pub fn is_swept(&self, id: &str) -> bool {
        self.stepped && !self.rows.sessions.contains_key(id)
    }

    /// Whether, by a clock that was set, the session ended and was last rotated so long before that
    /// time of day that whoever ends all sessions of its user then does not hear of it.
    pub fn is_history(&self, id: &str, began: Timestamp) -> bool {
        let since = began.minus(HEARD_OF).as_micros();
        let row = self.rows.sessions.get(id);
        self.stepped
            && row.is_some_and(|row| {
                row.rotated_at < since && row.ended_at.is_some_and(|at| at < since)
            })
    }

    /// An end was acknowledged by that node.
    pub fn ended(&mut self, id: &str, node: usize, monotonic: Duration) {
        let sequence = self.sequence;
        if let Some(record) = self.sessions.get_mut(id) {
            record.end.get_or_insert(End {
                sequence,
                at: monotonic,
            });
        }
        self.knows[node].insert(id.to_owned());
    }

    /// Asks a node about access tokens that it must not accept (I5), or not any more (I6).
    pub fn probe(&self, node: usize, service: &Service, clock: &SimClock) -> Checked {
        let (now, monotonic) = (clock.now(), clock.monotonic());
        let leeway = self.settings.policy.leeway.as_duration();
        for (id, record) in &self.sessions {
            let past_its_end = now >= record.absolute_end.plus(leeway);
            if record.end.is_none() && !past_its_end {
                continue;
            }
            for (token, expires_at) in record.access.iter().rev().take(2) {
                let accepted = service.authenticate(token).is_ok();
                hold!(
                    "I6",
                    !(accepted && past_its_end),
                    "{} is accepted past its absolute end",
                    record.name
                );
                hold!(
                    "access tokens end",
                    !(accepted && now >= expires_at.plus(leeway)),
                    "{} has an access token that outlives its exp",
                    record.name
                );
                let Some(end) = record.end.filter(|_| accepted) else {
                    continue;
                };
                hold!(
                    "I5",
                    self.polled_once[node],
                    "node {node} vouches for {} before its first poll",
                    record.name
                );
                // A clock that was set back comes by the time of an older token once more, long
                // after the end was forgotten.
                let kept = self.settings.policy.access_is_accepted_for();
                let forgotten = self.stepped && monotonic.saturating_sub(end.at) >= kept;
                hold!(
                    "I5",
                    forgotten || !self.knows[node].contains(id),
                    "node {node} accepts a token of {}, of whose end it must know",
                    record.name
                );
                hold!(
                    "I5",
                    monotonic.saturating_sub(end.at) <= MAX_STALENESS || self.stepped,
                    "node {node} accepts a token of {} longer than the bound after its end",
                    record.name
                );
            }
        }
        Ok(())
    }
}
