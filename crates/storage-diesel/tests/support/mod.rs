//! What tests of the storage need: a database, a storage on it, accounts, sessions and tokens.

mod database;

use std::sync::Arc;
use std::time::Duration;

use pollster::block_on;
use storage_diesel::{DatabaseUrl, Options, Storage};
use token_core::id::{AuditId, ClientId, SessionId, UserId};
use token_core::key::{RefreshKey, RefreshKeys};
use token_core::password::PasswordHash;
use token_core::policy::{RefreshPolicy, ReusePolicy, SessionPolicy};
use token_core::random::SystemEntropy;
use token_core::revocation::{Freshness, RevocationSet, Verdict, WhenStale};
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, EndReason, Session, Transport};
use token_core::store::{
    CreateOutcome, NewUser, OpenOutcome, OpenSession, SessionStore, UserStore,
};
use token_core::time::{Clock, Lifetime, SystemClock, Timestamp};
use token_core::token::chain;
use token_core::token::rotation::{Granted, Presented, Rotation, RotationOutcome};
use token_core::user::{Email, FullName, Role, User, Username};

pub use database::TestDatabase;

/// The replay window of the tests' policy.
pub const WINDOW: Duration = Duration::from_secs(30);
/// The idle lifetime of the tests' policy.
pub const IDLE: Duration = Duration::from_hours(1);

/// A storage on a database of its own.
pub struct World {
    /// `None` once it was closed.
    pub storage: Storage,
    /// What the storage tells of ended sessions.
    pub revocations: Arc<RevocationSet>,
    /// The moment the test began.
    pub start: Timestamp,
    /// The key of refresh tokens.
    pub key: RefreshKey,
    pub clock: Arc<SystemClock>,
    /// Last, so that it goes last.
    pub database: TestDatabase,
}

impl World {
    /// Opens a storage with the usual options.
    pub fn new(database: TestDatabase) -> Self {
        Self::with(database, |_| {})
    }

    /// Opens a storage with other options.
    pub fn with(database: TestDatabase, change: impl FnOnce(&mut Options)) -> Self {
        let clock = Arc::new(SystemClock::default());
        let revocations = revocation_set();
        let mut options = options(&clock, &revocations);
        change(&mut options);
        let url = DatabaseUrl::parse(&database.url()).unwrap();
        Self {
            storage: Storage::open(&url, &options).unwrap(),
            revocations,
            start: clock.now(),
            key: RefreshKey::from_material(&[7; 32]),
            clock,
            database,
        }
    }

    /// Another storage on the same database, as another process would open it, and its set.
    pub fn another(&self) -> (Storage, Arc<RevocationSet>) {
        self.another_with(|_| {})
    }

    /// Likewise with other options.
    pub fn another_with(&self, change: impl FnOnce(&mut Options)) -> (Storage, Arc<RevocationSet>) {
        let revocations = revocation_set();
        let mut options = options(&self.clock, &revocations);
        change(&mut options);
        let url = DatabaseUrl::parse(&self.database.url()).unwrap();
        (Storage::open(&url, &options).unwrap(), revocations)
    }

    /// A moment so many seconds after the start.
    pub fn at(&self, seconds: i64) -> Timestamp {
        Timestamp::from_micros(self.start.as_micros() + seconds * 1_000_000)
    }

    /// An account that is not stored yet.
    pub fn new_user(&self, name: &str) -> NewUser {
        NewUser {
            user: User {
                id: UserId::generate(self.start, &SystemEntropy::default()),
                username: Username::parse(name).unwrap(),
                email: Email::parse(&format!("{name}@example.com")).unwrap(),
                full_name: FullName::parse(&format!("{name} Lee")).unwrap(),
                email_verified: false,
                roles: vec![Role::parse("reader").unwrap()],
                created_at: self.start,
                disabled_at: None,
            },
            password_hash: hash(name),
        }
    }

