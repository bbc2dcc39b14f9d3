//! The token endpoint.

use e2e::client::registered::form_to;
use e2e::{Database, Person, Persona, Registered, Reply, Server, Setup, flows, jwt};
use serde_json::json;

flows!(
    a_client_refreshes_its_users_sessions,
    a_refresh_token_works_for_its_client_alone,
    a_refresh_narrows_and_never_widens,
    the_built_in_client_refreshes_without_a_secret,
    a_retry_and_a_reuse_are_what_they_are_elsewhere,
    dead_refresh_tokens_are_answered_alike,
    a_client_gets_tokens_for_itself,
    a_token_of_a_client_is_no_user,
);

fn first_party(server: &Server, parameters: &[(&str, &str)]) -> Reply {
    let with_name = [&[("client_id", "renewd")], parameters].concat();
    form_to(&server.anonymous(), "/oauth2/token", &with_name).send()
}

/// S72: the answer has what RFC 6749 §5.1 wants, and nothing may keep it.
#[track_caller]
fn assert_token_answer(reply: &Reply) {
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(reply.set_cookies().is_empty());
    let body = reply.json();
    assert_eq!(body["token_type"], "Bearer");
    let access = reply.string("access_token");
    let lifetime = jwt::integer(&access, "exp") - jwt::integer(&access, "iat");
    assert_eq!(body["expires_in"], lifetime);
    assert_eq!(body["scope"], jwt::claims(&access)["scope"]);
}

/// S44 S62 S72
fn a_client_refreshes_its_users_sessions(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &["write", "read"]);
    let user = backend.log_in(&ada);
    let claims = jwt::claims(&user.access());
    assert_eq!(claims["client_id"], backend.id.as_str());
    assert_eq!(claims["scope"], "read write");
    user.get("/v1/me").expect(200);

    let reply = backend.refresh(&user.refresh_token()).expect(200);
    assert_token_answer(&reply);
    let (access, refresh) = (reply.string("access_token"), reply.string("refresh_token"));
    assert_ne!(refresh, user.refresh_token());
    for member in ["sub", "client_id", "sid", "scope", "auth_time"] {
        assert_eq!(jwt::claims(&access)[member], claims[member], "{member}");
    }
    let me = server.call("GET", "/v1/me").bearer(&access);
    assert_eq!(me.send().expect(200).json()["user"]["username"], "ada");
    backend.refresh(&refresh).expect(200);
}

/// S62: not for another client, not for the built-in one, not without a name or
/// a secret, and not at the endpoint of browsers and apps. The token stays good.
fn a_refresh_token_works_for_its_client_alone(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let (a, b) = (Registered::new(&server, &[]), Registered::new(&server, &[]));
    let user = a.log_in(&ada);
    let token = user.refresh_token();
    let grant = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
    ];
    let anonymous = |more: &[(&str, &str)]| {
        let parameters = [&grant, more].concat();
        form_to(&server.anonymous(), "/oauth2/token", &parameters).send()
    };

    b.refresh(&token).oauth_error(400, "invalid_grant");
    first_party(&server, &grant).oauth_error(400, "invalid_grant");
    user.present(&token).problem(401, "refresh_token_invalid");
    anonymous(&[]).oauth_error(401, "invalid_client");
    anonymous(&[("client_id", &a.id)]).oauth_error(401, "invalid_client");
    let wrong = [("client_id", a.id.as_str()), ("client_secret", &b.secret)];
    anonymous(&wrong).oauth_error(401, "invalid_client");

    let right = [("client_id", a.id.as_str()), ("client_secret", &a.secret)];
    anonymous(&right).expect(200);
}

