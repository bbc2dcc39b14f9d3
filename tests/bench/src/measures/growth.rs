//! What a million refreshes of a thousand sessions leave behind.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Server;
use e2e::database::Store;

use super::refresh;
use crate::disk::bytes_in;
use crate::results::{Results, Row, Target};
use crate::seed::stocked;
use crate::stage::{Kind, Stage, setup};
use crate::stats::Pairs;
use crate::token_pool::TokenPool;
use crate::wrk::Load;

const SESSIONS: u64 = 1_000;

pub fn sqlite(stage: &mut Stage, results: &mut Results) -> Result<()> {
    run(stage, results, Kind::Sqlite)
}

pub fn postgres(stage: &mut Stage, results: &mut Results) -> Result<()> {
    run(stage, results, Kind::Postgres)
}

fn run(stage: &mut Stage, results: &mut Results, kind: Kind) -> Result<()> {
    let half: u64 = if stage.quick { 10_000 } else { 500_000 };
    let database = stage.database(kind)?;
    let server = stocked(setup(database), SESSIONS)?;
    let pool = TokenPool::draw(&server, 1_000)?;
    let rows = rows(&server)?;
    let load = refresh::load(&stage.scripts, &server, &pool).connections(32);
    let mut done = refresh(&load, half)?;
    settle();
    let at_half = bytes(&server)?;
    done += refresh(&load, (half * 2).saturating_sub(done))?;
    settle();
    let at_end = bytes(&server)?;
    let added = self::rows(&server)? - rows;

    let name = kind.name();
    let kind_name = name.to_lowercase();
    let row = Row::alone(
        &format!("growth_rows_{kind_name}"),
        &format!("rows added by {done} refreshes of {SESSIONS} sessions, {name}"),
        "rows",
        vec![added],
    );
    results.row(
        row.target(Target::AtMost(0.0))
            .notes("in all tables of sessions and events"),
    );
    let pairs = Pairs {
        a: vec![at_end],
        b: vec![at_half],
    };
    let row = Row::compared(
        &format!("growth_bytes_{kind_name}"),
        &format!("bytes of the sessions after {done} refreshes, {name}"),
        "after half of them",
        "bytes",
        pairs,
    );
    results.row(
        row.target(Target::AtMost(1.05))
            .notes(log_of(&server, stage)?),
    );
    Ok(())
}

/// Refreshes at least so often. wrk counts seconds and not requests, so that the first ones say how
/// many seconds that is.
fn refresh(load: &Load, wanted: u64) -> Result<u64> {
    let mut done = 0;
    let mut seconds = 2;
    while done < wanted {
        let told = load.clone().seconds(seconds).run()?;
        done += told.requests;
        let left = wanted.saturating_sub(done) * told.micros / told.requests / 1_000_000;
        seconds = u32::try_from(left)?.saturating_add(1);
    }
    Ok(done)
}

/// PostgreSQL's counters arrive a moment later.
fn settle() {
    thread::sleep(Duration::from_secs(2));
}

fn rows(server: &Server) -> Result<f64> {
    let count = "(SELECT count(*) FROM sessions) + (SELECT count(*) FROM audit_events)";
    number(server.store(), count)
}

fn bytes(server: &Server) -> Result<f64> {
    match server.store() {
        Store::Sqlite(path) => Ok(bytes_in(path.as_ref()) as f64),
        store @ (Store::Given(_) | Store::Postgres { .. }) => {
            number(store, "pg_total_relation_size('sessions')")
        }
    }
}

fn number(store: &Store, expression: &str) -> Result<f64> {
    let text = store.texts(expression, "");
    Ok(text.first().context("a figure")?.parse()?)
}

/// What is said of the write-ahead log, and of how the rows were updated.
fn log_of(server: &Server, stage: &mut Stage) -> Result<String> {
    match server.store() {
        Store::Sqlite(path) => {
            let log = bytes_in(&PathBuf::from(format!("{path}-wal")));
            // The file keeps the most that was ever in it.
            ensure!(log < 256 << 20, "the write-ahead log has {log} bytes");
            Ok(format!(
                "the write-ahead log never had more than {} KiB",
                log >> 10
            ))
        }
        store @ (Store::Given(_) | Store::Postgres { .. }) => {
            let of_table = |column: &str| {
                let from = "(SELECT {} FROM pg_stat_user_tables WHERE relname = 'sessions')";
                number(store, &from.replace("{}", column))
            };
            let (all, hot) = (of_table("n_tup_upd")?, of_table("n_tup_hot_upd")?);
            let log = bytes_in(&stage.cluster()?.data().join("pg_wal"));
            ensure!(hot >= all * 0.95, "{hot} of {all} updates were heap-only");
            Ok(format!(
                "{:.1} % of the updates were heap-only; the write-ahead log has {} MiB with \
                 `max_wal_size` at 4 GiB",
                hot / all * 100.0,
                log >> 20
            ))
        }
    }
}
