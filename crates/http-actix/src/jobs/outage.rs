//! One line when something begins to fail and one when it works again, not one for every attempt.

use std::fmt::Display;
use std::time::Instant;

/// Whether the work of a job succeeds at the moment.
pub(super) struct Outage {
    what: &'static str,
    since: Option<Instant>,
}

impl Outage {
    /// So far it does.
    pub(super) const fn new(what: &'static str) -> Self {
        Self { what, since: None }
    }

    /// Takes note of an attempt; `true` if it began or ended an outage and was logged.
    pub(super) fn saw<E: Display>(&mut self, outcome: Result<(), E>) -> bool {
        match (outcome, self.since) {
            (Err(error), None) => {
                self.since = Some(Instant::now());
                tracing::error!(%error, "{} fails; trying on", self.what);
                true
            }
            (Ok(()), Some(since)) => {
                self.since = None;
                let seconds = since.elapsed().as_secs();
                tracing::info!(seconds, "{} works again", self.what);
                true
            }
            (Ok(()), None) | (Err(_), Some(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_and_its_end_too() {
        let mut outage = Outage::new("testing");
        let told = [Ok(()), Err("e"), Err("e"), Ok(()), Ok(()), Err("e")].map(|o| outage.saw(o));
        assert_eq!(told, [false, true, false, true, false, true]);
    }
}