/// S63
fn a_refresh_narrows_and_never_widens(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &["read", "write"]);
    let mut token = backend.log_in(&ada).refresh_token();
    let refresh = |token: &str, scope: &str| {
        let grant = ("grant_type", "refresh_token");
        let parameters = [grant, ("refresh_token", token), ("scope", scope)];
        backend.post("/oauth2/token", &parameters)
    };
    for wider in ["admin", "read admin", "read  write", "re\"ad", "Read"] {
        refresh(&token, wider).oauth_error(400, "invalid_scope");
    }
    for (asked, granted) in [
        ("read", "read"),
        ("write read", "read write"),
        ("write", "write"),
        ("", "read write"),
    ] {
        let reply = refresh(&token, asked).expect(200);
        assert_token_answer(&reply);
        assert_eq!(reply.string("scope"), granted);
        token = reply.string("refresh_token");
    }
    let own = Person::registered(&server, "bob").log_in(&server);
    let grant = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &own.refresh_token()),
        ("scope", "read"),
    ];
    first_party(&server, &grant).oauth_error(400, "invalid_scope");
}

/// S62 S64: by its name alone, for sessions in bodies and not for those in cookies.
fn the_built_in_client_refreshes_without_a_secret(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let refresh = |token: &str| {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
        first_party(&server, &grant)
    };
    let app = ada.log_in(&server);
    let reply = refresh(&app.refresh_token()).expect(200);
    assert_token_answer(&reply);
    assert_eq!(reply.json().get("scope"), None);
    app.present(&reply.string("refresh_token")).expect(200);
    let browser = ada.browse(&server);
    refresh(&browser.refresh_token()).oauth_error(400, "invalid_grant");
    let itself = [("grant_type", "client_credentials")];
    first_party(&server, &itself).oauth_error(400, "unauthorized_client");
    let secret = [itself[0], ("client_secret", "x")];
    first_party(&server, &secret).oauth_error(401, "invalid_client");
}

/// S44 S46 S49: a repeat, a replay, and the reuse that ends the session.
fn a_retry_and_a_reuse_are_what_they_are_elsewhere(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &[]);
    let first = backend.log_in(&ada).refresh_token();
    let second = backend.refresh(&first).expect(200).string("refresh_token");
    let again = backend.refresh(&first).expect(200).string("refresh_token");
    assert_eq!(again, second, "the lost answer is given again");
    let same = backend.refresh(&second).expect(200);
    assert_eq!(same.string("refresh_token"), second, "another was faster");
    backend.refresh(&first).expect(200);

    let mut server = server;
    server.restart_with("RENEWD_REPLAY_WINDOW", "0");
    let third = backend.refresh(&second).expect(200);
    backend.refresh(&second).oauth_error(400, "invalid_grant");
    let newest = third.string("refresh_token");
    backend.refresh(&newest).oauth_error(400, "invalid_grant");
    let verify = server.call("GET", "/v1/verify");
    verify
        .bearer(&third.string("access_token"))
        .send()
        .problem(401, "session_revoked");
}

/// S65 S68: whatever is wrong with a token, the answer is the same.
fn dead_refresh_tokens_are_answered_alike(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &[]);
    let (mut ended, live) = (backend.log_in(&ada), backend.log_in(&ada));
    ended.log_out().expect(204);
    let forged = {
        let token = live.refresh_token();
        let (input, _) = token.rsplit_once('.').expect("a signature");
        format!("{input}.{}", jwt::encode([7; 32]))
    };
    let refused: Vec<Reply> = [
        ended.refresh_token(),
        live.access(),
        forged,
        "junk".to_owned(),
        "x".repeat(20_000),
    ]
    .iter()
    .map(|token| backend.refresh(token).oauth_error(400, "invalid_grant"))
    .collect();
    assert!(refused.iter().all(|reply| reply.bytes == refused[0].bytes));
    backend.refresh(&live.refresh_token()).expect(200);
}

