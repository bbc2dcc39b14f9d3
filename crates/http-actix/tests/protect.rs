//! A service that is not renewd, protected by its tokens.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may panic: that is how they fail"
)]

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::test::{self, TestRequest};
use actix_web::{App, HttpResponse, web};
use http_actix::protect::{AccessToken, Protector, require};
use serde_json::Value;
use token_core::id::{ClientId, KeyId, SessionId, UserId};
use token_core::key::{
    AccessAlgorithm, AccessKey, SigningSecret, VerificationKey, VerificationKeys,
};
use token_core::random::SystemEntropy;
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, Session, Transport};
use token_core::time::{Clock, Lifetime, SystemClock, Timestamp};
use token_core::token::access::{AccessMint, AccessTyp, VerifierPolicy};
use token_core::token::profile::ProfileClaims;
use token_core::user::{Email, FullName, User, Username};

const ISSUER: &str = "https://auth.example.com";
const COOKIE: &str = "__Host-renewd_access";
const APP: &str = "https://app.example.com";

/// Mints tokens as renewd does.
struct Issuer {
    key: AccessKey,
    session: Session,
    user: User,
}

impl Issuer {
    fn new(key: AccessKey) -> Self {
        let entropy = SystemEntropy::default();
        let now = SystemClock::default().now();
        let user = User {
            id: UserId::generate(now, &entropy),
            username: Username::parse("ada").unwrap(),
            email: Email::parse("ada@example.com").unwrap(),
            full_name: FullName::parse("Ada").unwrap(),
            email_verified: false,
            roles: Vec::new(),
            created_at: now,
            disabled_at: None,
        };
        let session = Session {
            id: SessionId::generate(now, &entropy),
            user_id: user.id,
            client_id: ClientId::first_party(),
            scope: String::new(),
            generation: 0,
            refresh_digest: RefreshSecret::generate(&entropy).digest(),
            refresh_kid: KeyId::from_trusted("k".to_owned()),
            rotated_at: now,
            recovered_generation: None,
            created_at: now,
            authenticated_at: now,
            expires_at: now.plus(Duration::from_secs(1_000)),
            max_expires_at: now.plus(Duration::from_secs(1_000)),
            ended: None,
            client: ClientFacts::default(),
            transport: Transport::Body,
            remember: true,
            amr: vec!["pwd".to_owned()],
            status: None,
        };
        Self { key, session, user }
    }

    fn token_at(&self, now: Timestamp) -> String {
        let mint = AccessMint {
            issuer: ISSUER.to_owned(),
            audience: ISSUER.to_owned(),
            typ: AccessTyp::AtJwt,
            lifetime: Lifetime::from_seconds(60),
            profile: ProfileClaims::default(),
        };
        let entropy = SystemEntropy::default();
        let minted = mint.mint(&self.key, &self.session, &self.user, now, &entropy);
        minted.token.expose().to_owned()
    }

    fn token(&self) -> String {
        self.token_at(SystemClock::default().now())
    }
}

fn managed() -> AccessKey {
    let algorithm = AccessAlgorithm::Es256;
    AccessKey::from_pkcs8(algorithm, &algorithm.generate()).unwrap()
}

fn keys(key: &AccessKey) -> VerificationKeys {
    let document = serde_json::json!({ "keys": [key.public().unwrap()] });
    VerificationKeys::from_jwks(&document.to_string()).unwrap()
}

fn protector(keys: VerificationKeys) -> web::Data<Protector> {
    let policy = VerifierPolicy::new(ISSUER, ISSUER).unwrap();
    web::Data::new(Protector::new(policy, keys).with_cookie(COOKIE, &[APP]))
}

async fn hello(AccessToken(access): AccessToken) -> HttpResponse {
    let name = access.profile.get("username").and_then(Value::as_str);
    HttpResponse::Ok().body(name.unwrap_or_default().to_owned())
}

/// Status and code (or greeting) of the answer at a path.
async fn ask(protector: &web::Data<Protector>, request: TestRequest) -> (u16, String) {
    let app = App::new()
        .app_data(protector.clone())
        .route("/hello", web::to(hello))
        .service(
            web::scope("/inside")
                .wrap(from_fn(require))
                .route("/hello", web::to(hello))
                .route("/open", web::to(HttpResponse::Ok)),
        );
    let app = test::init_service(app).await;
    let response = test::call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    let challenged = response.headers().contains_key(header::WWW_AUTHENTICATE);
    assert_eq!(challenged, matches!(status, 400 | 401), "{status}");
    let body = test::read_body(response).await;
    let text = String::from_utf8(body.to_vec()).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let code = document["code"].as_str().map(str::to_owned);
    (status, code.unwrap_or(text))
}

