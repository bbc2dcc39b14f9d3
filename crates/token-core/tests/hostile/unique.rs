//! What must never come twice.

use std::collections::HashSet;

use forge::token::{decode, json_of, parts};
use token_core::id::UserId;
use token_core::key::{AccessAlgorithm, AccessKey, RefreshKey, SigningSecret};
use token_core::policy::{RefreshPolicy, ReusePolicy, SessionPolicy};
use token_core::random::SystemEntropy;
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, NewSession, Session, Transport};
use token_core::time::{Lifetime, Timestamp};
use token_core::token::access::{AccessMint, AccessTyp};
use token_core::token::profile::ProfileClaims;
use token_core::user::{Email, FullName, User, Username};

use crate::{AUDIENCE, ISSUER, NOW};

/// Mints for one session, as an installation does.
struct Minting {
    mint: AccessMint,
    session: Session,
    user: User,
}

impl Minting {
    fn new() -> Self {
        let now = Timestamp::from_unix_seconds(NOW);
        let user = User {
            id: UserId::generate(now, &SystemEntropy::default()),
            username: Username::parse("ada").unwrap(),
            email: Email::parse("ada@example.com").unwrap(),
            full_name: FullName::parse("Ada Lovelace").unwrap(),
            email_verified: true,
            roles: Vec::new(),
            created_at: now,
            disabled_at: None,
        };
        Self {
            session: session_of(&user),
            user,
            mint: AccessMint {
                issuer: ISSUER.to_owned(),
                audience: AUDIENCE.to_owned(),
                typ: AccessTyp::AtJwt,
                lifetime: Lifetime::from_seconds(900),
                profile: ProfileClaims::default(),
            },
        }
    }

    fn token(&self, key: &AccessKey) -> String {
        let now = Timestamp::from_unix_seconds(NOW);
        let entropy = SystemEntropy::default();
        let minted = self
            .mint
            .mint(key, &self.session, &self.user, now, &entropy);
        minted.token.expose().to_owned()
    }
}

fn session_of(user: &User) -> Session {
    let entropy = SystemEntropy::default();
    let policy = SessionPolicy {
        access_lifetime: Lifetime::from_seconds(900),
        idle_lifetime: "30d".parse().unwrap(),
        max_age: "90d".parse().unwrap(),
        refresh: RefreshPolicy::Sliding,
        reuse: ReusePolicy::Strict,
        replay_window: Lifetime::from_seconds(30),
        leeway: Lifetime::ZERO,
        per_user: 1_000,
    };
    let new = NewSession {
        user_id: user.id,
        transport: Transport::Body,
        remember: true,
        client: ClientFacts::default(),
    };
    let kid = RefreshKey::from_material(&[1; 32]).kid().clone();
    let secret = RefreshSecret::generate(&entropy);
    let now = Timestamp::from_unix_seconds(NOW);
    Session::open(new, &secret, &kid, &policy, now, &entropy)
}

/// S22: half a million tokens of one session in one second, each with a `jti` of 128 bits of its
/// own. By chance two would be the same once in 10^27 runs.
#[test]
fn no_two_tokens_have_one_jti() {
    const TOKENS: usize = 500_000;
    let mint = Minting::new();
    let secret = SigningSecret::parse("Yx3-kQ9vTz1LrP0wNe7uHs5dCj2mBg8a").unwrap();
    let key = AccessKey::from_secret(&secret);
    let mut seen = HashSet::with_capacity(TOKENS);
    for _ in 0..TOKENS {
        let token = mint.token(&key);
        let [_, payload, _] = parts(&token);
        let claims = json_of(payload);
        let jti: [u8; 16] = decode(claims["jti"].as_str().unwrap()).try_into().unwrap();
        assert!(seen.insert(jti), "{claims}");
    }
}

/// S26: two signatures with one `r` would give the private key away. In 10^5 of the very same
/// claims none repeats.
#[test]
fn no_two_signatures_have_one_nonce() {
    const SIGNATURES: usize = 100_000;
    let mint = Minting::new();
    let pkcs8 = AccessAlgorithm::Es256.generate();
    let key = AccessKey::from_pkcs8(AccessAlgorithm::Es256, &pkcs8).unwrap();
    let mut seen = HashSet::with_capacity(SIGNATURES);
    for _ in 0..SIGNATURES {
        let token = mint.token(&key);
        let [_, _, signature] = parts(&token);
        let r: [u8; 32] = decode(signature)[..32].try_into().unwrap();
        assert!(seen.insert(r), "{token}");
    }
}
