//! Every crate has its own readme and changelog.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Report;

const EXPECTED: [&str; 3] = ["Cargo.toml", "README.md", "CHANGELOG.md"];

pub fn check(files: &[PathBuf], report: &mut Report) {
    let crates: BTreeSet<_> = files
        .iter()
        .filter_map(|path| path.strip_prefix("crates").ok()?.iter().next())
        .collect();
    for name in crates {
        for expected in EXPECTED {
            let path = PathBuf::from("crates").join(name).join(expected);
            if !files.contains(&path) {
                report.finding(format!("{} is missing", path.display()));
            }
        }
    }
}
