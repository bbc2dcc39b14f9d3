//! Protects a service with the tokens of a renewd elsewhere: finds its keys, keeps them, and, with
//! the credentials of a registered client, follows its feed of ended sessions.

mod feed;
mod http;
mod issuer;
mod workers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use token_core::jwks::{JwksClient, JwksPolicy};
use token_core::policy::{COMMIT_BOUND, access_is_accepted_for};
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::time::{Clock, Lifetime, SystemClock};
use token_core::token::access::{AccessTyp, InvalidPolicy, VerifierPolicy};

use self::feed::{Credentials, Feed};
use self::http::Http;
use self::issuer::{Issuer, KeySource};
pub(super) use self::workers::Workers;
use super::Protector;

/// How old the view of ended sessions may be by default.
const MAX_STALENESS: Duration = Duration::from_secs(10);
/// How old a token may be by default where a feed is followed.
const LONGEST_TOKEN: Lifetime = Lifetime::from_seconds(24 * 60 * 60);
/// The most leeway that any verifier has.
const MOST_LEEWAY: Lifetime = Lifetime::from_seconds(60);

/// A renewd elsewhere whose tokens count here.
///
/// ```no_run
/// use actix_web::{App, HttpServer, web};
/// use http_actix::protect::{AccessToken, Remote};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// async fn hello(AccessToken(access): AccessToken) -> String {
///     format!("Hello, {}!\n", access.subject)
/// }
///
/// let renewd = Remote::discover("https://auth.example.com", "my-api")?;
/// HttpServer::new(move || {
///     App::new()
///         .app_data(renewd.protector())
///         .route("/hello", web::get().to(hello))
/// })
/// .bind("127.0.0.1:9090")?
/// .run()
/// .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Remote {
    protector: web::Data<Protector>,
    keys: JwksClient,
    revocations: Option<Arc<RevocationSet>>,
    clock: Arc<dyn Clock>,
}

/// What is to be known of a renewd elsewhere. Made by [`Remote::builder`].
pub struct RemoteBuilder {
    issuer: String,
    audience: String,
    typ: AccessTyp,
    leeway: Option<Lifetime>,
    cookie: Option<(String, Vec<String>)>,
    jwks_uri: Option<String>,
    jwks_policy: JwksPolicy,
    feed: Option<Credentials>,
    freshness: Freshness,
    longest_token: Lifetime,
    root_certificates: Vec<Vec<u8>>,
    plain_http: bool,
}

/// Why a [`Remote`] cannot be made. All of it is the caller's to mend: that the issuer cannot be
/// reached is none of these.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The issuer or the address of its keys is no URL that can be used.
    #[error("`{url}` {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No verifier should have such a policy.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// A given certificate is no certificate in PEM form.
    #[error("not a certificate in PEM form: {0}")]
    Certificate(String),
    /// This machine has no root certificates, and none was given.
    #[error("no root certificates were found: install the system's, or give the issuer's own")]
    NoRootCertificates,
    /// The machine gave no thread.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

impl Remote {
    /// Finds everything through the metadata of this issuer (RFC 8414), an `https` URL that is
    /// compared exactly with what the metadata and the tokens say. Tokens must be for this
    /// audience.
    ///
    /// Returns without having asked anybody: an issuer that starts later, or is away for a moment,
    /// is waited for in the background, and meanwhile requests with a token are answered with a
    /// 503. [`Self::is_ready`] tells.
    pub fn discover(issuer: &str, audience: &str) -> Result<Self, RemoteError> {
        Self::builder(issuer, audience).start()
    }

    /// Likewise, with more to say.
    pub fn builder(issuer: &str, audience: &str) -> RemoteBuilder {
        RemoteBuilder {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            typ: AccessTyp::AtJwt,
            leeway: None,
            cookie: None,
            jwks_uri: None,
            jwks_policy: JwksPolicy::default(),
            feed: None,
            freshness: Freshness {
                max_staleness: MAX_STALENESS,
                when_stale: WhenStale::Closed,
            },
            longest_token: LONGEST_TOKEN,
            root_certificates: Vec::new(),
            plain_http: false,
        }
    }

    /// What belongs into the application's data. The work in the background lasts as long as this
    /// does.
    pub fn protector(&self) -> web::Data<Protector> {
        self.protector.clone()
    }

    /// Whether tokens can be verified at this moment: the keys are known, and so are the ended
    /// sessions if the feed is followed. What a readiness probe wants to know.
    pub fn is_ready(&self) -> bool {
        let monotonic = self.clock.monotonic();
        let is_fresh = |set: &Arc<RevocationSet>| set.is_ready(monotonic);
        self.keys.keys().is_ok() && self.revocations.as_ref().is_none_or(is_fresh)
    }
}

