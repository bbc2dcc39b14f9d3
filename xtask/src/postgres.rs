//! A throwaway PostgreSQL cluster for one run of the tests.
//!
//! Server programs are found or installed ([`binaries`], [`apt`]), the cluster
//! runs as an ordinary user ([`account`]), and a keeper removes it however this
//! process ends ([`keeper`]).

mod account;
pub mod apt;
mod binaries;
mod keeper;

use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use self::account::Account;
use self::binaries::Binaries;
use self::keeper::Keeper;
use crate::workspace::output;

/// The role that initdb creates; a superuser.
const SUPERUSER: &str = "postgres";

/// Another process may take the free port before the server does.
const ATTEMPTS: usize = 3;

/// A running cluster; dropping it stops the server and removes its files.
pub struct Cluster {
    url: String,
    binaries: PathBuf,
    account: Option<Account>,
    /// Its `Drop` ends the cluster.
    keeper: Keeper,
}

impl Cluster {
    /// Starts a fresh cluster on a free port of the loopback interface.
    pub fn start() -> Result<Self> {
        let binaries = Binaries::find_or_install()?;
        let cluster = Self::start_with(&binaries)?;
        println!(
            "PostgreSQL of {} serves the tests from {}",
            binaries.directory().display(),
            cluster.directory().display()
        );
        Ok(cluster)
    }

    fn start_with(binaries: &Binaries) -> Result<Self> {
        let account = Account::for_server()?;
        let home = Home::create(account)?;
        let keeper = Keeper::watch(binaries, &home.directory, account)?;
        // A superuser may run programs as the server's user, and other users of
        // this machine can reach the port.
        let password = random_hex()?;

        home.initialise(binaries, &password)?;
        let port = home.serve(binaries)?;
        Ok(Self {
            url: format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres"),
            binaries: binaries.directory().to_owned(),
            account,
            keeper,
        })
    }

    /// A URL of a superuser to the database `postgres`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What tests are told of it in their environment, and of how to make clusters of
    /// their own. A variable without a value has to be unset.
    pub fn environment(&self) -> [(&'static str, Option<OsString>); 3] {
        let account = self.account.map(|account| account.told().into());
        [
            ("RENEWD_TEST_POSTGRES_URL", Some(self.url().into())),
            (
                "RENEWD_TEST_POSTGRES_BIN",
                Some(self.binaries.clone().into()),
            ),
            ("RENEWD_TEST_POSTGRES_ACCOUNT", account),
        ]
    }

    /// Where its files are as long as it lives.
    pub fn directory(&self) -> &Path {
        self.keeper.directory()
    }
}

/// What those are told who make clusters of their own and need none of this.
pub fn programs() -> Result<[(&'static str, Option<OsString>); 2]> {
    let binaries = Binaries::find_or_install()?;
    let account = Account::for_server()?.map(|account| account.told().into());
    Ok([
        (
            "RENEWD_TEST_POSTGRES_BIN",
            Some(binaries.directory().to_owned().into()),
        ),
        ("RENEWD_TEST_POSTGRES_ACCOUNT", account),
    ])
}

/// The directory that holds everything of one cluster.
struct Home {
    directory: PathBuf,
    account: Option<Account>,
}

impl Home {
    fn create(account: Option<Account>) -> Result<Self> {
        // Root's own temporary directory may be closed to the server's user.
        let parent = account.map_or_else(env::temp_dir, |_| PathBuf::from("/tmp"));
        let mark = random_hex()?;
        let directory = parent.join(format!("renewd-test-postgres-{}", &mark[..8]));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let home = Self { directory, account };
        home.hand_over(&home.directory)?;
        Ok(home)
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Runs initdb and writes the settings of a server that nobody will miss.
    fn initialise(&self, binaries: &Binaries, password: &str) -> Result<()> {
        let password_file = self.directory.join("password");
        fs::write(&password_file, password)?;
        self.hand_over(&password_file)?;
        output(
            self.command(binaries.initdb())
                .args([
                    "--username",
                    SUPERUSER,
                    "--encoding",
                    "UTF8",
                    "--no-locale",
                    "--no-sync",
                ])
                .args(["--auth", "scram-sha-256", "--pwfile"])
                .arg(password_file)
                .arg("--pgdata")
                .arg(self.data()),
        )
        .context("initdb")?;
        OpenOptions::new()
            .append(true)
            .open(self.data().join("postgresql.conf"))?
            .write_all(settings(&self.directory).as_bytes())?;
        Ok(())
    }

    /// Starts the server, waits until it answers, and says on which port.
    fn serve(&self, binaries: &Binaries) -> Result<u16> {
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            let started = self
                .command(binaries.pg_ctl())
                .args(["start", "--silent", "--wait", "--timeout", "60", "--pgdata"])
                .arg(self.data())
                .arg("--log")
                .arg(self.log())
                .args(["--options", &format!("-p {port}")])
                .status()
                .context("cannot run pg_ctl")?;
            if started.success() {
                return Ok(port);
            }
        }
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        bail!("PostgreSQL does not start; its log:\n{log}")
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        // The server's user may not be allowed to enter the checkout.
        command.current_dir(&self.directory);
        account::run_as(&mut command, self.account);
        command
    }

    fn hand_over(&self, path: &Path) -> Result<()> {
        account::give(path, self.account)
    }
}

/// What the tests want of the server. Durability has tests of its own; here a
/// power loss may take everything.
fn settings(socket_directory: &Path) -> String {
    format!(
        "listen_addresses = '127.0.0.1'\n\
         unix_socket_directories = '{}'\n\
         max_connections = 800\n\
         fsync = off\n\
         full_page_writes = off\n\
         log_min_messages = warning\n",
        socket_directory.display().to_string().replace('\'', "''")
    )
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

fn random_hex() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::path::Path;

    use super::binaries::Binaries;
    use super::{Cluster, random_hex, settings};

    /// What a server that asks for a SCRAM password answers to [`startup`]:
    /// message `R`, 23 bytes long, authentication method 10.
    const ASKS_FOR_SCRAM: [u8; 9] = [b'R', 0, 0, 0, 23, 0, 0, 0, 10];

    /// Protocol version 3.0, user `postgres`.
    fn startup(address: SocketAddr) -> io::Result<[u8; 9]> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"\0\0\0\x17\0\x03\0\0user\0postgres\0\0")?;
        let mut answer = [0; 9];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn a_cluster_asks_for_its_password_and_leaves_nothing_behind() {
        let binaries = Binaries::find().expect("`cargo xtask test` installs PostgreSQL");
        let cluster = Cluster::start_with(&binaries).unwrap();
        let directory = cluster.directory().to_owned();
        let (_, host_and_database) = cluster.url().split_once('@').unwrap();
        let (address, _) = host_and_database.split_once('/').unwrap();
        let address = address.parse().unwrap();

        assert_eq!(startup(address).unwrap(), ASKS_FOR_SCRAM);
        assert!(directory.is_dir());

        drop(cluster);
        assert!(startup(address).is_err());
        assert!(!directory.exists());
    }

    #[test]
    fn a_quote_in_the_path_stays_in_its_setting() {
        let settings = settings(Path::new("/tmp/it's"));
        assert!(settings.contains("unix_socket_directories = '/tmp/it''s'\n"));
    }

    #[test]
    fn passwords_need_no_escaping_in_a_url_and_differ() {
        let [first, second] = [random_hex().unwrap(), random_hex().unwrap()];
        assert_eq!(first.len(), 32);
        assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(first, second);
    }
}
