//! A service that is not renewd and accepts renewd's access tokens, with keys that it finds and
//! keeps by itself.
//!
//! ```sh
//! cargo run --release -p http-actix --no-default-features --features jwks-client \
//!     --example remote_service -- http://localhost:8080
//! ```
//!
//! Then `curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:9090/hello` is greeted by name, and
//! `http://127.0.0.1:9090/readyz` tells whether tokens can be verified at the moment.
//!
//! With `RENEWD_CLIENT_ID` and `RENEWD_CLIENT_SECRET`, as `renewctl client create` printed them, it
//! follows the feed of ended sessions too: a logout counts here within moments.

use std::error::Error;
use std::io::Write;

use actix_web::{App, HttpResponse, HttpServer, web};
use http_actix::protect::{AccessToken, Remote};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments
        .next()
        .ok_or("usage: remote_service ISSUER [AUDIENCE]")?;
    let audience = arguments.next().unwrap_or_else(|| issuer.clone());

    let mut renewd = Remote::builder(&issuer, &audience);
    if issuer.starts_with("http://") {
        renewd = renewd.plain_http();
    }
    if let Some((id, secret)) = credentials() {
        renewd = renewd.feed(&id, &secret);
    }
    let renewd = renewd.start()?;

    let server = HttpServer::new(move || {
        App::new()
            .app_data(renewd.protector())
            .app_data(web::Data::new(renewd.clone()))
            .route("/hello", web::get().to(hello))
            .route("/readyz", web::get().to(ready))
    })
    .bind("127.0.0.1:9090")?;
    writeln!(
        std::io::stdout(),
        "listening on http://127.0.0.1:9090/hello"
    )?;
    Ok(server.run().await?)
}

/// Greets whoever the token is about.
async fn hello(AccessToken(access): AccessToken) -> String {
    let name = access.profile.get("full_name");
    match name.and_then(|name| name.as_str()) {
        Some(name) => format!("Hello, {name}!\n"),
        None => format!("Hello, {}!\n", access.subject),
    }
}

/// Whether it makes sense to send requests here.
async fn ready(renewd: web::Data<Remote>) -> HttpResponse {
    if renewd.is_ready() {
        HttpResponse::NoContent().finish()
    } else {
        HttpResponse::ServiceUnavailable().finish()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program's one look at its environment"
)]
fn credentials() -> Option<(String, String)> {
    let id = std::env::var("RENEWD_CLIENT_ID").ok()?;
    let secret = std::env::var("RENEWD_CLIENT_SECRET").ok()?;
    Some((id, secret))
}
