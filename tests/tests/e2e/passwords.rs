//! Passwords: long ones, odd ones, weak ones, and what is stored of them.

use std::time::{Duration, Instant};

use e2e::{Database, Person, Server, Setup, clock, flows};
use serde_json::json;

use crate::registration::fields;

flows!(
    long_passwords_are_whole,
    a_hostile_stored_hash_is_refused_quickly
);

/// Four bytes each in UTF-8, and no two alike in a row.
fn four_byte_characters(count: usize) -> String {
    ('\u{1F300}'..).step_by(7).take(count).collect()
}

/// S75 S76: sixty-four characters of four bytes are a password, and every byte of
/// it counts.
fn long_passwords_are_whole(database: Database) {
    let server = Server::on(database);
    let anonymous = server.anonymous();
    let long = Person::named("long").with_password(&four_byte_characters(64));
    anonymous.register(&long).expect(201);
    assert!(long.can_log_in(&anonymous));
    for shorter in [17, 18, 19, 50, 63] {
        let cut = long.clone().with_password(&four_byte_characters(shorter));
        assert!(!cut.can_log_in(&anonymous), "{shorter} characters of 64");
    }

    let text: String = "lamp-Quartz-9-travel ".chars().cycle().take(220).collect();
    let person = Person::named("ascii").with_password(&text);
    anonymous.register(&person).expect(201);
    assert!(person.can_log_in(&anonymous));
    for byte in [0, 70, 71, 72, 73, 200, 219] {
        let mut other = text.clone().into_bytes();
        other[byte] ^= 1;
        let other = String::from_utf8(other).expect("ASCII");
        assert!(
            !person.clone().with_password(&other).can_log_in(&anonymous),
            "byte {byte}"
        );
    }
}

/// S77: a NUL is a character like another, or refused when the password is made.
#[test]
fn nul_bytes_do_not_end_a_password() {
    let server = Server::sqlite();
    let anonymous = server.anonymous();
    let person = Person::named("nul").with_password("lamp-Quartz\0-9-travel");
    let reply = anonymous.register(&person);
    if reply.status == 422 {
        assert_eq!(fields(&reply), ["password"]);
        return;
    }
    reply.expect(201);
    assert!(person.can_log_in(&anonymous));
    for other in [
        "lamp-Quartz\0-9-travem",
        "lamp-Quartz",
        "lamp-Quartz\0",
        "lamp-Quartz\0\0-9-travel",
    ] {
        assert!(
            !person.clone().with_password(other).can_log_in(&anonymous),
            "{other:?}"
        );
    }
}

/// S78: two keyboards, one password; but nothing lossy, and white space kept.
#[test]
fn composed_and_decomposed_are_one_password() {
    let server = Server::sqlite();
    let anonymous = server.anonymous();
    let composed = Person::named("zoe").with_password(" caf\u{e9}-Quartz-9-tr\u{e4}vel ");
    anonymous.register(&composed).expect(201);
    assert!(composed.can_log_in(&anonymous));
    for (same, other) in [
        (true, " cafe\u{301}-Quartz-9-tra\u{308}vel "),
        (false, "caf\u{e9}-Quartz-9-tr\u{e4}vel"),
        (false, " cafe-Quartz-9-travel "),
        (false, " CAF\u{c9}-Quartz-9-tr\u{e4}vel "),
        (false, " \u{ff43}af\u{e9}-Quartz-9-tr\u{e4}vel "),
    ] {
        let other = composed.clone().with_password(other);
        assert_eq!(other.can_log_in(&anonymous), same, "{:?}", other.password);
    }
}

/// S79: what the hash is made of is no password; it needs the pepper as well.
#[test]
fn a_digest_of_the_password_is_no_password() {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    for algorithm in [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256, &SHA384, &SHA512] {
        let raw = digest(algorithm, ada.password.as_bytes());
        let hex = raw
            .as_ref()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        for other in [STANDARD.encode(raw), hex] {
            assert!(
                !ada.clone()
                    .with_password(&other)
                    .can_log_in(&server.anonymous())
            );
        }
    }
    let stored = server
        .store()
        .texts("password_hash", "FROM users")
        .remove(0);
    assert!(
        !ada.clone()
            .with_password(&stored)
            .can_log_in(&server.anonymous())
    );
}

