//! What the claims must say: issuer, audience, times, names.

use serde_json::{Value, json};
use token_core::time::{Lifetime, Timestamp};
use token_core::token::access::{AccessError, AccessVerifier, VerifierPolicy};
use token_core::token::jws::JwsError;

use crate::{AUDIENCE, ISSUER, Issuer, NOW, claims, verifier, with, without};

#[test]
fn a_good_token_is_read_whole() {
    let issuer = Issuer::new();
    let now = Timestamp::from_unix_seconds(NOW);
    let access = verifier()
        .verify(&issuer.keys(), &issuer.token(&claims()), now)
        .unwrap();
    assert_eq!(
        access.subject.to_string(),
        "0190b0a0-0000-7000-8000-000000000001"
    );
    assert_eq!(
        access.session_id.to_string(),
        "0190b0a0-0000-7000-8000-000000000002"
    );
    assert_eq!(
        (access.roles, access.amr),
        (vec!["editor".to_owned()], vec!["pwd".to_owned()])
    );
    assert_eq!(
        Value::Object(access.profile),
        json!({"email": "ann@example.com"})
    );
}

/// A token may say where its status is told, or not; it is none of its user's profile.
#[test]
fn the_place_in_a_status_list_is_no_profile() {
    let issuer = Issuer::new();
    let place = json!({"status_list": {"idx": 7, "uri": "https://id.example/oauth2/status/0"}});
    let token = issuer.token(&with("status", place));
    let now = Timestamp::from_unix_seconds(NOW);
    let access = verifier().verify(&issuer.keys(), &token, now).unwrap();
    assert_eq!(
        Value::Object(access.profile),
        json!({"email": "ann@example.com"})
    );
}

/// S9: one issuer, exactly.
#[test]
fn the_issuer_is_exact() {
    let issuer = Issuer::new();
    for iss in [
        "https://id.example/",
        "https://ID.example",
        "http://id.example",
        "https://id.example:443",
        "",
    ] {
        let token = issuer.token(&with("iss", iss.into()));
        assert_eq!(issuer.verdict(&token), Err(AccessError::Issuer), "{iss}");
    }
    for iss in [json!([ISSUER]), json!(null), json!(7)] {
        let token = issuer.token(&with("iss", iss));
        assert_eq!(issuer.verdict(&token), Err(AccessError::Claim("iss")));
    }
}

/// S10: the audience is one of those named, exactly.
#[test]
fn the_audience_is_exact() {
    let issuer = Issuer::new();
    for (aud, verdict) in [
        (json!(AUDIENCE), Ok(())),
        (json!(["x", AUDIENCE]), Ok(())),
        (json!("https://api.example/v1"), Err(AccessError::Audience)),
        (json!("https://api"), Err(AccessError::Audience)),
        (json!(""), Err(AccessError::Audience)),
        (json!([]), Err(AccessError::Audience)),
        (json!(["x"]), Err(AccessError::Audience)),
        (json!([AUDIENCE, 7]), Err(AccessError::Claim("aud"))),
        (json!(7), Err(AccessError::Claim("aud"))),
        (json!(null), Err(AccessError::Claim("aud"))),
        (json!({AUDIENCE: AUDIENCE}), Err(AccessError::Claim("aud"))),
    ] {
        assert_eq!(
            issuer.verdict(&issuer.token(&with("aud", aud.clone()))),
            verdict,
            "{aud}"
        );
    }
}

/// S11 S12 S13: times are integers, the end is exclusive, the future is refused.
#[test]
fn times_are_strict() {
    let issuer = Issuer::new();
    let token = issuer.token(&claims());
    assert_eq!(issuer.verdict_at(&token, NOW + 899), Ok(()));
    assert_eq!(
        issuer.verdict_at(&token, NOW + 900),
        Err(AccessError::Expired)
    );
    assert_eq!(
        issuer.verdict_at(&token, NOW - 5),
        Ok(()),
        "clocks may differ"
    );
    assert_eq!(issuer.verdict_at(&token, NOW - 6), Err(AccessError::NotYet));
    for name in ["exp", "iat", "nbf", "auth_time"] {
        for bad in [
            "\"1900000000\"",
            "\"never\"",
            "-1",
            "1e309",
            "18446744073709551616",
            "null",
            "true",
            "[1]",
            "1.5",
            "{}",
            "99999999999999",
        ] {
            let text = claims().to_string();
            let json = format!("{{\"{name}\":{bad},{}", &without(name).to_string()[1..]);
            let verdict = issuer.verdict(&issuer.sign(&issuer.header().to_string(), &json));
            assert!(
                matches!(
                    verdict,
                    Err(AccessError::Claim(n)) if n == name
                ) || verdict == Err(AccessError::Jws(JwsError::Malformed)),
                "{name}={bad}: {verdict:?} {text}"
            );
        }
    }
    let later = issuer.token(&with("nbf", (NOW + 6).into()));
    assert_eq!(issuer.verdict(&later), Err(AccessError::NotYet));
    assert_eq!(issuer.verdict_at(&later, NOW + 1), Ok(()));
}

