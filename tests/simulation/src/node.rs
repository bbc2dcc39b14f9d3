//! A node: the real service on the real storage, behind gates. Dropping it is a crash.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pollster::block_on;
use storage_diesel::{DatabaseUrl, Options, Storage};
use token_core::key::{AccessAlgorithm, KeySources, MasterKey};
use token_core::password::PasswordPolicy;
use token_core::policy::{RegistrationPolicy, SessionPolicy};
use token_core::random::Entropy;
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::service::{KeySettings, Parts, Service};
use token_core::store::Store;
use token_core::throttle::Unlimited;
use token_core::time::{Clock, Lifetime};
use token_core::token::access::{AccessMint, AccessTyp, AccessVerifier, VerifierPolicy};
use token_core::token::profile::ProfileClaims;

use crate::clock::SimClock;
use crate::control::Control;
use crate::database::Database;
use crate::defect::Defect;
use crate::gate::{Brake, Gate};
use crate::hashing::NamedHashing;
use crate::random::SeededEntropy;
use crate::sabotage::Sabotage;

/// The `iss` and `aud` of every token.
pub const ISSUER: &str = "https://id.example";
/// How old the last completed poll may be.
pub const MAX_STALENESS: Duration = Duration::from_secs(10);

/// What all nodes of a seed have in common.
pub struct Surroundings {
    pub clock: Arc<SimClock>,
    pub control: Arc<Control>,
    pub entropy: Arc<SeededEntropy>,
    pub policy: SessionPolicy,
    pub database: Arc<Database>,
    pub defect: Option<Defect>,
}

/// A running node.
pub struct Node {
    pub service: Arc<Service>,
    /// The ports as the service has them, for what renewctl does.
    pub store: Arc<dyn Store>,
    pub storage: Arc<Storage>,
    pub brake: Arc<Brake>,
}

impl Node {
    /// Starts a process on the file.
    pub fn start(around: &Surroundings) -> Self {
        let set = || {
            let freshness = Freshness {
                max_staleness: MAX_STALENESS,
                when_stale: WhenStale::Closed,
            };
            Arc::new(RevocationSet::new(
                around.policy.revocation_retention(),
                freshness,
            ))
        };
        let revocations = set();
        let told = match around.defect {
            Some(Defect::RevocationLate) => set(),
            Some(_) | None => Arc::clone(&revocations),
        };
        let brake = Arc::new(Brake::default());
        let mut options = Options::new(Arc::clone(&around.clock) as Arc<dyn Clock>, told);
        options.sqlite.readers = 1;
        let committed = Arc::clone(&brake);
        options.on_commit = Arc::new(move |_| committed.committed());
        let storage = Arc::new(open(around.database.path(), &options));
        let sabotage = Sabotage::new(
            around.defect,
            Arc::clone(&around.database),
            Arc::clone(&around.clock),
            Arc::clone(&storage),
        );
        let control = Arc::clone(&around.control);
        let gate = Gate::new(Arc::clone(&storage), control, sabotage);
        let store: Arc<dyn Store> = Arc::new(gate);
        let parts = parts(around, &store, revocations);
        let service = around
            .control
            .freely(|| block_on(Service::start(parts)))
            .expect("a node can start");
        Self {
            service: Arc::new(service),
            store,
            storage,
            brake,
        }
    }
}

/// Opens the storage of a file.
pub fn open(path: &Path, options: &Options) -> Storage {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display())).expect("a URL");
    Storage::open(&url, options).expect("the file can be opened")
}

/// Where every simulated key comes from.
pub fn key_sources() -> KeySources {
    KeySources {
        master: MasterKey::generate(&SeededEntropy::new(0x6d61_7374)),
        access_secret: None,
        access_algorithm: AccessAlgorithm::Es256,
        refresh_secret: None,
    }
}

fn parts(around: &Surroundings, store: &Arc<dyn Store>, revocations: Arc<RevocationSet>) -> Parts {
    let policy = &around.policy;
    let verifying = VerifierPolicy::new(ISSUER, ISSUER).expect("a policy");
    Parts {
        store: Arc::clone(store),
        clock: Arc::clone(&around.clock) as Arc<dyn Clock>,
        entropy: Arc::clone(&around.entropy) as Arc<dyn Entropy>,
        keys: key_sources(),
        key_settings: KeySettings {
            rotation: Some(Lifetime::from_seconds(90 * 86_400)),
            jwks_max_age: Lifetime::from_seconds(300),
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
                .with_leeway(policy.leeway)
                .expect("a small leeway")
                .with_max_lifetime(policy.access_lifetime),
        ),
        policy: policy.clone(),
        passwords: PasswordPolicy { min_length: 8 },
        registration: RegistrationPolicy::Open,
        hashing: Arc::new(NamedHashing::new(Arc::clone(&around.control))),
        throttle: Arc::new(Unlimited),
        revocations,
    }
}
