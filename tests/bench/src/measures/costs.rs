//! What one request, one session, one ended session costs: docs/scaling.md is computed from these.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::Server;

use super::{access_token, login, refresh, verify};
use crate::procfs::{anonymous_mebibytes, cpu_micros, cpu_micros_of_children};
use crate::results::Results;
use crate::seed::stocked;
use crate::stage::{Kind, Stage, setup};
use crate::token_pool::TokenPool;
use crate::wrk::{Load, Told};

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let sessions = if stage.quick { 50_000 } else { 1_000_000 };
    let server = stocked(setup(stage.database(Kind::Postgres)?), sessions)?;
    let pool = TokenPool::draw(&server, 8_192)?;
    let access = access_token(&server)?;
    let postmaster = fs::read_to_string(stage.cluster()?.data().join("postmaster.pid"))?;
    let postmaster: u32 = postmaster.lines().next().context("a pid")?.parse()?;

    let load = refresh::load(&stage.scripts, &server, &pool).seconds(stage.seconds() * 2);
    load.clone().seconds(1).run()?;
    let log = log_position(&server)?;
    let database = cpu_micros_of_children(postmaster);
    let (told, micros) = watched(&server, &load)?;
    let requests = told.requests as f64;
    results.cost("refresh_cpu_micros", micros);
    let database = (cpu_micros_of_children(postmaster) - database) / requests;
    results.cost("refresh_database_cpu_micros", database);
    results.cost(
        "refresh_log_bytes",
        (log_position(&server)? - log) / requests,
    );
    results.cost("refresh_answer_bytes", told.bytes as f64 / requests);
    let token = fs::read_to_string(pool.path())?;
    let token = token.lines().next().context("a token")?.len();
    results.cost("refresh_token_bytes", token as f64);
    results.cost("access_token_bytes", access.len() as f64);

    let cold = cold_log_bytes(stage, &server)?;
    results.cost("refresh_cold_log_bytes", cold);

    let load = verify(&stage.scripts, &server, &access).seconds(stage.seconds());
    let (told, micros) = watched(&server, &load)?;
    results.cost("verify_cpu_micros", micros);
    results.cost(
        "verify_answer_bytes",
        told.bytes as f64 / told.requests as f64,
    );

    let seconds = if stage.quick { 3 } else { 15 };
    let load = login::load(&stage.scripts, &server, "login.lua");
    let load = load.connections(16).seconds(seconds);
    results.cost("login_cpu_micros", watched(&server, &load)?.1);
    ended(&server, sessions / 2, results)
}

/// The log of refreshes that each are the first of their page since a checkpoint, as most are in a
/// large table: the whole page is in the log then.
fn cold_log_bytes(stage: &Stage, server: &Server) -> Result<f64> {
    let pool = TokenPool::draw(server, if stage.quick { 10_000 } else { 100_000 })?;
    let load = refresh::load(&stage.scripts, server, &pool).seconds(2);
    server.store().execute("CHECKPOINT");
    let log = log_position(server)?;
    let told = load.run()?;
    Ok((log_position(server)? - log) / told.requests as f64)
}

/// A load, and what it cost the server's processor for each request.
fn watched(server: &Server, load: &Load) -> Result<(Told, f64)> {
    let before = cpu_micros(server.pid())?;
    let told = load.run()?;
    let micros = cpu_micros(server.pid())? - before;
    Ok((told, micros / told.requests as f64))
}

fn log_position(server: &Server) -> Result<f64> {
    let position = "(pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint";
    let told = server.store().texts(position, "");
    Ok(told.first().context("a position")?.parse()?)
}

/// What the revocation set takes for each ended session.
fn ended(server: &Server, count: u64, results: &mut Results) -> Result<()> {
    let before = anonymous_mebibytes(server.pid())?;
    server.store().execute(&format!(
        "UPDATE sessions SET ended_at = now(), end_reason = 'admin' WHERE id IN \
         (SELECT id FROM sessions WHERE ended_at IS NULL LIMIT {count})"
    ));
    let deadline = Instant::now() + Duration::from_mins(2);
    while set_size(server)? < count as f64 {
        ensure!(Instant::now() < deadline, "the ends are not seen");
        thread::sleep(Duration::from_millis(200));
    }
    let bytes = (anonymous_mebibytes(server.pid())? - before) * f64::from(1 << 20);
    results.cost("ended_session_bytes", bytes / count as f64);
    Ok(())
}

fn set_size(server: &Server) -> Result<f64> {
    let text = server.call("GET", "/metrics").send().expect(200).text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("renewd_revocation_set_size "));
    Ok(line.context("no renewd_revocation_set_size")?.parse()?)
}
