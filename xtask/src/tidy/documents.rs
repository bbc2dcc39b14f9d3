//! Documents say what the code says.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::Result;

use super::Report;
use crate::coverage;
use crate::workspace::{binary, output, root};

pub fn check(report: &mut Report) -> Result<()> {
    check_coverage_table(report)?;
    check_configuration_table(report)
}

fn check_coverage_table(report: &mut Report) -> Result<()> {
    let written = fs::read_to_string(root().join(coverage::TABLE)).unwrap_or_default();
    if written != coverage::table()? {
        let path = coverage::TABLE;
        report.finding(format!(
            "{path} is out of date: run `cargo xtask coverage-table`"
        ));
    }
    Ok(())
}

/// Every variable that `renewd --help` names stands in the readme.
fn check_configuration_table(report: &mut Report) -> Result<()> {
    let renewd = binary("renewd")?;
    if !renewd.is_file() {
        report.note("renewd is not built: README.md was not compared with its options");
        return Ok(());
    }
    let help = output(Command::new(renewd).arg("--help"))?;
    let readme = fs::read_to_string(root().join("README.md")).unwrap_or_default();
    for name in variables(&help) {
        if !readme.contains(&format!("`{name}`")) {
            report.finding(format!("README.md does not explain the variable {name}"));
        }
    }
    Ok(())
}

/// The names after `[env: ` in a help text by clap.
fn variables(help: &str) -> BTreeSet<&str> {
    help.split("[env: ")
        .skip(1)
        .filter_map(|rest| rest.split(['=', ']']).next())
        .map(str::trim)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::variables;

    #[test]
    fn variables_are_read_from_a_help_text() {
        let help = "  --listen <L>  Where [env: RENEWD_LISTEN=] [default: x]\n  \
                    --issuer <I>  [env: RENEWD_ISSUER=http://a]\n  [env: RENEWD_LOG]";
        let expected = ["RENEWD_ISSUER", "RENEWD_LISTEN", "RENEWD_LOG"];
        assert!(variables(help).into_iter().eq(expected));
    }
}
