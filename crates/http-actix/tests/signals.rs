//! The program and the signals that end it.

#![cfg(feature = "server")]
use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A start that waits for its database, as during a long migration, can be ended: it is an orderly
/// end, and not that of a start that failed.
#[test]
fn a_start_can_be_ended() {
    for signal in [Signal::TERM, Signal::INT] {
        // A database server that takes connections and never says a word.
        let database = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = database.local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        let mut renewd = Command::new(env!("CARGO_BIN_EXE_renewd"))
            .current_dir(directory.path())
            .env_clear()
            .env("RENEWD_LISTEN", "127.0.0.1:0")
            .env("RENEWD_LOG", "info")
            .env(
                "RENEWD_DATABASE_URL",
                format!("postgres://renewd@127.0.0.1:{port}/renewd?connect_timeout=60"),
            )
            .env(
                "RENEWD_MASTER_KEY",
                "nAWJCMdVWZpzRzrVt2Jk0xlvYbGPyLE3oPSvvUo6g1s=",
            )
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Now it opens its database.
        let connection = database.accept().unwrap();
        kill_process(Pid::from_child(&renewd), signal).unwrap();
        let status = renewd.wait().unwrap();
        let mut log = String::new();
        let mut stderr = renewd.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
        drop(connection);
    }
}
