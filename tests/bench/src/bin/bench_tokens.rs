//! Verification in token-core, beside what nobody can do without: the digest of the same bytes,
//! and the bare signature check of the same library. The argument is a directory for what Criterion
//! writes; with a second one, `quick`, everything is short.

use std::env;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_lc_rs::hmac;
use criterion::Criterion;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use token_core::id::UserId;
use token_core::key::{
    AccessAlgorithm, AccessKey, RefreshKey, RsaBits, SigningSecret, VerificationKeys,
};
use token_core::policy::{RefreshPolicy, ReusePolicy, SessionPolicy};
use token_core::random::{self, SystemEntropy};
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, NewSession, Session, Transport};
use token_core::time::{Clock, Lifetime, SystemClock};
use token_core::token::access::{
    AccessMint, AccessTyp, AccessVerifier, CachingVerifier, VerifierPolicy,
};
use token_core::token::profile::ProfileClaims;
use token_core::user::{Email, FullName, User, Username};

const ISSUER: &str = "https://id.example.com";
const SECRET: &str = "k9Xw2Vq7Rz4Tb8Nc5Ld1Mf6Gh3Jp0Ysu";

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let directory = arguments.next().context("a directory")?;
    let quick = arguments.next().is_some();
    let (warm, long) = if quick { (50, 200) } else { (500, 3_000) };
    let mut criterion = Criterion::default()
        .without_plots()
        .output_directory(directory.as_ref())
        .warm_up_time(Duration::from_millis(warm))
        .measurement_time(Duration::from_millis(long))
        .sample_size(if quick { 10 } else { 100 });
    for issuer in Issuer::all()? {
        issuer.misses(&mut criterion)?;
    }
    hits(&mut criterion)
}

/// A key, and a token that it signed.
struct Issuer {
    name: &'static str,
    algorithm: Algorithm,
    decoding: DecodingKey,
    keys: VerificationKeys,
    token: String,
}

impl Issuer {
    fn all() -> Result<Vec<Self>> {
        let managed =
            |algorithm: AccessAlgorithm| AccessKey::from_pkcs8(algorithm, &algorithm.generate());
        [
            (
                "HS256",
                Algorithm::HS256,
                AccessKey::from_secret(&SigningSecret::parse(SECRET)?),
            ),
            ("ES256", Algorithm::ES256, managed(AccessAlgorithm::Es256)?),
            ("EdDSA", Algorithm::EdDSA, managed(AccessAlgorithm::EdDsa)?),
            (
                "RS256",
                Algorithm::RS256,
                managed(AccessAlgorithm::Rs256(RsaBits::default()))?,
            ),
        ]
        .into_iter()
        .map(|(name, algorithm, key)| {
            let decoding = match key.public() {
                Some(jwk) => DecodingKey::from_jwk(jwk)?,
                None => DecodingKey::from_secret(SECRET.as_bytes()),
            };
            Ok(Self {
                name,
                algorithm,
                decoding,
                keys: VerificationKeys::new(vec![key.verifying().clone()]),
                token: token(&key)?,
            })
        })
        .collect()
    }

    /// A token that is seen for the first time, its signature alone, and the library's own reading.
    fn misses(&self, criterion: &mut Criterion) -> Result<()> {
        let (verifier, clock) = (verifier()?, SystemClock::default());
        let now = clock.now();
        let token = self.token.as_str();
        verifier.verify(&self.keys, token, now)?;
        let mut group = criterion.benchmark_group(format!("miss_{}", self.name));
        group.bench_function("verify", |bencher| {
            bencher.iter(|| verifier.verify(&self.keys, black_box(token), now));
        });
        let (input, signature) = token.rsplit_once('.').context("a signature")?;
        let check = |input: &str| {
            jsonwebtoken::crypto::verify(
                signature,
                input.as_bytes(),
                &self.decoding,
                self.algorithm,
            )
        };
        anyhow::ensure!(check(input)?, "the signature is good");
        group.bench_function("bare", |bencher| bencher.iter(|| check(black_box(input))));
        // What the library itself makes of the whole token: it checks less, and parses as much.
        let mut validation = Validation::new(self.algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        let decode = |token: &str| {
            jsonwebtoken::decode::<Map<String, Value>>(token, &self.decoding, &validation)
        };
        decode(token)?;
        group.bench_function("library", |bencher| {
            bencher.iter(|| decode(black_box(token)));
        });
        group.finish();
        Ok(())
    }
}

/// A token that was seen before, and the MAC of as many bytes.
fn hits(criterion: &mut Criterion) -> Result<()> {
    let issuers = Issuer::all()?;
    let es256 = issuers.get(1).context("ES256")?;
    let (verifier, clock) = (CachingVerifier::new(verifier()?), SystemClock::default());
    let now = clock.now();
    let token = es256.token.as_str();
    verifier.verify(&es256.keys, token, now)?;
    let mut group = criterion.benchmark_group("hit");
    group.bench_function("verify", |bencher| {
        bencher.iter(|| verifier.verify(&es256.keys, black_box(token), now));
    });
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    group.bench_function("bare", |bencher| {
        bencher.iter(|| hmac::sign(&key, black_box(token).as_bytes()));
    });
    group.finish();
    Ok(())
}

fn verifier() -> Result<AccessVerifier> {
    Ok(AccessVerifier::new(VerifierPolicy::new(ISSUER, ISSUER)?))
}

/// A token as the server makes it by default.
fn token(key: &AccessKey) -> Result<String> {
    let (clock, entropy) = (SystemClock::default(), SystemEntropy::default());
    let now = clock.now();
    let user = User {
        id: UserId::generate(now, &entropy),
        username: Username::parse("ada")?,
        email: Email::parse("ada@example.com")?,
        full_name: FullName::parse("Ada Lovelace")?,
        email_verified: true,
        roles: Vec::new(),
        created_at: now,
        disabled_at: None,
    };
    let new = NewSession {
        user_id: user.id,
        transport: Transport::Body,
        remember: true,
        client: ClientFacts::default(),
    };
    let refresh = RefreshKey::from_material(&random::bytes::<32>(&entropy));
    let secret = RefreshSecret::generate(&entropy);
    let session = Session::open(new, &secret, refresh.kid(), &policy()?, now, &entropy);
    let mint = AccessMint {
        issuer: ISSUER.to_owned(),
        audience: ISSUER.to_owned(),
        typ: AccessTyp::AtJwt,
        lifetime: policy()?.access_lifetime,
        profile: ProfileClaims::default(),
    };
    let minted = mint.mint(key, &session, &user, now, &entropy);
    Ok(minted.token.expose().to_owned())
}

fn policy() -> Result<SessionPolicy> {
    Ok(SessionPolicy {
        access_lifetime: Lifetime::from_seconds(15 * 60),
        idle_lifetime: "30d".parse()?,
        max_age: "90d".parse()?,
        refresh: RefreshPolicy::Sliding,
        reuse: ReusePolicy::Strict,
        replay_window: Lifetime::from_seconds(30),
        leeway: Lifetime::ZERO,
        per_user: 1_000,
    })
}
