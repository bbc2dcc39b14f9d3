//! The token engine alone, without storage or HTTP: mint a pair, verify the access token, rotate
//! the refresh token, and ask what an old one means.
//!
//! `cargo run --release -p token-core --example mint_and_verify`

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::sync::Arc;

use token_core::id::{AuditId, ClientId, UserId};
use token_core::key::{AccessAlgorithm, AccessKey, RefreshKey, RefreshKeys, VerificationKeys};
use token_core::policy::{RefreshPolicy, ReusePolicy, SessionPolicy};
use token_core::random::{self, SystemEntropy};
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, NewSession, Session, Transport};
use token_core::time::{Clock, Lifetime, SystemClock};
use token_core::token::access::{AccessMint, AccessTyp, AccessVerifier, VerifierPolicy};
use token_core::token::profile::ProfileClaims;
use token_core::token::rotation::Rotation;
use token_core::token::{chain, refresh};
use token_core::user::{Email, FullName, User, Username};

const ISSUER: &str = "https://id.example.com";

fn main() -> Result<(), Box<dyn Error>> {
    let (clock, entropy) = (SystemClock::default(), SystemEntropy::default());
    let now = clock.now();
    let policy = SessionPolicy {
        access_lifetime: Lifetime::from_seconds(15 * 60),
        idle_lifetime: "30d".parse()?,
        max_age: "90d".parse()?,
        refresh: RefreshPolicy::Sliding,
        reuse: ReusePolicy::Strict,
        replay_window: Lifetime::from_seconds(30),
        leeway: Lifetime::ZERO,
        per_user: 1_000,
    };

    // Keys: a key pair for access tokens, 32 secret bytes for refresh tokens.
    let access_key =
        AccessKey::from_pkcs8(AccessAlgorithm::Es256, &AccessAlgorithm::Es256.generate())?;
    let refresh_key = RefreshKey::from_material(&random::bytes::<32>(&entropy));

    // A login: a user, and a session with the first secret of its chain.
    let user = User {
        id: UserId::generate(now, &entropy),
        username: Username::parse("ada")?,
        email: Email::parse("ada@example.com")?,
        full_name: FullName::parse("Ada Lovelace")?,
        email_verified: true,
        roles: vec![],
        created_at: now,
        disabled_at: None,
    };
    let new = NewSession {
        user_id: user.id,
        transport: Transport::Body,
        remember: true,
        client: ClientFacts::default(),
    };
    let secret = RefreshSecret::generate(&entropy);
    let mut session = Session::open(new, &secret, refresh_key.kid(), &policy, now, &entropy);

    // The pair.
    let mint = AccessMint {
        issuer: ISSUER.to_owned(),
        audience: "https://api.example.com".to_owned(),
        typ: AccessTyp::AtJwt,
        lifetime: policy.access_lifetime,
        profile: ProfileClaims::default(),
    };
    let access = mint.mint(&access_key, &session, &user, now, &entropy);
    let first = refresh::mint(ISSUER, &refresh_key, &session, &secret);

    // Any service verifies the access token with the public key.
    let verifier = AccessVerifier::new(VerifierPolicy::new(ISSUER, "https://api.example.com")?);
    let public = VerificationKeys::new(vec![access_key.verifying().clone()]);
    let seen = verifier.verify(&public, access.token.expose(), clock.now())?;
    println!(
        "access token of {} for {}s",
        seen.profile
            .get("username")
            .map_or("nobody".into(), ToString::to_string),
        policy.access_lifetime.as_seconds()
    );

    // The refresh token comes back: the row moves on to the successor of what was presented.
    let keys = Arc::new(RefreshKeys::new(refresh_key, []));
    let client = ClientId::first_party();
    let presented = refresh::verify(
        ISSUER,
        &keys,
        first.expose(),
        Transport::Body,
        &client,
        clock.now(),
    )?;
    let next = chain::successor(
        keys.active(),
        session.id,
        presented.generation,
        &presented.secret,
    );
    session.generation = next.generation;
    session.refresh_digest = next.digest;
    println!("refreshed to generation {}", session.generation);

    // It comes back again: a lost answer, or a thief? The row and the clock decide.
    let again = Rotation {
        presented_digest: presented.secret.digest(),
        presented,
        successor: next,
        now: clock.now(),
        audit_id: AuditId::generate(now, &entropy),
        policy: Arc::new(policy),
        outages: Vec::new(),
        keys,
    };
    println!(
        "the same token at once: {:?}",
        again.decide(Some(&session), Some(&user))
    );
    let late = Rotation {
        now: again.now.plus(Lifetime::from_seconds(31).as_duration()),
        ..again
    };
    println!(
        "the same token after 31s: {:?}",
        late.decide(Some(&session), Some(&user))
    );
    Ok(())
}
