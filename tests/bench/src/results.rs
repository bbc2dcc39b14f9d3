//! What was seen, as the JSON that the page is written from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use crate::machine;
use crate::stats::Pairs;

/// Everything of one run.
#[derive(Serialize)]
pub struct Results {
    machine: BTreeMap<&'static str, Value>,
    rows: Vec<Row>,
    curves: Vec<Curve>,
    /// What one of something costs, by name.
    costs: BTreeMap<String, f64>,
    peers: Vec<Peer>,
    soak: Option<Value>,
}

/// One row of the table.
#[derive(Serialize)]
pub struct Row {
    /// A short name, as `--only` takes it.
    pub name: String,
    /// What is measured.
    pub measure: String,
    /// What it is compared with; empty where the figure stands for itself.
    pub against: String,
    /// The unit of the figures.
    pub unit: &'static str,
    /// Every round.
    pub a: Vec<f64>,
    /// Every round of the other; empty where there is none.
    pub b: Vec<f64>,
    /// What must be reached, by the ratio, or by the figure where there is no other.
    pub target: Option<Target>,
    /// What the figure includes, and what else was seen.
    pub notes: String,
}

/// A bound.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
}

/// Points of a plot.
#[derive(Serialize)]
pub struct Curve {
    /// The plot that it belongs to.
    pub plot: &'static str,
    /// What it shows.
    pub label: String,
    /// The points, by x.
    pub points: Vec<Point>,
}

/// A rate and its latencies in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Point {
    /// Connections, or rows.
    pub x: f64,
    /// Requests per second.
    pub rate: f64,
    /// The median.
    pub p50: f64,
    /// The slowest of a hundred.
    pub p99: f64,
}

/// What another server did.
#[derive(Serialize)]
pub struct Peer {
    /// Its name, with its version.
    pub name: String,
    /// Requests per second, every round.
    pub refreshes: Vec<f64>,
    /// The slowest of a hundred refreshes, in microseconds, every round.
    pub p99: Vec<f64>,
    /// Authenticated reads per second, every round; empty where it has none.
    pub reads: Vec<f64>,
    /// What it did.
    pub notes: String,
}

impl Row {
    /// A comparison.
    pub fn compared(
        name: &str,
        measure: &str,
        against: &str,
        unit: &'static str,
        pairs: Pairs,
    ) -> Self {
        Self {
            name: name.to_owned(),
            measure: measure.to_owned(),
            against: against.to_owned(),
            unit,
            a: pairs.a,
            b: pairs.b,
            target: None,
            notes: String::new(),
        }
    }

    /// A figure that stands for itself.
    pub fn alone(name: &str, measure: &str, unit: &'static str, values: Vec<f64>) -> Self {
        let pairs = Pairs {
            a: values,
            b: Vec::new(),
        };
        Self::compared(name, measure, "", unit, pairs)
    }

    /// The same with a bound.
    #[must_use]
    pub const fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// The same with a note.
    #[must_use]
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = notes.into();
        self
    }
}

impl Results {
    /// Nothing was seen yet but the machine.
    pub fn begin(quick: bool) -> Self {
        let mut machine = machine::describe();
        machine.insert("quick", quick.into());
        Self {
            machine,
            rows: Vec::new(),
            curves: Vec::new(),
            costs: BTreeMap::new(),
            peers: Vec::new(),
            soak: None,
        }
    }

    /// One more row.
    pub fn row(&mut self, row: Row) {
        println!(
            "{}: {:.1?} : {:.1?} {}; {}",
            row.name, row.a, row.b, row.unit, row.notes
        );
        self.rows.push(row);
    }

    /// One more curve.
    pub fn curve(&mut self, plot: &'static str, label: impl Into<String>, points: Vec<Point>) {
        self.curves.push(Curve {
            plot,
            label: label.into(),
            points,
        });
    }

    /// What one of something costs.
    pub fn cost(&mut self, name: &str, value: f64) {
        println!("{name}: {value:.2}");
        self.costs.insert(name.to_owned(), value);
    }

    /// One more peer.
    pub fn peer(&mut self, peer: Peer) {
        self.peers.push(peer);
    }

    /// What the soak came to.
    pub fn soak(&mut self, soak: Value) {
        self.soak = Some(soak);
    }

    /// Writes them, with the load that the machine has now.
    pub fn save(&mut self, path: &Path) -> Result<()> {
        self.machine.insert("load_at_end", machine::load().into());
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| path.display().to_string())
    }
}
