//! Pages of the documentation with parts that a command writes, between marks.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace::root;

/// A page, and the command that writes parts of it.
#[derive(Clone, Copy)]
pub struct Page {
    /// Relative to the root.
    pub path: &'static str,
    /// As it is typed.
    pub command: &'static str,
}

impl Page {
    /// The page as it is.
    pub fn read(self) -> Result<String> {
        fs::read_to_string(root().join(self.path)).context(self.path)
    }

    /// `page` with the text between two marks replaced; everything outside them stays.
    pub fn replaced(self, page: &str, name: &str, text: &str) -> Result<String> {
        let (start, end) = (
            format!("<!-- {name}: written by `{}` -->\n", self.command),
            format!("<!-- end of {name} -->"),
        );
        let (before, rest) = page
            .split_once(&start)
            .with_context(|| format!("{} has no {start}", self.path))?;
        let (_, after) = rest
            .split_once(&end)
            .with_context(|| format!("{} has no {end}", self.path))?;
        Ok(format!("{before}{start}\n{text}\n{end}{after}"))
    }

    /// Writes the page, or says with `check` whether it is what would be written.
    pub fn publish(self, page: &str, check: bool) -> Result<bool> {
        if !check {
            fs::write(root().join(self.path), page)?;
            println!("{} is written", self.path);
            return Ok(true);
        }
        let is_current = self.read()? == page;
        if !is_current {
            println!("{} is out of date: run `{}`", self.path, self.command);
        }
        Ok(is_current)
    }
}

/// A table in Markdown.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        cells.fold("|".to_owned(), |line, cell| format!("{line} {cell} |")) + "\n"
    };
    let mut text = line(&mut head.iter().copied());
    text += &"|---".repeat(head.len());
    text += "|\n";
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}
