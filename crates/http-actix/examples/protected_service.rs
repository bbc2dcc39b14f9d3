//! A service that is not renewd and accepts renewd's access tokens.
//!
//! With the public keys of an issuer, saved from `/.well-known/jwks.json`:
//!
//! ```sh
//! cargo run --release -p http-actix --no-default-features --example protected_service -- \
//!     --issuer http://localhost:8080 --jwks jwks.json
//! ```
//!
//! or with the secret that it signs with, from the variable `ACCESS_TOKEN_SECRET`:
//!
//! ```sh
//! cargo run --release -p http-actix --no-default-features --example protected_service -- \
//!     --issuer http://localhost:8080
//! ```
//!
//! Then `curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:9090/hello` is greeted by name.

use std::error::Error;

use actix_web::{App, HttpServer, Responder, web};
use http_actix::protect::{AccessToken, Protector};
use token_core::key::{SigningSecret, VerificationKey, VerificationKeys};
use token_core::token::access::VerifierPolicy;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let audience = options.audience.as_deref().unwrap_or(&options.issuer);
    let policy = VerifierPolicy::new(&options.issuer, audience)?;
    let keys = keys(options.jwks.as_deref())?;
    let protector = web::Data::new(Protector::new(policy, keys));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(protector.clone())
            .route("/hello", web::get().to(hello))
    })
    .bind(("127.0.0.1", options.port))?;
    for address in server.addrs() {
        writeln(&format!("listening on http://{address}/hello"))?;
    }
    Ok(server.run().await?)
}

/// Greets whoever the token speaks for.
async fn hello(AccessToken(access): AccessToken) -> impl Responder {
    let name = access
        .profile
        .get("full_name")
        .and_then(|name| name.as_str());
    match name {
        Some(name) => format!("Hello, {name}!\n"),
        None => format!("Hello, {}!\n", access.subject),
    }
}

/// Keys from a file, or else from the secret in the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the program's one look at its environment"
)]
fn keys(jwks: Option<&str>) -> Result<VerificationKeys, Box<dyn Error>> {
    if let Some(path) = jwks {
        return Ok(VerificationKeys::from_jwks(&std::fs::read_to_string(
            path,
        )?)?);
    }
    let secret = std::env::var("ACCESS_TOKEN_SECRET")
        .map_err(|_| "give --jwks FILE or the variable ACCESS_TOKEN_SECRET")?;
    let secret = SigningSecret::parse(&secret)?;
    Ok(VerificationKeys::new(vec![VerificationKey::from_secret(
        &secret,
    )]))
}

/// What the command line says.
struct Options {
    issuer: String,
    audience: Option<String>,
    jwks: Option<String>,
    port: u16,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            issuer: "http://localhost:8080".to_owned(),
            audience: None,
            jwks: None,
            port: 9090,
        };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--issuer" => options.issuer = value,
                "--audience" => options.audience = Some(value),
                "--jwks" => options.jwks = Some(value),
                "--port" => options.port = value.parse()?,
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(options)
    }
}

/// A line on standard output.
fn writeln(line: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")
}
