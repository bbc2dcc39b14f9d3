//! What a refresh costs when there are many sessions.

use anyhow::Result;
use e2e::database::Store;

use super::refresh;
use crate::disk::bytes_in;
use crate::procfs::anonymous_mebibytes;
use crate::results::{Point, Results, Row, Target};
use crate::seed::stocked;
use crate::stage::{Kind, Stage, setup};
use crate::stats::in_turn;
use crate::token_pool::TokenPool;

const FEW: u64 = 10_000;
const TOKENS: usize = 8_192;

pub fn sqlite(stage: &mut Stage, results: &mut Results) -> Result<()> {
    run(stage, results, Kind::Sqlite)
}

pub fn postgres(stage: &mut Stage, results: &mut Results) -> Result<()> {
    run(stage, results, Kind::Postgres)
}

fn run(stage: &mut Stage, results: &mut Results, kind: Kind) -> Result<()> {
    let (some, many) = if stage.quick {
        (30_000, 100_000)
    } else {
        (1_000_000, 10_000_000)
    };
    let [few_sessions, many_sessions] = [FEW, many].map(|sessions| {
        let server = stocked(setup(stage.database(kind)?), sessions)?;
        let pool = TokenPool::draw(&server, TOKENS)?;
        anyhow::Ok((server, pool))
    });
    let (few_server, few_pool) = few_sessions?;
    let (many_server, many_pool) = many_sessions?;
    let seconds = stage.seconds();
    let few_load = refresh::load(&stage.scripts, &few_server, &few_pool).seconds(seconds);
    let many_load = refresh::load(&stage.scripts, &many_server, &many_pool).seconds(seconds);
    let pairs = in_turn(
        stage.rounds(),
        || Ok(many_load.run()?.rate()),
        || Ok(few_load.run()?.rate()),
    )?;
    let bytes = stored_bytes(many_server.store());
    let name = kind.name();
    let row = Row::compared(
        &format!("size_{}", name.to_lowercase()),
        &format!("`POST /v1/refresh`, {name}, with {many} sessions"),
        &format!("with {FEW}"),
        "requests/s",
        pairs,
    );
    results.row(row.target(Target::AtLeast(0.7)).notes(format!(
        "ES256, 64 connections, window 0; {TOKENS} sessions drawn at random from all take turns; \
         {:.2} GiB stored",
        bytes as f64 / f64::from(1 << 30)
    )));
    let memory = vec![anonymous_mebibytes(many_server.pid())?];
    let row = Row::alone(
        &format!("memory_stored_{}", name.to_lowercase()),
        &format!("anonymous resident memory with {many} sessions stored in {name}"),
        "MiB",
        memory,
    );
    results.row(
        row.target(Target::AtMost(80.0))
            .notes("after all of these refreshes"),
    );
    results.cost(
        &format!("bytes_per_session_{}", name.to_lowercase()),
        bytes as f64 / many as f64,
    );

    let mut points = Vec::new();
    for (sessions, load) in [(FEW, few_load), (many, many_load)] {
        points.push(point(sessions, load.run()?));
    }
    drop((few_server, many_server));
    let server = stocked(setup(stage.database(kind)?), some)?;
    let pool = TokenPool::draw(&server, TOKENS)?;
    let load = refresh::load(&stage.scripts, &server, &pool).seconds(seconds);
    load.run()?;
    points.insert(1, point(some, load.run()?));
    results.curve("size", format!("refresh, {name}"), points);
    Ok(())
}

fn point(sessions: u64, told: crate::wrk::Told) -> Point {
    Point {
        x: sessions as f64,
        rate: told.rate(),
        p50: told.p50 as f64,
        p99: told.p99 as f64,
    }
}

/// The sessions with their indexes, and the people.
fn stored_bytes(store: &Store) -> u64 {
    match store {
        Store::Sqlite(path) => bytes_in(path.as_ref()),
        Store::Given(_) | Store::Postgres { .. } => {
            let total = "pg_total_relation_size('sessions') + pg_total_relation_size('users')";
            let bytes = store.texts(total, "");
            bytes
                .first()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        }
    }
}
