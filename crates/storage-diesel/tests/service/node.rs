//! A whole service on a SQLite file, with a clock that a test moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pollster::block_on;
use storage_diesel::{DatabaseUrl, Options, Storage};
use token_core::key::{AccessAlgorithm, KeySources, MasterKey, Peppers, SigningSecret};
use token_core::password::{
    BcryptCost, BcryptHasher, CandidatePassword, HashingBusy, NewPasswordError, PasswordHash,
    PasswordHashing, PasswordPolicy, PresentedPassword, Verification,
};
use token_core::policy::{RefreshPolicy, RegistrationPolicy, ReusePolicy, SessionPolicy};
use token_core::random::{Entropy, SystemEntropy};
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::service::{
    KeySettings, LoggedIn, LoginError, LoginRequest, Parts, RefreshError, RefreshRequest,
    Refreshed, Registration, Service, StartError,
};
use token_core::session::{ClientFacts, Transport};
use token_core::store::BoxFuture;
use token_core::throttle::{AccountKey, PasswordThrottle, RetryAfter};
use token_core::time::{Clock, Lifetime, Timestamp};
use token_core::token::access::{AccessMint, AccessTyp, AccessVerifier, VerifierPolicy};
use token_core::token::profile::ProfileClaims;
use token_core::user::{Email, FullName, Identifier, Username};

/// Everybody's password.
pub const PASSWORD: &str = "analytical engine 1843";
const ISSUER: &str = "https://id.example";

/// A clock that stands still until it is moved.
pub struct TestClock(Mutex<(Timestamp, Duration)>);

impl TestClock {
    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        let mut times = self.0.lock().unwrap();
        times.0 = times.0.plus(span);
        times.1 += span;
    }

    /// Sets the time of day back or forth, as an operator or NTP would.
    pub fn step(&self, seconds: i64) {
        let mut times = self.0.lock().unwrap();
        times.0 = Timestamp::from_micros(times.0.as_micros() + seconds * 1_000_000);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}

/// Remembers what it was asked, and never refuses.
#[derive(Default)]
pub struct Counting(pub Mutex<Vec<AccountKey>>);

impl PasswordThrottle for Counting {
    fn wrong_secret(&self, _: Option<std::net::IpAddr>) -> Result<(), RetryAfter> {
        Ok(())
    }

    fn attempt(&self, account: &AccountKey, _: Option<std::net::IpAddr>) -> Result<(), RetryAfter> {
        self.0.lock().unwrap().push(account.clone());
        Ok(())
    }

    fn attempt_from(&self, _: Option<std::net::IpAddr>) -> Result<(), RetryAfter> {
        Ok(())
    }

    fn succeeded(&self, _: &AccountKey, _: Option<std::net::IpAddr>) {}
}

/// Hashes, and after a comparison does what a test wants to happen just then.
pub struct Hashing {
    hasher: BcryptHasher,
    /// Taken and called once, after the next comparison.
    pub after_verify: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl PasswordHashing for Hashing {
    fn use_peppers(&self, peppers: Arc<Peppers>) {
        self.hasher.set_peppers(peppers);
    }

    fn hash(
        &self,
        password: CandidatePassword,
    ) -> BoxFuture<'_, Result<PasswordHash, NewPasswordError>> {
        self.hasher.hash(password)
    }

    fn verify(
        &self,
        password: PresentedPassword,
        stored: Option<PasswordHash>,
    ) -> BoxFuture<'_, Result<Verification, HashingBusy>> {
        let verdict = self.hasher.verify_now(&password, stored.as_ref());
        if let Some(then) = self.after_verify.lock().unwrap().take() {
            then();
        }
        Box::pin(std::future::ready(Ok(verdict)))
    }

    fn renew(
        &self,
        password: PresentedPassword,
    ) -> BoxFuture<'_, Result<PasswordHash, HashingBusy>> {
        self.hasher.renew(password)
    }
}

/// How a node differs from the usual one.
#[derive(Clone)]
pub struct Setup {
    /// The master key.
    pub master: MasterKey,
    /// Whether both secrets are configured.
    pub secrets: bool,
    /// The bcrypt cost.
    pub cost: u32,
    /// The algorithm of managed keys.
    pub algorithm: AccessAlgorithm,
    /// How long a session lasts at the most.
    pub max_age: &'static str,
}

impl Setup {
    /// The usual node.
    pub fn new() -> Self {
        Self {
            master: MasterKey::generate(&SystemEntropy::default()),
            secrets: false,
            cost: 10,
            algorithm: AccessAlgorithm::Es256,
            max_age: "90d",
        }
    }

