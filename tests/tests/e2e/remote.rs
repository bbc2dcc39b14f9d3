//! Another service, which accepts renewd's tokens with keys that it fetches itself.

use std::time::{Duration, Instant};

use actix_web::test::{self, TestRequest};
use actix_web::{App, rt, web};
use e2e::server::ISSUER;
use e2e::{Database, Person, Persona, Registered, Server, Setup, clock, flows, jwt, ports};
use http_actix::protect::{AccessToken, Remote};

flows!(
    another_service_accepts_the_tokens,
    a_logout_counts_at_another_service,
);

/// The service knows the issuer by its name and where its keys are; the address of
/// these servers is not the one in their name.
fn service(server: &Server) -> Remote {
    let keys = format!("http://{}/.well-known/jwks.json", server.address());
    Remote::builder(ISSUER, ISSUER)
        .plain_http()
        .jwks_uri(&keys)
        .start()
        .expect("a service")
}

/// The status, and whom the service takes the caller for.
fn ask(service: &Remote, token: &str) -> (u16, String) {
    rt::System::new().block_on(async {
        let app = App::new().app_data(service.protector()).route(
            "/",
            web::to(async |AccessToken(access): AccessToken| access.subject.to_string()),
        );
        let app = test::init_service(app).await;
        let bearer = ("authorization", format!("Bearer {token}"));
        let request = TestRequest::get().insert_header(bearer).to_request();
        let response = test::call_service(&app, request).await;
        let status = response.status().as_u16();
        let body = test::read_body(response).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    })
}

/// S2 S8 S37: its own tokens get in, those of another installation with the same name
/// and its refresh tokens do not; and what is known goes on while the issuer is away.
fn another_service_accepts_the_tokens(database: Database) {
    let mut server = Server::on(database);
    let client = Person::registered(&server, "ada").log_in(&server);
    let service = service(&server);
    let sub = jwt::claims(&client.access())["sub"]
        .as_str()
        .map(str::to_owned);
    let welcome = (200, sub.expect("a subject"));
    clock::eventually("the keys to come", || {
        (ask(&service, &client.access()) == welcome).then_some(())
    });

    let other = Server::sqlite();
    let stranger = Person::registered(&other, "ada").log_in(&other);
    for token in [stranger.access(), client.refresh_token(), "junk".to_owned()] {
        assert_eq!(ask(&service, &token).0, 401);
    }

    server.kill();
    assert_eq!(ask(&service, &client.access()), welcome);
}

/// The service is told nothing but the issuer and a client's credentials. The issuer's target is a
/// quarter of a second from the acknowledged logout to the refusal; machines that run tests are
/// shared, so half of the logouts have to be that quick, and all of them to count.
fn a_logout_counts_at_another_service(database: Database) {
    const LOGOUTS: usize = 20;
    let address = ports::loopback(ports::free()).to_string();
    let issuer = format!("http://{address}");
    let server = Setup::new(database)
        .set("RENEWD_LISTEN", &address)
        .set("RENEWD_ISSUER", &issuer)
        .start();
    let backend = Registered::new(&server, &[]);
    let service = Remote::builder(&issuer, &issuer)
        .plain_http()
        .feed(&backend.id, &backend.secret)
        .start()
        .expect("a service");
    clock::eventually("the service to be ready", || {
        service.is_ready().then_some(())
    });

    let ada = Person::registered(&server, "ada");
    let mut took: Vec<Duration> = (0..LOGOUTS)
        .map(|_| {
            let client = ada.log_in(&server);
            let access = client.access();
            assert_eq!(ask(&service, &access).0, 200);
            client.call("POST", "/v1/logout").send().expect(204);
            let ended = Instant::now();
            clock::eventually("the logout to count", || {
                (ask(&service, &access).0 == 401).then_some(())
            });
            ended.elapsed()
        })
        .collect();
    took.sort();
    let (median, worst) = (took[LOGOUTS / 2], took[LOGOUTS - 1]);
    println!("logout to refusal at another service: median {median:?}, worst {worst:?}");
    assert!(median < Duration::from_millis(250), "{took:?}");
}
