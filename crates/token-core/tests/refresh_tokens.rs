//! Refresh tokens: deterministic, exact, and never mistaken for anything else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use token_core::encoding;
use token_core::id::{ClientId, SessionId, UserId};
use token_core::key::{AccessAlgorithm, AccessKey, RefreshKey, RefreshKeys, VerificationKeys};
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, Session, Transport};
use token_core::time::Timestamp;
use token_core::token::access::{AccessVerifier, VerifierPolicy};
use token_core::token::refresh::{self, InvalidRefreshToken};
use uuid::Uuid;

const ISSUER: &str = "https://id.example";
const NOW: i64 = 1_800_000_000;

fn key(byte: u8) -> RefreshKey {
    RefreshKey::from_material(&[byte; 32])
}

fn keys() -> RefreshKeys {
    RefreshKeys::new(key(1), [key(2)])
}

fn session() -> Session {
    let now = Timestamp::from_micros(NOW * 1_000_000 + 250_000);
    let secret = RefreshSecret::from_bytes([7; 32]);
    Session {
        id: SessionId::from_uuid(Uuid::from_u128(2)),
        user_id: UserId::from_uuid(Uuid::from_u128(1)),
        client_id: ClientId::first_party(),
        scope: String::new(),
        generation: 3,
        refresh_digest: secret.digest(),
        refresh_kid: key(1).kid().clone(),
        rotated_at: now,
        recovered_generation: None,
        created_at: now,
        authenticated_at: now,
        expires_at: Timestamp::from_unix_seconds(NOW + 100),
        max_expires_at: Timestamp::from_unix_seconds(NOW + 200),
        ended: None,
        client: ClientFacts::default(),
        transport: Transport::Body,
        remember: true,
        amr: vec![],
        status: None,
    }
}

fn minted() -> String {
    let secret = RefreshSecret::from_bytes([7; 32]);
    refresh::mint(ISSUER, &key(1), &session(), &secret)
        .expose()
        .to_owned()
}

fn verify_at(token: &str, seconds: i64) -> Result<u64, InvalidRefreshToken> {
    let now = Timestamp::from_unix_seconds(seconds);
    let client = ClientId::first_party();
    refresh::verify(ISSUER, &keys(), token, Transport::Body, &client, now).map(|p| p.generation)
}

