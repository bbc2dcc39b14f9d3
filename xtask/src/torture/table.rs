//! The table of faults: on the terminal, and in docs/faults.md.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use crate::suite::Story;
use crate::workspace::root;

const DOCUMENT: &str = "docs/faults.md";
const BEGIN: &str = "<!-- The table is written by `cargo xtask torture --write`. -->\n";
const END: &str = "<!-- End of the table. -->";

/// What a test tells of its fault.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    fault: String,
    done: String,
    seen: String,
    figures: String,
}

impl Row {
    /// Reads `name | what was done | what was seen | figures`.
    pub fn of(story: Story) -> Option<Self> {
        let mut parts = story.into_iter();
        Some(Self {
            fault: parts.next()?,
            done: parts.next()?,
            seen: parts.next()?,
            figures: parts.next()?,
        })
    }
}

/// One row for each test.
pub struct Table<'a> {
    rows: Vec<(&'a str, Option<Row>)>,
}

/// The fault that a test of this name makes.
pub fn fault_of(test: &str) -> &str {
    test.rsplit_once("::").map_or(test, |(_, fault)| fault)
}

impl<'a> Table<'a> {
    /// In the order of the tests.
    pub fn new(tests: &'a [String], mut told: Vec<Row>) -> Self {
        let rows = tests.iter().map(|test| {
            let place = told.iter().position(|row| row.fault == fault_of(test));
            (test.as_str(), place.map(|place| told.swap_remove(place)))
        });
        Self {
            rows: rows.collect(),
        }
    }

    /// Whether every test told its story, which it does at its good end.
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(|(_, row)| row.is_some())
    }

    /// For the terminal.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (test, row) in &self.rows {
            let seen = row.as_ref().map_or("FAILED", |row| row.seen.as_str());
            let _ = writeln!(text, "{:<24}{seen}", fault_of(test));
            if let Some(row) = row {
                let _ = writeln!(text, "{:<24}{}", "", row.figures);
            }
        }
        text
    }

    fn to_markdown(&self) -> String {
        let mut text = "| what is done | what is seen | figures | test |\n\
                        |---|---|---|---|\n"
            .to_owned();
        for (test, row) in &self.rows {
            if let Some(row) = row {
                let [done, seen, figures] = [&row.done, &row.seen, &row.figures];
                let _ = writeln!(text, "| {done} | {seen} | {figures} | `{test}` |");
            }
        }
        text
    }

    /// Replaces the table of the document.
    pub fn write(&self) -> Result<()> {
        let path = root().join(DOCUMENT);
        let old = fs::read_to_string(&path).with_context(|| DOCUMENT.to_owned())?;
        let new = replaced(&old, &self.to_markdown())
            .with_context(|| format!("{DOCUMENT} has no marks around its table"))?;
        fs::write(&path, new).with_context(|| DOCUMENT.to_owned())
    }
}

fn replaced(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::story;

    fn read(line: &str) -> Option<Row> {
        Row::of(story(line, "fault")?)
    }

    const LINE: &str = "fault: killed | kill -9 | 503 | 7 refused; well";

    #[test]
    fn a_story_is_read_from_its_line() {
        let row = read(LINE).unwrap();
        assert_eq!(
            (row.fault.as_str(), row.done.as_str()),
            ("killed", "kill -9")
        );
        assert_eq!(
            (row.seen.as_str(), row.figures.as_str()),
            ("503", "7 refused; well")
        );
        assert_eq!(read(&format!("test x ... {LINE}")), Some(row));
        assert_eq!(read("test faults::killed ... ok"), None);
    }

    #[test]
    fn a_test_without_a_story_failed() {
        let tests = ["faults::a::postgres::killed", "faults::a::postgres::lost"];
        let tests = tests.map(str::to_owned);
        let rows = read(LINE).into_iter().collect();
        let table = Table::new(&tests, rows);
        assert!(!table.is_complete());
        assert!(table.to_text().contains("FAILED"));
        let row = "| kill -9 | 503 | 7 refused; well | `faults::a::postgres::killed` |\n";
        assert!(table.to_markdown().ends_with(row));
    }

    #[test]
    fn only_the_table_is_replaced() {
        let document = format!("before\n{BEGIN}\nold\n\n{END}\nafter\n");
        let new = format!("before\n{BEGIN}\nnew\n\n{END}\nafter\n");
        assert_eq!(replaced(&document, "new\n"), Some(new));
        assert_eq!(replaced("no marks", "new\n"), None);
    }
}
