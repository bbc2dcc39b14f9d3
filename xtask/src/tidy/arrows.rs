//! Which crate may depend on what, through however many others.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Report;
use crate::workspace::{cargo, output};

/// One arrow that must not exist.
struct Rule {
    package: &'static str,
    /// Further arguments of `cargo tree`.
    features: &'static [&'static str],
    /// Beginnings of the names of crates that must not be in its tree.
    forbidden: &'static [&'static str],
}

const RULES: [Rule; 7] = [
    Rule {
        package: "token-core",
        features: &["--all-features"],
        forbidden: &[
            "tokio",
            "diesel",
            "actix",
            "hyper",
            "ureq",
            "storage-diesel",
            "http-actix",
        ],
    },
    Rule {
        package: "storage-diesel",
        features: &["--all-features"],
        forbidden: &["actix", "http-actix"],
    },
    Rule {
        package: "admin-cli",
        features: &["--all-features"],
        forbidden: &["actix", "http-actix"],
    },
    Rule {
        package: "http-actix",
        features: &["--no-default-features"],
        forbidden: &["diesel", "storage-diesel", "libsqlite3-sys", "pq-sys"],
    },
    Rule {
        package: "http-actix",
        features: &["--no-default-features", "--features", "jwks-client"],
        forbidden: &["diesel", "storage-diesel", "libsqlite3-sys", "pq-sys"],
    },
    // One crypto library: what is built against aws-lc-rs must not bring the other one.
    Rule {
        package: "http-actix",
        features: &["--all-features"],
        forbidden: &["ring", "native-tls"],
    },
    Rule {
        package: "xtask",
        features: &[],
        forbidden: &["token-core", "storage-diesel", "http-actix", "admin-cli"],
    },
];

pub fn check(report: &mut Report) -> Result<()> {
    for rule in RULES {
        for name in dependencies(&rule)? {
            if rule.forbidden.iter().any(|prefix| name.starts_with(prefix)) {
                report.finding(format!("{} must not depend on {name}", rule.package));
            }
        }
    }
    Ok(())
}

/// Every crate that the package is built from, itself left out.
fn dependencies(rule: &Rule) -> Result<BTreeSet<String>> {
    let tree = output(
        cargo()
            .args([
                "tree",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--package",
                rule.package,
            ])
            .args(rule.features),
    )?;
    Ok(tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != rule.package)
        .map(str::to_owned)
        .collect())
}
