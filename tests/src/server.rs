//! One `renewd` process in a directory of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::clock;
use crate::database::{Database, Store};
use crate::faults;
use crate::power::Trace;
use crate::process::{self, Finished};
use crate::{Anonymous, Call};

/// The issuer of every server here: it must not follow the port, which changes
/// with each start, or a restarted server would refuse its own tokens.
pub const ISSUER: &str = "http://localhost:8080";

/// Where a server listens at the moment; shared with the clients, so that they
/// survive its restarts.
pub type Address = Arc<RwLock<Option<SocketAddr>>>;

/// Settings of a server that is not started yet.
#[derive(Debug)]
pub struct Setup {
    store: Arc<Store>,
    directory: Arc<TempDir>,
    env: Vec<(String, String)>,
    failing_writes: bool,
    trace: Option<Trace>,
}

impl Setup {
    /// Cheap hashing, no throttle, a fixed issuer and the given database;
    /// everything else as the server has it by default.
    pub fn new(database: Database) -> Self {
        let directory = Arc::new(TempDir::new().expect("a temporary directory"));
        let store = Arc::new(Store::new(database, directory.path()));
        let mut setup = Self {
            store,
            directory,
            env: Vec::new(),
            failing_writes: false,
            trace: None,
        }
        .set("RENEWD_LISTEN", "127.0.0.1:0")
        .set("RENEWD_ISSUER", ISSUER)
        .set("RENEWD_BCRYPT_COST", "10")
        .set("RENEWD_THROTTLE", "off");
        setup.env.extend(setup.store.settings());
        setup
    }

    /// On SQLite.
    pub fn sqlite() -> Self {
        Self::new(Database::sqlite())
    }

    /// Settings of one more node: the same ones, on the same PostgreSQL database, in
    /// a directory of its own. Files are not carried over.
    ///
    /// # Panics
    /// On SQLite, where there is one node.
    #[must_use]
    pub fn beside(&self) -> Self {
        assert!(!matches!(*self.store, Store::Sqlite(_)), "one node");
        Self {
            store: self.store.clone(),
            directory: Arc::new(TempDir::new().expect("a temporary directory")),
            env: self.env.clone(),
            failing_writes: self.failing_writes,
            trace: None,
        }
    }

    /// Sets an environment variable of the server.
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        let mut setup = self.unset(name);
        setup.env.push((name.to_owned(), value.to_owned()));
        setup
    }

    /// Takes an environment variable back.
    #[must_use]
    pub fn unset(mut self, name: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self
    }

    /// Writes a file into the server's directory.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.directory.path().join(name), text).expect("the file is written");
        self
    }

    /// Lets [`Server::fail_writes`] work: a write over the limit then fails, as on
    /// a full disk, instead of ending the process by a signal.
    #[must_use]
    pub fn with_failing_writes(mut self) -> Self {
        self.failing_writes = true;
        self
    }

    /// Lets strace watch the server.
    #[must_use]
    pub fn traced(mut self, trace: &Trace) -> Self {
        self.trace = Some(trace.clone());
        self
    }

    /// The database that the server will have.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The directory in which the server runs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Runs `renewd` with `args` to its end: for commands that answer and for
    /// starts that must fail.
    pub fn run<const N: usize>(&self, args: [&str; N]) -> Finished {
        process::run_args(&mut self.command(), args)
    }

    /// The command that starts `renewd` by these settings, for those who start it themselves.
    pub fn command(&self) -> Command {
        process::command(&process::renewd(), self.directory(), &self.env)
    }

    /// As [`Setup::run`], with one more environment variable.
    pub fn run_set<const N: usize>(&self, name: &str, value: &str, args: [&str; N]) -> Finished {
        process::run_args(self.command().env(name, value), args)
    }

    /// Starts the server and waits until it is ready.
    pub fn start(self) -> Server {
        self.start_with([])
    }

    /// Starts the server with flags.
    pub fn start_with<const N: usize>(self, args: [&str; N]) -> Server {
        let mut server = Server {
            setup: self,
            args: args.map(str::to_owned).to_vec(),
            child: None,
            address: Address::default(),
            log: Arc::default(),
        };
        server.spawn();
        server
    }
}

