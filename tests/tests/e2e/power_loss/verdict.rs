//! Every cut, and whether something was lost by it.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use e2e::dice::Dice;
use e2e::history::{self, Answer, Asked, Event, Rows, Rule};
use e2e::power::{Disk, Left, Step, Survivors};

use super::recording::{Acknowledged, Recording};
use super::remains::Remains;

/// Which syncs are believed to reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    EverySync,
    ExceptOfTheLog,
    ExceptOfTheDatabase,
    ExceptOfDirectories,
}

/// What was found.
pub struct Verdict {
    belief: Belief,
    acknowledged: usize,
    steps: usize,
    cuts: usize,
    /// How often the log was copied into the database and that was synced.
    copied: usize,
    remains: usize,
    with_log: usize,
    lossy: usize,
    /// Some of what was lost, in words.
    pub losses: Vec<String>,
}

/// More of them say nothing new.
const TOLD: usize = 10;

impl Belief {
    /// In each of these a loss has to be found.
    pub const DOUBTS: [Self; 3] = [
        Self::ExceptOfTheLog,
        Self::ExceptOfTheDatabase,
        Self::ExceptOfDirectories,
    ];

    fn covers(self, file: &Path) -> bool {
        let name = file.to_string_lossy();
        match self {
            Self::EverySync => true,
            Self::ExceptOfTheLog => !name.ends_with("-wal"),
            Self::ExceptOfTheDatabase => !name.ends_with(".db"),
            Self::ExceptOfDirectories => file.extension().is_some(),
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::EverySync => "every sync",
            Self::ExceptOfTheLog => "every sync but those of the write-ahead log",
            Self::ExceptOfTheDatabase => "every sync but those of the database file",
            Self::ExceptOfDirectories => "every sync but those of directories",
        }
    }
}

impl Verdict {
    /// Cuts at every answer, and before and after every sync of the database's files.
    pub fn of(recording: &Recording, belief: Belief, dice: &mut Dice) -> Self {
        let mut verdict = Self {
            belief,
            acknowledged: recording.acknowledged.len(),
            steps: recording.steps.len(),
            cuts: 0,
            copied: 0,
            remains: 0,
            with_log: 0,
            lossy: 0,
            losses: Vec::new(),
        };
        let mut disk = Disk::new(&recording.directory);
        let mut acknowledged = 0;
        for (place, step) in recording.steps.iter().enumerate() {
            let is_sync = matches!(step, Step::SyncEnds { .. });
            if is_sync {
                verdict.cut(recording, &disk, acknowledged, dice);
            }
            match step {
                Step::SyncBegins { file, .. } => {
                    let of_database = file.ends_with("renewd.db") && acknowledged > 0;
                    verdict.copied += usize::from(of_database);
                    // Doubts begin with the first acknowledgement: that a file which was
                    // never synced at all is lost would say little.
                    if acknowledged == 0 || belief.covers(file) {
                        disk.follow(step);
                    }
                }
                _ => disk.follow(step),
            }
            let later = &recording.acknowledged[acknowledged..];
            let now = later.iter().take_while(|told| told.step == place).count();
            acknowledged += now;
            if is_sync || now > 0 {
                verdict.cut(recording, &disk, acknowledged, dice);
            }
            // One loss is enough to know that it is found.
            if belief != Belief::EverySync && !verdict.losses.is_empty() {
                break;
            }
        }
        verdict
    }

    /// One row of the table.
    ///
    /// # Panics
    /// Where the log was never copied into the database: then that was not tried.
    pub fn tell(&self) {
        assert!(self.copied > 0 || !self.losses.is_empty(), "no checkpoint");
        println!(
            "power loss: {} | {} | {} | {} | {} | {} | {} | {}",
            self.belief.in_words(),
            self.acknowledged,
            self.steps,
            self.copied,
            self.cuts,
            self.remains,
            self.with_log,
            match (self.belief, self.losses.first()) {
                (Belief::EverySync, _) | (_, None) => self.lossy.to_string(),
                (_, Some(_)) => "found, and stopped there".to_owned(),
            },
        );
    }

    fn cut(&mut self, recording: &Recording, disk: &Disk, acknowledged: usize, dice: &mut Dice) {
        if self.belief != Belief::EverySync && acknowledged == 0 {
            // A doubt has to lose something that was acknowledged.
            return;
        }
        self.cuts += 1;
        let told = &recording.acknowledged[..acknowledged];
        let mut seen: Vec<Left> = Vec::new();
        for survivors in [Survivors::None, Survivors::All, Survivors::Some(dice)] {
            let which = format!("{survivors:?}");
            let left = disk.left(survivors);
            if seen.contains(&left) {
                continue;
            }
            self.remains += 1;
            let log = left.get(Path::new("data/renewd.db-wal"));
            self.with_log += usize::from(log.is_some_and(|log| !log.is_empty()));
            if let Err(loss) = is_all_there(recording, told, &left) {
                self.lossy += 1;
                if self.losses.len() < TOLD {
                    let after = told.last().map(|told| &told.event);
                    self.losses
                        .push(format!("{which}, after {after:?}: {loss}"));
                }
            }
            seen.push(left);
        }
    }
}

/// Whether everything that was told is in what is left.
fn is_all_there(recording: &Recording, told: &[Acknowledged], left: &Left) -> Result<(), String> {
    let remains = Remains::of(left);
    remains.check_integrity()?;
    if told.is_empty() {
        return Ok(());
    }
    if left.get(Path::new("data/master.key")) != Some(&recording.master_key) {
        return Err("the master key is not there".to_owned());
    }
    let rows = Rows::read(remains.store())?;
    let mut events: Vec<Event> = told.iter().map(|told| told.event.clone()).collect();
    events.push(Event {
        node: 0,
        invoked: Duration::MAX,
        returned: Duration::MAX,
        asked: Asked::Rows,
        answer: Answer::Rows(rows),
    });
    let findings = history::check(&events, Duration::ZERO);
    // What else the rules say is about requests under way, of which a trace knows nothing.
    let lost = |rule| matches!(rule, Rule::NothingLost | Rule::OneSuccessor);
    if let Some(finding) = findings.iter().find(|finding| lost(finding.rule)) {
        return Err(finding.to_string());
    }
    passwords_are_there(recording, told, &remains)
}

/// Every user has the password that was acknowledged last, or one that was asked for later.
fn passwords_are_there(
    recording: &Recording,
    told: &[Acknowledged],
    remains: &Remains,
) -> Result<(), String> {
    let stored = remains.store();
    let stored = stored.try_texts("username || ' ' || password_hash", "FROM users")?;
    let stored: HashMap<&str, &str> = stored
        .iter()
        .filter_map(|text| text.split_once(' '))
        .collect();
    let changes = |told: &Acknowledged| told.hash.clone();
    for (number, (user, _)) in told.iter().filter_map(changes).enumerate() {
        let done = told.iter().filter_map(changes);
        let done = done.filter(|(of, _)| *of == user).count();
        let all = recording.acknowledged.iter().filter_map(changes);
        let mut valid = all.filter(|(of, _)| *of == user).skip(done - 1);
        let hash = stored.get(user.as_str());
        if !valid.any(|(_, valid)| hash == Some(&valid.as_str())) {
            return Err(format!("the password of {user} is an old one ({number})"));
        }
    }
    Ok(())
}
