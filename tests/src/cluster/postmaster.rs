//! The server's processes: the postmaster, which is a child of the tests, and its own
//! children.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process};

use super::home::Home;
use super::programs::Programs;
use crate::{clock, faults, ports};

/// A server that runs, or ran.
#[derive(Debug)]
pub(super) struct Postmaster {
    // Looked at, to see whether it runs, through a shared reference.
    child: Mutex<Option<Child>>,
    port: u16,
    log: PathBuf,
}

impl Postmaster {
    /// Starts it at a free port.
    pub(super) fn start(programs: &Programs, home: &Home) -> Self {
        let mut postmaster = Self {
            child: Mutex::default(),
            port: ports::free(),
            log: home.path().join("log"),
        };
        postmaster.start_again(programs, home);
        postmaster
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Starts it where it does not run.
    pub(super) fn start_again(&mut self, programs: &Programs, home: &Home) {
        if self.runs() {
            return;
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.expect("the server's log");
        let child = programs
            .command("postgres", home.path())
            .arg("-D")
            .arg(home.data())
            .args(["-p", &self.port.to_string()])
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            // Ctrl-C is for the tests; the keeper ends the server.
            .process_group(0)
            .spawn()
            .expect("postgres starts");
        *self.child.lock().expect("child") = Some(child);
    }

    /// Whether it runs: it may have ended by itself.
    pub(super) fn runs(&self) -> bool {
        let mut child = self.child.lock().expect("child");
        let status = child.as_mut().map(|child| child.try_wait().expect("wait"));
        status.is_some_and(|ended| ended.is_none())
    }

    /// Ends sessions and writes everything ("fast").
    pub(super) fn stop(&mut self) {
        self.end_by(Signal::INT);
    }

    /// Writes nothing more ("immediate").
    pub(super) fn stop_at_once(&mut self) {
        self.end_by(Signal::QUIT);
    }

    fn end_by(&mut self, signal: Signal) {
        let Some(mut child) = self.child.get_mut().expect("child").take() else {
            return;
        };
        if child.try_wait().expect("wait").is_none() {
            kill_process(Pid::from_child(&child), signal).expect("the signal is sent");
        }
        clock::eventually("the end of PostgreSQL", || child.try_wait().expect("wait"));
    }

    /// kill -9 for all of them, the postmaster first: it would clean up after the others.
    pub(super) fn kill(&mut self) {
        let Some(mut child) = self.child.get_mut().expect("child").take() else {
            return;
        };
        let others = children(child.id());
        child.kill().expect("kill -9");
        child.wait().expect("the child is waited for");
        for &pid in &others {
            // It may have followed the postmaster already.
            let _ = kill_process(pid, Signal::KILL);
        }
        clock::eventually("the end of every server process", || {
            others.iter().all(|&pid| is_gone(pid)).then_some(())
        });
    }

    /// Stops all its processes where they are, or lets them go on: connections stay, and
    /// nobody answers.
    pub(super) fn freeze(&self, frozen: bool) {
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        for pid in self.processes() {
            // A child may end at any moment.
            let _ = kill_process(pid, signal);
        }
    }

    /// The postmaster, if it runs, and its children.
    fn processes(&self) -> Vec<Pid> {
        let child = self.child.lock().expect("child");
        let postmaster = child
            .as_ref()
            .map(|child| (child.id(), Pid::from_child(child)));
        let Some((id, postmaster)) = postmaster else {
            return Vec::new();
        };
        std::iter::once(postmaster).chain(children(id)).collect()
    }

    /// Lets no file of the server's grow, or lets them grow again. What it forks later
    /// does as it does.
    pub(super) fn limit_files(&self, limited: bool) {
        for pid in self.processes() {
            faults::limit_files_of(pid, limited);
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        // It may be frozen.
        self.freeze(false);
        self.stop_at_once();
    }
}

fn children(parent: u32) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|&pid| status(pid).is_some_and(|(_, of)| of == parent))
        .collect()
}

/// A process that nobody has waited for yet is gone too.
fn is_gone(pid: Pid) -> bool {
    status(pid).is_none_or(|(state, _)| state == 'Z')
}

/// The state of a process, and its parent.
fn status(pid: Pid) -> Option<(char, u32)> {
    let stat = Path::new("/proc").join(pid.as_raw_nonzero().to_string());
    let stat = fs::read_to_string(stat.join("stat")).ok()?;
    // The second field is a name in parentheses, which may hold anything.
    let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}
