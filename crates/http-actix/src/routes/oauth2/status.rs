//! `GET /oauth2/status/{list}`: which sessions of a list have ended, for services that would rather
//! keep that for a while than ask for each token (Token Status List, in the form of a JWT).

use actix_web::http::header::{
    self, AcceptEncoding, CacheControl, CacheDirective, Encoding, Header,
};
use actix_web::{HttpRequest, HttpResponse, web};
use token_core::token::status_list::TYP;

use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Tells everybody and every page.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
    list: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let number = number(&list).ok_or(Code::NotFound)?;
    let served = state.status_lists.get(&state.service, number).await?;
    let served = served.ok_or(Code::NotFound)?;
    let mut answer = HttpResponse::Ok();
    // Not for caches that many share: what was in one for a while may be kept by whoever gets it
    // for a whole `ttl` from then on.
    let max_age = u32::try_from(served.left().as_secs()).unwrap_or(0);
    let freshness = [CacheDirective::Private, CacheDirective::MaxAge(max_age)];
    answer
        .content_type(format!("application/{TYP}"))
        .insert_header(CacheControl(freshness.to_vec()))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    answer.append_header((header::VARY, "Accept-Encoding"));
    if takes_gzip(&request) {
        answer.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Ok(answer.body(served.gzipped.clone()));
    }
    Ok(answer.body(served.plain.clone()))
}

/// One way to write each number, so that a list has one address.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let known = [Encoding::identity(), Encoding::gzip()];
    // Who says nothing takes anything (RFC 9110 §12.5.3), but often means nothing by it.
    request.headers().contains_key(header::ACCEPT_ENCODING)
        && AcceptEncoding::parse(request)
            .ok()
            .and_then(|accepted| accepted.negotiate(known.iter()))
            == Some(Encoding::gzip())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn gzip_is_for_those_who_ask_for_it() {
        for (accepted, expected) in [
            (None, false),
            (Some(""), false),
            (Some("gzip"), true),
            (Some("gzip, deflate, br, zstd"), true),
            (Some("deflate, gzip;q=0.5"), true),
            (Some("identity"), false),
            (Some("gzip;q=0"), false),
            (Some("br"), false),
        ] {
            let request = TestRequest::get();
            let request = match accepted {
                Some(accepted) => request.insert_header((header::ACCEPT_ENCODING, accepted)),
                None => request,
            };
            assert_eq!(
                takes_gzip(&request.to_http_request()),
                expected,
                "{accepted:?}"
            );
        }
    }

    #[test]
    fn a_list_has_one_address() {
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("4294967295"), Some(u32::MAX));
        for other in ["", "00", "01", "+1", "-1", "1 ", "1.0", "x", "4294967296"] {
            assert_eq!(number(other), None, "{other:?}");
        }
    }
}
