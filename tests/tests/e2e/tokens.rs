//! What is in the tokens.

use std::collections::HashSet;

use e2e::server::ISSUER;
use e2e::{Database, Person, Persona, Server, Setup, flows, jwt};
use serde_json::json;

use crate::shape;

flows!(the_claims_are_these, no_identifier_comes_twice);

/// S7 S21 S23: the header and the claims of both tokens.
fn the_claims_are_these(database: Database) {
    let server = Server::on(database);
    let client = Person::registered(&server, "ada").log_in(&server);
    let access = client.access();
    insta::assert_json_snapshot!(jwt::header(&access), { ".kid" => shape::text() }, @r#"
    {
      "alg": "ES256",
      "kid": "[text]",
      "typ": "at+jwt"
    }
    "#);
    let mut claims = jwt::claims(&access);
    let audience = claims["aud"].take();
    assert!(
        audience == json!(ISSUER) || audience == json!([ISSUER]),
        "{audience}"
    );
    insta::assert_json_snapshot!(claims, {
        ".exp" => shape::seconds(900),
        ".iat" => shape::seconds(0),
        ".auth_time" => shape::seconds(0),
        ".jti" => shape::text(),
        ".sid" => shape::id(),
        ".sub" => shape::id(),
        ".status.status_list.idx" => shape::place(),
    }, @r#"
    {
      "amr": [
        "pwd"
      ],
      "aud": null,
      "auth_time": "[seconds]",
      "client_id": "renewd",
      "email": "ada@example.com",
      "exp": "[seconds]",
      "full_name": "ada of Example",
      "iat": "[seconds]",
      "iss": "http://localhost:8080",
      "jti": "[text]",
      "sid": "[id]",
      "status": {
        "status_list": {
          "idx": "[place]",
          "uri": "http://localhost:8080/oauth2/status/0"
        }
      },
      "sub": "[id]",
      "username": "ada"
    }
    "#);
    let refresh = client.refresh_token();
    insta::assert_json_snapshot!(jwt::header(&refresh), { ".kid" => shape::text() }, @r#"
    {
      "alg": "HS256",
      "kid": "[text]",
      "typ": "rt+jwt"
    }
    "#);
    insta::assert_json_snapshot!(jwt::claims(&refresh), {
        ".exp" => shape::seconds(30 * 86400),
        ".max" => shape::seconds(90 * 86400),
        ".iat" => shape::seconds(0),
        ".jti" => shape::random(32),
        ".sid" => shape::id(),
        ".sub" => shape::id(),
    }, @r#"
    {
      "client_id": "renewd",
      "exp": "[seconds]",
      "gen": 0,
      "iat": "[seconds]",
      "iss": "http://localhost:8080",
      "jti": "[random]",
      "max": "[seconds]",
      "sid": "[id]",
      "sub": "[id]",
      "transport": "body"
    }
    "#);
    assert_ne!(jwt::header(&access)["kid"], jwt::header(&refresh)["kid"]);
}

/// S22 S42: identifiers of tokens and sessions are unique.
fn no_identifier_comes_twice(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let (mut access, mut refresh) = (HashSet::new(), HashSet::new());
    for _ in 0..200 {
        client.refresh().expect(200);
        assert!(access.insert(jwt::claims(&client.access())["jti"].to_string()));
        assert!(refresh.insert(jwt::claims(&client.refresh_token())["jti"].to_string()));
    }
}

/// The operator's mapping of profile claims: renamed ones, and none of the default.
#[test]
fn claims_can_be_mapped() {
    let toml = "[tokens.access.claims]\n_id = \"id\"\nemail = \"email\"\n\
                username = \"username\"\nfullname = \"full_name\"\n";
    let server = Setup::sqlite()
        .file("renewd.toml", toml)
        .start_with(["--config", "renewd.toml"]);
    let client = Person::registered(&server, "ada").log_in(&server);
    let claims = jwt::claims(&client.access());
    assert_eq!(claims["_id"], claims["sub"]);
    assert_eq!(claims["email"], "ada@example.com");
    assert_eq!(claims["username"], "ada");
    assert_eq!(claims["fullname"], "ada of Example");
    assert_eq!(claims.get("full_name"), None);
    client.get("/v1/verify").expect(204);
}

/// All of them can be turned off.
#[test]
fn claims_can_be_turned_off() {
    let server = Setup::sqlite()
        .file("renewd.toml", "[tokens.access.claims]\n")
        .start_with(["--config", "renewd.toml"]);
    let client = Person::registered(&server, "ada").log_in(&server);
    let claims = jwt::claims(&client.access());
    for claim in ["email", "username", "full_name"] {
        assert_eq!(claims.get(claim), None, "{claims}");
    }
    client.get("/v1/me").expect(200);
}

/// S24: a mapping cannot set a registered or a security claim.
#[test]
fn a_mapping_cannot_set_a_claim_of_the_protocol() {
    for claim in [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "jti",
        "sid",
        "client_id",
        "scope",
        "roles",
        "cnf",
        "amr",
        "status",
    ] {
        let toml = format!("[tokens.access.claims]\n{claim} = \"username\"\n");
        let refused = Setup::sqlite().file("renewd.toml", &toml).run([
            "check-config",
            "--config",
            "renewd.toml",
        ]);
        assert_ne!(refused.code, Some(0), "{claim}: {refused:?}");
        assert!(refused.stderr.contains(claim), "{refused:?}");
    }
}

/// `typ: JWT` for verifiers that know no other.
#[test]
fn the_typ_can_be_the_plain_one() {
    let server = Setup::sqlite()
        .set("RENEWD_ACCESS_TOKEN_TYP", "JWT")
        .start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    assert_eq!(jwt::header(&client.access())["typ"], "JWT");
    e2e::client::assert_alive(&mut client);
    // Still the refresh token is no access token.
    let swapped = server
        .call("GET", "/v1/me")
        .bearer(&client.refresh_token())
        .send();
    swapped.problem(401, "access_token_invalid");
}

/// The audience is the operator's.
#[test]
fn the_audience_can_be_set() {
    let server = Setup::sqlite()
        .set("RENEWD_AUDIENCE", "https://api.example.com")
        .start();
    let client = Person::registered(&server, "ada").log_in(&server);
    let audience = jwt::claims(&client.access())["aud"].clone();
    let expected = "https://api.example.com";
    assert!(
        audience == json!(expected) || audience == json!([expected]),
        "{audience}"
    );
    client.get("/v1/me").expect(200);
}