fn part(token: &str, n: usize) -> Value {
    let bytes = encoding::decode_base64url(token.split('.').nth(n).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_token_says_what_its_row_says() {
    insta::assert_snapshot!(
        part(&minted(), 0),
        @r#"{"alg":"HS256","kid":"QK-DQ74FZYVLPgeh","typ":"rt+jwt"}"#
    );
    insta::assert_snapshot!(
        part(&minted(), 1),
        @r#"{"client_id":"renewd","exp":1800000100,"gen":3,"iat":1800000000,"iss":"https://id.example","jti":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","max":1800000200,"sid":"00000000-0000-0000-0000-000000000002","sub":"00000000-0000-0000-0000-000000000001","transport":"body"}"#
    );
    assert_eq!(minted(), minted(), "written twice it is the same token");
    assert_eq!(verify_at(&minted(), NOW), Ok(3));
}

/// S61 S62 S64: in time, over its transport, for its client.
#[test]
fn tokens_are_bound() {
    let token = minted();
    assert_eq!(verify_at(&token, NOW + 99), Ok(3));
    assert_eq!(
        verify_at(&token, NOW + 100),
        Err(InvalidRefreshToken::Expired)
    );
    let now = Timestamp::from_unix_seconds(NOW);
    let ours = ClientId::first_party();
    let check = |issuer, transport, client: &ClientId| {
        refresh::verify(issuer, &keys(), &token, transport, client, now).err()
    };
    assert_eq!(check(ISSUER, Transport::Body, &ours), None);
    let invalid = Some(InvalidRefreshToken::Invalid);
    assert_eq!(check(ISSUER, Transport::Cookie, &ours), invalid);
    assert_eq!(
        check("https://id.example/", Transport::Body, &ours),
        invalid
    );
    let other = ClientId::from_trusted("other".to_owned());
    assert_eq!(check(ISSUER, Transport::Body, &other), invalid);
}

/// S66: exactly the token that was issued.
#[test]
fn every_character_counts() {
    let token = minted();
    for at in 0..token.len() {
        assert!(verify_at(&token[..at], NOW).is_err(), "cut at {at}");
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert!(
            verify_at(&String::from_utf8(altered).unwrap(), NOW).is_err(),
            "altered at {at}"
        );
    }
    for odd in [
        format!("{token}="),
        format!("{token} "),
        format!(" {token}"),
        token.to_uppercase(),
    ] {
        assert!(verify_at(&odd, NOW).is_err());
    }
}

/// S8 S65: an access token is no refresh token, nor the reverse, whatever the header claims.
#[test]
fn kinds_are_not_mixed_up() {
    let access_key =
        AccessKey::from_pkcs8(AccessAlgorithm::Es256, &AccessAlgorithm::Es256.generate()).unwrap();
    let verifier = AccessVerifier::new(VerifierPolicy::new(ISSUER, ISSUER).unwrap());
    let access_keys = VerificationKeys::new(vec![access_key.verifying().clone()]);
    let now = Timestamp::from_unix_seconds(NOW);
    assert!(verifier.verify(&access_keys, &minted(), now).is_err());

    let claims = part(&minted(), 1);
    let kid = key(1).kid().to_string();
    assert_eq!(
        verify_at(&signed("rt+jwt", &kid, &claims), NOW),
        Ok(3),
        "the frame is genuine"
    );
    let verdict = |typ, kid: &str| verify_at(&signed(typ, kid, &claims), NOW);
    assert_eq!(verdict("at+jwt", &kid), Err(InvalidRefreshToken::Invalid));
    assert_eq!(verdict("JWT", &kid), Err(InvalidRefreshToken::Invalid));
    assert_eq!(
        verdict("rt+jwt", key(2).kid().as_str()),
        Err(InvalidRefreshToken::Invalid)
    );
    assert_eq!(
        verdict("rt+jwt", "other"),
        Err(InvalidRefreshToken::UnknownKey)
    );
}

/// Any header and claims under the real signing key, derived here a second time from the
/// documented label.
fn signed(typ: &str, kid: &str, claims: &Value) -> String {
    let material = Salt::new(HKDF_SHA256, &[]).extract(&[1; 32]);
    let mut secret = [0; 32];
    let label: [&[u8]; 1] = [b"renewd refresh signing v1"];
    material
        .expand(&label, HKDF_SHA256)
        .unwrap()
        .fill(&mut secret)
        .unwrap();
    let header = Header {
        typ: Some(typ.to_owned()),
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(&secret)).unwrap()
}

/// S6 S18: genuinely signed, but a claim is missing, of another type, or out of range.
#[test]
fn claims_are_checked() {
    let kid = key(1).kid().to_string();
    let good = part(&minted(), 1);
    for name in good.as_object().unwrap().keys() {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        let verdict = verify_at(&signed("rt+jwt", &kid, &claims), NOW);
        assert_eq!(verdict, Err(InvalidRefreshToken::Invalid), "without {name}");
        for bad in [json!(null), json!([]), json!({}), json!("\0"), json!(-1.5)] {
            claims[name] = bad;
            let verdict = verify_at(&signed("rt+jwt", &kid, &claims), NOW);
            assert_eq!(verdict, Err(InvalidRefreshToken::Invalid), "{claims}");
        }
    }
    let mut claims = good;
    claims["max"] = json!(NOW - 1);
    let verdict = verify_at(&signed("rt+jwt", &kid, &claims), NOW);
    assert_eq!(
        verdict,
        Err(InvalidRefreshToken::Expired),
        "past the absolute end"
    );
}
