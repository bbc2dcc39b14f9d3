//! Introspection.

use e2e::client::registered::form_to;
use e2e::{Ctl, Database, Person, Persona, Registered, Server, Setup, flows, jwt};
use serde_json::{Value, json};

use crate::hs256;

flows!(
    an_active_token_is_described,
    every_question_is_answered_anew,
    refresh_tokens_are_described_to_their_own_client,
    a_signed_answer_is_for_the_client_that_asked,
);

const SIGNED: &str = "application/token-introspection+jwt";

/// S106: nothing else is said of a token that is not active.
#[track_caller]
fn assert_inactive(client: &Registered, token: &str) {
    let reply = client.post("/oauth2/introspect", &[("token", token)]);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(), r#"{"active":false}"#);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

/// S106: any client with a secret learns of access tokens; nobody else learns anything.
fn an_active_token_is_described(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let (a, b) = (
        Registered::new(&server, &["read"]),
        Registered::new(&server, &[]),
    );
    let user = a.log_in(&ada);
    let own = ada.log_in(&server);
    let machine = a.token();
    for (token, username) in [
        (user.access(), Some("ada")),
        (own.access(), Some("ada")),
        (machine, None),
    ] {
        let claims = jwt::claims(&token);
        let told = b.introspect(&token);
        assert_eq!(told["active"], true);
        assert_eq!(told["token_type"], "Bearer");
        assert_eq!(told.get("username").and_then(Value::as_str), username);
        for claim in [
            "scope",
            "client_id",
            "exp",
            "iat",
            "sub",
            "aud",
            "iss",
            "jti",
            "sid",
        ] {
            assert_eq!(told[claim], claims[claim], "{claim}");
        }
        assert_eq!(told.get("email"), None, "{told}");
        let public = [("client_id", "renewd"), ("token", token.as_str())];
        let public = form_to(&server.anonymous(), "/oauth2/introspect", &public);
        public.send().oauth_error(401, "invalid_client");
    }
    let missing = b.post("/oauth2/introspect", &[]);
    missing.oauth_error(400, "invalid_request");
}

/// S69 S106 S107: signature, time, session, user and client, each time.
fn every_question_is_answered_anew(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    let (asks, owns) = (Registered::new(&server, &[]), Registered::new(&server, &[]));
    let ada = Person::registered(&server, "ada");
    let bob = Person::registered(&server, "bob");
    let mut out = ada.log_in(&server);
    let kept = ada.log_in(&server);
    let through = owns.log_in(&ada);
    let (disabled, machine) = (bob.log_in(&server), owns.token());
    let tokens = [
        out.access(),
        kept.access(),
        through.access(),
        disabled.access(),
        machine.clone(),
    ];
    for token in &tokens {
        assert_eq!(asks.introspect(token)["active"], true);
        let (input, signature) = token.rsplit_once('.').expect("a signature");
        let mut altered = jwt::decode(signature);
        altered[5] ^= 1;
        assert_inactive(&asks, &format!("{input}.{}", jwt::encode(altered)));
    }
    for junk in ["junk", "a.b.c", "", &"x".repeat(20_000)] {
        if !junk.is_empty() {
            assert_inactive(&asks, junk);
        }
    }
    out.log_out().expect(204);
    assert_inactive(&asks, &out.access());
    ctl.done(&["user", "disable", "bob"]);
    assert_inactive(&asks, &disabled.access());
    ctl.done(&["client", "delete", &owns.id]);
    assert_inactive(&asks, &through.access());
    assert_inactive(&asks, &machine);
    assert_eq!(asks.introspect(&kept.access())["active"], true);
    ctl.done(&["user", "delete", "ada"]);
    assert_inactive(&asks, &kept.access());
}

/// S65 S107: the current one, to its own client, and never its `jti`.
fn refresh_tokens_are_described_to_their_own_client(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let (a, b) = (
        Registered::new(&server, &["read"]),
        Registered::new(&server, &[]),
    );
    let first = a.log_in(&ada).refresh_token();
    assert_inactive(&b, &first);
    let told = a.introspect(&first);
    let claims = jwt::claims(&first);
    assert_eq!(told["active"], true);
    for claim in ["client_id", "exp", "iat", "sub", "iss", "sid"] {
        assert_eq!(told[claim], claims[claim], "{claim}");
    }
    assert_eq!(told["scope"], "read");
    assert_eq!(told.get("jti"), None);
    assert_eq!(told.get("token_type"), None);
    let second = a.refresh(&first).expect(200).string("refresh_token");
    assert_inactive(&a, &first);
    assert_eq!(a.introspect(&second)["active"], true);
    a.revoke(&second).expect(200);
    assert_inactive(&a, &second);
    let own = ada.log_in(&server);
    assert_inactive(&a, &own.refresh_token());
}

/// S8 S108: a JWT for one client, and no token for anything.
fn a_signed_answer_is_for_the_client_that_asked(database: Database) {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let client = Registered::new(&server, &[]);
    let user = ada.log_in(&server);
    let ask = |token: &str| {
        let call = client.call("/oauth2/introspect", &[("token", token)]);
        let reply = call.header("accept", SIGNED).send().expect(200);
        assert_eq!(reply.header("content-type"), Some(SIGNED));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        reply.text()
    };
    let signed = ask(&user.access());
    let keys = server.call("GET", "/.well-known/jwks.json").send().json();
    let key = &keys["keys"][0];
    assert_eq!(
        jwt::header(&signed),
        json!({"typ": "token-introspection+jwt", "alg": "ES256", "kid": key["kid"]})
    );
    let coordinate = |name: &str| jwt::decode(key[name].as_str().expect("a coordinate"));
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let (input, signature) = signed.rsplit_once('.').expect("a signature");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(input.as_bytes(), &jwt::decode(signature))
        .expect("a good signature");
    let claims = jwt::claims(&signed);
    let mut members: Vec<_> = claims.as_object().expect("claims").keys().collect();
    members.sort_unstable();
    assert_eq!(members, ["aud", "iat", "iss", "token_introspection"]);
    assert_eq!(claims["aud"], client.id.as_str());
    assert_eq!(claims["iss"], jwt::claims(&user.access())["iss"]);
    assert_eq!(
        claims["token_introspection"],
        client.introspect(&user.access())
    );
    let dead = jwt::claims(&ask("junk"));
    assert_eq!(dead["token_introspection"], json!({"active": false}));

    let verify = server.call("GET", "/v1/verify").bearer(&signed);
    verify.send().problem(401, "access_token_invalid");
    user.present(&signed).problem(401, "refresh_token_invalid");
    client.refresh(&signed).oauth_error(400, "invalid_grant");
    assert_inactive(&client, &signed);
}

/// A signature that every verifier could have made proves nothing, so there is none.
#[test]
fn with_a_shared_secret_answers_are_plain() {
    let server = Setup::sqlite()
        .set("ACCESS_TOKEN_SECRET", hs256::SECRET)
        .start();
    let client = Registered::new(&server, &[]);
    let token = client.token();
    assert_eq!(client.introspect(&token)["active"], true);
    let call = client.call("/oauth2/introspect", &[("token", &token)]);
    let signed = call.header("accept", SIGNED).send();
    signed.oauth_error(406, "invalid_request");
}

/// S107: whoever knows the shared secret can write tokens, but no session.
#[test]
fn a_forged_token_needs_a_session_of_its_own() {
    let server = Setup::sqlite()
        .set("ACCESS_TOKEN_SECRET", hs256::SECRET)
        .start();
    let ada = Person::registered(&server, "ada");
    let client = Registered::new(&server, &[]);
    let user = ada.log_in(&server);
    let (mine, machine) = (user.access(), client.token());
    let forge = |token: &str, changes: &[(&str, &Value)]| {
        let mut claims = jwt::claims(token);
        for (name, value) in changes {
            claims[*name] = (*value).clone();
        }
        jwt::sign_hs256(&jwt::header(token), &claims, hs256::SECRET.as_bytes())
    };
    assert_eq!(client.introspect(&forge(&mine, &[]))["active"], true);
    let machine_claims = jwt::claims(&machine);
    let (sid, id) = (&machine_claims["sid"], &machine_claims["client_id"]);
    let unknown = json!("018f0000-0000-7000-8000-000000000000");
    for forged in [
        forge(&mine, &[("sid", &unknown)]),
        forge(&mine, &[("sub", &unknown)]),
        forge(&mine, &[("sid", sid)]),
        forge(&mine, &[("client_id", id)]),
        forge(&mine, &[("sub", id), ("client_id", id)]),
        forge(&machine, &[("sid", &jwt::claims(&mine)["sid"])]),
        forge(&machine, &[("sub", &jwt::claims(&mine)["sub"])]),
    ] {
        assert_inactive(&client, &forged);
    }
}
