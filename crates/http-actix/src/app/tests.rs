//! The application as a whole, on a database in a temporary directory.

mod cookies;

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::cookie::Cookie;
use actix_web::dev::{Service as ActixService, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{self, TestRequest};
use serde_json::{Value, json};
use storage_diesel::{Options, Storage};
use tempfile::TempDir;
use token_core::key::{AccessAlgorithm, KeySources, MasterKey};
use token_core::password::{BcryptCost, BcryptHasher, PasswordPolicy};
use token_core::policy::{RefreshPolicy, RegistrationPolicy, ReusePolicy, SessionPolicy};
use token_core::random::{Entropy, SystemEntropy};
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::service::{KeySettings, Parts, Service};
use token_core::throttle::Unlimited;
use token_core::time::{Clock, Lifetime, SystemClock};
use token_core::token::access::{AccessMint, AccessTyp, AccessVerifier, VerifierPolicy};
use token_core::token::profile::ProfileClaims;

use super::app;
use crate::cookies::CookiePolicy;
use crate::extract::proxies::{self, TrustedProxies};
use crate::hashing::HashPool;
use crate::metrics::hashing::HashingMetrics;
use crate::metrics::{Metrics, Registry, Sources};
use crate::middleware::origins::AllowedOrigins;
use crate::state::AppState;

const APP: &str = "https://app.example.com";
const PASSWORD: &str = "correct horse battery";

/// A state, and the directory that its database is in.
struct Stage {
    state: AppState,
    _directory: TempDir,
}

impl Stage {
    async fn new(issuer: &str) -> Self {
        let claims = [
            ("name", "username"),
            ("mail", "email"),
            ("username", "full_name"),
        ];
        Self::with_claims(issuer, &claims).await
    }

    async fn with_claims(issuer: &str, claims: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("renewd.db");
        let registry = Registry::new();
        let database = format!("sqlite://{}", file.display());
        let (parts, storage) = parts(issuer, claims, &database, &registry);
        let revocations = Arc::clone(&parts.revocations);
        let service = Arc::new(Service::start(parts).await.unwrap());
        service.poll_ended_sessions().await.unwrap();
        let sources = Sources {
            service: Arc::clone(&service),
            storage,
            revocations,
        };
        let cookies = CookiePolicy {
            secure: true,
            domain: None,
        };
        let origins = Arc::new(AllowedOrigins::parse(&[APP.to_owned()]).unwrap());
        Self {
            state: AppState {
                service,
                cookies,
                origins,
                proxies: Arc::default(),
                metrics: Arc::new(Metrics::new(registry, sources)),
                status_lists: Arc::default(),
                streams: Arc::default(),
            },
            _directory: directory,
        }
    }
}

fn parts(
    issuer: &str,
    claims: &[(&str, &str)],
    database: &str,
    registry: &Registry,
) -> (Parts, Arc<Storage>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let policy = SessionPolicy {
        access_lifetime: Lifetime::from_seconds(900),
        idle_lifetime: Lifetime::from_seconds(3_600),
        max_age: Lifetime::from_seconds(7_200),
        refresh: RefreshPolicy::Sliding,
        reuse: ReusePolicy::Strict,
        replay_window: Lifetime::ZERO,
        leeway: Lifetime::ZERO,
        per_user: 10,
    };
    let freshness = Freshness {
        max_staleness: Duration::from_mins(10),
        when_stale: WhenStale::Closed,
    };
    let revocations = Arc::new(RevocationSet::new(policy.revocation_retention(), freshness));
    let options = Options::new(Arc::clone(&clock), Arc::clone(&revocations));
    let storage = Storage::open(&database.parse().unwrap(), &options).unwrap();
    let storage = Arc::new(storage);
    let hashing = HashingMetrics::new(registry);
    let master = MasterKey::generate(entropy.as_ref());
    let cost = BcryptCost::new(10).unwrap();
    let hasher = BcryptHasher::new(&master.pepper(), cost, Arc::clone(&entropy));
    let verified = VerifierPolicy::new(issuer, issuer).unwrap();
    let parts = Parts {
        store: Arc::clone(&storage) as _,
        clock,
        entropy,
        keys: KeySources {
            master,
            access_secret: None,
            access_algorithm: AccessAlgorithm::Es256,
            refresh_secret: None,
        },
        key_settings: KeySettings {
            rotation: None,
            jwks_max_age: Lifetime::from_seconds(300),
        },
        mint: AccessMint {
            issuer: issuer.to_owned(),
            audience: issuer.to_owned(),
            typ: AccessTyp::AtJwt,
            lifetime: policy.access_lifetime,
            profile: ProfileClaims::parse(claims.iter().copied()).unwrap(),
        },
        verifier: AccessVerifier::new(verified),
        policy,
        passwords: PasswordPolicy { min_length: 8 },
        registration: RegistrationPolicy::Open,
        hashing: Arc::new(HashPool::start(hasher, 8, hashing).unwrap()),
        throttle: Arc::new(Unlimited),
        revocations,
    };
    (parts, storage)
}

/// What came back: status, headers, and the body where it is JSON.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn cookies(&self) -> Vec<Cookie<'_>> {
        let values = self.headers.get_all(header::SET_COOKIE);
        values
            .map(|value| Cookie::parse(value.to_str().unwrap()).unwrap())
            .collect()
    }

    /// The value of a cookie that was set.
    fn cookie(&self, name: &str) -> String {
        let mut cookies = self.cookies().into_iter();
        let cookie = cookies.find(|cookie| cookie.name() == name);
        cookie.unwrap().value().to_owned()
    }
}

