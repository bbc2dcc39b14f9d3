//! What measurements share: how long and how often, the servers, the databases.

use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::{Cluster, Database, Setup, ports};
use rustix::process::{Pid, Signal, kill_process};

use crate::wrk::Scripts;

/// The material of refresh tokens: whoever knows it makes tokens for rows that SQL has written.
pub const REFRESH_SECRET: &str = "vN4pTq8Zr2Ws6Xy0Bd3Fg7Hj1Kl5Mc9Q";
/// The secret of HS256 access tokens.
pub const ACCESS_SECRET: &str = "k9Xw2Vq7Rz4Tb8Nc5Ld1Mf6Gh3Jp0Ysu";

/// How long a program that is asked to end may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// As an operator would set up a server of this size; everything is durable.
const POSTGRES: [(&str, &str); 7] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "1GB"),
    ("max_wal_size", "4GB"),
    ("max_connections", "200"),
    ("jit", "off"),
];

/// What measurements share.
pub struct Stage {
    /// Short, few and small.
    pub quick: bool,
    /// The load generator's.
    pub scripts: Scripts,
    cluster: Option<Cluster>,
}

impl Stage {
    /// Nothing runs yet.
    pub fn new(quick: bool) -> Result<Self> {
        Ok(Self {
            quick,
            scripts: Scripts::lay_out()?,
            cluster: None,
        })
    }

    /// How often both sides of a comparison are measured.
    pub const fn rounds(&self) -> usize {
        if self.quick { 2 } else { 7 }
    }

    /// For how long each time.
    pub const fn seconds(&self) -> u32 {
        if self.quick { 1 } else { 8 }
    }

    /// The PostgreSQL cluster of this run, on the same disk as everything else.
    pub fn cluster(&mut self) -> Result<&Cluster> {
        if self.cluster.is_none() {
            let setup = Cluster::setup().context("RENEWD_TEST_POSTGRES_BIN is not set")?;
            let setup = setup.segments_of(16);
            let setup = POSTGRES
                .into_iter()
                .fold(setup, |setup, (name, value)| setup.setting(name, value));
            self.cluster = Some(setup.start());
        }
        self.cluster.as_ref().context("there is a cluster")
    }

    /// A new database, by the name of its kind.
    pub fn database(&mut self, kind: Kind) -> Result<Database> {
        Ok(match kind {
            Kind::Sqlite => Database::sqlite(),
            Kind::Postgres => Database::new_on(&self.cluster()?.url()),
        })
    }
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A server on the same machine.
    Postgres,
}

impl Kind {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A server as it is measured: everything by default, but that nothing is throttled, only warnings
/// are logged, and every refresh rotates at once.
pub fn setup(database: Database) -> Setup {
    Setup::new(database)
        .set("RENEWD_LOG", "warn")
        .set("RENEWD_LOG_FORMAT", "json")
        .set("RENEWD_BCRYPT_COST", "12")
        .set("RENEWD_REPLAY_WINDOW", "0s")
        .set("REFRESH_TOKEN_SECRET", REFRESH_SECRET)
}

/// Another program of this package, or of the workspace.
pub fn program(name: &str) -> Result<PathBuf> {
    let here = env::current_exe()?;
    let directory = here.parent().context("a program lies in a directory")?;
    Ok(directory.join(name))
}

/// A server that is started here, and where it answers.
pub struct Started {
    child: Child,
    setup: Option<Setup>,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to the first good answer.
    pub ready_after: Duration,
}

impl Started {
    /// Starts `command`, which listens at `address`, and waits for a 200 to `GET path`.
    pub fn new(command: &mut Command, address: SocketAddr, path: &str) -> Result<Self> {
        let start = Instant::now();
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.with_context(|| command.get_program().display().to_string())?;
        let mut started = Self {
            child,
            setup: None,
            address,
            ready_after: Duration::ZERO,
        };
        while !answers(address, path) {
            let ended = started.child.try_wait()?;
            ensure!(ended.is_none(), "it ended: {ended:?}");
            ensure!(start.elapsed() < Duration::from_mins(3), "it is not ready");
            thread::sleep(Duration::from_micros(500));
        }
        started.ready_after = start.elapsed();
        Ok(started)
    }

    /// `renewd` by these settings, at a port that is free. Its log goes into `log`, or nowhere.
    pub fn renewd(setup: Setup, log: Option<File>) -> Result<Self> {
        let address = ports::loopback(ports::free());
        let setup = setup.set("RENEWD_LISTEN", &address.to_string());
        let mut command = setup.command();
        // It logs to standard error.
        command
            .stdout(Stdio::null())
            .stderr(log.map_or_else(Stdio::null, Stdio::from));
        let mut started = Self::new(&mut command, address, "/readyz")?;
        started.setup = Some(setup);
        Ok(started)
    }

    /// Asks it to end, with whatever it started itself, and waits for that for a while.
    pub fn stop(&mut self) {
        let asked = Instant::now();
        // It may have ended already.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        while asked.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its directory goes when nobody is in it any more.
        drop(self.setup.take());
    }
}

/// Whether a server answers 200.
fn answers(address: SocketAddr, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.ends_with(b" 200")
}