/// S21 S63 S72: `client_credentials`, with what the client may have, at the most.
fn a_client_gets_tokens_for_itself(database: Database) {
    let server = Server::on(database);
    let machine = Registered::new(&server, &["jobs:run", "jobs:read"]);
    let ask = |scope: &str| {
        let parameters = [("grant_type", "client_credentials"), ("scope", scope)];
        machine.post("/oauth2/token", &parameters)
    };
    let reply = ask("").expect(200);
    assert_token_answer(&reply);
    assert_eq!(reply.json().get("refresh_token"), None);
    let access = reply.string("access_token");
    assert_eq!(jwt::header(&access)["typ"], "at+jwt");
    let claims = jwt::claims(&access);
    assert_eq!(claims["sub"], machine.id.as_str());
    assert_eq!(claims["client_id"], machine.id.as_str());
    assert_eq!(claims["scope"], "jobs:read jobs:run");
    let mut members: Vec<_> = claims.as_object().expect("claims").keys().collect();
    members.sort_unstable();
    assert_eq!(
        members,
        [
            "aud",
            "client_id",
            "exp",
            "iat",
            "iss",
            "jti",
            "scope",
            "sid",
            "status",
            "sub"
        ]
    );
    assert_eq!(ask("jobs:read").expect(200).string("scope"), "jobs:read");
    for wider in ["jobs:write", "jobs:read admin", "*"] {
        ask(wider).oauth_error(400, "invalid_scope");
    }
}

/// A client that speaks for itself is let through where anybody is, and refused
/// where a user is meant.
fn a_token_of_a_client_is_no_user(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let machine = Registered::new(&server, &["jobs:run", "a,b"]);
    let token = machine.token();
    let reply = server.call("GET", "/v1/verify").bearer(&token).send();
    let reply = reply.expect(204);
    assert_eq!(reply.header("x-auth-client"), Some(machine.id.as_str()));
    assert_eq!(reply.header("x-auth-scope"), Some("a,b jobs:run"));
    for header in [
        "x-auth-user",
        "x-auth-username",
        "x-auth-email",
        "x-auth-roles",
    ] {
        assert_eq!(reply.header(header), Some(""), "{header}");
    }
    let user = ada.log_in(&server).get("/v1/verify").expect(204);
    assert_eq!(user.header("x-auth-client"), Some(""));
    assert_eq!(user.header("x-auth-scope"), Some(""));

    for (method, path, body) in [
        ("GET", "/v1/me", None),
        ("PATCH", "/v1/me", Some(json!({ "full_name": "X" }))),
        ("DELETE", "/v1/me", Some(json!({ "password": "x" }))),
        (
            "POST",
            "/v1/me/password",
            Some(json!({ "current_password": "x", "new_password": "lamp-Quartz-9" })),
        ),
        ("GET", "/v1/me/sessions", None),
        (
            "DELETE",
            "/v1/me/sessions/018f0000-0000-7000-8000-000000000000",
            None,
        ),
        ("POST", "/v1/logout/all", None),
        ("POST", "/v1/logout/others", None),
        ("POST", "/v1/logout", None),
    ] {
        let call = server.call(method, path).bearer(&token);
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        call.send().problem(403, "user_required");
    }
    let verify = server.call("GET", "/v1/verify").bearer(&token);
    verify.send().expect(204);
}

/// S71: a password is no grant, and neither is anything else.
#[test]
fn there_are_two_grants() {
    let server = Setup::sqlite().start();
    let ada = Person::registered(&server, "ada");
    let client = Registered::new(&server, &[]);
    for grant in [
        "password",
        "authorization_code",
        "implicit",
        "refresh_token ",
        "REFRESH_TOKEN",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ] {
        let parameters = [
            ("grant_type", grant),
            ("username", ada.username.as_str()),
            ("password", &ada.password),
        ];
        let refused = client.post("/oauth2/token", &parameters);
        refused.oauth_error(400, "unsupported_grant_type");
        first_party(&server, &parameters).oauth_error(400, "unsupported_grant_type");
    }
    client
        .post("/oauth2/token", &[])
        .oauth_error(400, "invalid_request");
    let grant = [("grant_type", "refresh_token")];
    let missing = client.post("/oauth2/token", &grant);
    missing.oauth_error(400, "invalid_request");
}
