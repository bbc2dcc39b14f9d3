//! Holds Cargo.lock against the bans, version floors and sources of deny.toml.
//!
//! The same rules that `cargo deny check bans sources` applies, for machines
//! without cargo-deny. A rule that this reader does not understand is an error,
//! not a rule that passes.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use semver::{Version, VersionReq};
use toml::{Table, Value};

use crate::Outcome;
use crate::workspace::root;

/// How Cargo.lock calls crates.io.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub fn run() -> Result<Outcome> {
    let rules = read("deny.toml")?;
    let packages = packages(&read("Cargo.lock")?)?;
    let bans = bans(&rules)?;
    ensure_only_crates_io(&rules)?;

    let mut findings: Vec<String> = Vec::new();
    for package in &packages {
        for ban in bans.iter().filter(|ban| ban.hits(package)) {
            findings.push(format!(
                "Cargo.lock: {} {} is banned: {}",
                package.name, package.version, ban.reason
            ));
        }
        if package
            .source
            .as_deref()
            .is_some_and(|source| source != CRATES_IO)
        {
            findings.push(format!(
                "Cargo.lock: {} is not from crates.io",
                package.name
            ));
        }
    }
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "{} packages, {} rules, {} findings",
        packages.len(),
        bans.len(),
        findings.len()
    );
    Ok(Outcome::passed_if(findings.is_empty()))
}

/// One entry of `bans.deny`: `name`, or `name:requirement`.
struct Ban {
    name: String,
    versions: VersionReq,
    reason: String,
}

impl Ban {
    fn parse(entry: &Value) -> Result<Self> {
        let entry = entry.as_table().context("bans.deny wants tables")?;
        ensure!(
            entry.keys().all(|key| key == "crate" || key == "reason"),
            "bans.deny: only `crate` and `reason` are understood: {entry}"
        );
        let spec = text(entry, "crate")?;
        ensure!(
            !spec.contains('@'),
            "bans.deny: write `{spec}` as name:requirement"
        );
        let (name, versions) = match spec.split_once(':') {
            Some((name, versions)) => (name, VersionReq::parse(versions)?),
            None => (spec, VersionReq::STAR),
        };
        Ok(Self {
            name: name.to_owned(),
            versions,
            reason: text(entry, "reason")?.to_owned(),
        })
    }

    fn hits(&self, package: &Package) -> bool {
        // `*` leaves pre-releases out; a crate banned altogether has none to spare.
        self.name == package.name
            && (self.versions == VersionReq::STAR || self.versions.matches(&package.version))
    }
}

/// One entry of Cargo.lock.
struct Package {
    name: String,
    version: Version,
    /// None for the workspace's own.
    source: Option<String>,
}

impl Package {
    fn parse(entry: &Value) -> Result<Self> {
        let entry = entry.as_table().context("a package is a table")?;
        Ok(Self {
            name: text(entry, "name")?.to_owned(),
            version: Version::parse(text(entry, "version")?)?,
            source: entry
                .get("source")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }
}

fn bans(rules: &Table) -> Result<Vec<Ban>> {
    rules
        .get("bans")
        .and_then(|bans| bans.get("deny")?.as_array())
        .context("deny.toml: no bans.deny")?
        .iter()
        .map(Ban::parse)
        .collect()
}

fn packages(lock: &Table) -> Result<Vec<Package>> {
    lock.get("package")
        .and_then(Value::as_array)
        .context("Cargo.lock: no packages")?
        .iter()
        .map(Package::parse)
        .collect()
}

/// The one policy on sources that this reader enforces must be the one written.
fn ensure_only_crates_io(rules: &Table) -> Result<()> {
    let sources = rules.get("sources").and_then(Value::as_table);
    let denied = |key| sources.and_then(|sources| sources.get(key)?.as_str()) == Some("deny");
    if !denied("unknown-registry") || !denied("unknown-git") {
        bail!("deny.toml: sources must deny unknown registries and git");
    }
    Ok(())
}

fn read(name: &str) -> Result<Table> {
    fs::read_to_string(root().join(name))
        .with_context(|| format!("cannot read {name}"))?
        .parse()
        .with_context(|| format!("{name} is not TOML"))
}

fn text<'a>(table: &'a Table, key: &str) -> Result<&'a str> {
    table
        .get(key)
        .and_then(Value::as_str)
        .with_context(|| format!("no `{key}` in {table}"))
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::{Ban, Package, bans};

    fn ban(entry: &str) -> Ban {
        let rules: Table = format!("[bans]\ndeny = [{entry}]").parse().unwrap();
        bans(&rules).unwrap().remove(0)
    }

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.parse().unwrap(),
            source: None,
        }
    }

    #[test]
    fn a_floor_bans_what_is_below_it() {
        let floor = ban(r#"{ crate = "diesel:<2.3.10", reason = "r" }"#);
        assert!(floor.hits(&package("diesel", "2.3.9")));
        assert!(!floor.hits(&package("diesel", "2.3.10")));
        assert!(!floor.hits(&package("diesel_migrations", "2.3.2")));
    }

    #[test]
    fn a_name_alone_bans_every_version() {
        let ban = ban(r#"{ crate = "rsa", reason = "r" }"#);
        assert!(ban.hits(&package("rsa", "0.9.8")));
        assert!(ban.hits(&package("rsa", "0.10.0-rc.9")));
    }

    #[test]
    fn a_rule_that_is_not_understood_is_an_error() {
        let rules: Table = r#"[bans]
            deny = [{ crate = "rsa", reason = "r", wrappers = ["other"] }]"#
            .parse()
            .unwrap();
        assert!(bans(&rules).is_err());
    }
}
