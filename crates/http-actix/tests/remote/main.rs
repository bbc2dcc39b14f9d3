//! A service that is protected by a renewd elsewhere: its keys and its feed come over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may panic: that is how they fail"
)]

mod feed;
mod keys;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::future::Future;
use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use actix_web::test::{self, TestRequest};
use actix_web::{App, HttpResponse, web};
use http_actix::protect::{AccessToken, Remote};
use serde_json::{Value, json};

use server::Server;
use support::{Issuer, managed};

/// What everything that is waited for has to come within; it usually takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(20);

/// A server with the metadata of an issuer, and the issuer, whose key is not yet published.
fn issuer() -> (Server, Issuer) {
    let server = Server::plain();
    server.metadata();
    let issuer = Issuer::new(&server.url(), managed());
    (server, issuer)
}

fn key_set(issuers: &[&Issuer]) -> Value {
    let keys: Vec<_> = issuers.iter().map(|i| i.key.public().unwrap()).collect();
    json!({ "keys": keys })
}

fn remote(server: &Server) -> Remote {
    Remote::builder(&server.url(), &server.url())
        .plain_http()
        .start()
        .unwrap()
}

/// Status and code of the answer to a request with this token.
async fn ask(remote: &Remote, token: Option<&str>) -> (u16, String) {
    let app = App::new()
        .app_data(remote.protector())
        .route("/", web::to(|_: AccessToken| HttpResponse::Ok()));
    let app = test::init_service(app).await;
    let mut request = TestRequest::get();
    if let Some(token) = token {
        request = request.insert_header(("authorization", format!("Bearer {token}")));
    }
    let response = test::call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    let body = test::read_body(response).await;
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status, document["code"].as_str().unwrap_or("").to_owned())
}

/// Asks until the answer is this one.
async fn until(remote: &Remote, token: &str, status: u16, code: &str) {
    wait_for(async || {
        let answer = ask(remote, Some(token)).await;
        if answer == (status, code.to_owned()) {
            Ok(())
        } else {
            Err(format!("{answer:?}"))
        }
    })
    .await;
}

/// Waits until this is well.
async fn wait_for<F: Future<Output = Result<(), String>>>(mut check: impl FnMut() -> F) {
    let end = Instant::now() + DEADLINE;
    while let Err(why) = check().await {
        assert!(Instant::now() < end, "still: {why}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the number is at least that.
async fn wait_until(at_least: usize, count: impl Fn() -> usize) {
    wait_for(|| {
        let now = count();
        std::future::ready((now >= at_least).then_some(()).ok_or(now.to_string()))
    })
    .await;
}
