//! Two credentials at once.

use e2e::client::{ACCESS_COOKIE, REFRESH_COOKIE, assert_alive};
use e2e::{Person, Persona, Server};

/// S121: a header and a cookie that differ are ambiguous; the same token twice is
/// one credential.
#[test]
fn a_header_and_a_cookie_that_differ_are_ambiguous() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let (mut one, mut two) = (ada.log_in(&server), ada.browse(&server));
    for path in ["/v1/me", "/v1/verify", "/v1/me/sessions"] {
        let both = two.call("GET", path).bearer(&one.access()).send();
        both.problem(400, "ambiguous_credentials");
        let same = two.call("GET", path).bearer(&two.access()).send();
        assert!([200, 204].contains(&same.status), "{path}: {}", same.text());
    }
    // Also where one of the two is no token at all.
    let both = two.call("GET", "/v1/me").bearer("junk").send();
    both.problem(400, "ambiguous_credentials");
    let both = two
        .call("POST", "/v1/logout/all")
        .bearer(&one.access())
        .send();
    both.problem(400, "ambiguous_credentials");
    assert_alive(&mut one);
    assert_alive(&mut two);
}

/// S121: two `Authorization` headers.
#[test]
fn two_headers_are_ambiguous() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let (one, two) = (ada.log_in(&server), ada.log_in(&server));
    let both = server
        .call("GET", "/v1/me")
        .bearer(&one.access())
        .bearer(&two.access())
        .send();
    both.problem(400, "ambiguous_credentials");
}

/// S118: names of cookies are exact: a look-alike is no credential.
#[test]
fn a_cookie_of_a_similar_name_is_none() {
    let server = Server::sqlite();
    let browser = Person::registered(&server, "ada").browse(&server);
    for name in [
        "__host-renewd_access",
        "__hOsT-renewd_access",
        "renewd_access",
        " x",
    ] {
        let me = server
            .call("GET", "/v1/me")
            .cookie(name, &browser.access())
            .send();
        me.problem(401, "access_token_missing");
    }
    for name in ["__secure-renewd_refresh", "renewd_refresh", ACCESS_COOKIE] {
        let call = server
            .call("POST", "/v1/refresh")
            .cookie(name, &browser.refresh_token());
        call.send().problem(401, "refresh_token_missing");
    }
    let me = server
        .call("GET", "/v1/me")
        .cookie(REFRESH_COOKIE, &browser.access())
        .send();
    me.problem(401, "access_token_missing");
}
