//! The application as a whole, on a database in a temporary directory.

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
const REFRESH: &str = "__Secure-renewd_refresh";
const ACCESS: &str = "__Host-renewd_access";
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

/// S97 S119: a cookie login from a foreign page is refused, and so is whatever carries cookies.
#[actix_web::test]
async fn foreign_pages_are_refused_where_cookies_are_at_stake() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    assert_eq!(send(&service, register()).await.status, 201);
    let foreign = |request: TestRequest| request.insert_header(("sec-fetch-site", "cross-site"));
    let refused = send(&service, foreign(login())).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (403, &json!("csrf_rejected"))
    );
    assert!(refused.cookies().is_empty());

    let carrying = || {
        let cookie = ("cookie", "__Secure-renewd_refresh=junk");
        TestRequest::post().uri("/v1/refresh").insert_header(cookie)
    };
    let refused = send(&service, foreign(carrying())).await;
    assert_eq!(refused.body["code"], "csrf_rejected");
    assert!(refused.cookies().is_empty());
    let own = carrying().insert_header(("sec-fetch-site", "same-origin"));
    let reply = send(&service, own).await;
    assert_eq!(reply.body["code"], "refresh_token_invalid");
    assert_eq!(
        reply.cookies().len(),
        2,
        "a terminal refusal takes both away"
    );
}

/// S119: what no cookie authorizes, or changes nothing, a foreign page may ask for.
#[actix_web::test]
async fn foreign_pages_may_ask_where_no_cookie_is_at_stake() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    let refresh = TestRequest::post().uri("/v1/refresh");
    for (request, code) in [
        (
            refresh.set_json(json!({ "refresh_token": "junk" })),
            "refresh_token_invalid",
        ),
        (TestRequest::get().uri("/v1/me"), "access_token_missing"),
        (
            TestRequest::get()
                .uri("/v1/me")
                .insert_header(("cookie", format!("{ACCESS}=junk"))),
            "access_token_invalid",
        ),
    ] {
        let foreign = request.insert_header(("sec-fetch-site", "cross-site"));
        let reply = send(&service, foreign).await;
        assert_eq!(reply.body["code"], code);
    }
}

/// A refresh token that comes twice has to be the same one, and counts as the cookie's.
#[actix_web::test]
async fn body_and_cookie_have_to_agree() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    send(&service, register()).await;
    let logged_in = send(&service, login()).await;
    let mut cookies = logged_in.cookies().into_iter();
    let token = cookies.find(|cookie| cookie.name() == REFRESH).unwrap();
    let token = token.value().to_owned();
    let refresh = |in_body: &str| {
        TestRequest::post()
            .uri("/v1/refresh")
            .insert_header(("cookie", format!("{REFRESH}={token}")))
            .set_json(json!({ "refresh_token": in_body }))
    };
    let refused = send(&service, refresh("another")).await;
    assert_eq!(refused.body["code"], "ambiguous_credentials");
    let reply = send(&service, refresh(&token)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.cookies().len(), 2);
    assert_eq!(reply.body["refresh_token"], Value::Null);
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

/// S118: of two refresh cookies of one session the newer counts, and strays are expired at every
/// place but ours.
#[actix_web::test]
async fn strays_are_expired() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    send(&service, register()).await;
    let refresh = |reply: &Reply| {
        let mut cookies = reply.cookies().into_iter();
        let cookie = cookies.find(|cookie| cookie.name() == "__Secure-renewd_refresh");
        cookie.unwrap().value().to_owned()
    };
    let first = refresh(&send(&service, login()).await);
    let request = |cookie: String| {
        TestRequest::post()
            .uri("/v1/refresh")
            .insert_header(("host", "auth.example.com"))
            .insert_header(("cookie", cookie))
    };
    let reply = send(
        &service,
        request(format!("__Secure-renewd_refresh={first}")),
    )
    .await;
    let second = refresh(&reply);
    assert_eq!(reply.cookies().len(), 2, "no strays, nothing to expire");

    let both = format!("__Secure-renewd_refresh={first}; __Secure-renewd_refresh={second}");
    let reply = send(&service, request(both)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let (set, expired): (Vec<_>, Vec<_>) = reply
        .cookies()
        .into_iter()
        .map(Cookie::into_owned)
        .partition(|cookie| !cookie.value().is_empty());
    assert_eq!(set.len(), 2);
    assert!(
        expired
            .iter()
            .any(|cookie| cookie.domain() == Some("example.com"))
    );
    assert!(
        expired
            .iter()
            .all(|cookie| cookie.domain().is_some() || cookie.path() != Some("/v1"))
    );
}

