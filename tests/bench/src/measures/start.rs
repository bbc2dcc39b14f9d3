//! How long until a started server answers that it is ready.

use anyhow::Result;
use e2e::Database;

use crate::results::{Results, Row, Target};
use crate::seed::stocked;
use crate::stage::{Stage, Started, setup};

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let starts = if stage.quick { 3 } else { 11 };
    let mut millis = Vec::new();
    for _ in 0..starts {
        let started = Started::renewd(setup(Database::sqlite()), None)?;
        millis.push(started.ready_after.as_secs_f64() * 1e3);
    }
    let row = Row::alone("start_empty", "start to ready, empty SQLite", "ms", millis);
    results.row(
        row.target(Target::AtMost(100.0))
            .notes("an empty directory: the file, its tables and every key are made in this time"),
    );

    let sessions = if stage.quick { 50_000 } else { 1_000_000 };
    let mut server = stocked(setup(Database::sqlite()), sessions)?;
    server.terminate();
    server.wait();
    let mut millis = Vec::new();
    for _ in 0..starts {
        let again = setup(Database::sqlite()).set("RENEWD_DATABASE_URL", &server.store().url());
        let started = Started::renewd(again, None)?;
        millis.push(started.ready_after.as_secs_f64() * 1e3);
    }
    let what = format!("start to ready, SQLite with {sessions} sessions");
    let row = Row::alone("start_stored", &what, "ms", millis);
    results.row(
        row.target(Target::AtMost(300.0))
            .notes("ended by kill -9 each time"),
    );
    Ok(())
}
