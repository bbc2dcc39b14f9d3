//! The whole application in one process, on a database in a temporary directory, with a clock that
//! stands still and without the cost of password hashing.

use std::future::{Future, ready};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::dev::Service as _;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::rt::{System, SystemRunner};
use actix_web::test::{self, TestRequest};
use http_actix::app::app;
use http_actix::cookies::CookiePolicy;
use http_actix::metrics::{Metrics, Registry, Sources};
use http_actix::middleware::origins::AllowedOrigins;
use http_actix::state::AppState;
use storage_diesel::{Options, Storage};
use tempfile::TempDir;
use token_core::client::{ClientName, RegisteredClient, Scope};
use token_core::key::{AccessAlgorithm, KeySources, MasterKey, Peppers, SigningSecret};
use token_core::password::{
    CandidatePassword, HashingBusy, NewPasswordError, PasswordHash, PasswordHashing,
    PasswordPolicy, PresentedPassword, Verification,
};
use token_core::policy::{RefreshPolicy, RegistrationPolicy, ReusePolicy, SessionPolicy};
use token_core::random::SystemEntropy;
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::service::{KeySettings, Parts, Service};
use token_core::store::{BoxFuture, ClientStore as _, NewClient};
use token_core::throttle::Unlimited;
use token_core::time::{Clock, Lifetime, Timestamp};
use token_core::token::access::{AccessMint, AccessTyp};
use token_core::token::profile::ProfileClaims;

use crate::access::verifier;
use crate::{AUDIENCE, ISSUER, NOW, SECRET};

/// What came back.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// Sends a request.
type Send = Box<dyn Fn(TestRequest) -> Pin<Box<dyn Future<Output = Answer>>>>;

/// The application, and a registered client of it.
pub struct Application {
    // Neither is dropped: the process ends with them, when what they hold on to is gone already.
    system: ManuallyDrop<SystemRunner>,
    send: ManuallyDrop<Send>,
    /// The client's name.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: String,
    _directory: TempDir,
}

impl Application {
    /// Starts one. The directory goes with the process at the latest.
    pub fn start() -> Self {
        let system = System::new();
        let directory = TempDir::new().expect("a directory");
        let url = format!("sqlite://{}", directory.path().join("renewd.db").display());
        let (state, client_id, client_secret) = system.block_on(state(&url));
        let service = system.block_on(test::init_service(app(state)));
        let send = move |request: TestRequest| {
            let answer = service.call(request.to_request());
            let answer: Pin<Box<dyn Future<Output = Answer>>> = Box::pin(async {
                let (status, headers, body) = match answer.await {
                    Ok(answer) => {
                        let (head, body) = answer.into_parts().1.into_parts();
                        let body = to_bytes(body).await;
                        let body = body.unwrap_or_else(|_| panic!("a body that breaks off"));
                        (head.status(), head.headers().clone(), body)
                    }
                    Err(error) => panic!("not answered: {error}"),
                };
                Answer {
                    status,
                    headers,
                    body: body.to_vec(),
                }
            });
            answer
        };
        Self {
            system: ManuallyDrop::new(system),
            send: ManuallyDrop::new(Box::new(send)),
            client_id,
            client_secret,
            _directory: directory,
        }
    }

    /// Sends a request and waits for the answer.
    pub fn send(&self, request: TestRequest) -> Answer {
        self.system.block_on((self.send)(request))
    }
}

async fn state(url: &str) -> (AppState, String, String) {
    let clock: Arc<dyn Clock> = Arc::new(Still);
    let entropy = Arc::new(SystemEntropy::default());
    let policy = SessionPolicy {
        access_lifetime: Lifetime::from_seconds(900),
        idle_lifetime: Lifetime::from_seconds(3_600),
        max_age: Lifetime::from_seconds(7_200),
        refresh: RefreshPolicy::Sliding,
        reuse: ReusePolicy::Strict,
        replay_window: Lifetime::from_seconds(30),
        leeway: Lifetime::ZERO,
        per_user: 10,
    };
    let freshness = Freshness {
        max_staleness: Duration::from_mins(10),
        when_stale: WhenStale::Closed,
    };
    let revocations = Arc::new(RevocationSet::new(policy.revocation_retention(), freshness));
    let options = Options::new(Arc::clone(&clock), Arc::clone(&revocations));
    let storage = Storage::open(&url.parse().expect("a URL"), &options).expect("a database");
    let storage = Arc::new(storage);
    let now = clock.now();
    let name = ClientName::parse("fuzz").expect("a name");
    let scope = Scope::parse("read write").expect("a scope");
    let (client, session, secret) = RegisteredClient::register(name, scope, now, entropy.as_ref());
    let client_id = client.id.as_str().to_owned();
    storage
        .create_client(NewClient { client, session })
        .await
        .expect("a client");
    let parts = Parts {
        store: Arc::clone(&storage) as _,
        clock,
        keys: KeySources {
            master: MasterKey::generate(entropy.as_ref()),
            access_secret: Some(SigningSecret::parse(SECRET).expect("a strong secret")),
            access_algorithm: AccessAlgorithm::Es256,
            refresh_secret: Some(SigningSecret::parse(SECRET).expect("a strong secret")),
        },
        key_settings: KeySettings {
            rotation: None,
            jwks_max_age: Lifetime::from_seconds(300),
        },
        mint: AccessMint {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            typ: AccessTyp::AtJwt,
            lifetime: policy.access_lifetime,
            profile: ProfileClaims::default(),
        },
        verifier: verifier(),
        policy,
        passwords: PasswordPolicy { min_length: 8 },
        registration: RegistrationPolicy::Open,
        hashing: Arc::new(NeverRight),
        throttle: Arc::new(Unlimited),
        entropy,
        revocations: Arc::clone(&revocations),
    };
    let service = Arc::new(Service::start(parts).await.expect("a service"));
    service.poll_ended_sessions().await.expect("a poll");
    let sources = Sources {
        service: Arc::clone(&service),
        storage,
        revocations,
    };
    let state = AppState {
        service,
        cookies: CookiePolicy {
            secure: true,
            domain: None,
        },
        origins: Arc::new(AllowedOrigins::parse(&[]).expect("no origins")),
        proxies: Arc::default(),
        metrics: Arc::new(Metrics::new(Registry::new(), sources)),
        status_lists: Arc::default(),
        streams: Arc::default(),
    };
    (state, client_id, secret.expose().to_owned())
}

/// Time does not pass, so that one input has one answer.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(NOW)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_hours(1)
    }
}

/// No password is right, and no new one is hashed: what is fuzzed lies before that.
struct NeverRight;

impl PasswordHashing for NeverRight {
    fn use_peppers(&self, _: Arc<Peppers>) {}

    fn hash(&self, _: CandidatePassword) -> BoxFuture<'_, Result<PasswordHash, NewPasswordError>> {
        Box::pin(ready(Err(HashingBusy.into())))
    }

    fn verify(
        &self,
        _: PresentedPassword,
        _: Option<PasswordHash>,
    ) -> BoxFuture<'_, Result<Verification, HashingBusy>> {
        Box::pin(ready(Ok(Verification::Wrong)))
    }

    fn renew(&self, _: PresentedPassword) -> BoxFuture<'_, Result<PasswordHash, HashingBusy>> {
        Box::pin(ready(Err(HashingBusy)))
    }
}
