//! Each way in which a cache of verified tokens could lie.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::key::{AccessAlgorithm, AccessKey};
use crate::policy::CLOCK_BOUND;
use crate::time::Lifetime;
use crate::token::access::{AccessTyp, VerifierPolicy};

const ISSUER: &str = "https://id.example";
const NOW: i64 = 1_800_000_000;

fn key() -> AccessKey {
    AccessKey::from_pkcs8(AccessAlgorithm::Es256, &AccessAlgorithm::Es256.generate()).unwrap()
}

fn keys(keys: &[&AccessKey]) -> VerificationKeys {
    VerificationKeys::new(keys.iter().map(|key| key.verifying().clone()).collect())
}

fn verifier() -> AccessVerifier {
    let policy = VerifierPolicy::new(ISSUER, ISSUER).unwrap();
    AccessVerifier::new(
        policy
            .with_leeway(Lifetime::from_seconds(10))
            .unwrap()
            .with_max_lifetime(Lifetime::from_seconds(500)),
    )
}

fn claims(jti: u64, lives: i64) -> Value {
    json!({
        "iss": ISSUER,
        "sub": "0190b0a0-0000-7000-8000-000000000001",
        "aud": ISSUER,
        "exp": NOW + lives,
        "iat": NOW,
        "jti": format!("t{jti}"),
        "client_id": "renewd",
        "sid": "0190b0a0-0000-7000-8000-000000000002",
    })
}

fn token(key: &AccessKey, jti: u64, lives: i64) -> String {
    key.sign(AccessTyp::AtJwt.as_str(), &claims(jti, lives))
}

fn at(after: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOW + after)
}

/// Whether the second answer came from memory: then it is the same value, not an equal one.
fn remembers(cache: &CachingVerifier, keys: &VerificationKeys, token: &str) -> bool {
    let answer = || cache.verify(keys, token, at(0)).unwrap();
    Arc::ptr_eq(&answer(), &answer())
}

/// Verifies so many different tokens.
fn verify_many(cache: &CachingVerifier, key: &AccessKey, count: u64) {
    let keys = keys(&[key]);
    for jti in 0..count {
        let verdict = cache.verify(&keys, &token(key, jti, 100), at(0));
        assert!(verdict.is_ok());
    }
}

#[test]
fn a_token_is_verified_once() {
    let key = key();
    let cache = CachingVerifier::new(verifier());
    let token = token(&key, 1, 100);
    assert!(remembers(&cache, &keys(&[&key]), &token));
    let fresh = verifier().verify(&keys(&[&key]), &token, at(0)).unwrap();
    let known = cache.verify(&keys(&[&key]), &token, at(0)).unwrap();
    assert_eq!(*known, fresh);
}

/// S25: a token that was found good says nothing of one that differs from it anywhere.
#[test]
fn an_altered_token_is_another_token() {
    let key = key();
    let keys = keys(&[&key]);
    let cache = CachingVerifier::new(verifier());
    let token = token(&key, 1, 100);
    assert!(remembers(&cache, &keys, &token));
    for at_byte in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at_byte] = if bytes[at_byte] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(bytes).unwrap();
        assert!(cache.verify(&keys, &altered, at(0)).is_err(), "{at_byte}");
        assert!(cache.verify(&keys, &token[..at_byte], at(0)).is_err());
    }
    let (signed, _) = token.rsplit_once('.').unwrap();
    for tail in ["", ".", ".AA", "A", "=", " "] {
        assert!(
            cache
                .verify(&keys, &format!("{signed}{tail}"), at(0))
                .is_err()
        );
        assert!(
            cache
                .verify(&keys, &format!("{token}{tail}x"), at(0))
                .is_err()
        );
    }
    assert_eq!(cache.cache.len(), 1, "refused tokens are not remembered");
}

/// S25: nothing outlives its expiry, its age, or a clock that was set back.
#[test]
fn time_is_asked_at_every_hit() {
    let key = key();
    let keys = keys(&[&key]);
    let cache = CachingVerifier::new(verifier());
    let short = token(&key, 1, 100);
    let long = token(&key, 2, 10_000);
    assert!(remembers(&cache, &keys, &short) && remembers(&cache, &keys, &long));
    let early = at(0).minus(CLOCK_BOUND.max(Duration::from_secs(10)) + Duration::from_micros(1));
    for (token, now, verdict) in [
        (&short, at(109), None),
        (&short, at(110), Some(AccessError::Expired)),
        (&short, at(109), None),
        (&short, early, Some(AccessError::NotYet)),
        (&long, at(509), None),
        (&long, at(510), Some(AccessError::Expired)),
    ] {
        assert_eq!(cache.verify(&keys, token, now).err(), verdict);
    }
    assert_eq!(cache.cache.len(), 1, "what expired is forgotten");
}

