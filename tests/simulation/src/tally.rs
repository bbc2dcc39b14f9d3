//! What happened, counted, so that a run shows that it reached everything.

use std::collections::BTreeMap;

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Everything that a thousand seeds have to reach.
    pub const ALL: [&'static str; 52] = [
        "refresh: rotated",
        "refresh: repeated",
        "refresh: replayed",
        "refresh: recovered late",
        "refresh: reused",
        "refresh: session ended",
        "refresh: session expired",
        "refresh: token expired",
        "refresh: invalid",
        "refresh: storage failed",
        "refresh: two of one token at once",
        "login: done",
        "login: refused",
        "login: storage failed",
        "logout: done",
        "logout all: done",
        "logout others: done",
        "change password: done",
        "delete account: done",
        "disable user: done",
        "enable user: done",
        "poll: nothing new",
        "poll: news",
        "poll: storage failed",
        "sweep: sessions deleted",
        "keys: rotation begun",
        "keys: changed",
        "access: accepted",
        "access: expired",
        "access: session ended",
        "access: stale feed",
        "forged: refused without a query",
        "theft: tokens copied",
        "theft: thief refreshed",
        "theft: thief refused",
        "fault: refused",
        "fault: answer lost",
        "fault: reply lost",
        "fault: database out",
        "batch: writes sharing a commit",
        "crash: with a call not made",
        "crash: with a call made and not answered",
        "crash: all nodes down",
        "restart",
        "clock: an hour forth",
        "clock: an hour back",
        "clock: a day forth",
        "clock: a day back",
        "clock: ten minutes back",
        "audit: replayed elsewhere",
        "sessions: replaced or over the limit",
        "end: an honest client came through",
    ];

    /// It happened.
    pub fn count(&mut self, what: &'static str) {
        debug_assert!(Self::ALL.contains(&what), "{what}");
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// How often that happened.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// What never happened.
    pub fn missing(&self) -> Vec<&'static str> {
        Self::ALL
            .into_iter()
            .filter(|what| self.of(what) == 0)
            .collect()
    }
}
