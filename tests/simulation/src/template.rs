//! The database that every seed begins with: migrated, with keys and accounts.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pollster::block_on;
use storage_diesel::Options;
use token_core::id::UserId;
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::store::{KeyStore, NewUser, UserStore};
use token_core::time::Clock;
use token_core::user::{Email, FullName, User, Username};

use crate::clock::{START, SimClock};
use crate::database::{directory, whole};
use crate::hashing::hash;
use crate::node::{key_sources, open};
use crate::random::SeededEntropy;

/// The names of the accounts.
pub const NAMES: [&str; 2] = ["ada", "bob"];

static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();

/// The file's bytes, made at the first call.
pub fn template() -> &'static [u8] {
    TEMPLATE.get_or_init(|| {
        let directory = directory();
        let path = directory.path().join("template.db");
        make(&path);
        whole(&path);
        std::fs::read(&path).expect("the template can be read")
    })
}

fn make(path: &Path) {
    let clock: Arc<dyn Clock> = Arc::new(SimClock::new());
    let freshness = Freshness {
        max_staleness: Duration::from_secs(10),
        when_stale: WhenStale::Closed,
    };
    let revocations = Arc::new(RevocationSet::new(Duration::from_secs(1_000), freshness));
    let storage = open(path, &Options::new(clock, revocations));
    let entropy = SeededEntropy::new(0x7465_6d70);
    let keys = key_sources().missing(&[], START, &entropy);
    block_on(storage.add_missing_keys(keys)).expect("keys can be stored");
    for (number, name) in NAMES.iter().enumerate() {
        let user = User {
            id: UserId::generate(START, &entropy),
            username: Username::parse(name).expect("a name"),
            email: Email::parse(&format!("{name}@example.com")).expect("an address"),
            full_name: FullName::parse(name).expect("a full name"),
            email_verified: true,
            roles: Vec::new(),
            created_at: START,
            disabled_at: None,
        };
        let new = NewUser {
            user,
            password_hash: hash(u32::try_from(number).unwrap_or(0) + 1, 0),
        };
        block_on(storage.create_user(new, START)).expect("a user can be stored");
    }
    storage.close();
}
