//! Credentials in cookies: whose page sent them, which of several counts, and what is taken away.

use super::*;

const REFRESH: &str = "__Secure-renewd_refresh";
const ACCESS: &str = "__Host-renewd_access";

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
        let cookie = ("cookie", format!("{REFRESH}=junk"));
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
    let token = send(&service, login()).await.cookie(REFRESH);
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

/// S118: of two refresh cookies of one session the newer counts, and strays are expired at every
/// place but ours.
#[actix_web::test]
async fn strays_are_expired() {
    let stage = Stage::new("http://localhost").await;
    let service = test::init_service(app(stage.state)).await;
    send(&service, register()).await;
    let first = send(&service, login()).await.cookie(REFRESH);
    let request = |cookie: String| {
        TestRequest::post()
            .uri("/v1/refresh")
            .insert_header(("host", "auth.example.com"))
            .insert_header(("cookie", cookie))
    };
    let reply = send(&service, request(format!("{REFRESH}={first}"))).await;
    let second = reply.cookie(REFRESH);
    assert_eq!(reply.cookies().len(), 2, "no strays, nothing to expire");

    let both = format!("{REFRESH}={first}; {REFRESH}={second}");
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
    let genuine = format!("{name}={}", send(&service, login()).await.cookie(name));
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
