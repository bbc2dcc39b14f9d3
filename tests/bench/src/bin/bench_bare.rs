//! An actix application with nothing around its one handler, which always answers the same: what
//! the framework can do on this machine. Its arguments are the address and the body.

use std::env;

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::{Context, Result};

#[actix_web::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().context("an address")?;
    let body = arguments.next().context("a body")?;
    let server = HttpServer::new(move || {
        let body = web::Bytes::from(body.clone());
        let constant = move || {
            let answer = HttpResponse::Ok()
                .content_type(ContentType::json())
                .body(body.clone());
            std::future::ready(answer)
        };
        App::new().route("/healthz", web::get().to(constant))
    });
    // As many workers as renewd has: one for each core, the default.
    Ok(server.bind(address)?.run().await?)
}
