//! wrk: found, or installed as PostgreSQL is.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::postgres;

/// Sees to it that there is a wrk in the path.
pub fn find_or_install() -> Result<()> {
    if has_wrk() {
        return Ok(());
    }
    if postgres::apt::is_usable() {
        println!("wrk is missing: installing it with apt-get");
        postgres::apt::install_package("wrk")?;
    }
    if !has_wrk() {
        bail!(
            "wrk is not installed (Debian, Ubuntu: `apt-get install wrk`; macOS: `brew install wrk`)"
        );
    }
    Ok(())
}

/// It exits with 1 even where it says its version.
fn has_wrk() -> bool {
    Command::new("wrk")
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}
