//! tests/interop/libraries.toml: the libraries, what they do not know and why, held against what
//! they said.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use clap::ValueEnum;
use toml::{Table, Value};

use super::language::Language;
use super::verdict::{ALGORITHMS, BAD, GOOD, USES, Verdict};
use crate::workspace::root;

/// The file, relative to the root.
const FILE: &str = "tests/interop/libraries.toml";

/// One library.
pub struct Library {
    pub name: String,
    pub language: Language,
    pub home: String,
    pub verifies: bool,
    pub is_client: bool,
    /// What it was told that is not obvious.
    pub told: Option<String>,
    /// The algorithms and uses that it does not know, and why.
    pub lacks: BTreeMap<String, String>,
}

pub struct Libraries(pub Vec<Library>);

impl Libraries {
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(root().join(FILE)).context(FILE)?;
        let table: Table = text.parse().context(FILE)?;
        let entries = table.get("library").and_then(Value::as_array);
        let entries = entries.context("no [[library]]")?;
        entries
            .iter()
            .map(|entry| library(entry).with_context(|| format!("{FILE}: {entry}")))
            .collect::<Result<_>>()
            .map(Self)
    }

    /// The names of those that are OAuth clients.
    pub fn clients(&self) -> Vec<&str> {
        let clients = self.0.iter().filter(|library| library.is_client);
        clients.map(|library| library.name.as_str()).collect()
    }

    pub fn of(&self, language: Language) -> impl Iterator<Item = &Library> {
        self.0
            .iter()
            .filter(move |library| library.language == language)
    }

    /// What is not as it should be, and not explained; and what is explained without being so.
    pub fn findings(&self, language: Language, verdicts: &[Verdict]) -> Vec<String> {
        let mut findings: Vec<_> = self
            .of(language)
            .flat_map(|library| library.findings(verdicts))
            .collect();
        for verdict in verdicts {
            let name = &verdict.library;
            if !self.of(language).any(|library| library.name == *name) {
                findings.push(format!("{FILE} does not name {name}"));
            }
        }
        findings.dedup();
        findings
    }
}