/// A running (or killed, and to be started again) `renewd`.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    args: Vec<String>,
    child: Option<Child>,
    address: Address,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// A server on the given database with the common test settings.
    pub fn on(database: Database) -> Self {
        Setup::new(database).start()
    }

    /// A server on SQLite with the common test settings.
    pub fn sqlite() -> Self {
        Setup::sqlite().start()
    }

    /// A client that has nothing.
    pub fn anonymous(&self) -> Anonymous {
        Anonymous::new(self.address.clone())
    }

    /// Begins a request to this server.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.anonymous().call(method, path)
    }

    /// The address of the running process.
    pub fn address(&self) -> SocketAddr {
        self.address
            .read()
            .expect("address")
            .expect("the server runs")
    }

    /// The shared address, which clients keep over restarts.
    pub fn shared_address(&self) -> Address {
        self.address.clone()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// A plain connection to it.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).expect("the server accepts");
        stream
            .set_read_timeout(Some(clock::PATIENCE))
            .expect("a read timeout");
        stream
    }

    /// The database behind it.
    pub fn store(&self) -> &Store {
        &self.setup.store
    }

    /// Its directory.
    pub fn directory(&self) -> PathBuf {
        self.setup.directory().to_owned()
    }

    /// Everything that it wrote to standard output and standard error so far,
    /// over all its starts.
    pub fn log(&self) -> String {
        self.log.lock().expect("log").clone()
    }

    /// Ends it as a power cut ends a process.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("kill -9");
            child.wait().expect("the child is waited for");
        }
        *self.address.write().expect("address") = None;
    }

    /// Sends SIGTERM; [`Server::wait`] says how it ended.
    pub fn terminate(&self) {
        let pid = Pid::from_child(self.child.as_ref().expect("the server runs"));
        kill_process(pid, Signal::TERM).expect("SIGTERM is sent");
    }

    /// Waits for the end of the process and answers its exit status.
    pub fn wait(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("the server runs");
        let status = clock::eventually("the end of renewd", || child.try_wait().expect("wait"));
        *self.address.write().expect("address") = None;
        status.code()
    }

    /// Starts it again on the same data.
    pub fn restart(&mut self) {
        self.kill();
        self.spawn();
    }

    /// Starts it again and kills it after so long, whether it is up by then or not.
    pub fn start_and_kill(&mut self, after: Duration) {
        self.kill();
        let mut child = self.launch().0;
        thread::sleep(after);
        child.kill().expect("kill -9");
        child.wait().expect("the child is waited for");
    }

    /// Starts it again on the same data with a setting changed.
    pub fn restart_with(&mut self, name: &str, value: &str) {
        self.kill();
        self.setup.env.retain(|(known, _)| known != name);
        self.setup.env.push((name.to_owned(), value.to_owned()));
        self.spawn();
    }

    /// The settings, to run the program once more beside the server.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Makes every write to a file fail from now on, or lets them succeed again.
    pub fn fail_writes(&self, fail: bool) {
        faults::limit_files(self.child.as_ref().expect("the server runs"), fail);
    }

    /// The process, and where it will say it listens.
    fn launch(&self) -> (Child, Address) {
        let program = process::renewd();
        let (directory, env) = (self.setup.directory(), &self.setup.env);
        let mut command = match &self.setup.trace {
            Some(trace) => {
                let mut command = process::command(trace.program(), directory, env);
                command.args(trace.arguments()).arg(program);
                command
            }
            None if self.setup.failing_writes => faults::unsignalled(&program, directory, env),
            None => process::command(&program, directory, env),
        };
        let mut child = command
            .args(&self.args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("renewd starts");
        let found = Address::default();
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        capture(stdout, self.log.clone(), Some(found.clone()));
        capture(stderr, self.log.clone(), None);
        (child, found)
    }

    fn spawn(&mut self) {
        let (mut child, found) = self.launch();
        let address = clock::eventually("the address of renewd", || {
            let ended = child.try_wait().expect("wait");
            assert!(
                ended.is_none(),
                "renewd ended with {ended:?}:\n{}",
                self.log()
            );
            *found.read().expect("address")
        });
        *self.address.write().expect("address") = Some(address);
        self.child = Some(child);
        clock::eventually("/readyz of renewd", || {
            let reply = self.call("GET", "/readyz").try_send().ok()?;
            (reply.status == 200).then_some(())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            println!("--- the last lines of renewd ---");
            for line in tail.iter().rev() {
                println!("{line}");
            }
        }
    }
}

/// Copies what a process says into the log, line by line, and looks for the
/// address that it says it listens at.
fn capture(output: impl Read + Send + 'static, log: Arc<Mutex<String>>, found: Option<Address>) {
    thread::spawn(move || {
        let mut lines = BufReader::new(output);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let text = String::from_utf8_lossy(&line).into_owned();
            log.lock().expect("log").push_str(&text);
            if let Some(found) = &found {
                let mut found = found.write().expect("address");
                *found = found.or_else(|| listens_at(&text));
            }
            line.clear();
        }
    });
}

fn listens_at(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?)))
}

/// How long a change made by another process may take to be seen: half a
/// second by the contract, and as much again for this machine's scheduling.
pub const SEEN_WITHIN: Duration = Duration::from_secs(1);
