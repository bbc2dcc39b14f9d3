//! Puts storage, keys, hashing and the use cases together.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_channel::oneshot;
use storage_diesel::{DatabaseUrl, Options, Storage};
use token_core::key::{KeySources, MasterKey};
use token_core::password::BcryptHasher;
use token_core::random::{Entropy, SystemEntropy};
use token_core::revocation::RevocationSet;
use token_core::service::{Parts, Service};
use token_core::throttle::{PasswordThrottle, Unlimited};
use token_core::time::{Clock, SystemClock};
use token_core::token::access::{AccessMint, AccessVerifier, VerifierPolicy};
use url::Url;

use super::patience::Patient;
use super::{ServeError, directory, master_key};
use crate::config::Config;
use crate::extract::proxies::TrustedProxies;
use crate::hashing::HashPool;
use crate::metrics::hashing::HashingMetrics;
use crate::metrics::{Metrics, Registry, Sources, storage};
use crate::middleware::origins::AllowedOrigins;
use crate::state::AppState;
use crate::throttle::Throttle;

/// Everything that serves.
pub(super) struct Assembled {
    /// What handlers reach.
    pub(super) state: AppState,
    /// The throttle, if there is one, for its housekeeping.
    pub(super) throttle: Option<Arc<Throttle>>,
    /// The storage, to be closed at the end.
    pub(super) storage: Arc<Storage>,
}

impl Assembled {
    /// Opens the database and makes what is missing. Afterwards the sessions that ended lately are
    /// known, so that no request is answered without that knowledge.
    pub(super) async fn open(config: &mut Config, port: u16) -> Result<Self, ServeError> {
        directory::prepare(config)?;
        let here: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let revocations = Arc::new(RevocationSet::new(
            config.session_policy().revocation_retention(),
            config.revocation.freshness,
        ));
        let mut options = Options::new(here, Arc::clone(&revocations));
        options.migrate = config.database.migrate;
        options.postgres = config.database.postgres.clone();
        let registry = Registry::new();
        options.on_commit = storage::on_commit(&registry);
        let storage = Arc::new(open(config.database.url.clone(), options).await?);
        let store = Patient::new(Arc::clone(&storage), config.database.patience);
        let master = master_key::find(&config.keys.master, &store).await?;
        let warning = config.keys.master.file().and_then(master_key::warning);
        config.warnings.extend(warning);
        config.warnings.extend_from_slice(storage.warnings());

        let throttle = config
            .accounts
            .throttle
            .then(|| Arc::new(Throttle::start()));
        let issuer = config.tokens.issuer_at(port);
        let parts = Foundations {
            store,
            clock: storage.clock(),
            revocations: Arc::clone(&revocations),
            throttle: throttle.clone(),
            hashing: HashingMetrics::new(&registry),
        }
        .parts(config, &issuer, master)?;
        let service = Arc::new(Service::start(parts).await?);
        service.poll_ended_sessions().await?;
        let sources = Sources {
            service: Arc::clone(&service),
            storage: Arc::clone(&storage),
            revocations,
        };
        let state = AppState {
            service,
            cookies: config.cookies.clone(),
            origins: Arc::new(origins(config, &issuer)?),
            proxies: Arc::new(TrustedProxies::new(config.http.trusted_proxies.clone())),
            metrics: Arc::new(Metrics::new(registry, sources)),
            status_lists: Arc::default(),
            streams: Arc::default(),
        };
        Ok(Self {
            state,
            throttle,
            storage,
        })
    }
}

/// What the use cases stand on.
struct Foundations {
    store: Patient<Storage>,
    clock: Arc<dyn Clock>,
    revocations: Arc<RevocationSet>,
    throttle: Option<Arc<Throttle>>,
    hashing: HashingMetrics,
}

impl Foundations {
    fn parts(self, config: &Config, issuer: &str, master: MasterKey) -> Result<Parts, ServeError> {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let tokens = &config.tokens;
        let accounts = &config.accounts;
        let audience = tokens.audience.as_deref().unwrap_or(issuer);
        let verified = VerifierPolicy::new(issuer, audience)?
            .with_typ(tokens.access_typ)
            .with_leeway(tokens.leeway)?
            .with_max_lifetime(tokens.access_lifetime);
        let hasher =
            BcryptHasher::new(&master.pepper(), accounts.bcrypt_cost, Arc::clone(&entropy));
        let hashing = HashPool::start(hasher, accounts.hash_queue, self.hashing)
            .map_err(ServeError::Serve)?;
        let throttle: Arc<dyn PasswordThrottle> = match self.throttle {
            Some(throttle) => throttle,
            None => Arc::new(Unlimited),
        };
        Ok(Parts {
            store: Arc::new(self.store),
            clock: self.clock,
            entropy,
            keys: KeySources {
                master,
                access_secret: tokens.access_secret.clone(),
                access_algorithm: tokens.access_algorithm,
                refresh_secret: tokens.refresh_secret.clone(),
            },
            key_settings: config.keys.settings,
            mint: AccessMint {
                issuer: issuer.to_owned(),
                audience: audience.to_owned(),
                typ: tokens.access_typ,
                lifetime: tokens.access_lifetime,
                profile: tokens.claims.clone(),
            },
            verifier: AccessVerifier::new(verified),
            policy: config.session_policy(),
            passwords: accounts.passwords,
            registration: accounts.registration,
            hashing: Arc::new(hashing),
            throttle,
            revocations: self.revocations,
        })
    }
}

/// Opens the storage on a thread of its own. Migrations can take long, and a runtime that is blocked
/// learns of no signal; nobody waits for the thread if the process is asked to end meanwhile, and
/// what it had not committed is undone.
async fn open(url: DatabaseUrl, options: Options) -> Result<Storage, ServeError> {
    let (reply, opened) = oneshot::channel();
    thread::Builder::new()
        .name("open".to_owned())
        .spawn(move || drop(reply.send(Storage::open(&url, &options))))
        .map_err(ServeError::Serve)?;
    let panicked = |oneshot::Canceled| {
        let error = io::Error::other("opening the database panicked");
        ServeError::Serve(error)
    };
    Ok(opened.await.map_err(panicked)??)
}

/// How long the threads of the storage may take to finish what they have begun.
const CLOSING: Duration = Duration::from_secs(5);

/// Closes the storage. A database that does not answer any more is not waited for: what it was asked
/// last was acknowledged to nobody.
pub(super) fn close(storage: &Arc<Storage>) {
    let (closed, wait) = mpsc::channel();
    let storage = Arc::clone(storage);
    let closing = thread::Builder::new()
        .name("close".to_owned())
        .spawn(move || {
            storage.close();
            // Nobody waits any more if it took too long.
            let _ = closed.send(());
        });
    if closing.is_err() || wait.recv_timeout(CLOSING).is_err() {
        tracing::warn!("the database does not answer: it is left as it is");
    }
}

/// The configured origins, or the issuer's own.
fn origins(config: &Config, issuer: &str) -> Result<AllowedOrigins, ServeError> {
    let list = config.http.allowed_origins.clone().unwrap_or_else(|| {
        let origin = Url::parse(issuer).map(|url| url.origin().ascii_serialization());
        origin.into_iter().collect()
    });
    Ok(AllowedOrigins::parse(&list)?)
}
