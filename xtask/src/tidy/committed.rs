//! No database and no key is committed.

use std::path::{Path, PathBuf};

use super::Report;

/// Ends of names: databases with their companions, private keys, key stores.
const SECRET_ENDS: [&str; 10] = [
    ".db", ".db-wal", ".db-shm", ".sqlite", ".sqlite3", ".key", ".pem", ".p12", ".pfx", ".env",
];

pub fn check(files: &[PathBuf], report: &mut Report) {
    for path in files.iter().filter(|path| is_secret(path)) {
        report.finding(format!(
            "{}: a database or key does not belong here",
            path.display()
        ));
    }
}

fn is_secret(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy().to_lowercase();
        SECRET_ENDS.iter().any(|end| name.ends_with(end))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_secret;

    #[test]
    fn databases_and_keys_are_known_by_name() {
        for secret in [
            "data/renewd.db",
            "data/renewd.db-wal",
            "master.key",
            "deploy/.env",
        ] {
            assert!(is_secret(Path::new(secret)), "{secret}");
        }
        for harmless in ["src/key.rs", "src/key/ring.rs", "docs/database.md"] {
            assert!(!is_secret(Path::new(harmless)), "{harmless}");
        }
    }
}
