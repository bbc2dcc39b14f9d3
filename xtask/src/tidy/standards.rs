//! docs/standards.md names only files and tests that exist.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Report;
use crate::workspace::root;

/// The page, relative to the root.
const PAGE: &str = "docs/standards.md";

pub fn check(files: &[PathBuf], report: &mut Report) -> Result<()> {
    let page = fs::read_to_string(root().join(PAGE))?;
    for (path, test) in named(&page) {
        if !files.iter().any(|file| file.as_os_str() == path) {
            report.finding(format!("{PAGE}: there is no {path}"));
            continue;
        }
        let Some(test) = test else { continue };
        let source = fs::read_to_string(root().join(path))?;
        if !source.contains(&format!("fn {test}(")) {
            report.finding(format!("{PAGE}: there is no test {test} in {path}"));
        }
    }
    Ok(())
}

/// The paths of Rust files in the rows of tables, each with the test after it, if there is one.
fn named(page: &str) -> Vec<(&str, Option<&str>)> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.flat_map(|row| row.split('|').flat_map(|cell| cell.split("<br>")));
    cells
        .filter_map(|cell| {
            let (path, rest) = cell.trim().strip_prefix('`')?.split_once('`')?;
            let test = rest.trim();
            let is_source = Path::new(path).extension().is_some_and(|end| end == "rs");
            is_source.then_some((path, (!test.is_empty()).then_some(test)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn files_and_tests_are_found_in_tables() {
        let page = "`not/in/a/table.rs`\n\
                    | § | asked | where | shown by |\n\
                    | 4 | `typ` is | `a/b.rs` | `c.rs` one<br>`d/e.rs` two |\n";
        let expected = [
            ("a/b.rs", None),
            ("c.rs", Some("one")),
            ("d/e.rs", Some("two")),
        ];
        assert_eq!(named(page), expected);
    }
}