async fn send<S, B>(service: &S, request: TestRequest) -> Reply
where
    S: ActixService<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let response = test::call_service(service, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = test::read_body(response).await;
    Reply {
        status,
        headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

fn register() -> TestRequest {
    TestRequest::post().uri("/v1/register").set_json(json!({
        "username": "ada", "email": "ada@example.com", "full_name": "Ada", "password": PASSWORD,
    }))
}

fn login() -> TestRequest {
    let body = json!({ "username": "ada", "password": PASSWORD, "transport": "cookie" });
    TestRequest::post().uri("/v1/login").set_json(body)
}

/// S125: every answer is locked down; TLS is insisted on only where the issuer has it.
#[actix_web::test]
async fn every_answer_is_locked_down() {
    for (issuer, insists) in [
        ("https://auth.example.com", true),
        ("http://localhost", false),
    ] {
        let stage = Stage::new(issuer).await;
        let service = test::init_service(app(stage.state)).await;
        for path in [
            "/healthz",
            "/readyz",
            "/nothing",
            "/v1/me",
            "/.well-known/jwks.json",
        ] {
            let reply = send(&service, TestRequest::get().uri(path)).await;
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(reply.header("x-request-id").len(), 36, "{path}");
            assert!(
                !reply.header("content-security-policy").is_empty(),
                "{path}"
            );
            assert_eq!(
                reply.headers.contains_key("strict-transport-security"),
                insists
            );
            let expected = if path.ends_with("jwks.json") {
                "public, max-age=300"
            } else {
                "no-store"
            };
            assert_eq!(reply.header("cache-control"), expected, "{path}");
        }
    }
}

/// S126: 404 and 405 are problem documents; a 405 says what would do; HEAD goes with GET.
#[actix_web::test]
async fn paths_and_methods_are_told_apart() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    for (method, path, status, allow) in [
        (Method::GET, "/nothing", 404, ""),
        (Method::GET, "/v1/login/", 404, ""),
        (Method::GET, "/v1/login", 405, "POST"),
        (Method::PUT, "/v1/me", 405, "GET, HEAD, PATCH, DELETE"),
        (Method::OPTIONS, "/healthz", 405, "GET, HEAD"),
        (Method::HEAD, "/healthz", 200, ""),
    ] {
        let reply = send(&service, TestRequest::with_uri(path).method(method.clone())).await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
        if status != 200 {
            assert_eq!(reply.body["status"], status, "{method} {path}");
        }
    }
}

/// S120: exact origins with credentials; the keys are for everybody without.
#[actix_web::test]
async fn pages_of_allowed_origins_may_read() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    let ask = |origin: &str| {
        TestRequest::with_uri("/v1/me")
            .method(Method::OPTIONS)
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "PATCH"))
    };
    let reply = send(&service, ask(APP)).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), APP);
    assert_eq!(reply.header("access-control-allow-credentials"), "true");
    assert!(
        reply
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    for foreign in ["null", "https://evil.example", "https://app.example.com/"] {
        let reply = send(&service, ask(foreign)).await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{foreign}");
        assert_eq!(reply.header("vary"), "Origin", "{foreign}");
    }
    let keys = TestRequest::get()
        .uri("/.well-known/jwks.json")
        .insert_header(("origin", APP));
    let reply = send(&service, keys).await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
}

