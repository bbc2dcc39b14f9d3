//! Secrets stay where they belong: not in the log, not in the database.

use e2e::{Ctl, Database, Person, Persona, Server, Setup, Transport, clock, flows, jwt};
use serde_json::json;

use crate::hs256::SECRET;

flows!(no_secret_is_logged);

const CANARY: &str = "canary-Quartz-9-travel";
const SECOND: &str = "canary-Comet-7-window";

/// Whether `needle` is somewhere in `bytes`.
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Everything secret that a broad run of all routes brings up.
fn broad_run(server: &Server) -> Vec<String> {
    let mut secrets: Vec<String> = [CANARY, SECOND].map(str::to_owned).to_vec();
    let ada = Person::named("ada").with_password(CANARY);
    server.anonymous().register(&ada).expect(201);
    server.anonymous().register(&ada).expect(409);
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(server, transport);
        let keep = |client: &dyn Persona, secrets: &mut Vec<String>| {
            secrets.extend([client.access(), client.refresh_token()]);
        };
        keep(client.as_ref(), &mut secrets);
        client.refresh().expect(200);
        keep(client.as_ref(), &mut secrets);
        client.get("/v1/me");
        client.get("/v1/verify");
        client.get("/v1/me/sessions");
        server
            .call("GET", &format!("/v1/me?access_token={}", client.access()))
            .send();
        server
            .call("GET", "/v1/me")
            .bearer(&format!("{}x", client.access()))
            .send();
        server
            .anonymous()
            .present(&format!("{}x", client.refresh_token()));
        let old = secrets[secrets.len() - 3].clone();
        client.present(&old).problem(401, "refresh_token_reused");
        client.log_out().expect(204);
    }
    // Passwords where they do not belong, and in bodies that are refused.
    for body in [
        format!("{{\"username\":\"ada\",\"password\":\"{CANARY}"),
        format!("{{\"username\":\"ada\",\"password\":[\"{CANARY}\"]}}"),
        json!({ "username": CANARY, "password": CANARY }).to_string(),
    ] {
        server
            .call("POST", "/v1/login")
            .body("application/json", body)
            .send()
            .any_problem();
    }
    let mut client = ada.log_in(server);
    let body = json!({ "current_password": SECOND, "new_password": SECOND });
    client.post_json("/v1/me/password", body).expect(403);
    let body = json!({ "current_password": CANARY, "new_password": SECOND });
    client.post_json("/v1/me/password", body).expect(200);
    secrets.extend([client.access(), client.refresh_token()]);
    let delete = client
        .call("DELETE", "/v1/me")
        .json(json!({ "password": SECOND }));
    delete.send().expect(204);
    secrets
}

/// S136: marked secrets, every route, the log at its most talkative.
fn no_secret_is_logged(database: Database) {
    let mut server = Setup::new(database)
        .set("ACCESS_TOKEN_SECRET", SECRET)
        .set("RENEWD_LOG", "trace")
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let mut secrets = broad_run(&server);
    let last = server.call("GET", "/healthz").send();
    let id = last.header("x-request-id").expect("an id").to_owned();
    clock::eventually("the end of the log", || {
        server.log().contains(&id).then_some(())
    });
    server.terminate();
    server.wait();

    // A signature alone is enough to complete a token whose rest is guessed, and
    // the identifier of a refresh token is its secret.
    let tokens: Vec<String> = secrets
        .iter()
        .filter(|secret| secret.matches('.').count() == 2)
        .cloned()
        .collect();
    for token in &tokens {
        secrets.push(jwt::signature(token).to_owned());
        if jwt::header(token)["typ"] == "rt+jwt" {
            secrets.push(jwt::claims(token)["jti"].as_str().expect("jti").to_owned());
        }
    }
    secrets.push(SECRET.to_owned());
    secrets.push("$2b$".to_owned());
    if let Ok(key) = std::fs::read_to_string(server.directory().join("data/master.key")) {
        secrets.push(key.trim().to_owned());
    }
    let log = server.log();
    for secret in secrets {
        if let Some(at) = log.find(&secret) {
            let line = log[..at].rfind('\n').map_or(0, |start| start + 1);
            panic!(
                "{secret} in the log: {}",
                &log[line..(at + secret.len()).min(log.len())]
            );
        }
    }
}

/// S43 S79: neither the database nor its write-ahead log has a token, the
/// identifier of one, or a password; the row has one digest of 32 bytes.
#[test]
fn no_secret_lies_in_the_database() {
    let mut server = Setup::sqlite().set("RENEWD_REPLAY_WINDOW", "0").start();
    let ada = Person::named("ada").with_password(CANARY);
    server.anonymous().register(&ada).expect(201);
    let mut needles: Vec<Vec<u8>> = vec![CANARY.into()];
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        for _ in 0..3 {
            for token in [client.access(), client.refresh_token()] {
                needles.push(jwt::signature(&token).into());
                needles.push(token.into_bytes());
            }
            let jti = jwt::claims(&client.refresh_token())["jti"]
                .as_str()
                .expect("jti")
                .to_owned();
            needles.push(jwt::decode(&jti));
            needles.push(jti.into_bytes());
            client.refresh().expect(200);
        }
    }
    let length = server
        .store()
        .texts("length(refresh_digest)", "FROM sessions");
    assert!(length.iter().all(|length| length == "32"), "{length:?}");
    let master = std::fs::read(server.directory().join("data/master.key")).expect("the key");
    needles.push(master.trim_ascii().to_vec());

    let look = |bytes: &[u8], when: &str| {
        assert!(
            contains(bytes, b"ada@example.com"),
            "{when}: the right bytes are read"
        );
        for needle in &needles {
            assert!(
                !contains(bytes, needle),
                "{when}: {:?}",
                String::from_utf8_lossy(needle)
            );
        }
    };
    look(&server.store().file_bytes(), "running");
    server.kill();
    look(&server.store().file_bytes(), "killed");
}

/// S136: what an administrator does is not told with secrets either.
#[test]
fn renewctl_tells_no_secret() {
    let server = Server::sqlite();
    let ctl = Ctl::of(&server);
    let args = [
        "user",
        "create",
        "ada",
        "--email",
        "ada@example.com",
        "--full-name",
        "Ada",
        "--password-stdin",
    ];
    let finished = ctl.run_with(&args, CANARY);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let client = Person::named("ada").with_password(CANARY).log_in(&server);
    let listed = ctl.json(&["session", "list"]).to_string();
    let text = format!("{finished:?}{listed}{}", ctl.json(&["user", "list"]));
    let jti = jwt::claims(&client.refresh_token())["jti"].to_string();
    for secret in [
        CANARY,
        &client.refresh_token(),
        &client.access(),
        jti.trim_matches('"'),
        "$2b$",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
