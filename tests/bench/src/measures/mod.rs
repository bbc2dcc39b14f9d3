//! What is measured, one file each.

mod concurrency;
mod costs;
mod growth;
mod log;
mod login;
mod memory;
mod pgbench;
mod program;
mod refresh;
mod script;
mod size;
mod start;
mod storm;
mod tokens;
mod verify;

use anyhow::{Result, ensure};
use e2e::{Person, Persona, Server};

use crate::results::Results;
use crate::stage::Stage;
use crate::wrk::{Load, Scripts};

/// One of them.
pub struct Measure {
    /// As `--only` takes it.
    pub name: &'static str,
    /// What is done.
    pub run: fn(&mut Stage, &mut Results) -> Result<()>,
}

/// In the order of the page.
pub const ALL: [Measure; 18] = [
    Measure {
        name: "verify",
        run: verify::verify,
    },
    Measure {
        name: "constant",
        run: verify::constant,
    },
    Measure {
        name: "refresh_sqlite",
        run: refresh::sqlite,
    },
    Measure {
        name: "refresh_postgres",
        run: refresh::postgres,
    },
    Measure {
        name: "login",
        run: login::run,
    },
    Measure {
        name: "storm",
        run: storm::run,
    },
    Measure {
        name: "size_sqlite",
        run: size::sqlite,
    },
    Measure {
        name: "size_postgres",
        run: size::postgres,
    },
    Measure {
        name: "tokens",
        run: tokens::run,
    },
    Measure {
        name: "start",
        run: start::run,
    },
    Measure {
        name: "memory",
        run: memory::run,
    },
    Measure {
        name: "growth_sqlite",
        run: growth::sqlite,
    },
    Measure {
        name: "growth_postgres",
        run: growth::postgres,
    },
    Measure {
        name: "program",
        run: program::run,
    },
    Measure {
        name: "request_log",
        run: log::run,
    },
    Measure {
        name: "script",
        run: script::run,
    },
    Measure {
        name: "concurrency",
        run: concurrency::run,
    },
    Measure {
        name: "costs",
        run: costs::run,
    },
];

/// A load of GETs of a path.
pub fn get(scripts: &Scripts, server: &Server, path: &str) -> Load {
    scripts.load("get.lua", &url(server, path))
}

/// The same with an access token.
pub fn verify(scripts: &Scripts, server: &Server, access: &str) -> Load {
    get(scripts, server, "/v1/verify").header(format!("Authorization: Bearer {access}"))
}

/// A URL of a server.
pub fn url(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.address())
}

/// The access token of somebody who registers for it. The server must take it.
pub fn access_token(server: &Server) -> Result<String> {
    let person = Person::registered(server, "caller");
    let access = person.log_in(server).access();
    let reply = server.call("GET", "/v1/verify").bearer(&access).send();
    ensure!(reply.status == 204, "/v1/verify answers {}", reply.status);
    Ok(access)
}
