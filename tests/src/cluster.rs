//! A PostgreSQL cluster of one test: made, stopped, killed, filled up, copied into a
//! standby, and removed by it.
//!
//! `cargo xtask test` says in `RENEWD_TEST_POSTGRES_BIN` where the server programs are,
//! and in `RENEWD_TEST_POSTGRES_ACCOUNT` (`uid:gid`) which user runs them where the tests
//! run as root, which PostgreSQL refuses to do.

mod home;
mod postmaster;
mod programs;
mod standby;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use diesel::RunQueryDsl;
use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use uuid::Uuid;

use self::home::Home;
use self::postmaster::Postmaster;
use self::programs::Programs;
use crate::clock;
use crate::database::Row;
use crate::ports;

/// The superuser, and the owner of the database `postgres`.
const SUPERUSER: &str = "postgres";

/// What every cluster begins with. The faults of these tests end processes and not the
/// machine, whose cache keeps what was written: nothing is gained from waiting for a disk.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
max_connections = 100
shared_buffers = 16MB
fsync = off
dynamic_shared_memory_type = mmap
log_min_messages = warning
";

/// A cluster that is not made yet.
#[derive(Debug)]
pub struct ClusterSetup {
    programs: Programs,
    settings: String,
    hba: Option<String>,
    files: Vec<(String, Vec<u8>)>,
    disk: Option<u64>,
    segment: u32,
}

impl ClusterSetup {
    /// Adds a line of `postgresql.conf`; a later one wins.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        let value = value.replace('\'', "''");
        writeln!(self.settings, "{name} = '{value}'").expect("a string takes all");
        self
    }

    /// Replaces `pg_hba.conf`, which asks everybody for a password.
    #[must_use]
    pub fn hba(mut self, text: &str) -> Self {
        self.hba = Some(text.to_owned());
        self
    }

    /// Puts a file, which only the server may read, into its data directory: a
    /// certificate, or its key.
    #[must_use]
    pub fn file(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), bytes.into()));
        self
    }

    /// Makes segments of the write-ahead log this large, in MiB. Without this they are small: a
    /// full disk is met soon, and little is copied.
    #[must_use]
    pub fn segments_of(mut self, mebibytes: u32) -> Self {
        self.segment = mebibytes;
        self
    }

    /// Puts the cluster on a disk of its own, of so many MiB, where this process may
    /// mount one: [`Cluster::fill_disk`] then makes it full.
    #[must_use]
    pub fn on_disk_of(mut self, mebibytes: u64) -> Self {
        self.disk = Some(mebibytes);
        self
    }

    /// Makes the cluster and starts it.
    ///
    /// # Panics
    /// Where PostgreSQL does not start.
    pub fn start(self) -> Cluster {
        let home = Home::create(&self.programs, self.disk);
        let password = Uuid::new_v4().simple().to_string();
        self.initialise(&home, &password);
        let postmaster = Postmaster::start(&self.programs, &home);
        let cluster = Cluster {
            programs: self.programs,
            home,
            postmaster,
            password,
        };
        cluster.wait_until_it_answers();
        cluster
    }

    fn initialise(&self, home: &Home, password: &str) {
        home.write("password", password.as_bytes());
        let mut initdb = self.programs.command("initdb", home.path());
        initdb
            .args(["--username", SUPERUSER, "--encoding", "UTF8"])
            .args(["--no-locale", "--no-sync", "--auth", "scram-sha-256"])
            .arg("--pwfile")
            .arg(home.path().join("password"))
            .args(["--wal-segsize", &self.segment.to_string(), "--pgdata"])
            .arg(home.data());
        programs::succeed(initdb);
        let sockets = format!("unix_socket_directories = '{}'\n", home.path().display());
        home.append(
            "data/postgresql.conf",
            &format!("{SETTINGS}{sockets}{}", self.settings),
        );
        if let Some(hba) = &self.hba {
            home.write("data/pg_hba.conf", hba.as_bytes());
        }
        for (name, bytes) in &self.files {
            home.write(&format!("data/{name}"), bytes);
        }
    }
}

/// A cluster. Dropping it ends the server and removes its files.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    // Before `home`: the server ends before its files go.
    postmaster: Postmaster,
    home: Home,
    password: String,
}

