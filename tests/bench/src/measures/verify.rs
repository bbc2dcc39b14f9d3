//! `GET /v1/verify` beside a constant answer of the same process, and that beside actix alone.

use std::process::Command;

use anyhow::Result;
use e2e::{Database, ports};

use super::{access_token, get};
use crate::results::{Results, Row, Target};
use crate::stage::{Stage, Started, program, setup};
use crate::stats::in_turn;

const CONNECTIONS: u32 = 32;

/// How much a verified caller costs beside an answer that costs nothing.
pub fn verify(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let server = setup(Database::sqlite()).start();
    let access = access_token(&server)?;
    let verify = super::verify(&stage.scripts, &server, &access);
    let verify = verify.connections(CONNECTIONS).seconds(stage.seconds());
    let constant = get(&stage.scripts, &server, "/healthz");
    let constant = constant.connections(CONNECTIONS).seconds(stage.seconds());
    let pairs = in_turn(
        stage.rounds(),
        || Ok(verify.run()?.rate()),
        || Ok(constant.run()?.rate()),
    )?;
    let row = Row::compared(
        "verify",
        "`GET /v1/verify`, ES256, warm",
        "`GET /healthz` of the same process",
        "requests/s",
        pairs,
    );
    results.row(row.target(Target::AtLeast(0.90)).notes(
        "one access token, 32 connections, kept alive; parsing of the request, the whole \
         middleware, the digest of the token, the revocation set and eight headers of the answer",
    ));
    Ok(())
}

/// How much the middleware costs.
pub fn constant(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let server = setup(Database::sqlite()).start();
    let body = server.call("GET", "/healthz").send().expect(200).text();
    let address = ports::loopback(ports::free());
    let mut command = Command::new(program("bench_bare")?);
    command.arg(address.to_string()).arg(body);
    let bare = Started::new(&mut command, address, "/healthz")?;
    let ours = get(&stage.scripts, &server, "/healthz");
    let ours = ours.connections(CONNECTIONS).seconds(stage.seconds());
    let bare = stage.scripts.load("get.lua", &bare.url("/healthz"));
    let bare = bare.connections(CONNECTIONS).seconds(stage.seconds());
    let pairs = in_turn(
        stage.rounds(),
        || Ok(ours.run()?.rate()),
        || Ok(bare.run()?.rate()),
    )?;
    let row = Row::compared(
        "constant",
        "`GET /healthz`",
        "a bare actix application with the same body",
        "requests/s",
        pairs,
    );
    results.row(row.target(Target::AtLeast(0.85)).notes(
        "32 connections, kept alive; request id, metrics, span, CORS, CSRF, six headers more",
    ));
    Ok(())
}
