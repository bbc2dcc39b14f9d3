//! What cargo-mutants left behind: which mutants were caught, and which were not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

/// What became of the mutants.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Or do not compile.
    caught: BTreeSet<String>,
    timed_out: BTreeSet<String>,
    missed: BTreeSet<String>,
}

impl Figures {
    /// Reads the lists in a directory. What was caught in an earlier pass is in a list of its own,
    /// and what did not compile with it: the two are not told apart.
    pub fn read(directory: &Path) -> Result<Self> {
        let list = |name: &str| -> Result<BTreeSet<String>> {
            let path = directory.join(name);
            let text = if path.is_file() {
                fs::read_to_string(path)?
            } else {
                String::new()
            };
            Ok(text.lines().map(str::to_owned).collect())
        };
        let mut caught = list("caught.txt")?;
        caught.extend(list("previously_caught.txt")?);
        caught.extend(list("unviable.txt")?);
        Ok(Self {
            caught,
            timed_out: list("timeout.txt")?,
            missed: list("missed.txt")?,
        })
    }

    /// Adds those of another package.
    pub fn add(&mut self, other: Self) {
        self.caught.extend(other.caught);
        self.timed_out.extend(other.timed_out);
        self.missed.extend(other.missed);
    }

    /// For the terminal.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} noticed or not compiling, {} that ran without end, {} not noticed",
            self.caught.len(),
            self.timed_out.len(),
            self.missed.len()
        );
        for name in &self.missed {
            let _ = write!(text, "\n  {name}");
        }
        text
    }

    /// By file, for the page.
    pub fn table(&self) -> String {
        let mut files: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for (column, list) in [&self.caught, &self.timed_out, &self.missed]
            .into_iter()
            .enumerate()
        {
            for name in list {
                files.entry(file_of(name)).or_default()[column] += 1;
            }
        }
        let mut table = "| file | noticed, or does not compile | ran without end | not noticed |\n\
             |---|--:|--:|--:|\n"
            .to_owned();
        for (file, [caught, timed_out, missed]) in &files {
            let _ = writeln!(table, "| `{file}` | {caught} | {timed_out} | {missed} |");
        }
        let _ = writeln!(
            table,
            "| all | {} | {} | {} |",
            self.caught.len(),
            self.timed_out.len(),
            self.missed.len()
        );
        table
    }

    /// The mutants that were not noticed, for the page.
    pub fn survivors(&self) -> String {
        let mut list = String::new();
        for name in &self.missed {
            let _ = writeln!(list, "- `{}`", without_place(name));
        }
        if list.is_empty() {
            "None.\n".to_owned()
        } else {
            list
        }
    }

    /// Those of the mutants that were not noticed for which the page has no reason: a line of the
    /// table of reasons that begins with the mutant, without its line.
    pub fn unexplained(&self, page: &str) -> Vec<&str> {
        let is_explained = |name: &str| page.contains(&format!("| `{}` |", without_place(name)));
        let missed = self.missed.iter().map(String::as_str);
        missed.filter(|name| !is_explained(name)).collect()
    }
}

/// `path:line:column: what` names its file first.
fn file_of(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// `path: what`: the line changes with every edit above it.
fn without_place(name: &str) -> String {
    let what = name.splitn(4, ':').nth(3).unwrap_or_default();
    // A bar would end the cell of a table.
    format!("{}:{what}", file_of(name)).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUTANT: &str = "crates/a/src/b.rs:7:5: replace a || b with false in A::b";

    fn figures() -> Figures {
        Figures {
            missed: [MUTANT.to_owned()].into(),
            caught: ["crates/a/src/b.rs:9:5: replace c with ()".to_owned()].into(),
            ..Figures::default()
        }
    }

    #[test]
    fn figures_are_told_by_file() {
        assert!(
            figures()
                .table()
                .contains("| `crates/a/src/b.rs` | 1 | 0 | 1 |\n| all | 1 | 0 | 1 |")
        );
        assert!(figures().text().ends_with(MUTANT));
    }

    #[test]
    fn a_survivor_wants_a_reason() {
        let page = "| `crates/a/src/b.rs: replace a \\|\\| b with false in A::b` | the same |";
        assert!(figures().unexplained(page).is_empty());
        assert_eq!(figures().unexplained("| other |"), [MUTANT]);
        assert_eq!(Figures::default().survivors(), "None.\n");
    }
}
