//! What a line in the log for each request costs.

use std::fs::File;
use std::sync::{Arc, RwLock};

use anyhow::{Context, Result};
use e2e::{Anonymous, Database, Person};
use tempfile::TempDir;

use crate::results::{Results, Row};
use crate::stage::{Stage, Started, setup};
use crate::stats::in_turn;
use crate::wrk::Load;

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let directory = TempDir::new()?;
    let logs = ["info", "warn"].map(|level| -> Result<_> {
        let file = File::create(directory.path().join(level))?;
        let setup = setup(Database::sqlite()).set("RENEWD_LOG", level);
        let started = Started::renewd(setup, Some(file))?;
        let load = verify(stage, &started)?;
        Ok((started, load))
    });
    let [info, warn] = logs;
    let ((_info, info), (_warn, warn)) = (info?, warn?);
    let pairs = in_turn(
        stage.rounds(),
        || Ok(info.run()?.rate()),
        || Ok(warn.run()?.rate()),
    )?;
    let row = Row::compared(
        "request_log",
        "`GET /v1/verify` with a line for each request (`RENEWD_LOG=info`, JSON)",
        "without (`RENEWD_LOG=warn`)",
        "requests/s",
        pairs,
    );
    results.row(row.notes("into a file; 32 connections; every other figure here is at `warn`"));
    Ok(())
}

fn verify(stage: &Stage, started: &Started) -> Result<Load> {
    let anonymous = Anonymous::new(Arc::new(RwLock::new(Some(started.address))));
    let person = Person::named("caller");
    anonymous.register(&person).expect(201);
    let reply = anonymous
        .post("/v1/login", person.credentials())
        .expect(200);
    let pair = reply.json();
    let access = pair["access_token"].as_str().context("a token")?;
    let load = stage.scripts.load("get.lua", &started.url("/v1/verify"));
    let load = load.header(format!("Authorization: Bearer {access}"));
    Ok(load.connections(32).seconds(stage.seconds()))
}
