//! Access tokens under a shared secret.

use aws_lc_rs::hmac;
use e2e::{Person, Persona, Setup, jwt};
use serde_json::json;

/// A secret that passes every check.
pub const SECRET: &str = "k9Xw2Vq7Rz4Tb8Nc5Ld1Mf6Gh3Jp0Ysu";

/// S31: HS256 with exactly this secret, and no key published for it.
#[test]
fn the_secret_itself_is_the_key() {
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET).start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let access = client.access();
    assert_eq!(jwt::header(&access)["alg"], "HS256");
    let (input, signature) = access.rsplit_once('.').expect("a signature");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, input.as_bytes(), &jwt::decode(signature)).expect("a good signature");

    let keys = server
        .call("GET", "/.well-known/jwks.json")
        .send()
        .expect(200);
    assert!(!keys.text().contains("oct"), "{}", keys.text());
    assert!(!keys.text().contains(r#""k""#), "{}", keys.text());
    e2e::client::assert_alive(&mut client);
}

/// S8 S65: whoever knows the secret can make an access token, but no refresh
/// token: those keys are others.
#[test]
fn the_access_secret_makes_no_refresh_token() {
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET).start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let refresh = client.refresh_token();
    let forged = jwt::sign_hs256(
        &jwt::header(&refresh),
        &jwt::claims(&refresh),
        SECRET.as_bytes(),
    );
    client
        .present(&forged)
        .problem(401, "refresh_token_invalid");
    e2e::client::assert_alive(&mut client);
}

/// S11 S12 S9 S10: a token under the right secret still has to be whole. This is
/// where the checks of the verifier show that a signature library does not make.
#[test]
fn a_well_signed_token_still_has_to_be_whole() {
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET).start();
    let client = Person::registered(&server, "ada").log_in(&server);
    let (header, claims) = (jwt::header(&client.access()), jwt::claims(&client.access()));
    let verify = |header: &serde_json::Value, claims: &serde_json::Value| {
        let token = jwt::sign_hs256(header, claims, SECRET.as_bytes());
        server.call("GET", "/v1/verify").bearer(&token).send()
    };
    verify(&header, &claims).expect(204);

    let iat = claims["iat"].as_i64().expect("iat");
    for (claim, values) in [
        (
            "iss",
            vec![
                json!("http://localhost:8080/"),
                json!(["http://localhost:8080"]),
                json!(7),
            ],
        ),
        (
            "aud",
            vec![
                json!("other"),
                json!([]),
                json!(7),
                json!("http://localhost"),
            ],
        ),
        (
            "exp",
            vec![
                json!("never"),
                json!(-1),
                json!(1e300),
                json!(true),
                json!([]),
            ],
        ),
        (
            "iat",
            vec![json!(iat + 3600), json!("now"), json!(iat - 86_400)],
        ),
        ("nbf", vec![json!(iat + 3600), json!("99999999999")]),
        ("sid", vec![json!("not an id"), json!(7)]),
        ("sub", vec![json!("not an id"), json!(7)]),
        ("jti", vec![json!(7)]),
    ] {
        for value in values {
            let mut altered = claims.clone();
            altered[claim] = value.clone();
            let reply = verify(&header, &altered);
            assert_eq!(reply.any_problem().status, 401, "{claim} = {value}");
        }
        if claim != "nbf" {
            let mut without = claims.clone();
            without.as_object_mut().expect("claims").remove(claim);
            let reply = verify(&header, &without);
            assert_eq!(reply.any_problem().status, 401, "without {claim}");
        }
    }
    for (name, values) in [
        (
            "typ",
            vec![json!("JWT"), json!("rt+jwt"), json!("dpop+jwt"), json!(7)],
        ),
        (
            "crit",
            vec![
                json!(["x-unknown"]),
                json!([]),
                json!("exp"),
                json!(["exp"]),
            ],
        ),
        (
            "kid",
            vec![
                json!("unknown"),
                json!(7),
                json!("../../dev/null"),
                json!("a\u{0}b"),
            ],
        ),
        ("alg", vec![json!("HS384"), json!("none"), json!("ES256")]),
        ("zip", vec![json!("DEF")]),
        ("b64", vec![json!(false)]),
    ] {
        for value in values {
            let mut altered = header.clone();
            altered[name] = value.clone();
            let reply = verify(&altered, &claims);
            assert_eq!(reply.any_problem().status, 401, "{name} = {value}");
        }
    }
    let mut without = header.clone();
    without.as_object_mut().expect("a header").remove("typ");
    assert_eq!(
        verify(&without, &claims).any_problem().status,
        401,
        "without typ"
    );
}

/// S134: who holds the secret can mint; where the database is read anyway, session
/// and user are looked at, and a token made up is found out.
#[test]
fn a_minted_token_does_not_pass_where_the_database_is_read() {
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET).start();
    let client = Person::registered(&server, "ada").log_in(&server);
    let bob = Person::registered(&server, "bob").log_in(&server);
    let (header, claims) = (jwt::header(&client.access()), jwt::claims(&client.access()));
    let unknown = json!("018f0000-0000-7000-8000-000000000000");
    let bobs = jwt::claims(&bob.access());
    for (claim, value) in [
        ("sid", &unknown),
        ("sub", &unknown),
        ("sub", &bobs["sub"]),
        ("sid", &bobs["sid"]),
    ] {
        let mut minted = claims.clone();
        minted[claim] = value.clone();
        let token = jwt::sign_hs256(&header, &minted, SECRET.as_bytes());
        for (method, path) in [
            ("GET", "/v1/me"),
            ("GET", "/v1/me/sessions"),
            ("POST", "/v1/logout/others"),
        ] {
            let reply = server.call(method, path).bearer(&token).send();
            assert_eq!(
                reply.any_problem().status,
                401,
                "{path} with {claim} = {value}"
            );
        }
    }
    bob.get("/v1/me").expect(200);
    client.get("/v1/me").expect(200);
}

/// Everybody who verifies can mint as well: the start says so.
#[test]
fn a_shared_secret_is_warned_of() {
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", SECRET).start();
    assert!(
        server.log().contains("ACCESS_TOKEN_SECRET"),
        "{}",
        server.log()
    );
    assert!(!server.log().contains(SECRET));
}

/// An operator's own key material for refresh tokens keeps sessions over an
/// installation that lost its managed keys, and no other material does.
#[test]
fn refresh_tokens_can_have_their_own_secret() {
    let other = "u5Ysp0Jh3Gf6Md1Lc5Nb8Tz4Rq7Vw2Xk";
    let mut server = Setup::sqlite().set("REFRESH_TOKEN_SECRET", SECRET).start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    server.restart();
    client.refresh().expect(200);
    server.restart_with("REFRESH_TOKEN_SECRET", other);
    client.refresh().problem(401, "refresh_token_invalid");
    server.restart_with("REFRESH_TOKEN_SECRET", SECRET);
    client.refresh().expect(200);
}
