//! The life of the server: assemble, serve, stop.

mod assemble;
mod directory;
mod error;
pub mod healthcheck;
mod master_key;
mod patience;
mod signals;
mod welcome;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::rt::System;

pub use self::error::ServeError;

use self::assemble::Assembled;
use self::signals::Signals;
use crate::app;
use crate::config::Config;
use crate::jobs::Jobs;

/// Longer than the minute for which reverse proxies commonly keep a connection: the side that
/// sends requests should be the one that closes, or a request meets a closed connection.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to read the end of an answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long requests may take to finish when the server stops. Orchestrators kill after 30 or more.
const SHUTDOWN_SECONDS: u64 = 20;
/// Connections at once for each worker; more wait in the backlog.
const CONNECTIONS_PER_WORKER: usize = 10_000;

/// Serves until SIGTERM or SIGINT, then finishes what was begun.
pub fn run(config: Config) -> Result<(), ServeError> {
    System::new().block_on(serve(config))
}

async fn serve(mut config: Config) -> Result<(), ServeError> {
    let mut signals = Signals::listen().map_err(ServeError::Serve)?;
    // Bound before anything is made: of two servers started by mistake the second changes nothing.
    let listen = config.http.listen;
    let bound = TcpListener::bind(listen).and_then(|l| Ok((l.local_addr()?, l)));
    let (address, listener) = bound.map_err(|source| ServeError::Listen { listen, source })?;

    let opened = tokio::select! {
        opened = Assembled::open(&mut config, address.port()) => opened?,
        () = signals.next() => {
            tracing::info!("stopped before it had started");
            return Ok(());
        }
    };
    let Assembled {
        state,
        throttle,
        storage,
    } = opened;
    let service = Arc::clone(&state.service);
    let metrics = Arc::clone(&state.metrics);
    let streams = Arc::clone(&state.streams);
    let server = HttpServer::new(move || app::app(state.clone()))
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .max_connections(CONNECTIONS_PER_WORKER)
        .disable_signals()
        .listen(listener)
        .map_err(ServeError::Serve)?
        .run();
    let handle = server.handle();
    let mut serving = actix_web::rt::spawn(server);
    let jobs = Jobs::start(&service, &metrics, throttle);
    welcome::print(&config, address);

    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        () = signals.next() => None,
    };
    if ended.is_none() {
        tracing::info!("stopping: finishing requests");
        streams.close();
        tokio::select! {
            () = handle.stop(true) => {}
            () = signals.next() => tracing::warn!("stopping at once"),
        }
    }
    drop(jobs);
    drop(service);
    drop(metrics);
    assemble::close(&storage);
    tracing::info!("stopped");
    match ended {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(ServeError::Serve(error)),
        Some(Err(error)) => Err(ServeError::Serve(std::io::Error::other(error))),
    }
}