/// S91: what a session remembers of its client is what a trusted proxy tells, and nobody else.
#[actix_web::test]
async fn the_address_of_a_client_is_told_by_trusted_proxies() {
    let mut stage = Stage::new("http://localhost").await;
    let networks = proxies::parse("10.0.0.0/8").unwrap();
    stage.state.proxies = Arc::new(TrustedProxies::new(networks));
    let service = test::init_service(app(stage.state)).await;
    send(&service, register()).await;
    for (peer, expected) in [
        ("10.0.0.1:4711", "198.51.100.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
    ] {
        let body = json!({ "username": "ada", "password": PASSWORD });
        let request = TestRequest::post()
            .uri("/v1/login")
            .peer_addr(peer.parse().unwrap())
            .insert_header(("x-forwarded-for", "203.0.113.66, 198.51.100.1"))
            .set_json(body);
        let pair = send(&service, request).await;
        let bearer = format!("Bearer {}", pair.body["access_token"].as_str().unwrap());
        let list = TestRequest::get()
            .uri("/v1/me/sessions")
            .insert_header(("authorization", bearer));
        let list = send(&service, list).await;
        let mut sessions = list.body["sessions"].as_array().unwrap().iter();
        let own = sessions.find(|session| session["current"] == true).unwrap();
        assert_eq!(own["ip"], expected);
    }
}

/// Names come from the claims that the operator maps them to.
#[actix_web::test]
async fn a_proxy_learns_names_under_any_mapping() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    send(&service, register()).await;
    let body = json!({ "username": "ada", "password": PASSWORD });
    let pair = send(
        &service,
        TestRequest::post().uri("/v1/login").set_json(body),
    )
    .await;
    let bearer = format!("Bearer {}", pair.body["access_token"].as_str().unwrap());
    let verify = TestRequest::get()
        .uri("/v1/verify")
        .insert_header(("authorization", bearer));
    let reply = send(&service, verify).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("x-auth-username"), "ada");
    assert_eq!(reply.header("x-auth-email"), "ada%40example.com");
    assert_eq!(reply.header("x-auth-user"), pair.body["user"]["id"]);
}

/// All five headers are there also where nothing is known, so that none of a client's own gets
/// past a proxy that copies them.
#[actix_web::test]
async fn a_proxy_is_told_what_is_not_known() {
    let stage = Stage::with_claims("http://localhost", &[]).await;
    let service = test::init_service(app(stage.state)).await;
    send(&service, register()).await;
    let body = json!({ "username": "ada", "password": PASSWORD });
    let login = TestRequest::post().uri("/v1/login").set_json(body);
    let pair = send(&service, login).await;
    let bearer = format!("Bearer {}", pair.body["access_token"].as_str().unwrap());
    let verify = TestRequest::get()
        .uri("/v1/verify")
        .insert_header(("authorization", bearer));
    let reply = send(&service, verify).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("x-auth-user"), pair.body["user"]["id"]);
    assert_eq!(reply.header("x-auth-session"), pair.body["session_id"]);
    for unknown in ["x-auth-username", "x-auth-email", "x-auth-roles"] {
        let values: Vec<_> = reply.headers.get_all(unknown).collect();
        assert_eq!(values, [""], "{unknown}");
    }
}
