//! Anonymous resident memory, without work and under it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use e2e::Database;

use super::{access_token, refresh, verify};
use crate::procfs::anonymous_mebibytes;
use crate::results::{Results, Row, Target};
use crate::seed::stocked;
use crate::stage::{Stage, setup};
use crate::token_pool::TokenPool;

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let server = setup(Database::sqlite()).start();
    // What the start took and does not need any more may go.
    thread::sleep(Duration::from_secs(2));
    let idle = vec![anonymous_mebibytes(server.pid())?];
    let row = Row::alone(
        "memory_idle",
        "anonymous resident memory, idle",
        "MiB",
        idle,
    );
    results.row(
        row.target(Target::AtMost(20.0))
            .notes("SQLite, 2 s after the start"),
    );
    drop(server);

    let server = stocked(setup(Database::sqlite()), 10_000)?;
    let pool = TokenPool::draw(&server, 8_192)?;
    let access = access_token(&server)?;
    let seconds = stage.seconds() * 2;
    let refresh = refresh::load(&stage.scripts, &server, &pool).seconds(seconds);
    let verify = verify(&stage.scripts, &server, &access).seconds(seconds);
    let over = AtomicBool::new(false);
    let most = thread::scope(|scope| {
        let watch = scope.spawn(|| most_of(server.pid(), &over));
        let loads = refresh.start().and_then(|refresh| {
            verify.run()?;
            refresh.wait()
        });
        over.store(true, Ordering::Relaxed);
        loads?;
        watch.join().ok().context("the watch")?
    })?;
    let row = Row::alone(
        "memory_load",
        "anonymous resident memory, under load",
        "MiB",
        vec![most],
    );
    results.row(row.target(Target::AtMost(60.0)).notes(
        "the most that was seen while 64 connections refreshed and 64 verified; SQLite, 10000 \
         sessions, ES256",
    ));
    Ok(())
}

/// The most that a process has, looked at ten times a second until it is over.
fn most_of(pid: u32, over: &AtomicBool) -> Result<f64> {
    let mut most = 0.0_f64;
    while !over.load(Ordering::Relaxed) {
        most = most.max(anonymous_mebibytes(pid)?);
        thread::sleep(Duration::from_millis(100));
    }
    Ok(most)
}
