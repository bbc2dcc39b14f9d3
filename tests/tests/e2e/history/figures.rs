//! What a run came to.

use std::fmt;
use std::time::Duration;

use e2e::history::{Answer, Asked, Event};

use super::setup::Victim;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Figures {
    pub kills: usize,
    /// Kills of a server, of PostgreSQL, and of a server that had not come up yet.
    servers: usize,
    clusters: usize,
    starting: usize,
    done: usize,
    refused: usize,
    unknown: usize,
    refreshes: usize,
    starts: Vec<Duration>,
}

/// The time from the start of a server to its being ready, as is usual.
const READY: Duration = Duration::from_secs(5);

impl Figures {
    pub fn killed(&mut self, victims: &[Victim]) {
        self.kills += 1;
        for victim in victims {
            match victim {
                Victim::Node(_) => self.servers += 1,
                Victim::Cluster => self.clusters += 1,
            }
        }
    }

    pub fn killed_at_its_start(&mut self) {
        self.starting += 1;
    }

    pub fn started(&mut self, took: Duration) {
        self.starts.push(took);
    }

    /// Half of the starts have to be as fast as is usual. Not all, since the machine may be
    /// busy with other things; one that takes four times as long fails at once.
    ///
    /// # Panics
    /// Where they are not.
    pub fn check_starts(&mut self) {
        self.starts.sort_unstable();
        assert!(self.median() < READY, "ready after {:?}", self.starts);
    }

    fn median(&self) -> Duration {
        let median = self.starts.get(self.starts.len() / 2);
        median.copied().unwrap_or_default()
    }

    /// Counts what clients asked for.
    pub fn count(&mut self, events: &[Event]) {
        for event in events {
            match event.answer {
                Answer::Yes(_) => self.done += 1,
                Answer::No(_) => self.refused += 1,
                Answer::Unknown => self.unknown += 1,
                Answer::Rows(_) => {}
            }
            let refresh = matches!(event.asked, Asked::Refresh { .. });
            self.refreshes += usize::from(refresh);
        }
    }
}

/// Cells of the table, in the order of its columns.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = self.done + self.refused + self.unknown;
        write!(
            f,
            "{} | {} | {} | {} | {operations} | {} | {} | {} | {} | {:.2} s, {:.2} s | 0",
            self.kills,
            self.servers,
            self.starting,
            self.clusters,
            self.refreshes,
            self.done,
            self.refused,
            self.unknown,
            self.median().as_secs_f64(),
            self.starts.last().map_or(0.0, Duration::as_secs_f64),
        )
    }
}
