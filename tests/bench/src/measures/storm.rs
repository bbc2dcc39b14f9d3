//! What a storm of logins does to everybody else.

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::Server;

use super::{access_token, login, refresh, url};
use crate::results::{Results, Row, Target};
use crate::stage::Stage;
use crate::stats::in_turn;
use crate::token_pool::TokenPool;
use crate::wrk::Load;

const CONNECTIONS: u32 = 64;
/// How much more than they can.
const STORM: f64 = 10.0;

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let server = login::server()?;
    let pool = TokenPool::draw(&server, 8_192)?;
    let access = access_token(&server)?;
    let capacity = login::limit()?;
    let storm = login::load(&stage.scripts, &server, "paced_login.lua");
    let storm = storm
        .argument((capacity * STORM).to_string())
        .connections(256)
        .seconds(stage.seconds() + 2);

    let verify = super::verify(&stage.scripts, &server, &access);
    let rate = half_of(stage, &verify)?;
    let paced = stage
        .scripts
        .load("paced_get.lua", &url(&server, "/v1/verify"));
    let paced = paced
        .header(format!("Authorization: Bearer {access}"))
        .argument(rate.to_string());
    let row = compare(
        stage,
        &server,
        "storm_verify",
        "`GET /v1/verify`",
        rate,
        &paced,
        &storm,
    )?;
    results.row(row);

    let rate = half_of(stage, &refresh::load(&stage.scripts, &server, &pool))?;
    let script = "paced_refresh.lua";
    let paced = stage.scripts.load(script, &url(&server, "/v1/refresh"));
    let paced = paced.file(pool.path()).argument(rate.to_string());
    let row = compare(
        stage,
        &server,
        "storm_refresh",
        "`POST /v1/refresh`",
        rate,
        &paced,
        &storm,
    )?;
    results.row(row);
    is_well(&server)
}

/// Half of what this load comes to.
fn half_of(stage: &Stage, load: &Load) -> Result<f64> {
    let load = load.clone().connections(CONNECTIONS);
    Ok((load.seconds(stage.seconds()).run()?.rate() / 2.0).round())
}

fn compare(
    stage: &Stage,
    server: &Server,
    name: &str,
    measure: &str,
    rate: f64,
    paced: &Load,
    storm: &Load,
) -> Result<Row> {
    let paced = paced
        .clone()
        .connections(CONNECTIONS)
        .seconds(stage.seconds());
    let (logins, refused) = (RefCell::new(0), RefCell::new(0));
    let pairs = in_turn(
        stage.rounds(),
        || {
            let storm = storm.start()?;
            // The queue of hashes is full by then.
            thread::sleep(Duration::from_secs(1));
            let p99 = paced.run()?.p99;
            let told = storm.wait()?;
            ensure!(told.broken == 0 && told.refused > 0, "no storm: {told:?}");
            *logins.borrow_mut() += told.requests - told.refused;
            *refused.borrow_mut() += told.refused;
            login::wait_until_idle(server)?;
            Ok(p99 as f64)
        },
        || Ok(paced.run()?.p99 as f64),
    )?;
    let row = Row::compared(
        name,
        &format!("p99 of {measure} during a storm of logins"),
        "the same without the storm",
        "µs",
        pairs,
    );
    let (logins, refused) = (logins.into_inner(), refused.into_inner());
    Ok(row.target(Target::AtMost(3.0)).notes(format!(
        "{rate:.0} requests/s, half of what {CONNECTIONS} connections get; logins of cost 12 at \
         ten times what the cores can: {logins} answered, {refused} refused with 503; \
         SQLite; wrk sends on a plan with a grain of 1 ms and corrects for what it could not send"
    )))
}

fn is_well(server: &Server) -> Result<()> {
    let ready = server.call("GET", "/readyz").send().status;
    ensure!(ready == 200, "after the storm /readyz answers {ready}");
    Ok(())
}
