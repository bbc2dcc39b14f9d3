//! The tables of docs/hostile-tokens.md, between the page's own words.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::Result;

use super::PAGE;
use super::corpus::Corpus;
use super::explained::{Differences, Explanations};
use super::libraries::Theirs;

/// The page with its tables made anew; everything outside the marks stays.
pub fn page(corpus: &Corpus, verdicts: &[Theirs], explanations: &Explanations) -> Result<String> {
    let page = PAGE.read()?;
    let page = PAGE.replaced(&page, "corpus", &groups(corpus))?;
    let page = PAGE.replaced(&page, "libraries", &libraries(corpus, verdicts))?;
    PAGE.replaced(
        &page,
        "disagreements",
        &disagreements(corpus, verdicts, explanations),
    )
}

fn groups(corpus: &Corpus) -> String {
    let mut table = "| group | cases | of them good | stands for |\n|---|---|---|---|\n".to_owned();
    for (group, cases) in corpus.groups() {
        let names: BTreeSet<_> = cases.iter().map(|(name, _)| name).collect();
        let good: BTreeSet<_> = cases
            .iter()
            .filter(|(_, ours)| ours.accepted)
            .map(|(name, _)| name)
            .collect();
        let covers: BTreeSet<_> = cases.iter().flat_map(|(_, ours)| &ours.covers).collect();
        let covers: Vec<_> = covers.into_iter().map(String::as_str).collect();
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| `{group}` | {} | {} | {} |",
            names.len(),
            good.len(),
            covers.join(", ")
        );
    }
    table
}

fn libraries(corpus: &Corpus, verdicts: &[Theirs]) -> String {
    let mut table =
        "| library | tokens | accepts what renewd refuses | refuses what renewd accepts |\n|---|---|---|---|\n"
            .to_owned();
    let names: BTreeSet<_> = verdicts.iter().map(|theirs| &theirs.library).collect();
    for library in names {
        let own: Vec<_> = verdicts
            .iter()
            .filter(|theirs| theirs.library == *library)
            .collect();
        let differing = |accepted: bool| {
            own.iter()
                .filter(|theirs| theirs.accepted == accepted)
                .filter(|theirs| {
                    corpus
                        .get(&theirs.id)
                        .is_some_and(|ours| ours.accepted != accepted)
                })
                .count()
        };
        let _ = writeln!(
            table,
            "| {library} | {} | {} | {} |",
            own.len(),
            differing(true),
            differing(false)
        );
    }
    table
}

fn disagreements(corpus: &Corpus, verdicts: &[Theirs], explanations: &Explanations) -> String {
    let mut table = "| cases | renewd | otherwise | why |\n|---|---|---|---|\n".to_owned();
    for (at, one) in explanations.0.iter().enumerate() {
        let differences = explanations.differences(at, corpus, verdicts);
        let ours = if one.ours_accepts {
            "accepts"
        } else {
            "refuses"
        };
        let cases: Vec<_> = one
            .cases
            .iter()
            .map(|pattern| shown(pattern, &differences))
            .collect();
        let libraries: BTreeSet<_> = differences.values().flatten().copied().collect();
        let libraries: Vec<_> = libraries
            .into_iter()
            .map(|library| library.split(' ').next().unwrap_or(library))
            .collect();
        let _ = writeln!(
            table,
            "| {} | {ours} | {} | {} |",
            cases.join("<br>"),
            libraries.join(", "),
            one.because
        );
    }
    table
}

/// The pattern as code, with the number of cases that it stands for.
fn shown(pattern: &str, differences: &Differences<'_>) -> String {
    let code = pattern.replace('|', "\\|");
    let count = differences
        .keys()
        .filter(|name| super::explained::matches(pattern, name))
        .count();
    if pattern.contains('*') {
        format!("`{code}` ({count})")
    } else {
        format!("`{code}`")
    }
}
