//! How the keys come, and what an answer may do to them.

use http_actix::protect::RemoteError;
use token_core::jwks::JwksPolicy;

use super::*;
use server::Page;

const METADATA: &str = "/.well-known/oauth-authorization-server";

/// Keys that are looked for again every second.
fn eager(server: &Server) -> Remote {
    Remote::builder(&server.url(), &server.url())
        .plain_http()
        .jwks_policy(JwksPolicy {
            cool_down: Duration::from_secs(1),
            ..JwksPolicy::default()
        })
        .start()
        .unwrap()
}

fn page(status: u16, headers: &str, body: &str) -> Page {
    Page::Whole(status, headers.to_owned(), body.to_owned())
}

/// Three lines are enough.
#[actix_web::test]
async fn everything_is_found_from_the_issuers_name() {
    let (server, issuer) = issuer();
    server.json("/keys", &key_set(&[&issuer]), 300);
    let remote = remote(&server);
    assert_eq!(
        ask(&remote, Some(&issuer.token())).await,
        (200, String::new())
    );
    assert!(remote.is_ready());
    assert_eq!(ask(&remote, None).await.0, 401);
    let other = Issuer::new("https://other.example", managed());
    let refused = (401, "access_token_invalid".to_owned());
    assert_eq!(ask(&remote, Some(&other.token())).await, refused);
    assert_eq!(ask(&remote, Some("junk")).await, refused);
    assert_eq!(server.asked(METADATA).len(), 1);
}

/// An issuer that starts later is waited for; what needs no key is answered meanwhile.
#[actix_web::test]
async fn an_issuer_may_start_later() {
    let server = Server::plain();
    let issuer = Issuer::new(&server.url(), managed());
    let remote = eager(&server);
    assert!(!remote.is_ready());
    let unknown = (503, "keys_unknown".to_owned());
    assert_eq!(ask(&remote, Some(&issuer.token())).await, unknown);
    assert_eq!(
        ask(&remote, None).await,
        (401, "access_token_missing".to_owned())
    );
    assert_eq!(
        ask(&remote, Some("junk")).await,
        (401, "access_token_invalid".to_owned())
    );
    server.metadata();
    server.json("/keys", &key_set(&[&issuer]), 300);
    until(&remote, &issuer.token(), 200, "").await;
}

/// S38: metadata that name another issuer lead nowhere.
#[actix_web::test]
async fn anothers_metadata_are_not_believed() {
    let (server, issuer) = issuer();
    server.json("/keys", &key_set(&[&issuer]), 300);
    let keys = format!("{}/keys", server.url());
    let metadata = json!({"issuer": format!("{}/", server.url()), "jwks_uri": keys});
    server.json(METADATA, &metadata, 300);
    let remote = remote(&server);
    assert_eq!(ask(&remote, Some(&issuer.token())).await.0, 503);
    assert!(server.asked("/keys").is_empty());

    let given = Remote::builder(&server.url(), &server.url())
        .plain_http()
        .jwks_uri(&keys)
        .start()
        .unwrap();
    assert_eq!(ask(&given, Some(&issuer.token())).await.0, 200);
}

/// S32 S33: a new key is found when a token first names it, and a retired one is gone with the next
/// look.
#[actix_web::test]
async fn rotations_are_followed() {
    let (server, old) = issuer();
    let new = Issuer::new(&server.url(), managed());
    server.json("/keys", &key_set(&[&old]), 300);
    let remote = eager(&server);
    until(&remote, &old.token(), 200, "").await;
    server.json("/keys", &key_set(&[&new]), 300);
    until(&remote, &new.token(), 200, "").await;
    assert_eq!(server.asked("/keys").len(), 2);
    // It was verified and remembered a moment ago.
    assert_eq!(ask(&remote, Some(&old.token())).await.0, 401);
}