/// A token older than the configured lifetime is expired whatever its `exp` says.
#[test]
fn a_long_lived_token_is_not_believed() {
    let issuer = Issuer::new();
    let token = issuer.token(&with("exp", (NOW + 1_000_000).into()));
    assert_eq!(issuer.verdict_at(&token, NOW + 899), Ok(()));
    assert_eq!(
        issuer.verdict_at(&token, NOW + 900),
        Err(AccessError::Expired)
    );
}

/// S13: leeway is honoured on both ends, and bounded.
#[test]
fn leeway_is_bounded() {
    let issuer = Issuer::new();
    let policy = || VerifierPolicy::new(ISSUER, AUDIENCE).unwrap();
    assert!(policy().with_leeway(Lifetime::from_seconds(61)).is_err());
    let lenient = AccessVerifier::new(policy().with_leeway(Lifetime::from_seconds(60)).unwrap());
    let token = issuer.token(&claims());
    let verdict = |seconds| {
        let now = Timestamp::from_unix_seconds(seconds);
        lenient.verify(&issuer.keys(), &token, now).err()
    };
    assert_eq!(verdict(NOW + 959), None);
    assert_eq!(verdict(NOW + 960), Some(AccessError::Expired));
    assert_eq!(verdict(NOW - 60), None);
    assert_eq!(verdict(NOW - 61), Some(AccessError::NotYet));
    assert!(VerifierPolicy::new("", AUDIENCE).is_err() && VerifierPolicy::new(ISSUER, "").is_err());
}

/// S21: what RFC 9068 requires is required, in the right type.
#[test]
fn required_claims_are_required() {
    let issuer = Issuer::new();
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid"] {
        let verdict = issuer.verdict(&issuer.token(&without(name)));
        assert_eq!(verdict, Err(AccessError::Claim(name)));
        let verdict = issuer.verdict(&issuer.token(&with(name, json!({}))));
        assert_eq!(verdict, Err(AccessError::Claim(name)));
    }
    for (name, value) in [
        ("jti", json!("")),
        ("client_id", json!("")),
        ("sub", json!("ann")),
        ("sid", json!("0190B0A0000070008000000000000002")),
        ("roles", json!("admin")),
        ("roles", json!(["admin", 1])),
        ("amr", json!({})),
        ("scope", json!([])),
    ] {
        let verdict = issuer.verdict(&issuer.token(&with(name, value)));
        assert_eq!(verdict, Err(AccessError::Claim(name)));
    }
}

/// A client speaks for itself exactly where `sub` is its `client_id`; whatever else is no user's
/// id is nobody.
#[test]
fn a_client_that_speaks_for_itself_is_no_user() {
    let issuer = Issuer::new();
    let mut machine = with("client_id", "client-1".into());
    machine["sub"] = "client-1".into();
    let now = Timestamp::from_unix_seconds(NOW);
    let verified = |claims| {
        let token = issuer.token(claims);
        verifier().verify(&issuer.keys(), &token, now).unwrap()
    };
    let access = verified(&machine);
    assert_eq!(access.user_id(), None);
    assert_eq!(access.subject.to_string(), "client-1");
    let user = verified(&claims()).user_id().unwrap();
    assert_eq!(json!(user), claims()["sub"]);
    for (sub, client) in [
        ("client-2", "client-1"),
        ("renewd", "client-1"),
        ("", "client-1"),
    ] {
        let mut claims = with("client_id", client.into());
        claims["sub"] = sub.into();
        let verdict = issuer.verdict(&issuer.token(&claims));
        assert_eq!(verdict, Err(AccessError::Claim("sub")), "{sub} {client}");
    }
}

/// CVE-2024-51744: a token that is expired and badly signed is badly signed.
#[test]
fn expired_is_said_only_of_genuine_tokens() {
    let issuer = Issuer::new();
    let token = Issuer::new().with_header(&issuer.header());
    let verdict = issuer.verdict_at(&token, NOW + 10_000);
    assert_eq!(verdict, Err(AccessError::Jws(JwsError::BadSignature)));
    let wrong_audience = issuer.token(&with("aud", "x".into()));
    assert_eq!(
        issuer.verdict_at(&wrong_audience, NOW + 10_000),
        Err(AccessError::Audience)
    );
}
