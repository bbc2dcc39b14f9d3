//! In which form does a client want an answer?

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header, Quality};
use token_core::token::introspection::TYP;

/// Whether a client asks for a signed answer to an introspection (RFC 9701 §4): by name, since
/// `*/*` is what clients send that know of no such thing, and not after plain JSON.
pub fn wants_signed(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else {
        return false;
    };
    let quality = |wanted: &str| {
        let named = accept
            .0
            .iter()
            .filter(|range| range.item.essence_str().eq_ignore_ascii_case(wanted));
        named.map(|range| range.quality).max()
    };
    let signed = quality(&format!("application/{TYP}")).unwrap_or(Quality::ZERO);
    signed > Quality::ZERO && Some(signed) >= quality("application/json")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::ACCEPT;
    use actix_web::test::TestRequest;

    use super::*;

    /// S108
    #[test]
    fn a_signed_answer_is_asked_for_by_name() {
        for (accept, expected) in [
            ("application/token-introspection+jwt", true),
            ("Application/Token-Introspection+JWT", true),
            (
                "application/token-introspection+jwt, application/json",
                true,
            ),
            (
                "application/json;q=0.5, application/token-introspection+jwt",
                true,
            ),
            (
                "application/json, application/token-introspection+jwt;q=0.9",
                false,
            ),
            ("application/token-introspection+jwt;q=0", false),
            ("application/json", false),
            ("application/jwt", false),
            ("*/*", false),
            ("junk", false),
        ] {
            let request = TestRequest::post().insert_header((ACCEPT, accept));
            assert_eq!(
                wants_signed(&request.to_http_request()),
                expected,
                "{accept}"
            );
        }
        assert!(!wants_signed(&TestRequest::post().to_http_request()));
    }
}
