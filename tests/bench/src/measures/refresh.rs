//! `POST /v1/refresh`, durable: beside a constant answer and the disk on SQLite, beside plain
//! updates on PostgreSQL.

use std::cell::RefCell;

use anyhow::Result;
use e2e::{Database, Server};

use super::pgbench::Pgbench;
use super::{get, url};
use crate::disk::sync_micros;
use crate::results::{Results, Row, Target};
use crate::seed::stocked;
use crate::stage::{ACCESS_SECRET, Kind, Stage, setup};
use crate::stats::{in_turn, median};
use crate::token_pool::TokenPool;
use crate::wrk::{Load, Scripts};

/// As the target says.
const CONNECTIONS: u32 = 64;
/// Sessions in the database, and tokens in the pool.
const SESSIONS: u64 = 10_000;
const TOKENS: usize = 8_192;

/// A load of refreshes.
pub fn load(scripts: &Scripts, server: &Server, pool: &TokenPool) -> Load {
    let load = scripts.load("refresh.lua", &url(server, "/v1/refresh"));
    load.file(pool.path()).connections(CONNECTIONS)
}

pub fn sqlite(stage: &mut Stage, results: &mut Results) -> Result<()> {
    for (name, algorithm, reach) in [
        ("refresh_sqlite_hs256", "HS256", 0.30_f64),
        ("refresh_sqlite_es256", "ES256", 0.22),
    ] {
        let mut setup = setup(Database::sqlite());
        if algorithm == "HS256" {
            setup = setup.set("ACCESS_TOKEN_SECRET", ACCESS_SECRET);
        }
        let server = stocked(setup, SESSIONS)?;
        let pool = TokenPool::draw(&server, TOKENS)?;
        let refresh = load(&stage.scripts, &server, &pool).seconds(stage.seconds());
        let constant = get(&stage.scripts, &server, "/healthz");
        let constant = constant.connections(CONNECTIONS).seconds(stage.seconds());
        let (syncs, p99) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let pairs = in_turn(
            stage.rounds(),
            || {
                let directory = server.directory().join("data");
                syncs.borrow_mut().push(sync_micros(&directory)?);
                let told = refresh.run()?;
                p99.borrow_mut().push(told.p99 as f64 / 1e3);
                Ok(told.rate())
            },
            || Ok(constant.run()?.rate()),
        )?;
        let sync = median(&syncs.borrow());
        // With every connection in every commit the disk allows no more.
        let physics = 0.8 * f64::from(CONNECTIONS) / (sync / 1e6) / median(&pairs.b);
        let p99 = median(&p99.borrow());
        let row = Row::compared(
            name,
            &format!("`POST /v1/refresh`, SQLite, durable, {algorithm}"),
            "`GET /healthz` of the same process",
            "requests/s",
            pairs,
        );
        results.row(row.target(Target::AtLeast(reach.min(physics))).notes(format!(
            "64 connections, window 0, {SESSIONS} sessions; an append of 4 KiB is durable after \
             {sync:.0} µs, which allows a ratio of {physics:.2}; p99 {p99:.1} ms; wrk's Lua \
             takes every token from an answer and puts it into a request, at its own cost"
        )));
    }
    Ok(())
}

pub fn postgres(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let database = stage.database(Kind::Postgres)?;
    let server = stocked(setup(database), SESSIONS)?;
    let pool = TokenPool::draw(&server, TOKENS)?;
    let refresh = load(&stage.scripts, &server, &pool).seconds(stage.seconds());
    let pgbench = Pgbench::new(stage.cluster()?)?;
    let seconds = stage.seconds();
    let p99 = RefCell::new(Vec::new());
    let pairs = in_turn(
        stage.rounds(),
        || {
            let told = refresh.run()?;
            p99.borrow_mut().push(told.p99 as f64 / 1e3);
            Ok(told.rate())
        },
        || pgbench.updates(seconds),
    )?;
    let p99 = median(&p99.borrow());
    let row = Row::compared(
        "refresh_postgres_es256",
        "`POST /v1/refresh`, PostgreSQL on the same machine, ES256",
        "pgbench: single-row updates, 32 connections, prepared",
        "per second",
        pairs,
    );
    results.row(row.target(Target::AtLeast(1.0)).notes(format!(
        "64 connections, window 0, {SESSIONS} sessions, `synchronous_commit = on` for both; p99 \
         {p99:.1} ms; with HTTP, two signatures and wrk's Lua on the one side, and an update of \
         one integer by its key on the other"
    )));
    Ok(())
}