    /// Where its keys come from.
    pub fn sources(&self) -> KeySources {
        let secret = |text| self.secrets.then(|| SigningSecret::parse(text).unwrap());
        KeySources {
            master: self.master.clone(),
            access_secret: secret("Yx3-kQ9vTz1LrP0wNe7uHs5dCj2mBg8a"),
            access_algorithm: self.algorithm,
            refresh_secret: secret("b6Fq_ZtW4nUe0KcXo8RjA2yMhV7pLd1s"),
        }
    }
}

/// A service and what it is made of.
pub struct Node {
    /// The use cases.
    pub service: Service,
    /// What time it is.
    pub clock: Arc<TestClock>,
    /// The storage.
    pub store: Arc<Storage>,
    /// The hasher.
    pub hashing: Arc<Hashing>,
    /// What the throttle was asked.
    pub throttle: Arc<Counting>,
}

impl Node {
    /// Starts a service on the file.
    pub fn start(path: &std::path::Path, setup: &Setup) -> Result<Self, StartError> {
        let start = Timestamp::from_unix_seconds(1_800_000_000);
        let clock = Arc::new(TestClock(Mutex::new((start, Duration::ZERO))));
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let policy = policy(setup);
        let freshness = Freshness {
            max_staleness: Duration::from_secs(10),
            when_stale: WhenStale::Open,
        };
        let revocations = Arc::new(RevocationSet::new(policy.revocation_retention(), freshness));
        let options = Options::new(
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::clone(&revocations),
        );
        let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap();
        let store = Arc::new(Storage::open(&url, &options).unwrap());
        let cost = BcryptCost::new(setup.cost).unwrap();
        let hasher = BcryptHasher::new(&setup.master.pepper(), cost, Arc::clone(&entropy));
        let hashing = Arc::new(Hashing {
            hasher,
            after_verify: Mutex::default(),
        });
        let throttle = Arc::new(Counting::default());
        let verifying = VerifierPolicy::new(ISSUER, ISSUER).unwrap();
        let service = block_on(Service::start(Parts {
            store: Arc::clone(&store) as Arc<_>,
            clock: Arc::clone(&clock) as Arc<_>,
            entropy,
            keys: setup.sources(),
            key_settings: KeySettings {
                rotation: Some("90d".parse().unwrap()),
                jwks_max_age: "5m".parse().unwrap(),
            },
            mint: AccessMint {
                issuer: ISSUER.to_owned(),
                audience: ISSUER.to_owned(),
                typ: AccessTyp::AtJwt,
                lifetime: policy.access_lifetime,
                profile: ProfileClaims::default(),
            },
            verifier: AccessVerifier::new(
                verifying
                    .with_leeway(Lifetime::ZERO)
                    .unwrap()
                    .with_max_lifetime(policy.access_lifetime),
            ),
            policy,
            passwords: PasswordPolicy { min_length: 8 },
            registration: RegistrationPolicy::Open,
            hashing: Arc::clone(&hashing) as Arc<_>,
            throttle: Arc::clone(&throttle) as Arc<_>,
            revocations,
        }))?;
        block_on(service.poll_ended_sessions()).unwrap();
        Ok(Self {
            service,
            clock,
            store,
            hashing,
            throttle,
        })
    }

    /// Makes the account `ada`.
    pub fn register(&self) {
        let registration = Registration {
            username: Username::parse("ada").unwrap(),
            email: Email::parse("ada@example.com").unwrap(),
            full_name: FullName::parse("Ada Lovelace").unwrap(),
            password: self
                .service
                .password_policy()
                .candidate(PASSWORD, &[])
                .unwrap(),
        };
        block_on(self.service.register(registration, None)).unwrap();
    }

    /// Logs `ada` in.
    pub fn login(&self) -> Result<LoggedIn, LoginError> {
        block_on(self.service.login(LoginRequest {
            identifier: Identifier::username("ada"),
            password: PresentedPassword::new(PASSWORD),
            transport: Transport::Body,
            remember: true,
            client: ClientFacts::new(None, Some("tests"), None),
            replaces: Vec::new(),
        }))
    }

    /// Refreshes from the client that logged in.
    pub fn refresh(&self, token: &str) -> Result<Refreshed, RefreshError> {
        self.refresh_as(token, "tests")
    }

    /// Refreshes from a client that calls itself so.
    pub fn refresh_as(&self, token: &str, agent: &str) -> Result<Refreshed, RefreshError> {
        block_on(self.service.refresh(RefreshRequest {
            token,
            transport: Transport::Body,
            client: ClientFacts::new(None, Some(agent), None),
        }))
    }
}

fn policy(setup: &Setup) -> SessionPolicy {
    SessionPolicy {
        access_lifetime: "15m".parse().unwrap(),
        idle_lifetime: "60d".parse().unwrap(),
        max_age: setup.max_age.parse().unwrap(),
        refresh: RefreshPolicy::Sliding,
        reuse: ReusePolicy::Strict,
        replay_window: "30s".parse().unwrap(),
        leeway: Lifetime::ZERO,
        per_user: 100,
    }
}
