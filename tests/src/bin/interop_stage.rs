//! Sets the stage for other people's libraries: real servers, one for each algorithm, with tokens
//! that a verifier must accept or refuse, and sessions for OAuth clients.
//!
//! Prints one line of JSON that says where everything is, and keeps the servers running until its
//! standard input ends. The arguments are the names of the OAuth clients, which get users and
//! sessions of their own. `cargo xtask interop` runs it; `RENEWD_BIN` and `RENEWCTL_BIN` say where
//! the programs are.

use std::io::{self, Read, Write};

use e2e::{Person, Persona, Registered, Server, Setup, clock, jwt};
use serde_json::{Map, Value, json};

/// A secret for HS256 that passes every check.
const SECRET: &str = "k9Xw2Vq7Rz4Tb8Nc5Ld1Mf6Gh3Jp0Ysu";
/// The audience of a service that is not the one asked.
const OTHER_AUDIENCE: &str = "https://other.example.com";
/// What the registered clients may do.
const SCOPES: [&str; 2] = ["invoices:read", "invoices:write"];

fn main() {
    let clients: Vec<String> = std::env::args().skip(1).collect();
    let settings = [
        ("ES256", Setup::sqlite()),
        (
            "EdDSA",
            Setup::sqlite().set("RENEWD_ACCESS_TOKEN_ALG", "EdDSA"),
        ),
        (
            "RS256",
            Setup::sqlite().set("RENEWD_ACCESS_TOKEN_ALG", "RS256"),
        ),
        ("HS256", Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET)),
    ];
    // Without an issuer of its own a server is the issuer at its port, where libraries find it.
    let issuers = settings.map(|(algorithm, setup)| {
        let setup = setup.unset("RENEWD_ISSUER");
        Issuer::start(algorithm, setup)
    });
    let verification: Vec<Value> = issuers.iter().map(Issuer::verification).collect();
    let [first, ..] = &issuers;
    let job = json!({ "verification": verification, "oauth": first.oauth(&clients) });
    let mut output = io::stdout();
    writeln!(output, "{job}").expect("the job is told");
    output.flush().expect("the job is told");
    io::stdin()
        .read_to_end(&mut Vec::new())
        .expect("standard input ends");
}

/// A server with one user, and what its metadata says.
struct Issuer {
    algorithm: &'static str,
    server: Server,
    person: Person,
    url: String,
}

impl Issuer {
    fn start(algorithm: &'static str, setup: Setup) -> Self {
        let server = setup.start();
        let person = Person::registered(&server, "ada");
        let metadata = metadata(&server);
        let url = metadata["issuer"].as_str().expect("an issuer").to_owned();
        Self {
            algorithm,
            server,
            person,
            url,
        }
    }

    /// What a verifier has to know, and the tokens that it is tried with.
    fn verification(&self) -> Value {
        let good = self.token(&self.server);
        assert_eq!(jwt::header(&good)["alg"], self.algorithm);
        let mut tokens = Map::new();
        tokens.insert("altered payload".to_owned(), altered_payload(&good).into());
        tokens.insert(
            "altered signature".to_owned(),
            altered_signature(&good).into(),
        );
        tokens.insert("good".to_owned(), good.into());
        let mut twin = self.twin("ACCESS_TOKEN_EXPIRY", "1s");
        let expired = self.token(&twin);
        twin.restart_with("ACCESS_TOKEN_EXPIRY", "15m");
        twin.restart_with("RENEWD_AUDIENCE", OTHER_AUDIENCE);
        tokens.insert("wrong audience".to_owned(), self.token(&twin).into());
        // Two seconds, because some round times down and call the last second itself good.
        clock::wait_past(jwt::time(&expired, "exp") + 2.0);
        tokens.insert("expired".to_owned(), expired.into());
        json!({
            "algorithm": self.algorithm,
            "issuer": self.url,
            "jwks_uri": metadata(&self.server)["jwks_uri"],
            // The default of RENEWD_AUDIENCE.
            "audience": self.url,
            "secret": (self.algorithm == "HS256").then_some(SECRET),
            "tokens": tokens,
        })
    }

    fn token(&self, server: &Server) -> String {
        self.person.log_in(server).access()
    }

    /// A second process on the same database, with the same keys and the same issuer.
    fn twin(&self, setting: &str, value: &str) -> Server {
        let mut setup = Setup::sqlite()
            .set("RENEWD_DATABASE_URL", &self.server.store().url())
            .set("RENEWD_ISSUER", &self.url)
            .set("RENEWD_ACCESS_TOKEN_ALG", self.algorithm)
            .set(setting, value);
        if self.algorithm == "HS256" {
            setup = setup
                .unset("RENEWD_ACCESS_TOKEN_ALG")
                .set("ACCESS_TOKEN_SECRET", SECRET);
        }
        setup.start()
    }

    /// For each OAuth client a registration and sessions to use up: two of its own, and one of the
    /// built-in public client.
    fn oauth(&self, clients: &[String]) -> Value {
        let of_client = |name: &String| {
            let registered = Registered::new(&self.server, &SCOPES);
            let session = || registered.log_in(&self.person).refresh_token();
            let told = json!({
                "client_id": registered.id,
                "client_secret": registered.secret,
                "refresh_token": session(),
                "revoked_refresh_token": session(),
                "public_refresh_token": self.person.log_in(&self.server).refresh_token(),
            });
            (name.clone(), told)
        };
        let clients: Map<String, Value> = clients.iter().map(of_client).collect();
        json!({
            "issuer": self.url,
            "scope": SCOPES[0],
            "algorithm": self.algorithm,
            "public_client_id": "renewd",
            "clients": clients,
        })
    }
}

fn metadata(server: &Server) -> Value {
    server
        .call("GET", "/.well-known/oauth-authorization-server")
        .send()
        .expect(200)
        .json()
}

/// The same token for somebody else.
fn altered_payload(token: &str) -> String {
    let mut claims = jwt::claims(token);
    claims["sub"] = json!("0199b0f5-0000-7000-8000-000000000000");
    let [header, _, signature] = forge::token::parts(token);
    format!("{header}.{}.{signature}", jwt::encode(claims.to_string()))
}

/// The same token with one bit of its signature turned over.
fn altered_signature(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    let mut signature = jwt::decode(signature);
    *signature.last_mut().expect("a signature") ^= 1;
    format!("{input}.{}", jwt::encode(signature))
}
