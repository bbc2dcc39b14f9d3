//! What every source file has, and what none has.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Report;
use crate::workspace::root;

/// Above this many lines a file wants a look, above the second it must be split.
const LONG: usize = 400;
const TOO_LONG: usize = 600;

/// Files in which unfinished work could be announced.
const SOURCES: [&str; 6] = ["rs", "sql", "toml", "sh", "css", "js"];

/// Markers of unfinished work. Put together here so that this file has none.
const MARKERS: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
];

/// Macros that stand for code not written.
const STUBS: [&str; 2] = [concat!("to", "do!("), concat!("unimple", "mented!(")];

/// Directories that exist on one machine only.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
];

pub fn check(files: &[PathBuf], report: &mut Report) -> Result<()> {
    for path in files {
        let bytes = fs::read(root().join(path))
            .with_context(|| format!("cannot read {}", path.display()))?;
        // What is not text has no lines to judge.
        if let Ok(text) = String::from_utf8(bytes) {
            check_file(path, &text, report);
        }
    }
    Ok(())
}

fn check_file(path: &Path, text: &str, report: &mut Report) {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if extension == Some("rs") {
        check_shape(path, text, report);
    }
    let is_source = extension.is_none_or(|extension| SOURCES.contains(&extension));
    for (number, line) in (1..).zip(text.lines()) {
        let here = format!("{}:{number}", path.display());
        if let Some(directory) = MACHINE_PATHS.iter().find(|path| has_path(line, path)) {
            report.finding(format!("{here}: a path of one machine ({directory})"));
        }
        if is_source && let Some(marker) = MARKERS.iter().find(|word| has_word(line, word)) {
            report.finding(format!("{here}: unfinished work ({marker})"));
        }
        if extension == Some("rs") {
            check_line(&here, line, report);
        }
    }
}

fn check_shape(path: &Path, text: &str, report: &mut Report) {
    if !text.starts_with("//!") && !text.starts_with("// @generated") {
        report.finding(format!("{}:1: does not begin with //!", path.display()));
    }
    let lines = text.lines().count();
    let size = format!("{}: {lines} lines", path.display());
    if lines > TOO_LONG {
        report.finding(format!("{size}: more than {TOO_LONG} needs splitting"));
    } else if lines > LONG {
        report.note(format!("{size}: more than {LONG} is long"));
    }
}

fn check_line(here: &str, line: &str, report: &mut Report) {
    let code = line.trim_start();
    if code.starts_with(concat!("#[ig", "nore")) {
        report.finding(format!("{here}: a test that does not run"));
    }
    if !code.starts_with("//")
        && let Some(stub) = STUBS.iter().find(|stub| code.contains(**stub))
    {
        report.finding(format!("{here}: a stub ({stub}…))"));
    }
}

/// Whether the word stands alone in the line.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Whether an absolute path begins with the directory: part of a longer path or
/// of a URL does not count.
fn has_path(line: &str, directory: &str) -> bool {
    line.match_indices(directory).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|c| is_word(c) || "./-}>*".contains(c))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LONG, MACHINE_PATHS, MARKERS, Report, STUBS, TOO_LONG, check_file};

    fn report(path: &str, text: &str) -> Report {
        let mut report = Report::default();
        check_file(Path::new(path), text, &mut report);
        report
    }

    fn findings(text: &str) -> Vec<String> {
        report("a.rs", &format!("//! A room.\n{text}\n")).findings
    }

    #[test]
    fn every_marker_stub_and_path_is_found() {
        for marker in MARKERS {
            assert_eq!(
                findings(&format!("// {marker}: later")).len(),
                1,
                "{marker}"
            );
            assert!(
                findings(&format!("let {marker}_LIST = 1;")).is_empty(),
                "{marker}"
            );
        }
        for stub in STUBS {
            assert_eq!(
                findings(&format!("fn f() {{ {stub}) }}")).len(),
                1,
                "{stub}"
            );
        }
        for path in MACHINE_PATHS {
            assert_eq!(findings(&format!("// see {path}me/x")).len(), 1, "{path}");
            assert!(
                findings(&format!("// https://example.org{path}x")).is_empty(),
                "{path}"
            );
        }
    }

    #[test]
    fn a_test_that_does_not_run_is_found() {
        assert_eq!(findings(concat!("    #[ig", "nore = \"slow\"]")).len(), 1);
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(report("a.rs", "use std::fs;\n").findings.len(), 1);
        assert!(report("a.rs", "// @generated\n").findings.is_empty());
        assert!(report("a.sql", "select 1;\n").findings.is_empty());
    }

    #[test]
    fn long_files_are_noted_and_too_long_ones_found() {
        let lines = |count: usize| format!("//! A room.\n{}", "\n".repeat(count - 1));
        assert!(report("a.rs", &lines(LONG)).notes.is_empty());
        assert_eq!(report("a.rs", &lines(LONG + 1)).notes.len(), 1);
        assert_eq!(report("a.rs", &lines(TOO_LONG + 1)).findings.len(), 1);
    }
}
