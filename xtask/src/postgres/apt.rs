//! Installs PostgreSQL's server programs, and others, on Debian and its descendants.

use std::process::Command;

use anyhow::{Result, ensure};

use super::account::is_root;
use crate::workspace::succeeds;

/// Installing the package would also create a cluster of the distribution and
/// start it; a passing file in its configuration says not to.
const INSTALL: &str = r#"
set -eu
directory=/etc/postgresql-common/createcluster.d
setting=$directory/renewd-tests.conf
mkdir -p "$directory"
echo 'create_main_cluster = false' > "$setting"
trap 'rm -f "$setting"' EXIT
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=300 update
apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$1"
"#;

/// Whether there is an apt-get, and the right to use it without a password.
pub fn is_usable() -> bool {
    runs(Command::new("apt-get").arg("--version"))
        && (is_root() || runs(Command::new("sudo").args(["-n", "true"])))
}

/// Installs the distribution's PostgreSQL without starting it.
pub fn install() -> Result<()> {
    println!("PostgreSQL's server programs are missing: installing them with apt-get");
    install_package("postgresql")
}

/// Installs a package of the distribution.
pub fn install_package(name: &str) -> Result<()> {
    let mut command = if is_root() {
        Command::new("sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "sh"]);
        sudo
    };
    ensure!(
        succeeds(command.args(["-c", INSTALL, "install", name]))?,
        "apt-get could not install {name}"
    );
    Ok(())
}

fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