/// S37: whatever comes instead of a set, the keys in use stay.
#[actix_web::test]
async fn a_bad_answer_changes_nothing() {
    for bad in [
        page(500, "", ""),
        page(200, "", r#"{"keys":[]}"#),
        page(
            200,
            "content-type: text/html\r\n",
            "<html>Sign in to the network</html>",
        ),
        page(
            200,
            "",
            &format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(70_000)),
        ),
        page(304, "", ""),
        page(204, "", ""),
        page(302, "location: /elsewhere\r\n", ""),
    ] {
        let (server, issuer) = issuer();
        server.json("/keys", &key_set(&[&issuer]), 1);
        let remote = eager(&server);
        until(&remote, &issuer.token(), 200, "").await;
        let before = server.asked("/keys").len();
        server.put("/keys", bad);
        wait_until(before + 2, || server.asked("/keys").len()).await;
        assert_eq!(ask(&remote, Some(&issuer.token())).await.0, 200);
        assert!(server.asked("/elsewhere").is_empty());
    }
}

/// S37: a redirect is not followed, to wherever.
#[actix_web::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::plain();
    let (server, issuer) = issuer();
    elsewhere.json("/keys", &key_set(&[&issuer]), 300);
    let location = format!("location: {}/keys\r\n", elsewhere.url());
    for status in [301, 302, 303, 307, 308] {
        server.put("/keys", page(status, &location, ""));
        let remote = remote(&server);
        assert_eq!(ask(&remote, Some(&issuer.token())).await.0, 503, "{status}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// S37: an answer that never ends is given up.
#[actix_web::test]
async fn a_slow_answer_is_given_up() {
    let (server, issuer) = issuer();
    server.put("/keys", Page::Dribble);
    let remote = remote(&server);
    until(&remote, &issuer.token(), 503, "keys_unknown").await;
    wait_until(1, || usize::from(server.closed() > 1)).await;
}

/// S4: what a token says of keys elsewhere is not even looked at.
#[actix_web::test]
async fn nobody_goes_where_a_token_points() {
    let trap = Server::plain();
    let (server, issuer) = issuer();
    server.json("/keys", &key_set(&[&issuer]), 300);
    let remote = remote(&server);
    until(&remote, &issuer.token(), 200, "").await;
    let token = issuer.token();
    let (_, rest) = token.split_once('.').unwrap();
    for name in ["jku", "x5u", "jwk", "kid"] {
        let mut header = json!({"typ": "at+jwt", "alg": "ES256", "kid": issuer.key.kid().as_str()});
        header[name] = format!("{}/keys", trap.url()).into();
        let header = token_core::encoding::base64url(header.to_string());
        assert_eq!(ask(&remote, Some(&format!("{header}.{rest}"))).await.0, 401);
    }
    assert_eq!(trap.connections(), 0);
}

/// S37: over TLS, with a certificate that somebody vouches for.
#[actix_web::test]
async fn tls_is_verified() {
    let server = Server::tls();
    server.metadata();
    let issuer = Issuer::new(&server.url(), managed());
    server.json("/keys", &key_set(&[&issuer]), 300);
    let certificate = server.certificate.clone().unwrap();
    let known = Remote::builder(&server.url(), &server.url())
        .root_certificate(certificate.as_bytes())
        .start()
        .unwrap();
    assert_eq!(ask(&known, Some(&issuer.token())).await.0, 200);

    let other = Server::tls().certificate.unwrap();
    let unknown = Remote::builder(&server.url(), &server.url())
        .root_certificate(other.as_bytes())
        .start()
        .unwrap();
    let before = server.asked(METADATA).len();
    assert_eq!(ask(&unknown, Some(&issuer.token())).await.0, 503);
    assert_eq!(server.asked(METADATA).len(), before);
}

/// S37: without TLS only if that was said.
#[actix_web::test]
async fn plain_http_has_to_be_allowed() {
    let (server, _) = issuer();
    let refused = Remote::discover(&server.url(), "x").err();
    assert!(matches!(refused, Some(RemoteError::Url { .. })));
    let refused = Remote::builder("https://a.example", "x")
        .jwks_uri(&format!("{}/keys", server.url()))
        .start();
    assert!(matches!(refused, Err(RemoteError::Url { .. })));
    assert_eq!(server.connections(), 0);
}