fn bearer(path: &str, token: &str) -> TestRequest {
    TestRequest::get()
        .uri(path)
        .insert_header(("authorization", format!("Bearer {token}")))
}

fn cookie(token: &str) -> TestRequest {
    TestRequest::post()
        .uri("/hello")
        .insert_header(("cookie", format!("{COOKIE}={token}")))
}

#[actix_web::test]
async fn a_good_token_gets_in_and_others_are_told_why() {
    let issuer = Issuer::new(managed());
    let protector = protector(keys(&issuer.key));
    let ok = (200, "ada".to_owned());
    assert_eq!(ask(&protector, bearer("/hello", &issuer.token())).await, ok);
    assert_eq!(
        ask(&protector, bearer("/inside/hello", &issuer.token())).await,
        ok
    );

    let problem = |status: u16, code: &str| (status, code.to_owned());
    for path in ["/hello", "/inside/hello", "/inside/open"] {
        let nothing = ask(&protector, TestRequest::get().uri(path)).await;
        assert_eq!(nothing, problem(401, "access_token_missing"), "{path}");
        let junk = ask(&protector, bearer(path, "junk")).await;
        assert_eq!(junk, problem(401, "access_token_invalid"), "{path}");
        let other = ask(&protector, bearer(path, &Issuer::new(managed()).token())).await;
        assert_eq!(other, problem(401, "access_token_invalid"), "{path}");
        let old = SystemClock::default().now().minus(Duration::from_secs(100));
        let expired = ask(&protector, bearer(path, &issuer.token_at(old))).await;
        assert_eq!(expired, problem(401, "access_token_expired"), "{path}");
    }
}

#[actix_web::test]
async fn a_cookie_counts_for_pages_that_may_use_it() {
    let issuer = Issuer::new(managed());
    let protector = protector(keys(&issuer.key));
    let token = issuer.token();
    for (headers, status) in [
        (&[("sec-fetch-site", "same-origin")][..], 200),
        (&[("sec-fetch-site", "cross-site"), ("origin", APP)], 200),
        (&[], 200),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("origin", "https://evil.example")], 403),
    ] {
        let request = headers
            .iter()
            .fold(cookie(&token), |request, pair| request.insert_header(*pair));
        assert_eq!(ask(&protector, request).await.0, status, "{headers:?}");
    }
    let both = cookie(&token).insert_header(("authorization", "Bearer other"));
    assert_eq!(
        ask(&protector, both).await,
        (400, "ambiguous_credentials".to_owned())
    );
}

#[actix_web::test]
async fn keys_are_replaced_while_requests_run() {
    let (old, new) = (Issuer::new(managed()), Issuer::new(managed()));
    let protector = protector(keys(&old.key));
    assert_eq!(ask(&protector, bearer("/hello", &new.token())).await.0, 401);
    protector.replace_keys(keys(&new.key));
    assert_eq!(ask(&protector, bearer("/hello", &new.token())).await.0, 200);
    assert_eq!(ask(&protector, bearer("/hello", &old.token())).await.0, 401);
}

#[actix_web::test]
async fn a_shared_secret_will_do() {
    let secret = SigningSecret::parse("u7Wd0eT3nH5xQk9bR2mYc8sVfLzA1gJp").unwrap();
    let issuer = Issuer::new(AccessKey::from_secret(&secret));
    let keys = VerificationKeys::new(vec![VerificationKey::from_secret(&secret)]);
    let answer = ask(&protector(keys), bearer("/hello", &issuer.token())).await;
    assert_eq!(answer, (200, "ada".to_owned()));
}

/// A clock that stands still.
struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// S11: the end of a token is its `exp` plus the leeway of 30 seconds.
#[actix_web::test]
async fn a_token_ends_after_the_leeway() {
    let issuer = Issuer::new(managed());
    let now = SystemClock::default().now().floor_to_second();
    let token = issuer.token_at(now);
    for (after, status) in [(89, 200), (90, 401)] {
        let clock = Arc::new(Standing(now.plus(Duration::from_secs(after))));
        let policy = VerifierPolicy::new(ISSUER, ISSUER).unwrap();
        let protector = Protector::new(policy, keys(&issuer.key)).with_clock(clock);
        let answer = ask(&web::Data::new(protector), bearer("/hello", &token)).await;
        assert_eq!(answer.0, status, "{after}");
    }
}

/// Whoever forgets the protector lets nobody in.
#[actix_web::test]
async fn without_a_protector_nobody_gets_in() {
    let app = test::init_service(App::new().route("/hello", web::to(hello))).await;
    let response = test::call_service(&app, bearer("/hello", "x").to_request()).await;
    assert_eq!(response.status().as_u16(), 500);
}
