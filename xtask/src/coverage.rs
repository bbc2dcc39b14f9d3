//! `docs/coverage.md`: which test covers which item.
//!
//! A test says in its doc comment which items it covers (`/// S45`); this reads
//! those comments, so the table cannot claim what no test claims.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::Outcome;
use crate::workspace::{files, root};

/// The table's place, relative to the root.
pub const TABLE: &str = "docs/coverage.md";

const HEAD: &str = "# Coverage\n\n\
    Which test covers which item. Written by `cargo xtask coverage-table` from the doc comments\n\
    of the tests; `cargo xtask tidy` fails while it is out of date.\n\n\
    | item | tests |\n|---|---|\n";

/// Tests by the number of the item that they name.
type Coverage = BTreeMap<u32, BTreeSet<String>>;

pub fn write() -> Result<Outcome> {
    let path = root().join(TABLE);
    fs::create_dir_all(path.with_file_name(""))?;
    fs::write(path, table()?)?;
    println!("{TABLE} is written");
    Ok(Outcome::Passed)
}

/// What the table should say now.
pub fn table() -> Result<String> {
    let mut coverage = Coverage::new();
    for path in files()? {
        if path.extension().is_some_and(|extension| extension == "rs") {
            scan(
                &path,
                &fs::read_to_string(root().join(&path))?,
                &mut coverage,
            );
        }
    }
    Ok(render(&coverage))
}

/// Finds the doc comment, the attributes and the `fn` line of each test.
fn scan(path: &Path, source: &str, coverage: &mut Coverage) {
    let mut items = BTreeSet::new();
    // In a directory of tests a function may be a case that a macro instantiates.
    let among_tests = path.components().any(|part| part.as_os_str() == "tests");
    let mut is_test = among_tests;
    for line in source.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            items.extend(named_items(comment));
            continue;
        }
        if line.starts_with("#[") || line.starts_with("//") {
            is_test |= ["#[test]", "#[actix_web::test]"]
                .iter()
                .any(|test| line.starts_with(test));
            continue;
        }
        if let Some(name) = function_name(line).filter(|_| is_test) {
            for item in &items {
                let test = format!("`{}` {name}", path.display());
                coverage.entry(*item).or_default().insert(test);
            }
        }
        items.clear();
        is_test = among_tests;
    }
}

/// The numbers of all words of the form `S45`.
fn named_items(comment: &str) -> impl Iterator<Item = u32> {
    comment
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter_map(|word| word.strip_prefix('S')?.parse().ok())
}

fn function_name(line: &str) -> Option<&str> {
    let (qualifiers, rest) = line.split_once("fn ")?;
    qualifiers
        .split_whitespace()
        .all(|word| {
            matches!(
                word,
                "pub" | "pub(crate)" | "pub(super)" | "async" | "const"
            )
        })
        .then(|| rest.split(['(', '<']).next())?
}

fn render(coverage: &Coverage) -> String {
    let mut table = HEAD.to_owned();
    for (item, tests) in coverage {
        let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
        // Writing to a string does not fail.
        let _ = writeln!(table, "| S{item} | {} |", tests.join("<br>"));
    }
    table
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Coverage, render, scan};

    fn rows(path: &str, source: &str) -> Vec<String> {
        let mut coverage = Coverage::new();
        scan(Path::new(path), source, &mut coverage);
        render(&coverage)
            .lines()
            .filter(|line| line.starts_with("| S"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_test_is_listed_under_each_item_in_order() {
        let source = "/// S45, S7: the old token is dead.\n#[test]\nfn rotates() {}\n";
        assert_eq!(
            rows("src/a.rs", source),
            [
                "| S7 | `src/a.rs` rotates |",
                "| S45 | `src/a.rs` rotates |"
            ]
        );
    }

    #[test]
    fn two_tests_of_one_item_share_its_row() {
        let source = "/// S1\n#[test]\nfn b() {}\n\n/// S1\n#[test]\nfn a() {}\n";
        assert_eq!(rows("a.rs", source), ["| S1 | `a.rs` a<br>`a.rs` b |"]);
    }

    #[test]
    fn what_is_no_test_covers_nothing() {
        assert!(rows("src/a.rs", "/// As S45 says.\npub fn rotate() {}\n").is_empty());
        assert!(
            rows(
                "src/a.rs",
                "/// S45\nconst X: u8 = 1;\n#[test]\nfn a() {}\n"
            )
            .is_empty()
        );
        assert!(rows("src/a.rs", "/// SHA256, S4x, RS256\n#[test]\nfn a() {}\n").is_empty());
    }

    #[test]
    fn cases_of_a_suite_count_among_tests() {
        let source = "/// S45\npub fn rotates(server: &Server) {}\n";
        assert_eq!(
            rows("tests/tests/a.rs", source),
            ["| S45 | `tests/tests/a.rs` rotates |"]
        );
    }
}
