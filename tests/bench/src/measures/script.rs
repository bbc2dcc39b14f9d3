//! What the generator's own Lua costs: figures of refreshes include it.

use anyhow::Result;
use e2e::Database;

use super::{get, url};
use crate::results::{Results, Row};
use crate::stage::{Stage, setup};
use crate::stats::in_turn;

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let server = setup(Database::sqlite()).start();
    let scripted = stage
        .scripts
        .load("scripted_get.lua", &url(&server, "/healthz"));
    let scripted = scripted.seconds(stage.seconds());
    let plain = get(&stage.scripts, &server, "/healthz").seconds(stage.seconds());
    let pairs = in_turn(
        stage.rounds(),
        || Ok(scripted.run()?.rate()),
        || Ok(plain.run()?.rate()),
    )?;
    let row = Row::compared(
        "script",
        "`GET /healthz`, each request and answer through wrk's Lua",
        "without Lua",
        "requests/s",
        pairs,
    );
    results.row(
        row.notes("64 connections; a refresh takes as much Lua, on an answer four times as long"),
    );
    Ok(())
}