impl Library {
    fn findings(&self, verdicts: &[Verdict]) -> Vec<String> {
        let mut findings = Vec::new();
        if self.verifies {
            for algorithm in ALGORITHMS {
                let of_token = |name| {
                    let mut own = verdicts.iter();
                    own.find(|verdict| verdict.is_of(&self.name, algorithm, name))
                };
                findings.extend(self.disappointment(algorithm, of_token(GOOD)));
                for name in BAD.iter().flat_map(|(_, names)| *names) {
                    match of_token(name) {
                        None => findings.push(self.silent(&format!("{algorithm}, {name}"))),
                        Some(verdict) if verdict.ok => {
                            findings.push(format!("{} accepts {algorithm}, {name}", self.name));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        if self.is_client {
            for name in USES {
                let mut own = verdicts.iter();
                let verdict = own.find(|verdict| verdict.is_use_of(&self.name, name));
                findings.extend(self.disappointment(name, verdict));
            }
        }
        findings
    }

    /// Something should work, or stand among what the library lacks.
    fn disappointment(&self, what: &str, verdict: Option<&Verdict>) -> Option<String> {
        let Some(verdict) = verdict else {
            return Some(self.silent(what));
        };
        match (verdict.ok, self.lacks.get(what)) {
            (true, None) | (false, Some(_)) => None,
            (true, Some(because)) => Some(format!(
                "{FILE}: {} knows {what} by now: {because}",
                self.name
            )),
            (false, None) => Some(format!(
                "not explained: {}, {what}: {}",
                self.name, verdict.reason
            )),
        }
    }

    fn silent(&self, what: &str) -> String {
        format!("{} says nothing of {what}", self.name)
    }
}

fn library(entry: &Value) -> Result<Library> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| entry.get(name).and_then(Value::as_bool).unwrap_or(false);
    let language = text("language").context("no language")?;
    let language = Language::from_str(&language, false).ok();
    let lacks = entry.get("lacks").and_then(Value::as_table);
    let lacks = lacks.into_iter().flatten().map(|(what, because)| {
        let because = because.as_str().context("a reason that is no text")?;
        Ok((what.clone(), because.to_owned()))
    });
    Ok(Library {
        name: text("name").context("no name")?,
        language: language.context("another language")?,
        home: text("home").context("no home")?,
        verifies: flag("verifies"),
        is_client: flag("client"),
        told: text("told"),
        lacks: lacks.collect::<Result<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{ALGORITHMS, BAD, GOOD, Libraries, Library, USES, Verdict};
    use crate::interop::language::Language;
    use crate::interop::verdict::Trial;

    fn libraries(lacks: &[(&str, &str)]) -> Libraries {
        let lacks = lacks
            .iter()
            .map(|(what, why)| ((*what).to_owned(), (*why).to_owned()));
        Libraries(vec![Library {
            name: "one".to_owned(),
            language: Language::Go,
            home: String::new(),
            verifies: true,
            is_client: true,
            told: None,
            lacks: lacks.collect(),
        }])
    }

    fn verdict(trial: Trial, ok: bool) -> Verdict {
        Verdict {
            library: "one".to_owned(),
            version: "1".to_owned(),
            trial,
            ok,
            reason: "because".to_owned(),
        }
    }

    /// Of a library without fault.
    fn verdicts() -> Vec<Verdict> {
        let token = |algorithm: &str, name: &str| {
            let (algorithm, token) = (algorithm.to_owned(), name.to_owned());
            verdict(Trial::Token { algorithm, token }, name == GOOD)
        };
        let names = || BAD.iter().flat_map(|(_, names)| *names).chain([&GOOD]);
        let tokens = ALGORITHMS
            .iter()
            .flat_map(|algorithm| names().map(move |name| token(algorithm, name)));
        let uses = USES
            .iter()
            .map(|name| verdict(Trial::Use((*name).to_owned()), true));
        tokens.chain(uses).collect()
    }

    fn findings(lacks: &[(&str, &str)], change: impl Fn(&mut Verdict)) -> Vec<String> {
        let mut verdicts = verdicts();
        verdicts.iter_mut().for_each(change);
        libraries(lacks).findings(Language::Go, &verdicts)
    }

    #[test]
    fn a_library_without_fault_is_no_finding() {
        assert!(findings(&[], |_| ()).is_empty());
    }

    #[test]
    fn a_bad_token_that_is_accepted_is_a_finding_even_of_an_unknown_algorithm() {
        let accept = |verdict: &mut Verdict| {
            verdict.ok |= verdict.is_of("one", "RS256", "altered signature");
            verdict.ok &= !verdict.is_of("one", "RS256", GOOD);
        };
        assert_eq!(
            findings(&[("RS256", "it is old")], accept),
            ["one accepts RS256, altered signature"]
        );
    }

    #[test]
    fn what_is_lacking_wants_a_reason_and_a_reason_wants_a_lack() {
        let lack = |verdict: &mut Verdict| {
            verdict.ok &= !verdict.is_of("one", "EdDSA", GOOD);
            verdict.ok &= !verdict.is_use_of("one", "revocation");
        };
        assert_eq!(
            findings(&[("EdDSA", "it is old")], lack),
            ["not explained: one, revocation: because"]
        );
        assert_eq!(findings(&[("HS256", "it is old")], |_| ()).len(), 1);
    }

    #[test]
    fn a_trial_that_was_left_out_is_a_finding() {
        let mut verdicts = verdicts();
        verdicts.retain(|verdict| !verdict.is_of("one", "ES256", "expired"));
        assert_eq!(
            libraries(&[]).findings(Language::Go, &verdicts),
            ["one says nothing of ES256, expired"]
        );
    }

    #[test]
    fn a_library_that_nobody_named_is_a_finding() {
        assert_eq!(
            findings(&[], |verdict| verdict.library = "two".to_owned())
                .iter()
                .filter(|finding| finding.ends_with("does not name two"))
                .count(),
            1
        );
    }

    /// The file names libraries of all languages, and lacks are of things that are tried.
    #[test]
    fn the_file_is_read() {
        let libraries = Libraries::read().expect("the file");
        for language in Language::ALL {
            assert!(libraries.of(language).next().is_some(), "{language}");
        }
        for library in &libraries.0 {
            for what in library.lacks.keys() {
                let is_tried = ALGORITHMS.contains(&what.as_str()) && library.verifies
                    || USES.contains(&what.as_str()) && library.is_client;
                assert!(is_tried, "{}: {what}", library.name);
            }
        }
    }
}
