//! `POST /v1/login` at full load, beside bcrypt alone.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::person::PASSWORD;
use e2e::{Database, Server};

use super::url;
use crate::machine;
use crate::procfs::cpu_micros;
use crate::results::{Results, Row, Target};
use crate::seed::{people, stocked};
use crate::stage::{Stage, setup};
use crate::stats::{in_turn, median};
use crate::wrk::{Load, Scripts};

/// The cost that renewd has by default.
const COST: u32 = 12;
const SESSIONS: u64 = 10_000;
/// How long one look at what the server does takes, and after how long it has to be idle.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_mins(1);

/// A load of logins by everybody.
pub fn load(scripts: &Scripts, server: &Server, script: &'static str) -> Load {
    let load = scripts.load(script, &url(server, "/v1/login"));
    load.argument(people(SESSIONS).to_string())
        .argument(PASSWORD)
}

/// A server with people to log in.
pub fn server() -> Result<Server> {
    stocked(setup(Database::sqlite()), SESSIONS)
}

/// How many hashes this machine makes in a second: its cores by the time of one.
pub fn limit() -> Result<f64> {
    let mut seconds = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        bcrypt::hash_with_salt(PASSWORD, COST, [7; 16])?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(machine::cores() as f64 / median(&seconds))
}

/// Waits until a server has nothing to do. Whatever waits to be hashed when its clients go away is
/// hashed all the same, beside what is measured next.
pub fn wait_until_idle(server: &Server) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let before = cpu_micros(server.pid())?;
        thread::sleep(LOOK);
        let busy = cpu_micros(server.pid())? - before;
        if busy < LOOK.as_micros() as f64 / 4.0 {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "it is never idle");
    }
}

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let server = server()?;
    // A few a second: it takes longer to count them.
    let seconds = if stage.quick { 8 } else { 20 };
    let login = load(&stage.scripts, &server, "login.lua");
    let login = login.connections(16).seconds(seconds);
    let logins = || {
        let told = login.run()?;
        wait_until_idle(&server)?;
        Ok(told.rate())
    };
    let pairs = in_turn(stage.rounds(), logins, limit)?;
    let row = Row::compared(
        "login",
        "`POST /v1/login` at full load",
        "cores ÷ time of one bcrypt of cost 12",
        "per second",
        pairs,
    );
    results.row(row.target(Target::AtLeast(0.95)).notes(
        "16 connections, SQLite; one hash at a time for the other side, while the cores may slow \
         each other down",
    ));
    Ok(())
}
