//! Every migration exists for both databases, under the same names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Report;

pub fn check(files: &[PathBuf], report: &mut Report) {
    let sqlite = below(Path::new("migrations/sqlite"), files);
    let postgres = below(Path::new("migrations/postgres"), files);
    for (present, absent, difference) in [
        ("sqlite", "postgres", sqlite.difference(&postgres)),
        ("postgres", "sqlite", postgres.difference(&sqlite)),
    ] {
        for path in difference {
            let path = path.display();
            report.finding(format!(
                "migrations/{present}/{path} has no twin in migrations/{absent}"
            ));
        }
    }
}

fn below<'a>(directory: &Path, files: &'a [PathBuf]) -> BTreeSet<&'a Path> {
    files
        .iter()
        .filter_map(|path| path.strip_prefix(directory).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Report, check};

    #[test]
    fn a_lone_migration_is_found() {
        let files = [
            "migrations/sqlite/0001_users/up.sql",
            "migrations/postgres/0001_users/up.sql",
            "migrations/postgres/0002_keys/up.sql",
        ]
        .map(PathBuf::from);
        let mut report = Report::default();
        check(&files, &mut report);
        assert_eq!(
            report.findings,
            ["migrations/postgres/0002_keys/up.sql has no twin in migrations/sqlite"]
        );
    }
}
