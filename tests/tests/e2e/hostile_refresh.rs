//! Refresh tokens signed with the server's own key, each with one fault.

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use e2e::consumers::state;
use e2e::{BodyClient, Person, Persona, Server, Setup, jwt};
use forge::token::{appended, with, without};
use forge::{Key, token};
use serde_json::{Value, json};

/// A secret that passes every check.
const SECRET: &str = "Jw4Rt8Zq2Lm6Xc0Vb5Ny9Kd3Hf7Gs1Pa";

/// The key that the server derives from its secret. It is as stable as the tokens are that were
/// signed with it.
fn signing_key(kid: &str) -> Key {
    let salt = Salt::new(HKDF_SHA256, &[]);
    let derived = salt.extract(SECRET.as_bytes());
    let mut secret = [0; 32];
    derived
        .expand(&[b"renewd refresh signing v1"], HKDF_SHA256)
        .and_then(|material| material.fill(&mut secret))
        .expect("a key");
    Key::secret(kid, &secret)
}

struct Insider {
    server: Server,
    client: BodyClient,
    key: Key,
    header: Value,
    claims: Value,
}

impl Insider {
    fn new() -> Self {
        let server = Setup::sqlite().set("REFRESH_TOKEN_SECRET", SECRET).start();
        let client = Person::registered(&server, "ada").log_in(&server);
        let refresh = client.refresh_token();
        let header = jwt::header(&refresh);
        Self {
            key: signing_key(header["kid"].as_str().expect("kid")),
            claims: jwt::claims(&refresh),
            header,
            server,
            client,
        }
    }

    fn refused(&self, what: &str, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) {
        let forged = token::sign(&self.key, header, claims);
        let reply = self.client.present(&forged);
        let told = (reply.status, reply.code());
        assert_eq!(told, (401, "refresh_token_invalid".to_owned()), "{what}");
        reply.any_problem();
    }

    /// Nothing was changed by what was refused; and the key is the right one, without which all of
    /// it would have been: the same content made here is good.
    fn finish(self, before: &[String]) {
        assert_eq!(state(&self.server), before);
        let header = self.header.to_string();
        let same = token::sign(&self.key, header, self.claims.to_string());
        self.client.present(&same).expect(200);
    }
}

/// S5 S7 S18 S20: what the header may not say.
#[test]
fn odd_headers_are_refused() {
    let insider = Insider::new();
    let before = state(&insider.server);
    let claims = insider.claims.to_string();
    for (member, value) in [
        ("typ", json!("at+jwt")),
        ("typ", json!("JWT")),
        ("typ", json!("")),
        ("typ", json!(1)),
        ("alg", json!("none")),
        ("alg", json!("HS512")),
        ("alg", json!("ES256")),
        ("kid", json!("unknown")),
        ("kid", json!(null)),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
    ] {
        let header = with(&insider.header, member, value.clone()).to_string();
        insider.refused(&format!("{member} {value}"), header, &claims);
    }
    for member in ["typ", "alg", "kid"] {
        let header = without(&insider.header, member).to_string();
        insider.refused(&format!("without {member}"), header, &claims);
        let repeated = format!("\"{member}\":{}", insider.header[member]);
        let header = appended(&insider.header, &repeated);
        insider.refused(&format!("{member} twice"), header, &claims);
    }
    insider.finish(&before);
}

/// S9 S11 S18 S66: what the claims may not say, and not twice.
#[test]
fn odd_claims_are_refused() {
    let insider = Insider::new();
    let before = state(&insider.server);
    let header = insider.header.to_string();
    let numbers = ["gen", "iat", "exp", "max"];
    let texts = ["iss", "sub", "sid", "client_id", "transport", "jti"];
    for name in numbers.iter().chain(&texts) {
        let absent = without(&insider.claims, name).to_string();
        insider.refused(&format!("without {name}"), &header, absent);
        let repeated = appended(
            &insider.claims,
            &format!("\"{name}\":{}", insider.claims[name]),
        );
        insider.refused(&format!("{name} twice"), &header, repeated);
        for value in [
            json!(null),
            json!(true),
            json!([]),
            json!({}),
            json!(1.5),
            json!(1e300),
        ] {
            let wrong = with(&insider.claims, name, value.clone()).to_string();
            insider.refused(&format!("{name} {value}"), &header, wrong);
        }
    }
    for name in numbers {
        let own = &insider.claims[name];
        for text in [
            format!("\"{own}\""),
            format!("{own}.0"),
            "18446744073709551616".into(),
            "1e309".into(),
        ] {
            let wrong = with(&insider.claims, name, "here".into()).to_string();
            let wrong = wrong.replace("\"here\"", &text);
            insider.refused(&format!("{name} {text}"), &header, wrong);
        }
    }
    for name in texts {
        let own = insider.claims[name].as_str().expect("a text");
        for text in [
            String::new(),
            format!("{own} "),
            format!("{own}\u{0}"),
            own[1..].to_owned(),
        ] {
            let wrong = with(&insider.claims, name, text.as_str().into()).to_string();
            insider.refused(&format!("{name} {text:?}"), &header, wrong);
        }
    }
    for payload in ["null", "[]", "{}", "", "1", "{\"gen\":1"] {
        insider.refused(payload, &header, payload);
    }
    insider.finish(&before);
}

/// S60 S61: the session's ends are in its row; no token, however well signed, moves them.
#[test]
fn a_token_cannot_lend_its_session_a_longer_life() {
    let insider = Insider::new();
    let before = insider
        .server
        .store()
        .session(&insider.client.session(), "max_expires_at");
    let mut claims = insider.claims.clone();
    for name in ["exp", "max"] {
        claims[name] = json!(253_402_300_799_i64);
    }
    let longer = token::sign(&insider.key, insider.header.to_string(), claims.to_string());
    let pair = insider.client.present(&longer).expect(200).json();
    let refresh = pair["refresh_token"].as_str().expect("a token");
    assert_eq!(
        jwt::integer(refresh, "max"),
        insider.claims["max"].as_i64().expect("max")
    );
    let after = insider
        .server
        .store()
        .session(&insider.client.session(), "max_expires_at");
    assert_eq!(after, before);
}