/// S118: strays of the access cookie are expired where there are any, which there can be under a
/// name without `__Host-`.
#[actix_web::test]
async fn strays_of_the_access_cookie_are_expired() {
    let mut stage = Stage::new("http://localhost").await;
    stage.state.cookies.secure = false;
    let name = "renewd_access";
    let service = test::init_service(app(stage.state)).await;
    send(&service, register()).await;
    let logged_in = send(&service, login()).await;
    let mut cookies = logged_in.cookies().into_iter();
    let token = cookies.find(|cookie| cookie.name() == name).unwrap();
    let genuine = format!("{name}={}", token.value());
    for (cookies, strays) in [
        ("theme=dark".to_owned(), false),
        (genuine.clone(), false),
        (format!("{name}=junk; {genuine}"), true),
    ] {
        let request = TestRequest::get()
            .uri("/v1/me")
            .insert_header(("host", "auth.example.com"))
            .insert_header(("cookie", cookies.clone()));
        let reply = send(&service, request).await;
        assert_eq!(!reply.cookies().is_empty(), strays, "{cookies}");
        for cookie in reply.cookies() {
            assert_eq!((cookie.name(), cookie.value()), (name, ""));
        }
    }
}

/// S118: cookies of two sessions are refused, and what may stand beside the genuine cookie is taken
/// away, so that the next request is clear. A login does the same for a single one, which would
/// stand beside the new.
#[actix_web::test]
async fn a_cookie_login_heals() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    send(&service, register()).await;
    let sent = |request: TestRequest, cookies: &str| {
        request
            .insert_header(("host", "auth.example.com"))
            .insert_header(("cookie", cookies.to_owned()))
    };
    let of_refresh = |reply: &Reply| -> Vec<Cookie<'static>> {
        let cookies = reply.cookies().into_iter().map(Cookie::into_owned);
        cookies.filter(|cookie| cookie.name() == REFRESH).collect()
    };
    let first = of_refresh(&send(&service, login()).await);
    let second = of_refresh(&send(&service, login()).await);
    let (first, second) = (first[0].value(), second[0].value());
    let both = format!("{REFRESH}={first}; {REFRESH}={second}");

    let refresh = TestRequest::post().uri("/v1/refresh");
    let refused = send(&service, sent(refresh, &both)).await;
    assert_eq!(refused.body["code"], "ambiguous_credentials");

    let everywhere = [
        "- /",
        "auth.example.com /",
        "auth.example.com /v1",
        "example.com /",
        "example.com /v1",
    ];
    let places = |cookies: &[Cookie<'static>]| -> Vec<String> {
        let place = |cookie: &Cookie<'static>| {
            assert!(cookie.max_age().unwrap().is_zero());
            let (domain, path) = (cookie.domain().unwrap_or("-"), cookie.path().unwrap());
            format!("{domain} {path}")
        };
        cookies.iter().map(place).collect()
    };
    assert_eq!(places(&of_refresh(&refused)), everywhere);
    let flood: Vec<_> = (0..100).map(|n| format!("{REFRESH}=junk-{n}")).collect();
    for cookies in [both, format!("{REFRESH}=junk"), flood.join("; ")] {
        let reply = send(&service, sent(login(), &cookies)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let (set, expired): (Vec<_>, Vec<_>) = of_refresh(&reply)
            .into_iter()
            .partition(|cookie| !cookie.value().is_empty());
        assert_eq!(set.len(), 1);
        assert_eq!(places(&expired), everywhere);
    }

    // Nothing came, it failed, or the tokens travel otherwise: nothing is taken away.
    let reply = send(&service, sent(login(), "other=1")).await;
    assert_eq!(reply.cookies().len(), 2);
    let cookies = format!("{REFRESH}=junk");
    let failed = login().set_json(json!({
        "username": "ada", "password": "not it", "transport": "cookie",
    }));
    assert!(
        send(&service, sent(failed, &cookies))
            .await
            .cookies()
            .is_empty()
    );
    let in_body = login().set_json(json!({ "username": "ada", "password": PASSWORD }));
    assert!(
        send(&service, sent(in_body, &cookies))
            .await
            .cookies()
            .is_empty()
    );
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
