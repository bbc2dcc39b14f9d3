//! `GET /.well-known/oauth-authorization-server`: where what is, for clients that ask (RFC 8414).

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::http::header::{self, CacheControl, CacheDirective, EntityTag};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use url::Url;

use crate::problem::{Code, Problem};
use crate::routes::keys::list::is_known;
use crate::state::AppState;

/// Where it is.
pub const PATH: &str = "/.well-known/oauth-authorization-server";
/// How many seconds a client may keep it without asking again.
const FRESH_FOR: u32 = 300;
/// How confidential clients prove who they are.
const BY_SECRET: [&str; 2] = ["client_secret_basic", "client_secret_post"];
/// Likewise, and how the built-in client does not.
const BY_SECRET_OR_NOT: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// RFC 8414 §2. There is no `response_types_supported`: it lists what an authorization endpoint
/// answers with, there is no such endpoint, and §3.2 forbids lists without elements.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    token_endpoint: String,
    jwks_uri: String,
    grant_types_supported: [&'static str; 2],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_signing_alg_values_supported: Option<[String; 1]>,
}

impl<'a> Metadata<'a> {
    fn of(state: &'a AppState) -> Self {
        let issuer = state.service.issuer();
        let keys = state.service.keys();
        let algorithm = keys.access().public().and_then(|jwk| {
            let algorithm = jwk.common.key_algorithm?;
            Some([algorithm.to_string()])
        });
        Self {
            issuer,
            token_endpoint: format!("{issuer}/oauth2/token"),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            grant_types_supported: ["refresh_token", "client_credentials"],
            token_endpoint_auth_methods_supported: BY_SECRET_OR_NOT,
            revocation_endpoint: format!("{issuer}/oauth2/revoke"),
            revocation_endpoint_auth_methods_supported: BY_SECRET_OR_NOT,
            introspection_endpoint: format!("{issuer}/oauth2/introspect"),
            introspection_endpoint_auth_methods_supported: BY_SECRET,
            introspection_signing_alg_values_supported: algorithm,
        }
    }
}

/// Tells everybody and every page. Where the issuer has a path, that may follow: clients insert
/// the well-known part before it (RFC 8414 §3.1). Without it, it is for proxies that strip the
/// issuer's path.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let inserted = request.path().strip_prefix(PATH).unwrap_or_default();
    if !inserted.is_empty() && Some(inserted) != path_of(state.service.issuer()).as_deref() {
        return Err(Code::NotFound.into());
    }
    let body = serde_json::to_string(&Metadata::of(&state)).unwrap_or_default();
    let tag = EntityTag::new_strong(fingerprint(&body));
    let is_known = is_known(&request, &tag);
    let mut answer = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    let freshness = [CacheDirective::Public, CacheDirective::MaxAge(FRESH_FOR)];
    answer
        .insert_header(header::ETag(tag))
        .insert_header(CacheControl(freshness.to_vec()))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, "etag"));
    Ok(if is_known {
        answer.finish()
    } else {
        answer.content_type("application/json").body(body)
    })
}

/// Tells versions of the document apart; no secret depends on it.
fn fingerprint(body: &str) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The issuer's path, if it has one.
fn path_of(issuer: &str) -> Option<String> {
    let url = Url::parse(issuer).ok()?;
    let path = url.path().trim_end_matches('/');
    (!path.is_empty()).then(|| path.to_owned())
}