impl RemoteBuilder {
    /// Tokens of another type: for issuers that were told to write `JWT`.
    #[must_use]
    pub const fn typ(mut self, typ: AccessTyp) -> Self {
        self.typ = typ;
        self
    }

    /// Another leeway than 30 seconds; 60 at most.
    #[must_use]
    pub const fn leeway(mut self, leeway: Lifetime) -> Self {
        self.leeway = Some(leeway);
        self
    }

    /// Accepts the token from a cookie too: see [`Protector::with_cookie`].
    #[must_use]
    pub fn cookie(mut self, name: &str, origins: &[&str]) -> Self {
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        self.cookie = Some((name.to_owned(), origins));
        self
    }

    /// Fetches the keys from here instead of asking the issuer's metadata where they are.
    #[must_use]
    pub fn jwks_uri(mut self, url: &str) -> Self {
        self.jwks_uri = Some(url.to_owned());
        self
    }

    /// Another patience with the issuer's key set.
    #[must_use]
    pub const fn jwks_policy(mut self, policy: JwksPolicy) -> Self {
        self.jwks_policy = policy;
        self
    }

    /// Follows the issuer's feed of ended sessions with the credentials of a client that is
    /// registered there, so that a logout counts here within moments. The feed is at
    /// `/v1/revocations` below the issuer.
    #[must_use]
    pub fn feed(mut self, client_id: &str, client_secret: &str) -> Self {
        self.feed = Some(Credentials::new(client_id, client_secret));
        self
    }

    /// How old the view of ended sessions may be, and what happens when it is older: a 503, or
    /// going on with what is known. 10 seconds and a 503 by default. Before the feed was read for
    /// the first time the answer is always a 503.
    #[must_use]
    pub const fn feed_freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// The longest lifetime of access tokens at the issuer, 24 hours by default: with a feed, ended
    /// sessions are remembered for that long, and older tokens count as expired.
    #[must_use]
    pub const fn longest_token(mut self, lifetime: Lifetime) -> Self {
        self.longest_token = lifetime;
        self
    }

    /// Trusts the certificates in this PEM text too, besides those of the system: for issuers
    /// behind a certificate authority of one's own.
    #[must_use]
    pub fn root_certificate(mut self, pem: &[u8]) -> Self {
        self.root_certificates.push(pem.to_vec());
        self
    }

    /// Lets everything be fetched without TLS, where whoever sits in between can put in keys of
    /// their own: for development, and for connections that are protected otherwise.
    #[must_use]
    pub const fn plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Starts the work in the background.
    pub fn start(self) -> Result<Remote, RemoteError> {
        let issuer = Issuer::parse(&self.issuer, self.plain_http)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let http = Arc::new(Http::new(&self.root_certificates, self.plain_http)?);
        let source = KeySource::new(http.clone(), issuer.clone(), self.jwks_uri.as_deref())?;
        let keys = JwksClient::new(Arc::new(source), clock.clone(), self.jwks_policy);

        let mut policy = VerifierPolicy::new(&self.issuer, &self.audience)?.with_typ(self.typ);
        if let Some(leeway) = self.leeway {
            policy = policy.with_leeway(leeway)?;
        }
        let revocations = self.feed.as_ref().map(|_| {
            let retention = access_is_accepted_for(self.longest_token, MOST_LEEWAY) + COMMIT_BOUND;
            Arc::new(RevocationSet::new(retention, self.freshness))
        });
        if revocations.is_some() {
            policy = policy.with_max_lifetime(self.longest_token);
        }

        let workers = Workers::default();
        workers.keep_fresh(keys.clone())?;
        if let (Some(credentials), Some(set)) = (self.feed, &revocations) {
            let url = issuer.below("/v1/revocations");
            workers.follow(Feed::new(
                http,
                url,
                credentials,
                set.clone(),
                clock.clone(),
            ))?;
        }

        let mut protector = Protector::fetching(policy, keys.clone())
            .with_clock(clock.clone())
            .keeping(workers);
        if let Some(set) = &revocations {
            protector = protector.with_revocations(set.clone(), clock.clone());
        }
        if let Some((name, origins)) = &self.cookie {
            let origins: Vec<_> = origins.iter().map(String::as_str).collect();
            protector = protector.with_cookie(name, &origins);
        }
        Ok(Remote {
            protector: web::Data::new(protector),
            keys,
            revocations,
            clock,
        })
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("protector", &self.protector)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RemoteBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteBuilder")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
