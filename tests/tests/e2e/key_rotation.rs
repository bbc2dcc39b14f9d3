//! Keys change under traffic, and nobody who verifies tokens notices.

use std::time::{Duration, Instant};

use e2e::{BodyClient, Ctl, Database, Person, Persona, Server, Setup, clock, flows, jwt};
use serde_json::Value;

flows!(
    rotations_fail_no_verification,
    another_algorithm_fails_no_verification,
);

/// What these servers say in `Cache-Control`.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Twice as long as the rotations take on a quiet machine.
const LIMIT: Duration = Duration::from_secs(150);

/// Keys change as quickly as they may.
pub fn restless(database: Database) -> Setup {
    Setup::new(database)
        .set("ACCESS_TOKEN_EXPIRY", "2s")
        .set("RENEWD_JWKS_MAX_AGE", "1s")
        .set("RENEWD_KEY_ROTATION", "1s")
}

/// Somebody else's service: it keeps the published keys for as long as it may, and does not ask
/// again before, whatever token comes.
struct Verifier<'a> {
    node: &'a Server,
    keys: Vec<Value>,
    fetched: Instant,
    verified: usize,
    failed: Vec<String>,
}

impl<'a> Verifier<'a> {
    fn of(node: &'a Server) -> Self {
        let mut verifier = Self {
            node,
            keys: Vec::new(),
            fetched: Instant::now(),
            verified: 0,
            failed: Vec::new(),
        };
        verifier.fetch();
        verifier
    }

    fn fetch(&mut self) {
        // From before the request: the answer may be as old as that.
        self.fetched = Instant::now();
        self.keys = published(self.node);
    }

    fn verify(&mut self, token: &str) {
        if self.fetched.elapsed() >= MAX_AGE {
            self.fetch();
        }
        self.verified += 1;
        if !jwt::is_signed_by_one_of(token, &self.keys) {
            self.failed.push(jwt::header(token).to_string());
        }
    }
}

/// S28 S29: public members alone, and a name for each key that no other has.
pub fn published(node: &Server) -> Vec<Value> {
    let reply = node
        .call("GET", "/.well-known/jwks.json")
        .send()
        .expect(200);
    let keys = reply.json()["keys"].as_array().expect("keys").clone();
    for key in &keys {
        for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(secret).is_none(), "{secret} in {key}");
        }
        assert_eq!(key["kid"], jwt::thumbprint(key));
        assert_eq!(key["use"], "sig");
        let same = keys.iter().filter(|other| other["kid"] == key["kid"]);
        assert_eq!(same.count(), 1, "{keys:?}");
    }
    keys
}

/// The value of a member of the headers of tokens, each once, in the order in which they came.
#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    fn see(&mut self, token: &str, member: &str) {
        let value = jwt::header(token)[member]
            .as_str()
            .expect("a text")
            .to_owned();
        if !self.0.contains(&value) {
            self.0.push(value);
        }
    }
}

/// One active key, whatever else is going on.
fn assert_one_active(node: &Server) {
    let rest = "FROM keys WHERE state = 'active' AND purpose = 'access'";
    assert_eq!(node.store().texts("count(*)", rest), ["1"]);
}

/// Refreshes at one node after the other, and shows every token at once to verifiers and nodes,
/// and once more when it has almost run out, until the keys have changed so often.
pub fn traffic(nodes: &[&Server], rotations: usize) {
    let ada = Person::registered(nodes[0], "ada");
    let mut clients: Vec<BodyClient> = nodes.iter().map(|node| ada.log_in(node)).collect();
    let mut verifiers: Vec<Verifier<'_>> = nodes.iter().map(|node| Verifier::of(node)).collect();
    let mut recent: Vec<(Instant, String)> = Vec::new();
    let mut kids = Seen::default();
    let start = Instant::now();
    while kids.0.len() <= rotations {
        assert!(start.elapsed() < LIMIT, "{} keys", kids.0.len());
        for client in &mut clients {
            let asked = Instant::now();
            client.refresh().expect(200);
            let token = client.access();
            kids.see(&token, "kid");
            for verifier in &mut verifiers {
                verifier.verify(&token);
            }
            for node in nodes {
                let reply = node.call("GET", "/v1/verify").bearer(&token).send();
                // On a slow machine it may have run out by now.
                if asked.elapsed() < Duration::from_secs(1) {
                    reply.expect(204);
                }
            }
            recent.push((asked, token));
        }
        assert_one_active(nodes[0]);
        let old = |(at, _): &mut (Instant, String)| at.elapsed() > Duration::from_secs(1);
        for (_, token) in recent.extract_if(.., old) {
            for verifier in &mut verifiers {
                verifier.verify(&token);
            }
        }
    }
    let (verified, failed) = count(&verifiers);
    println!(
        "{verified} verifications over {} rotations in {:?}: {} failed",
        kids.0.len() - 1,
        start.elapsed(),
        failed.len()
    );
    assert!(failed.is_empty(), "{failed:?}");
    assert!(verified > 100);
}

fn count(verifiers: &[Verifier<'_>]) -> (usize, Vec<String>) {
    let verified = verifiers.iter().map(|verifier| verifier.verified).sum();
    let failed = verifiers
        .iter()
        .flat_map(|verifier| verifier.failed.clone());
    (verified, failed.collect())
}

/// S32: three rotations under continuous traffic.
fn rotations_fail_no_verification(database: Database) {
    let server = restless(database).start();
    let reply = server
        .call("GET", "/.well-known/jwks.json")
        .send()
        .expect(200);
    let cache = reply
        .header("cache-control")
        .expect("Cache-Control")
        .to_owned();
    assert!(cache.contains("max-age=1"), "{cache}");
    traffic(&[&server], 3);
}

/// S32 S40: a configured algorithm takes over when everybody has its key, and `EdDSA` is written
/// in that one way.
fn another_algorithm_fails_no_verification(database: Database) {
    let mut server = Setup::new(database)
        .set("RENEWD_JWKS_MAX_AGE", "1s")
        .set("RENEWD_RSA_BITS", "2048")
        .start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let first = client.access();
    let mut algorithms = Seen::default();
    let mut all = (0, Vec::new());
    for algorithm in ["EdDSA", "RS256", "ES256"] {
        server.restart_with("RENEWD_ACCESS_TOKEN_ALG", algorithm);
        let mut verifier = Verifier::of(&server);
        clock::within(LIMIT, algorithm, || {
            client.refresh().expect(200);
            let token = client.access();
            algorithms.see(&token, "alg");
            verifier.verify(&token);
            // Also those of the algorithms before.
            verifier.verify(&first);
            client.get("/v1/verify").expect(204);
            (jwt::header(&token)["alg"] == algorithm).then_some(())
        });
        assert_one_active(&server);
        all.0 += verifier.verified;
        all.1.extend(verifier.failed);
    }
    assert_eq!(algorithms.0, ["ES256", "EdDSA", "RS256"]);
    println!(
        "{} verifications over 3 algorithms: {} failed",
        all.0,
        all.1.len()
    );
    assert!(all.1.is_empty(), "{:?}", all.1);
    let states = Ctl::of(&server).json(&["key", "list"]);
    let states = states.as_array().expect("keys").iter();
    let access = states.filter(|key| key["purpose"] == "access");
    let states: Vec<_> = access.map(|key| (&key["alg"], &key["state"])).collect();
    assert_eq!(states.len(), 4, "{states:?}");
    assert_eq!(states[3], (&"ES256".into(), &"active".into()));
}
