//! Throughput and latency by the number of connections.

use anyhow::Result;
use e2e::Database;

use super::{access_token, refresh, verify};
use crate::results::{Point, Results};
use crate::seed::stocked;
use crate::stage::{Kind, Stage, setup};
use crate::token_pool::TokenPool;
use crate::wrk::Load;

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let server = setup(Database::sqlite()).start();
    let access = access_token(&server)?;
    let load = verify(&stage.scripts, &server, &access);
    results.curve("concurrency", "verify", points(stage, &load)?);
    drop(server);
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let server = stocked(setup(stage.database(kind)?), 10_000)?;
        let pool = TokenPool::draw(&server, 8_192)?;
        let load = refresh::load(&stage.scripts, &server, &pool);
        let label = format!("refresh, {}", kind.name());
        results.curve("concurrency", label, points(stage, &load)?);
    }
    Ok(())
}

fn points(stage: &Stage, load: &Load) -> Result<Vec<Point>> {
    let connections: &[u32] = if stage.quick {
        &[1, 16, 256]
    } else {
        &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    };
    let load = load.clone().seconds(stage.seconds());
    load.clone().seconds(1).run()?;
    let mut points = Vec::new();
    for &connections in connections {
        let told = load.clone().connections(connections).run()?;
        println!(
            "{connections} connections: {:.0}/s, p99 {} µs",
            told.rate(),
            told.p99
        );
        points.push(Point {
            x: f64::from(connections),
            rate: told.rate(),
            p50: told.p50 as f64,
            p99: told.p99 as f64,
        });
    }
    Ok(points)
}
