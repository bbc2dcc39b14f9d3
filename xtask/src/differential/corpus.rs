//! The tokens and what our verifier said of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::text;

/// Names an algorithm and a case.
pub type Id = (String, String);

/// Our verdict on a token.
pub struct Ours {
    pub accepted: bool,
    pub covers: BTreeSet<String>,
}

/// The corpus by algorithm and name.
pub struct Corpus(BTreeMap<Id, Ours>);

impl Corpus {
    pub fn read(path: &Path) -> Result<Self> {
        let lines = fs::read_to_string(path)
            .with_context(|| format!("the tests left no {}", path.display()))?;
        // The first line is the policy.
        let cases = lines.lines().skip(1).map(|line| {
            let case: Value = serde_json::from_str(line)?;
            let covers = text(&case, "covers")?;
            let ours = Ours {
                accepted: case.get("accepted") == Some(&Value::Bool(true)),
                covers: covers.split_whitespace().map(str::to_owned).collect(),
            };
            Ok((id(&case)?, ours))
        });
        cases.collect::<Result<_>>().map(Self)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, id: &Id) -> Option<&Ours> {
        self.0.get(id)
    }

    /// The groups of cases in the order of their names, each with its cases.
    pub fn groups(&self) -> BTreeMap<&str, Vec<(&str, &Ours)>> {
        let mut groups: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for ((_, name), ours) in &self.0 {
            let group = name.split('/').next().unwrap_or(name);
            groups.entry(group).or_default().push((name.as_str(), ours));
        }
        groups
    }
}

/// Algorithm and name of a line.
pub fn id(line: &Value) -> Result<Id> {
    Ok((
        text(line, "algorithm")?.to_owned(),
        text(line, "name")?.to_owned(),
    ))
}
