//! Refresh tokens, as they come and genuinely signed over whatever comes.
//!
//! A token that nobody signed is refused. What was read from a signed one is written into a token
//! again, and that token says the same. A changed bit refuses it; so does another transport,
//! another client, and the end of its time.

#![no_main]

use fuzz::refresh::{KEYS, header, sign};
use fuzz::{ISSUER, NOW};
use libfuzzer_sys::fuzz_target;
use token_core::id::ClientId;
use token_core::session::{ClientFacts, Session, Transport};
use token_core::time::Timestamp;
use token_core::token::refresh::{self, InvalidRefreshToken};
use token_core::token::rotation::Presented;

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    if mode % 2 == 0 {
        let token = String::from_utf8_lossy(rest);
        assert!(whenever(&token).is_err(), "nobody signed it");
        return;
    }
    let at = rest.iter().position(|byte| *byte == 0);
    let (claims, own_header) = rest.split_at(at.unwrap_or(rest.len()));
    let token = match own_header.get(1..) {
        None => sign(header(), claims),
        Some(own) => sign(own, claims),
    };
    let Ok(presented) = whenever(&token) else {
        return;
    };
    assert!(token.len() <= 8 * 1024, "size limits hold");
    check_bounds(&token, &presented);
    let written = written(&presented);
    let again = whenever(&written).expect("our own token");
    assert_eq!(said(&again), said(&presented), "writing changes it");
    let mut spoiled = token.into_bytes();
    let place = usize::from(*mode) * 251 % spoiled.len();
    spoiled[place] ^= 1 << (mode / 2 % 7);
    let spoiled = String::from_utf8_lossy(&spoiled);
    assert!(whenever(&spoiled).is_err(), "changed, and accepted");
});

fn whenever(token: &str) -> Result<Presented, InvalidRefreshToken> {
    refresh::verify_whenever(ISSUER, &KEYS, token)
}

/// Over its own transport, for its own client, before its end, and not otherwise.
fn check_bounds(token: &str, presented: &Presented) {
    let (other, client) = match presented.transport {
        Transport::Body => (Transport::Cookie, presented.client_id.clone()),
        Transport::Cookie => (Transport::Body, presented.client_id.clone()),
    };
    let stranger = ClientId::from_trusted(format!("{client}-"));
    let verify = |transport, client: &ClientId, now| {
        refresh::verify(ISSUER, &KEYS, token, transport, client, now).map(drop)
    };
    let now = Timestamp::from_unix_seconds(NOW);
    let own = presented.transport;
    assert_eq!(
        verify(own, &client, now).is_ok(),
        presented.expires_at > now
    );
    assert!(verify(own, &client, presented.expires_at).is_err());
    assert!(verify(other, &client, now).is_err());
    assert!(verify(own, &stranger, now).is_err());
}

/// The token that its session would be given.
fn written(presented: &Presented) -> String {
    let now = Timestamp::from_unix_seconds(NOW);
    let session = Session {
        id: presented.session_id,
        user_id: presented.user_id,
        client_id: presented.client_id.clone(),
        scope: String::new(),
        generation: presented.generation,
        refresh_digest: presented.secret.digest(),
        refresh_kid: KEYS.active().kid().clone(),
        rotated_at: now,
        recovered_generation: None,
        created_at: now,
        authenticated_at: now,
        expires_at: presented.expires_at,
        max_expires_at: presented.expires_at,
        ended: None,
        client: ClientFacts::default(),
        transport: presented.transport,
        remember: true,
        amr: vec![],
        status: None,
    };
    let token = refresh::mint(ISSUER, KEYS.active(), &session, &presented.secret);
    token.expose().to_owned()
}

/// All that a token says, its secret in the open.
fn said(presented: &Presented) -> String {
    format!("{presented:?} {:?}", presented.secret.expose())
}
