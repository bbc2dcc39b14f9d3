//! The matrix of docs/interop.md, one part for each language.

use std::fmt::Write;

use anyhow::Result;

use super::PAGE;
use super::language::Language;
use super::libraries::{Libraries, Library};
use super::verdict::{ALGORITHMS, BAD, GOOD, USES, Verdict};

/// The page with the part of this language made anew.
pub fn written(
    page: &str,
    language: Language,
    libraries: &Libraries,
    verdicts: &[Verdict],
) -> Result<String> {
    let libraries: Vec<_> = libraries.of(language).collect();
    let parts = [
        verification(&libraries, verdicts),
        uses(&libraries, verdicts),
        remarks(&libraries),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    PAGE.replaced(page, language.name(), &parts.join("\n"))
}

fn verification(libraries: &[&Library], verdicts: &[Verdict]) -> String {
    let columns = ALGORITHMS.into_iter().chain(BAD.map(|(column, _)| column));
    let rows = libraries
        .iter()
        .filter(|library| library.verifies)
        .map(|library| {
            let is_ok = |algorithm: &str, token: &str| {
                let mut own = verdicts.iter();
                own.any(|verdict| verdict.is_of(&library.name, algorithm, token) && verdict.ok)
            };
            let known = ALGORITHMS.map(|algorithm| yes(is_ok(algorithm, GOOD)));
            let refused = BAD.map(|(_, names)| {
                let accepts = |name: &&str| ALGORITHMS.iter().any(|alg| is_ok(alg, name));
                if names.iter().any(accepts) {
                    "**accepted**"
                } else {
                    "refused"
                }
            });
            row(library, verdicts, known.into_iter().chain(refused))
        });
    table("verifies", columns, rows.collect())
}

fn uses(libraries: &[&Library], verdicts: &[Verdict]) -> String {
    let rows = libraries
        .iter()
        .filter(|library| library.is_client)
        .map(|library| {
            let works = USES.map(|name| {
                let mut own = verdicts.iter();
                yes(own.any(|verdict| verdict.is_use_of(&library.name, name) && verdict.ok))
            });
            row(library, verdicts, works.into_iter())
        });
    table("OAuth client", USES.into_iter(), rows.collect())
}

fn yes(ok: bool) -> &'static str {
    if ok { "yes" } else { "no" }
}

/// What they lack, and what they had to be told.
fn remarks(libraries: &[&Library]) -> String {
    let mut list = String::new();
    for library in libraries {
        let lacks = library.lacks.iter();
        let lacks = lacks.map(|(what, because)| format!("no {what}: {because}"));
        let told = library.told.clone();
        for remark in lacks.chain(told) {
            // Writing to a string does not fail.
            let _ = writeln!(list, "- {}: {remark}", library.name);
        }
    }
    list
}

/// A table, if it has rows.
fn table<'a>(head: &str, columns: impl Iterator<Item = &'a str>, rows: String) -> String {
    if rows.is_empty() {
        return rows;
    }
    let columns: Vec<_> = columns.collect();
    format!(
        "| {head} | {} |\n|---|{}\n{rows}",
        columns.join(" | "),
        "---|".repeat(columns.len())
    )
}

fn row<'a>(
    library: &Library,
    verdicts: &[Verdict],
    cells: impl Iterator<Item = &'a str>,
) -> String {
    let own = verdicts
        .iter()
        .find(|verdict| verdict.library == library.name);
    let version = own.map_or("", |verdict| verdict.version.as_str());
    let cells: Vec<_> = cells.collect();
    format!(
        "| [{}]({}) {version} | {} |\n",
        library.name,
        library.home,
        cells.join(" | ")
    )
}
