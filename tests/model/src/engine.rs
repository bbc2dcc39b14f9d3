//! The real code, and the way from the small numbers of the model to what it wants to have.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use token_core::id::{AuditId, ClientId, SessionId, UserId};
use token_core::key::{RefreshKey, RefreshKeys};
use token_core::policy::SessionPolicy;
use token_core::revocation::{Freshness, RevocationSet, Verdict, WhenStale};
use token_core::secret::{RefreshDigest, RefreshSecret};
use token_core::session::{ClientFacts, Ended, Outage, OutageTracker, Session, Transport};
use token_core::time::{Lifetime, Timestamp};
use token_core::token::access::{AccessMint, AccessTyp};
use token_core::token::chain;
use token_core::token::profile::ProfileClaims;
use token_core::token::rotation::{Presented, Rotation};
use token_core::user::{Email, FullName, User, Username};

use crate::defect::Defect;
use crate::scenario::Bounds;
use crate::world::{Age, Database, FAR, GENERATIONS, Node, Row, SLOTS, Token, Tracked};

/// What a tick is worth.
const TICK: u32 = 10;
/// The tick of every state: what was before it has an age.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
/// The monotonic clock at that moment.
const MONOTONIC: Duration = Duration::from_hours(1);
/// An end that never comes.
const NEVER: Timestamp = Timestamp::from_unix_seconds(4_000_000_000);

/// The real code with its keys and rules.
pub struct Engine {
    /// The operator's rules.
    pub policy: Arc<SessionPolicy>,
    keys: Arc<RefreshKeys>,
    mint: AccessMint,
    freshness: Freshness,
    retention: Duration,
    sessions: [SessionId; SLOTS],
    user: User,
    audit_id: AuditId,
    /// The secrets that tokens name by their place here. Those of the real chain come first.
    secrets: Mutex<Vec<RefreshSecret>>,
}

/// Ticks as the operator writes them.
pub const fn lifetime(ticks: u8) -> Lifetime {
    Lifetime::from_seconds(ticks as u32 * TICK)
}

/// The moment that many ticks from now.
pub fn at(ticks: i8) -> Timestamp {
    if ticks == FAR {
        return NEVER;
    }
    Timestamp::from_unix_seconds(NOW.unix_seconds() + i64::from(ticks) * i64::from(TICK))
}

/// The moment that many ticks ago.
pub fn ago(age: Age) -> Timestamp {
    NOW.minus(lifetime(age).as_duration())
}

/// How many ticks from now a moment is.
pub fn ticks_until(moment: Timestamp) -> i8 {
    let ticks = (moment.unix_seconds() - NOW.unix_seconds()) / i64::from(TICK);
    i8::try_from(ticks).unwrap_or(FAR)
}

/// How many ticks ago a moment was.
pub fn age_of(moment: Timestamp) -> Age {
    let ticks = NOW.since(moment).as_secs() / u64::from(TICK);
    Age::try_from(ticks).unwrap_or(Age::MAX)
}

impl Engine {
    /// The engine of a scenario.
    pub fn new(bounds: &Bounds, defect: Option<Defect>) -> Self {
        let policy = SessionPolicy {
            access_lifetime: lifetime(bounds.access.unwrap_or(1)),
            idle_lifetime: bounds
                .idle
                .map_or(Lifetime::from_seconds(u32::MAX / 2), lifetime),
            max_age: Lifetime::from_seconds(u32::MAX / 2),
            refresh: bounds.refresh,
            reuse: bounds.reuse,
            replay_window: lifetime(bounds.window),
            leeway: Lifetime::ZERO,
            per_user: 10,
        };
        let key = RefreshKey::from_material(&[7; 32]);
        let engine = Self {
            mint: AccessMint {
                issuer: "http://localhost".to_owned(),
                audience: "http://localhost".to_owned(),
                typ: AccessTyp::AtJwt,
                lifetime: policy.access_lifetime,
                profile: ProfileClaims::none(),
            },
            retention: if defect == Some(Defect::RetentionTooShort) {
                policy.access_lifetime.as_duration()
            } else {
                policy.revocation_retention()
            },
            policy: Arc::new(policy),
            keys: Arc::new(RefreshKeys::new(key, [])),
            freshness: Freshness {
                max_staleness: lifetime(bounds.staleness).as_duration(),
                when_stale: if defect == Some(Defect::StaleSetServes) {
                    WhenStale::Open
                } else {
                    WhenStale::Closed
                },
            },
            sessions: [1, 2].map(|n| parsed(&format!("00000000-0000-7000-8000-00000000000{n}"))),
            user: user(),
            audit_id: parsed("00000000-0000-7000-8000-00000000000a"),
            secrets: Mutex::default(),
        };
        engine.derive_chains();
        engine
    }

    /// Names the secrets of the real chains in order.
    fn derive_chains(&self) {
        for (slot, sid) in (0_u8..).zip(self.sessions) {
            let mut secret = RefreshSecret::from_bytes([100 + slot; 32]);
            self.name_of(&secret);
            for generation in 1..GENERATIONS {
                let parent = generation as u64 - 1;
                secret = chain::successor(self.keys.active(), sid, parent, &secret).secret;
                self.name_of(&secret);
            }
        }
    }

    /// The first token of a session.
    pub fn first_token(&self, slot: u8) -> Token {
        let secret = slot * u8::try_from(GENERATIONS).expect("few generations");
        Token {
            slot,
            generation: 0,
            secret,
        }
    }

    /// The name of a secret, a new one if it has none.
    pub fn name_of(&self, secret: &RefreshSecret) -> u8 {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = secrets.iter().position(|other| other == secret);
        let place = known.unwrap_or_else(|| {
            secrets.push(secret.clone());
            secrets.len() - 1
        });
        u8::try_from(place).expect("few secrets are ever made")
    }

