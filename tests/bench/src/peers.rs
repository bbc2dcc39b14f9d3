//! Other people's servers, doing the same work under the same load.
//!
//! A file tells of each how it is started; see `tests/bench/peers`. Every one of them gets a
//! database of its own in the cluster of this run, and logs everybody in beforehand: that is its
//! own business, so that its program leaves a file of refresh tokens, and one of an access token.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::{Database, ports};
use serde::Deserialize;
use tempfile::TempDir;

use crate::measures;
use crate::results::{Peer, Results};
use crate::seed::stocked;
use crate::stage::{Kind, Stage, Started, setup};
use crate::token_pool::TokenPool;
use crate::wrk::Load;

/// Tokens for each: an answer that does not come in time takes one of them away.
const TOKENS: usize = 2_000;
const CONNECTIONS: u32 = 32;

/// How another server is prepared and started. In every text `{port}`, `{url}` (of the database),
/// `{tokens}` (how many) and `{directory}` (of this run) are filled in.
#[derive(Deserialize)]
struct Told {
    /// Its name, with its version.
    name: String,
    /// What it does, for the page.
    notes: String,
    /// Variables of its environment.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// A program that makes tables, users and sessions, and leaves `tokens`, and `access` where
    /// something is read.
    prepare: Vec<String>,
    /// The server.
    start: Vec<String>,
    /// The same preparation, for those who have to ask the server for tokens.
    #[serde(default)]
    prepare_running: bool,
    /// Answers 200 when it is ready.
    ready: String,
    /// The script that refreshes, beside the file.
    script: String,
    /// The path of the refresh.
    refresh: String,
    /// The path of an authenticated read.
    #[serde(default)]
    read: Option<String>,
}

/// Measures renewd and every peer in turn, round by round.
pub fn run(stage: &mut Stage, results: &mut Results, file: &Path) -> Result<()> {
    let told: Vec<Told> = serde_json::from_str(&fs::read_to_string(file)?)?;
    let mut contenders = vec![ours(stage)?];
    for told in told {
        println!("{}", told.name);
        contenders.push(theirs(stage, file, told)?);
    }
    for round in 0..=stage.rounds().min(5) {
        for contender in &mut contenders {
            contender.measure(stage.seconds(), round > 0)?;
        }
    }
    for contender in contenders {
        results.peer(contender.peer);
    }
    Ok(())
}

/// One that takes part.
struct Contender {
    peer: Peer,
    refresh: Load,
    read: Option<Load>,
    /// Runs until then.
    _server: Box<dyn std::any::Any>,
}

impl Contender {
    fn measure(&mut self, seconds: u32, counts: bool) -> Result<()> {
        let refresh = self
            .refresh
            .clone()
            .connections(CONNECTIONS)
            .seconds(seconds);
        let refreshed = refresh.run().context(self.peer.name.clone())?;
        let read = self
            .read
            .clone()
            .map(|load| load.connections(CONNECTIONS).seconds(seconds));
        let read = read.map(|load| load.run()).transpose()?;
        println!(
            "{}: {:.0} refreshes/s, p99 {} µs, {:.0} reads/s",
            self.peer.name,
            refreshed.rate(),
            refreshed.p99,
            read.map_or(0.0, |told| told.rate())
        );
        if counts {
            self.peer.refreshes.push(refreshed.rate());
            self.peer.p99.push(refreshed.p99 as f64);
            self.peer.reads.extend(read.map(|told| told.rate()));
        }
        Ok(())
    }
}

/// renewd, on the same PostgreSQL.
fn ours(stage: &mut Stage) -> Result<Contender> {
    let database: Database = stage.database(Kind::Postgres)?;
    let server = stocked(setup(database), 10_000)?;
    let pool = TokenPool::draw(&server, 8_192)?;
    let access = measures::access_token(&server)?;
    let refresh = stage
        .scripts
        .load("refresh.lua", &measures::url(&server, "/v1/refresh"));
    let me = measures::get(&stage.scripts, &server, "/v1/me");
    Ok(Contender {
        peer: Peer {
            name: "renewd".to_owned(),
            refreshes: Vec::new(),
            p99: Vec::new(),
            reads: Vec::new(),
            notes: "ES256 access tokens; one row for each session".to_owned(),
        },
        refresh: refresh.file(pool.path()),
        read: Some(me.header(format!("Authorization: Bearer {access}"))),
        _server: Box::new(server),
    })
}

fn theirs(stage: &mut Stage, file: &Path, told: Told) -> Result<Contender> {
    let directory = TempDir::new()?;
    let beside = file.parent().context("a directory")?;
    let script = fs::read_to_string(beside.join(&told.script))?;
    let name: &'static str = Box::leak(told.script.replace('/', "_").into_boxed_str());
    stage.scripts.add(name, &script)?;
    let port = ports::free();
    let url = new_database(stage, &told.name)?;
    let filled = |text: &String| {
        text.replace("{port}", &port.to_string())
            .replace("{url}", &url)
            .replace("{tokens}", &TOKENS.to_string())
            .replace("{directory}", &directory.path().display().to_string())
    };
    let command = |line: &[String]| -> Result<Command> {
        let mut words = line.iter().map(filled);
        let mut command = Command::new(words.next().context("a program")?);
        command.args(words).current_dir(beside);
        let environment = told.environment.iter();
        command.envs(environment.map(|(name, value)| (name, filled(value))));
        Ok(command)
    };
    let prepare = || -> Result<()> {
        let status = command(&told.prepare)?.status()?;
        ensure!(status.success(), "{}: {status}", told.name);
        Ok(())
    };
    if !told.prepare_running {
        prepare()?;
    }
    let log = fs::File::create(directory.path().join("log"))?;
    let mut start = command(&told.start)?;
    start.stdout(log.try_clone()?).stderr(log);
    let started = Started::new(&mut start, ports::loopback(port), &told.ready);
    let started = started
        .with_context(|| fs::read_to_string(directory.path().join("log")).unwrap_or_default())?;
    let started = Family(started);
    if told.prepare_running {
        prepare()?;
    }
    let tokens: PathBuf = directory.path().join("tokens");
    let refresh = stage.scripts.load(name, &started.0.url(&told.refresh));
    let read = told.read.as_ref().map(|path| -> Result<Load> {
        let access = fs::read_to_string(directory.path().join("access"))?;
        let load = stage.scripts.load("get.lua", &started.0.url(path));
        Ok(load.header(format!("Authorization: Bearer {}", access.trim())))
    });
    let read = read.transpose()?;
    Ok(Contender {
        peer: Peer {
            name: told.name,
            refreshes: Vec::new(),
            p99: Vec::new(),
            reads: Vec::new(),
            notes: told.notes,
        },
        refresh: refresh.file(&tokens),
        read,
        _server: Box::new((started, directory)),
    })
}

/// A server that starts processes, and ends them when it is asked to end.
struct Family(Started);

impl Drop for Family {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// A database of its own for a peer.
fn new_database(stage: &mut Stage, name: &str) -> Result<String> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("peer_{}", name.to_lowercase());
    let cluster = stage.cluster()?;
    cluster.execute(&format!("CREATE DATABASE {name}"));
    let url = cluster.url();
    let (server, _) = url.rsplit_once('/').context("a database")?;
    Ok(format!("{server}/{name}"))
}