impl Cluster {
    /// A cluster to be; `None` where no one said which PostgreSQL to take.
    pub fn setup() -> Option<ClusterSetup> {
        Some(ClusterSetup {
            programs: Programs::told()?,
            settings: String::new(),
            hba: None,
            files: Vec::new(),
            disk: None,
            segment: 1,
        })
    }

    /// One as it comes.
    pub fn start() -> Option<Self> {
        Self::setup().map(ClusterSetup::start)
    }

    /// Where it listens, whether or not it runs at the moment.
    pub fn address(&self) -> SocketAddr {
        ports::loopback(self.postmaster.port())
    }

    /// The URL of its database, for its superuser.
    pub fn url(&self) -> String {
        self.url_through(self.address())
    }

    /// The same URL for who takes another way, as through a proxy.
    pub fn url_through(&self, way: SocketAddr) -> String {
        self.url_for(&way.to_string())
    }

    /// One URL for this cluster and another one made from it, whichever of them can be
    /// written to.
    pub fn url_with(&self, other: &Self) -> String {
        let servers = format!("{},{}", self.address(), other.address());
        self.url_for(&servers) + "?target_session_attrs=read-write"
    }

    fn url_for(&self, servers: &str) -> String {
        let password = &self.password;
        format!("postgres://{SUPERUSER}:{password}@{servers}/postgres")
    }

    /// Makes a role that may do in the database whatever renewd needs and nothing else, and
    /// answers the URL for it.
    pub fn url_of_new_role(&self, name: &str) -> String {
        let password = &self.password;
        self.execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{password}'; \
             GRANT CREATE ON SCHEMA public TO {name}"
        ));
        format!("postgres://{name}:{password}@{}/postgres", self.address())
    }

    /// The password of the superuser.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.home.data()
    }

    /// What the server wrote to its log so far.
    pub fn log(&self) -> String {
        self.postmaster.log()
    }

    /// Writes a file into the data directory, as [`ClusterSetup::file`] does.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        self.home.write(&format!("data/{name}"), bytes);
    }

    /// Runs statements as the superuser.
    ///
    /// # Panics
    /// Where the server does not.
    pub fn execute(&self, sql: &str) {
        self.connect()
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The one text that a `SELECT … AS value` answers.
    ///
    /// # Panics
    /// Where there is none.
    pub fn text(&self, sql: &str) -> String {
        let row: Row = diesel::sql_query(sql)
            .get_result(&mut self.connect())
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        row.value
    }

    /// A connection of the superuser's, past any proxy.
    ///
    /// # Panics
    /// Where there is none to be had.
    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url()).unwrap_or_else(|error| panic!("PostgreSQL: {error}"))
    }

    /// Whether the server runs: it may have ended by itself.
    pub fn runs(&self) -> bool {
        self.postmaster.runs()
    }

    /// Stops it as an operator does: sessions are ended, the data is written.
    pub fn stop(&mut self) {
        self.postmaster.stop();
    }

    /// Stops it as a machine does that has no time: it has to recover at the next start.
    pub fn stop_at_once(&mut self) {
        self.postmaster.stop_at_once();
    }

    /// kill -9 for the server and for every process of its.
    pub fn kill(&mut self) {
        self.postmaster.kill();
    }

    /// Stops all its processes where they are, or lets them go on: connections are accepted
    /// and stay, and nobody answers.
    pub fn freeze(&self, frozen: bool) {
        self.postmaster.freeze(frozen);
    }

    /// Starts it again, at the same address, and waits until it answers. Nothing happens
    /// where it runs.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_again(&mut self) {
        self.postmaster.start_again(&self.programs, &self.home);
        self.wait_until_it_answers();
    }

    /// Makes its disk full. Whether it is one of its own: otherwise no file of the
    /// server's may grow from now on, which is all that can be done without the right to
    /// mount.
    pub fn fill_disk(&self) -> bool {
        if self.home.has_disk() {
            self.home.fill();
            true
        } else {
            self.postmaster.limit_files(true);
            false
        }
    }

    /// Gives the space back.
    pub fn free_disk(&self) {
        if self.home.has_disk() {
            self.home.free();
        } else {
            self.postmaster.limit_files(false);
        }
    }

    /// Where everything of it is.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    fn wait_until_it_answers(&self) {
        clock::eventually("an answer of PostgreSQL", || {
            assert!(self.runs(), "PostgreSQL ended:\n{}", self.log());
            PgConnection::establish(&self.url()).ok().map(drop)
        });
    }
}
