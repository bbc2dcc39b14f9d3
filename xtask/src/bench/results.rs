//! The figures, as the program `bench` leaves them and docs/performance/results.json keeps them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    pub machine: BTreeMap<String, Value>,
    pub rows: Vec<Row>,
    pub curves: Vec<Curve>,
    pub costs: BTreeMap<String, f64>,
    pub peers: Vec<Peer>,
    pub soak: Option<Value>,
}

/// One row of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub measure: String,
    pub against: String,
    pub unit: String,
    pub a: Vec<f64>,
    pub b: Vec<f64>,
    pub target: Option<Target>,
    pub notes: String,
    /// The commit that it was measured at; not told by those who measure.
    #[serde(default)]
    pub commit: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Curve {
    pub plot: String,
    pub label: String,
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Peer {
    pub name: String,
    pub refreshes: Vec<f64>,
    pub p99: Vec<f64>,
    pub reads: Vec<f64>,
    pub notes: String,
}

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The median of the ratios of all rounds, or of the figures where there is nothing to compare.
    pub value: f64,
    /// The least and the most of them.
    pub spread: (f64, f64),
    /// Whether the target is reached; `None` where there is none.
    pub reached: Option<bool>,
}

impl Row {
    /// Ratios are of rounds, so that what slowed a round down slowed both sides down.
    pub fn verdict(&self) -> Verdict {
        let values: Vec<f64> = if self.b.is_empty() {
            self.a.clone()
        } else {
            self.a.iter().zip(&self.b).map(|(a, b)| a / b).collect()
        };
        let value = median(&values);
        let spread = (
            values.iter().copied().fold(f64::INFINITY, f64::min),
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        );
        let reached = self.target.map(|target| match target {
            Target::AtLeast(least) => value >= least,
            Target::AtMost(most) => value <= most,
        });
        Verdict {
            value,
            spread,
            reached,
        }
    }
}

impl Results {
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, text).with_context(|| path.display().to_string())
    }

    /// Whether every target is reached.
    pub fn is_reached(&self) -> bool {
        let mut verdicts = self.rows.iter().map(Row::verdict);
        verdicts.all(|verdict| verdict.reached != Some(false))
    }

    /// Replaces what was measured again, and keeps the rest where it stands.
    pub fn take(&mut self, new: Self, commit: &str) {
        self.machine.extend(new.machine);
        for mut row in new.rows {
            commit.clone_into(&mut row.commit);
            put(&mut self.rows, row, |one, other| one.name == other.name);
        }
        for curve in new.curves {
            put(&mut self.curves, curve, |one, other| {
                (&one.plot, &one.label) == (&other.plot, &other.label)
            });
        }
        self.costs.extend(new.costs);
        if !new.peers.is_empty() {
            self.peers = new.peers;
        }
        self.soak = new.soak.or(self.soak.take());
    }
}

/// Puts an item into the place of the same one, or at the end.
fn put<T>(items: &mut Vec<T>, item: T, is_same: impl Fn(&T, &T) -> bool) {
    match items.iter_mut().find(|old| is_same(old, &item)) {
        Some(old) => *old = item,
        None => items.push(item),
    }
}

/// The value in the middle; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => f64::midpoint(*value, sorted[middle - 1]),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn row(name: &str, a: &[f64], b: &[f64], target: Option<Target>) -> Row {
        Row {
            name: name.to_owned(),
            measure: format!("what {name} measures"),
            against: if b.is_empty() { "" } else { "the other" }.to_owned(),
            unit: "requests/s".to_owned(),
            a: a.to_vec(),
            b: b.to_vec(),
            target,
            notes: "a note".to_owned(),
            commit: String::new(),
        }
    }

    #[test]
    fn a_ratio_is_of_each_round() {
        let verdict = row(
            "r",
            &[1.0, 20.0, 6.0],
            &[2.0, 10.0, 6.0],
            Some(Target::AtLeast(1.0)),
        );
        let verdict = verdict.verdict();
        assert!((verdict.value - 1.0).abs() < f64::EPSILON);
        assert_eq!(verdict.spread, (0.5, 2.0));
        assert_eq!(verdict.reached, Some(true));
    }

    #[test]
    fn a_figure_alone_is_held_against_its_bound() {
        let verdict = |most| row("r", &[3.0], &[], Some(Target::AtMost(most))).verdict();
        assert_eq!(verdict(2.9).reached, Some(false));
        assert_eq!(verdict(3.0).reached, Some(true));
        assert_eq!(row("r", &[3.0], &[], None).verdict().reached, None);
    }

    #[test]
    fn what_is_measured_again_is_replaced_in_its_place() {
        let mut kept = Results::default();
        for (round, names) in [(0, ["a", "b"]), (1, ["b", "c"])] {
            let rows = names.map(|name| row(name, &[f64::from(round)], &[], None));
            let new = Results {
                rows: rows.to_vec(),
                ..Results::default()
            };
            kept.take(new, &format!("commit {round}"));
        }
        let told: Vec<_> = kept
            .rows
            .iter()
            .map(|r| (r.name.as_str(), r.commit.as_str()))
            .collect();
        assert_eq!(
            told,
            [("a", "commit 0"), ("b", "commit 1"), ("c", "commit 1")]
        );
    }
}