    /// An account. Its password hash is [`hash`] of its name.
    pub fn user(&self, name: &str) -> User {
        let new = self.new_user(name);
        let user = new.user.clone();
        let outcome = block_on(self.storage.create_user(new, self.start)).unwrap();
        assert_eq!(outcome, CreateOutcome::Created);
        user
    }

    /// A session that is not stored yet, opened so many seconds after the start, and its token.
    pub fn new_session(&self, user: &User, seconds: i64) -> (Session, Token) {
        let now = self.at(seconds);
        let secret = RefreshSecret::generate(&SystemEntropy::default());
        let max_expires_at = now.plus(IDLE * 10).floor_to_second();
        let session = Session {
            id: SessionId::generate(now, &SystemEntropy::default()),
            user_id: user.id,
            client_id: ClientId::first_party(),
            scope: String::new(),
            generation: 0,
            refresh_digest: secret.digest(),
            refresh_kid: self.key.kid().clone(),
            rotated_at: now,
            recovered_generation: None,
            created_at: now,
            authenticated_at: now,
            expires_at: now.plus(IDLE).floor_to_second(),
            max_expires_at,
            ended: None,
            client: ClientFacts::new("192.0.2.7".parse().ok(), Some("curl/8"), Some("laptop")),
            transport: Transport::Body,
            remember: true,
            amr: vec!["pwd".to_owned()],
            status: None,
        };
        let token = Token {
            session_id: session.id,
            user_id: user.id,
            generation: 0,
            secret,
            transport: Transport::Body,
            client_id: ClientId::first_party(),
            key: self.key.clone(),
        };
        (session, token)
    }

    /// Opens a session at the start.
    pub fn session(&self, user: &User) -> (Session, Token) {
        self.session_at(user, 0)
    }

    /// Opens a session so many seconds after the start.
    pub fn session_at(&self, user: &User, seconds: i64) -> (Session, Token) {
        let (mut session, token) = self.new_session(user, seconds);
        match self.open(open_session(&session, user)) {
            OpenOutcome::Opened(_, place) => session.status = Some(place),
            OpenOutcome::Refused => panic!("refused"),
        }
        (session, token)
    }

    /// Opens a session as asked.
    pub fn open(&self, open: OpenSession) -> OpenOutcome {
        block_on(self.storage.open_session(open)).unwrap()
    }

    /// The session as it is stored now.
    pub fn stored(&self, id: SessionId) -> Session {
        block_on(self.storage.session(id)).unwrap().unwrap().0
    }

    /// Why the session ended, if it did.
    pub fn end_reason(&self, id: SessionId) -> Option<EndReason> {
        self.stored(id).ended.map(|ended| ended.reason)
    }

    /// Whether the process knows that the session ended.
    pub fn knows_ended(&self, id: SessionId) -> bool {
        self.revocations.verdict(id, self.clock.monotonic()) == Verdict::Ended
    }

    /// A rotation under the usual policy.
    pub fn rotation(&self, token: &Token, seconds: i64) -> Rotation {
        self.rotation_under(&policy(), token, seconds)
    }

    /// A rotation under another policy.
    pub fn rotation_under(
        &self,
        policy: &Arc<SessionPolicy>,
        token: &Token,
        seconds: i64,
    ) -> Rotation {
        Rotation {
            presented: Presented {
                session_id: token.session_id,
                user_id: token.user_id,
                client_id: token.client_id.clone(),
                transport: token.transport,
                generation: token.generation,
                secret: token.secret.clone(),
                expires_at: Timestamp::MAX,
            },
            presented_digest: token.secret.digest(),
            successor: chain::successor(
                &token.key,
                token.session_id,
                token.generation,
                &token.secret,
            ),
            now: self.at(seconds),
            audit_id: AuditId::generate(self.start, &SystemEntropy::default()),
            policy: Arc::clone(policy),
            outages: Vec::new(),
            keys: Arc::new(RefreshKeys::new(self.key.clone(), [])),
        }
    }

    /// Presents a token so many seconds after the start.
    pub fn rotate(&self, token: &Token, seconds: i64) -> RotationOutcome {
        block_on(self.storage.rotate(self.rotation(token, seconds))).unwrap()
    }