    /// The secret of that name.
    pub fn secret(&self, name: u8) -> RefreshSecret {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets[usize::from(name)].clone()
    }

    /// The name of the secret with that digest.
    pub fn secret_of(&self, digest: &RefreshDigest) -> Option<u8> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let place = secrets
            .iter()
            .position(|secret| secret.digest() == *digest)?;
        u8::try_from(place).ok()
    }

    /// A secret that no chain leads to.
    pub fn fresh_secret(&self, generation: u8, other_than: u8) -> u8 {
        let make = |n: u8| self.name_of(&RefreshSecret::from_bytes([200 + generation * 2 + n; 32]));
        let first = make(0);
        if first == other_than { make(1) } else { first }
    }

    /// What a node makes of a verified token.
    pub fn presented(&self, token: Token, exp: i8) -> Presented {
        Presented {
            session_id: self.sessions[usize::from(token.slot)],
            user_id: self.user.id,
            client_id: ClientId::first_party(),
            transport: Transport::Cookie,
            generation: u64::from(token.generation),
            secret: self.secret(token.secret),
            expires_at: at(exp),
        }
    }

    /// What a node asks of storage: as `Service::rotate` puts it together.
    pub fn rotation(&self, presented: Presented, asked: Age, outages: Vec<Outage>) -> Rotation {
        Rotation {
            presented_digest: presented.secret.digest(),
            successor: chain::successor(
                self.keys.active(),
                presented.session_id,
                presented.generation,
                &presented.secret,
            ),
            presented,
            now: ago(asked),
            audit_id: self.audit_id,
            policy: Arc::clone(&self.policy),
            outages,
            keys: Arc::clone(&self.keys),
        }
    }

    /// The keys.
    pub fn keys(&self) -> &RefreshKeys {
        &self.keys
    }

    /// The row as storage gives it out.
    pub fn session(&self, slot: u8, row: &Row) -> Session {
        Session {
            id: self.sessions[usize::from(slot)],
            user_id: self.user.id,
            client_id: ClientId::first_party(),
            scope: String::new(),
            generation: u64::from(row.generation),
            refresh_digest: self.secret(row.secret).digest(),
            refresh_kid: self.keys.active().kid().clone(),
            rotated_at: ago(row.rotated),
            recovered_generation: row.recovered.map(u64::from),
            created_at: NOW,
            authenticated_at: NOW,
            expires_at: at(row.expires_in),
            max_expires_at: at(row.max_in),
            ended: row.ended.map(|(age, reason)| Ended {
                at: ago(age),
                reason,
            }),
            client: ClientFacts::default(),
            transport: Transport::Cookie,
            remember: true,
            amr: Vec::new(),
            status: None,
        }
    }

    /// The user as storage gives them out.
    pub fn user(&self, db: &Database) -> User {
        User {
            disabled_at: db.disabled.then_some(NOW),
            ..self.user.clone()
        }
    }

    /// Ticks until the `exp` of an access token minted for that session, asked for then.
    pub fn access_exp(&self, slot: u8, row: &Row, asked: Age) -> i8 {
        let (_, exp) = self.mint.life(&self.session(slot, row), ago(asked));
        ticks_until(exp)
    }

    /// What a node's revocation set says of a session.
    pub fn verdict(&self, node: &Node, slot: u8, row: &Row) -> Verdict {
        let set = RevocationSet::new(self.retention, self.freshness);
        let id = self.sessions[usize::from(slot)];
        if let Some((age, _)) = row.ended.filter(|_| node.knows[usize::from(slot)]) {
            set.insert(id, ago(age), NOW, MONOTONIC);
        }
        if let Some(age) = node.polled {
            set.completed_poll(MONOTONIC.saturating_sub(lifetime(age).as_duration()));
        }
        set.verdict(id, MONOTONIC)
    }

    /// The outages that a node excuses, for a request that was asked so long ago.
    pub fn outages(&self, node: &Node, asked: Age) -> Vec<Outage> {
        if node.tracked.is_empty() {
            return Vec::new();
        }
        let newest = |age: Age, since: Age| ago(age.saturating_add(since));
        let tracker = match node.tracked.first() {
            Some((Tracked::Start(before), age)) => {
                OutageTracker::at_start(Some(newest(*before, *age)), ago(*age))
            }
            _ => OutageTracker::at_start(None, NOW),
        };
        for (event, age) in &node.tracked {
            match event {
                Tracked::Start(_) => {}
                Tracked::Read => tracker.read(ago(*age)),
                Tracked::ReadFailed => tracker.read_failed(),
                Tracked::Committed => tracker.committed(ago(*age)),
                Tracked::CommitFailed => tracker.commit_failed(),
            }
        }
        tracker.outages_at(ago(asked))
    }

    /// Those outages that can still excuse anything, the newest first: each was hardly over when
    /// the next one began, or now.
    pub fn recent<'a>(
        &self,
        outages: &'a [Outage],
        slack: Age,
    ) -> impl Iterator<Item = &'a Outage> {
        let near = self.policy.replay_window.as_duration() + lifetime(slack).as_duration();
        let mut next = NOW;
        outages.iter().rev().take_while(move |outage| {
            let is_near = next.distance(outage.ended_at) <= near;
            next = outage.started_at;
            is_near
        })
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("written here")
}

fn user() -> User {
    User {
        id: parsed::<UserId>("00000000-0000-7000-8000-00000000000b"),
        username: Username::parse("ada").expect("a name"),
        email: Email::parse("ada@example.com").expect("an address"),
        full_name: FullName::parse("Ada Lovelace").expect("a name"),
        email_verified: true,
        roles: Vec::new(),
        created_at: NOW,
        disabled_at: None,
    }
}
