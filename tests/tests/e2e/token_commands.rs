//! `renewctl token …`

use e2e::{Ctl, Database, Person, Persona, Registered, Server, Setup, flows, jwt};
use serde_json::Value;

use crate::hs256;

flows!(a_token_is_verified_by_the_database);

fn verify(ctl: &Ctl, token: &str) -> (Option<i32>, Value) {
    let args = ["--output", "json", "token", "verify", "-"];
    let finished = ctl.run_with(&args, &format!("{token}\n"));
    let told = serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}: {finished:?}"));
    (finished.code, told)
}

#[track_caller]
fn assert_good(ctl: &Ctl, token: &str, kind: &str) {
    let (code, told) = verify(ctl, token);
    assert_eq!(
        (code, &told["valid"]),
        (Some(0), &Value::Bool(true)),
        "{told}"
    );
    assert_eq!(told["kind"], kind);
    assert_eq!(told["session"], "live");
    assert_eq!(told["session_id"], jwt::claims(token)["sid"]);
    assert_eq!(told["subject"], jwt::claims(token)["sub"]);
}

#[track_caller]
fn assert_bad(ctl: &Ctl, token: &str, reason: &str) {
    let (code, told) = verify(ctl, token);
    assert_eq!(
        (code, &told["valid"]),
        (Some(1), &Value::Bool(false)),
        "{told}"
    );
    let why = told["reason"].as_str().expect("a reason");
    assert!(why.contains(reason), "{told}");
}

/// 0 for what is good at this moment; 1 and a reason for everything else.
fn a_token_is_verified_by_the_database(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    let mut user = Person::registered(&server, "ada").log_in(&server);
    let client = Registered::new(&server, &["x"]);
    let machine = client.token();
    assert_good(&ctl, &user.access(), "access");
    assert_good(&ctl, &user.refresh_token(), "refresh");
    assert_good(&ctl, &machine, "access");
    let spent = user.refresh_token();
    user.refresh().expect(200);
    assert_bad(&ctl, &spent, "not the session's current");
    for token in [user.access(), user.refresh_token()] {
        let (input, signature) = token.rsplit_once('.').expect("a signature");
        let mut altered = jwt::decode(signature);
        altered[0] ^= 1;
        let altered = format!("{input}.{}", jwt::encode(altered));
        assert_bad(&ctl, &altered, "");
    }
    let signed = client
        .call("/oauth2/introspect", &[("token", &machine)])
        .header("accept", "application/token-introspection+jwt");
    assert_bad(&ctl, &signed.send().text(), "neither");
    assert_bad(&ctl, "junk", "malformed");
    user.log_out().expect(204);
    assert_bad(&ctl, &user.access(), "its session has ended: logout");
    assert_bad(&ctl, &user.refresh_token(), "its session has ended: logout");
    ctl.done(&["client", "delete", &client.id]);
    assert_bad(&ctl, &machine, "its session has ended: admin");
}

/// What is signed with the shared secret is verified with it.
#[test]
fn a_shared_secret_verifies_here_too() {
    let server = Setup::sqlite()
        .set("ACCESS_TOKEN_SECRET", hs256::SECRET)
        .start();
    let token = Registered::new(&server, &[]).token();
    assert_bad(&Ctl::of(&server), &token, "no key of that name");
    let told = Ctl::of(&server).set("ACCESS_TOKEN_SECRET", hs256::SECRET);
    assert_good(&told, &token, "access");
    let issuer = Ctl::of(&server)
        .set("ACCESS_TOKEN_SECRET", hs256::SECRET)
        .set("RENEWD_ISSUER", "https://other.example");
    assert_bad(&issuer, &token, "another issuer");
}

/// Everything a token says, of whatever kind, and a clear word that it may be a lie.
#[test]
fn a_token_is_shown_unverified() {
    let server = Server::sqlite();
    let ctl = Ctl::of(&server);
    let user = Person::registered(&server, "ada").log_in(&server);
    for token in [user.access(), user.refresh_token()] {
        let args = ["--output", "json", "token", "inspect", "-"];
        let finished = ctl.run_with(&args, &format!(" {token}\n"));
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let told: Value = serde_json::from_str(&finished.stdout).expect("JSON");
        assert_eq!(told["verified"], false);
        assert_eq!(told["header"], jwt::header(&token));
        assert_eq!(told["claims"], jwt::claims(&token));
        let args = ["--output", "table", "token", "inspect", "-"];
        let table = ctl.run_with(&args, &token).stdout;
        assert!(table.starts_with("NOT VERIFIED"), "{table}");
    }
    let path = server.directory().join("token");
    std::fs::write(&path, user.access()).expect("the file is written");
    ctl.json(&["token", "inspect", path.to_str().expect("UTF-8")]);

    for junk in ["", "a.b", "a.b.c.d", "e30.e30", "!.!.!"] {
        let finished = ctl.run_with(&["token", "inspect", "-"], junk);
        assert_eq!(finished.code, Some(1), "{finished:?}");
    }
    // A token in place of a file's name is not repeated.
    let typed = ctl.run(&["token", "inspect", &user.access()]);
    assert_eq!(typed.code, Some(1));
    assert!(!typed.stderr.contains(&user.access()[..20]), "{typed:?}");
}