/// S25 S33: a token dies with its key, whatever becomes of the others, and lives on with it when
/// the same keys are read again.
#[test]
fn a_token_dies_with_its_key() {
    let (old, new) = (key(), key());
    let cache = CachingVerifier::new(verifier());
    let token = token(&old, 1, 100);
    assert!(remembers(&cache, &keys(&[&old]), &token));
    let first = cache.verify(&keys(&[&old]), &token, at(0)).unwrap();
    let again = cache.verify(&keys(&[&new, &old]), &token, at(0)).unwrap();
    assert!(Arc::ptr_eq(&first, &again), "a rotation forgets nobody");
    for without in [keys(&[&new]), keys(&[])] {
        let verdict = cache.verify(&without, &token, at(0));
        assert_eq!(verdict.err(), Some(AccessError::UnknownKey));
    }
    assert!(cache.cache.is_empty());
    assert!(cache.verify(&keys(&[&old]), &token, at(0)).is_ok());
}

/// S25: another key under the same name is another key.
#[test]
fn a_name_is_not_a_key() {
    let (one, other) = (key(), key());
    let renamed = |key: &AccessKey| {
        let mut jwk = serde_json::to_value(key.public().unwrap()).unwrap();
        jwk["kid"] = one.kid().as_str().into();
        VerificationKeys::from_jwks(&json!({ "keys": [jwk] }).to_string()).unwrap()
    };
    let cache = CachingVerifier::new(verifier());
    let token = token(&one, 1, 100);
    assert!(remembers(&cache, &renamed(&one), &token));
    let verdict = cache.verify(&renamed(&other), &token, at(0));
    assert_eq!(verdict.err(), Some(JwsError::BadSignature.into()));
}

/// S19: what is too long is not even digested; what is remembered has a bound.
#[test]
fn memory_is_bounded() {
    let key = key();
    let keys = keys(&[&key]);
    let cache = CachingVerifier::with_capacity(verifier(), 64 * 1024);
    verify_many(&cache, &key, 500);
    assert!(cache.cache.weight() <= 64 * 1024);
    assert!(cache.cache.len() < 200 && !cache.cache.is_empty());
    let huge = "A".repeat(MAX_TOKEN_BYTES + 1);
    let verdict = cache.verify(&keys, &huge, at(0));
    assert_eq!(verdict.err(), Some(JwsError::TooLong.into()));
}

#[test]
fn thousands_of_callers_are_remembered() {
    let cache = CachingVerifier::new(verifier());
    verify_many(&cache, &key(), 2_000);
    assert_eq!(cache.cache.len(), 2_000);
}

/// S19: as long as a token may be for the verifier, it may be here.
#[test]
fn the_longest_token_is_remembered() {
    let key = key();
    let keys = keys(&[&key]);
    let cache = CachingVerifier::new(verifier());
    let signed = |spare: usize| {
        let mut claims = claims(1, 100);
        claims["nonce"] = "n".repeat(spare).into();
        key.sign(AccessTyp::AtJwt.as_str(), &claims)
    };
    let spare = MAX_TOKEN_BYTES * 3 / 4 - signed(0).len();
    let longest = (spare..MAX_TOKEN_BYTES)
        .map(signed)
        .find(|token| token.len() >= MAX_TOKEN_BYTES);
    let longest = longest.unwrap();
    assert_eq!(longest.len(), MAX_TOKEN_BYTES);
    assert!(remembers(&cache, &keys, &longest));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In any order of tokens, times and key sets, it answers what the plain verifier answers.
    #[test]
    fn it_answers_as_if_it_forgot(
        steps in prop::collection::vec((0_usize..6, -20_i64..600, 0_usize..4), 1..60)
    ) {
        let (one, other) = (key(), key());
        let sets = [keys(&[&one]), keys(&[&other]), keys(&[&one, &other]), keys(&[])];
        let mut tokens: Vec<_> = [(&one, 1, 100), (&one, 2, 300), (&other, 3, 100), (&other, 4, 900)]
            .map(|(key, jti, lives)| token(key, jti, lives))
            .into();
        tokens.push(format!("{}A", tokens[0]));
        tokens.push(String::new());
        let cache = CachingVerifier::with_capacity(verifier(), 2_048);
        for (token, after, set) in steps {
            let (token, set) = (&tokens[token], &sets[set]);
            let plain = verifier().verify(set, token, at(after));
            let cached = cache.verify(set, token, at(after)).map(|access| (*access).clone());
            prop_assert_eq!(cached, plain);
        }
    }
}
