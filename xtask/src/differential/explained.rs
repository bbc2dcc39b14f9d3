//! Why others say something else: tests/differential/explained.toml, held against what they said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use super::corpus::Corpus;
use super::libraries::Theirs;
use crate::workspace::root;

/// The file, relative to the root.
const FILE: &str = "tests/differential/explained.toml";

/// One reason for a group of differences.
pub struct Explanation {
    /// Whether our verifier accepts these tokens, and the libraries do not.
    pub ours_accepts: bool,
    pub libraries: Vec<String>,
    pub cases: Vec<String>,
    pub because: String,
}

impl Explanation {
    fn explains(&self, ours_accepts: bool, library: &str, name: &str) -> bool {
        self.ours_accepts == ours_accepts
            && self
                .libraries
                .iter()
                .any(|known| library.starts_with(known))
            && self.cases.iter().any(|pattern| matches(pattern, name))
    }
}

/// A case that the libraries named beside it judge otherwise.
pub type Differences<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

pub struct Explanations(pub Vec<Explanation>);

impl Explanations {
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(root().join(FILE)).context(FILE)?;
        let table: Table = text.parse().context(FILE)?;
        let entries = table.get("explained").and_then(Value::as_array);
        let entries = entries.context("no [[explained]]")?;
        entries.iter().map(entry).collect::<Result<_>>().map(Self)
    }

    /// What is not explained, and what explains nothing.
    pub fn findings(&self, corpus: &Corpus, verdicts: &[Theirs]) -> Vec<String> {
        let mut findings = BTreeSet::new();
        let mut used = BTreeSet::new();
        for theirs in verdicts {
            let (algorithm, name) = &theirs.id;
            let Some(ours) = corpus.get(&theirs.id) else {
                findings.insert(format!(
                    "{} judges an unknown token: {name}",
                    theirs.library
                ));
                continue;
            };
            if ours.accepted == theirs.accepted {
                continue;
            }
            let library = &theirs.library;
            let found = self
                .0
                .iter()
                .enumerate()
                .find(|(_, one)| one.explains(ours.accepted, library, name));
            let Some((at, one)) = found else {
                let verdict = if theirs.accepted {
                    "accepts"
                } else {
                    "refuses"
                };
                findings.insert(format!(
                    "not explained: {library} {verdict} {name} ({algorithm})"
                ));
                continue;
            };
            used.extend(
                one.libraries
                    .iter()
                    .filter(|known| library.starts_with(*known))
                    .map(|known| (at, known)),
            );
            used.extend(
                one.cases
                    .iter()
                    .filter(|pattern| matches(pattern, name))
                    .map(|pattern| (at, pattern)),
            );
        }
        for (at, one) in self.0.iter().enumerate() {
            for part in one.libraries.iter().chain(&one.cases) {
                if !used.contains(&(at, part)) {
                    findings.insert(format!(
                        "{FILE}: {part:?} explains nothing any more: {}",
                        one.because
                    ));
                }
            }
        }
        findings.into_iter().collect()
    }

    /// The differences that this entry explains, before all later ones.
    pub fn differences<'a>(
        &self,
        entry: usize,
        corpus: &Corpus,
        verdicts: &'a [Theirs],
    ) -> Differences<'a> {
        let mut differences = Differences::new();
        for theirs in verdicts {
            let (name, library) = (&theirs.id.1, &theirs.library);
            let Some(ours) = corpus
                .get(&theirs.id)
                .filter(|ours| ours.accepted != theirs.accepted)
            else {
                continue;
            };
            let first = self
                .0
                .iter()
                .position(|one| one.explains(ours.accepted, library, name));
            if first == Some(entry) {
                differences.entry(name).or_default().insert(library);
            }
        }
        differences
    }
}

fn entry(value: &Value) -> Result<Explanation> {
    let texts = |name: &str| -> Result<Vec<String>> {
        let list = value.get(name).and_then(Value::as_array);
        let texts = list.with_context(|| format!("no list {name} in {value}"))?;
        texts
            .iter()
            .map(|text| text.as_str().map(str::to_owned).context("not a text"))
            .collect()
    };
    let text = |name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.with_context(|| format!("no {name} in {value}"))
    };
    let ours_accepts = match text("ours")? {
        "accepted" => true,
        "refused" => false,
        other => bail!("ours is {other:?}"),
    };
    Ok(Explanation {
        ours_accepts,
        libraries: texts("libraries")?,
        cases: texts("cases")?,
        because: text("because")?.to_owned(),
    })
}

/// Whether the name fits the pattern, in which `*` stands for any text.
pub fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len())
                .filter_map(|at| tail.get(at..))
                .any(|tail| matches(rest, tail))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, name) in [
            ("a", "a"),
            ("a*", "a"),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a*c*e", "abcde"),
            ("json/* deep", "json/claims 1500 deep"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), ("a*c", "abd"), ("*b", "abc"), ("", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