    /// Presents a token under another policy.
    pub fn rotate_under(
        &self,
        policy: &Arc<SessionPolicy>,
        token: &Token,
        seconds: i64,
    ) -> RotationOutcome {
        block_on(
            self.storage
                .rotate(self.rotation_under(policy, token, seconds)),
        )
        .unwrap()
    }

    /// Presents a token that advances its session.
    pub fn advance(&self, token: &Token, seconds: i64) -> Token {
        let outcome = self.rotate(token, seconds);
        assert!(
            matches!(outcome, RotationOutcome::Advanced(_)),
            "{outcome:?}"
        );
        token.next()
    }

    /// How many audit events of that kind there are.
    pub fn audited(&self, kind: &str) -> i64 {
        self.database.number(&format!(
            "SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"
        ))
    }
}

/// A refresh token, as far as storage cares.
#[derive(Debug, Clone)]
pub struct Token {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub generation: u64,
    pub secret: RefreshSecret,
    pub transport: Transport,
    pub client_id: ClientId,
    pub key: RefreshKey,
}

impl Token {
    /// Its successor.
    pub fn next(&self) -> Self {
        let next = chain::successor(&self.key, self.session_id, self.generation, &self.secret);
        Self {
            generation: next.generation,
            secret: next.secret,
            ..self.clone()
        }
    }
}

/// What an outcome grants, by name.
pub fn granted(outcome: &RotationOutcome) -> (&'static str, Option<&Granted>) {
    match outcome {
        RotationOutcome::Advanced(granted) => ("advanced", Some(granted)),
        RotationOutcome::Repeated(granted) => ("repeated", Some(granted)),
        RotationOutcome::Replayed(granted) => ("replayed", Some(granted)),
        RotationOutcome::Recovered(granted) => ("recovered", Some(granted)),
        RotationOutcome::Refused(_) => ("refused", None),
    }
}

/// The hash of a password; storage compares it as text.
pub fn hash(password: &str) -> PasswordHash {
    PasswordHash::from_stored(format!("$2b$12${password}"))
}

/// An opening that replaces nothing.
pub fn open_session(session: &Session, user: &User) -> OpenSession {
    OpenSession {
        session: session.clone(),
        verified_hash: hash(user.username.as_str()),
        replaces: Vec::new(),
        per_user: 1_000,
    }
}

/// The usual policy: sliding, strict, a window of 30 seconds.
pub fn policy() -> Arc<SessionPolicy> {
    policy_with(|_| {})
}

/// Another policy.
pub fn policy_with(change: impl FnOnce(&mut SessionPolicy)) -> Arc<SessionPolicy> {
    let seconds = |span: Duration| Lifetime::from_seconds(u32::try_from(span.as_secs()).unwrap());
    let mut policy = SessionPolicy {
        access_lifetime: Lifetime::from_seconds(900),
        idle_lifetime: seconds(IDLE),
        max_age: seconds(IDLE * 10),
        refresh: RefreshPolicy::Sliding,
        reuse: ReusePolicy::Strict,
        replay_window: seconds(WINDOW),
        leeway: Lifetime::ZERO,
        per_user: 1_000,
    };
    change(&mut policy);
    Arc::new(policy)
}

/// Does the same on so many threads at once.
pub fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let (barrier, work) = (&barrier, &work);
        let running: Vec<_> = (0..threads)
            .map(|n| {
                scope.spawn(move || {
                    barrier.wait();
                    work(n)
                })
            })
            .collect();
        running.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

fn options(clock: &Arc<SystemClock>, revocations: &Arc<RevocationSet>) -> Options {
    let clock: Arc<dyn Clock> = clock.clone();
    Options::new(clock, Arc::clone(revocations))
}

fn revocation_set() -> Arc<RevocationSet> {
    Arc::new(RevocationSet::new(
        Duration::from_secs(905),
        Freshness {
            max_staleness: Duration::from_secs(10),
            when_stale: WhenStale::Closed,
        },
    ))
}
