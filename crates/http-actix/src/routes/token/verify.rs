//! `GET /v1/verify`: who is calling, in headers, for reverse proxies that ask before they pass a
//! request on. Answered from memory.

use actix_web::http::header::HeaderName;
use actix_web::{HttpResponse, web};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use token_core::client::Scope;
use token_core::token::subject::Subject;

use crate::extract::Access;
use crate::state::AppState;

/// All but the unreserved characters of RFC 3986 §2.3 is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const USER: HeaderName = HeaderName::from_static("x-auth-user");
const CLIENT: HeaderName = HeaderName::from_static("x-auth-client");
const SCOPE: HeaderName = HeaderName::from_static("x-auth-scope");
const SESSION: HeaderName = HeaderName::from_static("x-auth-session");
const USERNAME: HeaderName = HeaderName::from_static("x-auth-username");
const EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
const ROLES: HeaderName = HeaderName::from_static("x-auth-roles");

/// Says who: a user, or a client that speaks for itself, never both. Names are known if the token
/// has them, under whatever claim the operator chose. Every header is there, empty where nothing is
/// known: a proxy that copies what the answer has would otherwise pass on what the client itself
/// sent under that name.
pub async fn handle(Access(access): Access, state: web::Data<AppState>) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    let (user, client) = match &access.subject {
        Subject::User(id) => (id.to_string(), String::new()),
        Subject::Client(id) => (String::new(), encoded(id.as_str())),
    };
    answer.insert_header((USER, user));
    answer.insert_header((CLIENT, client));
    // What is no scope grants nothing; what is one has only visible ASCII.
    let scope = Scope::parse(&access.scope).unwrap_or_default();
    answer.insert_header((SCOPE, scope.to_string()));
    answer.insert_header((SESSION, access.session_id.to_string()));
    for (header, field) in [(USERNAME, "username"), (EMAIL, "email")] {
        let mut claims = state.service.profile_claims().pairs();
        let claim = claims.find(|(_, source)| *source == field);
        let value = claim.and_then(|(claim, _)| access.profile.get(claim)?.as_str());
        answer.insert_header((header, value.map(encoded).unwrap_or_default()));
    }
    let roles: Vec<String> = access.roles.iter().map(|role| encoded(role)).collect();
    answer.insert_header((ROLES, roles.join(",")));
    answer.finish()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S126: nothing of a value can end a header.
    #[test]
    fn values_are_plain_ascii() {
        assert_eq!(encoded("Zoë-用户"), "Zo%C3%AB-%E7%94%A8%E6%88%B7");
        assert_eq!(
            encoded("a+b@c.d\r\nx: y,z"),
            "a%2Bb%40c.d%0D%0Ax%3A%20y%2Cz"
        );
    }
}