/// S74 S82 S83: by length and by strength, told with a reason; no rules about
/// kinds of characters.
#[test]
fn weak_passwords_are_refused_with_a_reason() {
    let server = Server::sqlite();
    for weak in [
        "",
        "short",
        "1234567",
        "password",
        "password123",
        "qwertyuiop",
        "aaaaaaaaaaaaaaaa",
        "abcdefgh",
        "Ada2024!",
        "11111111111111",
        "iloveyou1",
    ] {
        let person = Person::named("ada").with_password(weak);
        let reply = server
            .anonymous()
            .register(&person)
            .expect(422)
            .any_problem();
        assert_eq!(fields(&reply), ["password"], "{weak}");
        let told = reply.text().replace("\"field\":\"password\"", "");
        assert!(
            weak.len() < 5 || !told.contains(&format!("\"{weak}\"")),
            "{told}"
        );
    }
    for good in [
        "lamp quartz travel window",
        "правильнаялошадьбатарея",
        "xkqz-vbwp-mfjt",
    ] {
        let person = Person::named(&format!("user{}", good.len())).with_password(good);
        server.anonymous().register(&person).expect(201);
    }
    let own = Person::named("marguerite").with_password("marguerite1");
    let reply = server.anonymous().register(&own).expect(422).any_problem();
    assert_eq!(fields(&reply), ["password"], "the own name is no secret");
}

/// S74: code points are counted, and the operator says how many.
#[test]
fn the_minimal_length_is_the_operators() {
    let server = Setup::sqlite()
        .set("RENEWD_PASSWORD_MIN_LENGTH", "20")
        .start();
    let short = Person::named("ada").with_password("kV7-qZ2_xW9+mB4.pL6");
    assert_eq!(short.password.chars().count(), 19);
    server
        .anonymous()
        .register(&short)
        .expect(422)
        .any_problem();
    let long = Person::named("ada").with_password("kV7-qZ2_xW9+mB4.pL6!");
    server.anonymous().register(&long).expect(201);
}

/// S80: `$2b$` at the configured cost; renewed at a login when the cost rises.
#[test]
fn the_stored_hash_follows_the_cost() {
    let mut server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let stored = |server: &Server| {
        server
            .store()
            .texts("password_hash", "FROM users")
            .remove(0)
    };
    assert!(
        stored(&server).starts_with("$2b$10$"),
        "{}",
        stored(&server)
    );
    server.restart_with("RENEWD_BCRYPT_COST", "11");
    let mut client = ada.log_in(&server);
    clock::eventually("a renewed hash", || {
        stored(&server).starts_with("$2b$11$").then_some(())
    });
    assert!(ada.can_log_in(&server.anonymous()));
    // The renewal is no change of the password.
    e2e::client::assert_alive(&mut client);
}

/// S81: whatever stands in the row, a login is answered soon, and refused.
fn a_hostile_stored_hash_is_refused_quickly(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let good = server
        .store()
        .texts("password_hash", "FROM users")
        .remove(0);
    for hostile in [
        good.replacen("$10$", "$31$", 1),
        good.replacen("$10$", "$99$", 1),
        good.replacen("$2b$", "$2x$", 1),
        good.replacen("$2b$", "$1$", 1),
        good[..40].to_owned(),
        format!("{good}AAAA"),
        "é".repeat(30),
        "garbage".to_owned(),
        String::new(),
        "$argon2id$v=19$m=4294967295,t=99,p=1$AAAAAAAAAAA$AAAAAAAAAAA".to_owned(),
    ] {
        server
            .store()
            .execute(&format!("UPDATE users SET password_hash = '{hostile}'"));
        let start = Instant::now();
        let reply = server.anonymous().post("/v1/login", ada.credentials());
        reply.problem(401, "invalid_credentials");
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{hostile:?}: {:?}",
            start.elapsed()
        );
    }
    server
        .store()
        .execute(&format!("UPDATE users SET password_hash = '{good}'"));
    assert!(ada.can_log_in(&server.anonymous()));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// A password is text, and of a length that can be read.
#[test]
fn a_login_with_an_odd_password_is_refused_like_any_other() {
    let server = Server::sqlite();
    Person::registered(&server, "ada");
    for odd in [
        String::new(),
        " ".to_owned(),
        "\0".to_owned(),
        "x".repeat(60_000),
    ] {
        let body = json!({ "username": "ada", "password": odd });
        let reply = server.anonymous().post("/v1/login", body).any_problem();
        assert!([401, 422].contains(&reply.status), "{}", reply.text());
    }
}
