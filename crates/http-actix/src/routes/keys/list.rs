//! `GET /.well-known/jwks.json`: the public keys that verify access tokens (RFC 7517 §5).

use actix_web::http::header::{self, CacheControl, CacheDirective, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::state::AppState;

/// Lists them, for everybody and every page.
pub async fn handle(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let ring = state.service.keys();
    let set = ring.published();
    // A key's name is the digest of the key, so the names are a digest of the set.
    let names = set
        .keys
        .iter()
        .filter_map(|key| key.common.key_id.as_deref());
    let tag = EntityTag::new_strong(names.collect::<Vec<_>>().join("."));
    let is_known = is_known(&request, &tag);
    let mut answer = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    let fresh_for = state.service.jwks_max_age().as_seconds();
    let freshness = [CacheDirective::Public, CacheDirective::MaxAge(fresh_for)];
    answer
        .insert_header(header::ETag(tag))
        .insert_header(CacheControl(freshness.to_vec()))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, "etag"));
    if is_known {
        answer.finish()
    } else {
        answer.json(set)
    }
}

/// Whether the client has this version of a document already (RFC 9110 §13.1.2).
pub fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    /// S36: a client that has the set is told so in few bytes.
    #[test]
    fn known_sets_are_recognised() {
        let tag = EntityTag::new_strong("k1.k2".to_owned());
        for (header, expected) in [
            ("\"k1.k2\"", true),
            ("W/\"k1.k2\"", true),
            ("\"other\", \"k1.k2\"", true),
            ("*", true),
            ("\"k1\"", false),
            ("junk", false),
        ] {
            let request = TestRequest::get().insert_header((header::IF_NONE_MATCH, header));
            assert_eq!(
                is_known(&request.to_http_request(), &tag),
                expected,
                "{header}"
            );
        }
        assert!(!is_known(&TestRequest::get().to_http_request(), &tag));
    }
}
