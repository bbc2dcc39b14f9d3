//! Token Status List: whether a session has ended, for whoever keeps a list for a while.

use std::io::Read;

use e2e::{
    BodyClient, Database, Person, Persona, Registered, Reply, Server, Setup, clock, flows, jwt,
};
use flate2::read::{GzDecoder, ZlibDecoder};
use serde_json::{Value, json};

use crate::nodes::start_both;

flows!(
    a_bit_is_set_by_a_logout,
    machines_have_bits_too,
    places_say_nothing_of_the_order,
    every_login_has_a_place_of_its_own,
);

mod on_nodes {
    use e2e::flows;

    use super::{every_node_has_the_bits_of_all, the_last_list_is_given_out_while_it_lasts};

    flows!(postgres: every_node_has_the_bits_of_all, the_last_list_is_given_out_while_it_lasts);
}

/// The place that an access token names: the path of its list, and the bit.
fn place(access: &str) -> (String, usize) {
    let claims = jwt::claims(access);
    let list = &claims["status"]["status_list"];
    let uri = list["uri"].as_str().expect("a URI");
    let path = uri
        .strip_prefix(e2e::server::ISSUER)
        .expect("a list of this issuer");
    let index = list["idx"].as_u64().expect("an index");
    (path.to_owned(), usize::try_from(index).expect("a bit"))
}

/// A list, after all the checks that a verifier makes.
fn checked(server: &Server, path: &str, list: &str) -> Vec<u8> {
    let keys = server.call("GET", "/.well-known/jwks.json").send();
    let key = keys.expect(200).json()["keys"][0].clone();
    verify(&key, list);
    assert_eq!(
        jwt::header(list),
        json!({"typ": "statuslist+jwt", "alg": "ES256", "kid": key["kid"]})
    );
    let claims = jwt::claims(list);
    let mut members: Vec<_> = claims.as_object().expect("claims").keys().collect();
    members.sort_unstable();
    assert_eq!(members, ["exp", "iat", "iss", "status_list", "sub", "ttl"]);
    assert_eq!(claims["sub"], format!("{}{path}", e2e::server::ISSUER));
    assert_eq!(claims["ttl"], 30);
    let issued = jwt::time(list, "iat");
    assert!((issued - clock::now()).abs() < 60.0, "{claims}");
    assert!(jwt::time(list, "exp") > issued + 30.0, "{claims}");
    assert_eq!(claims["status_list"]["bits"], 1);
    let text = claims["status_list"]["lst"].as_str().expect("a list");
    let mut bits = Vec::new();
    ZlibDecoder::new(&*jwt::decode(text))
        .read_to_end(&mut bits)
        .expect("zlib");
    assert_eq!(bits.len(), 1 << 14);
    bits
}

fn verify(key: &Value, token: &str) {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let coordinate = |name: &str| jwt::decode(key[name].as_str().expect("a coordinate"));
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(input.as_bytes(), &jwt::decode(signature))
        .expect("a good signature");
}

fn ended(server: &Server, access: &str) -> bool {
    let (path, index) = place(access);
    let list = server.call("GET", &path).send().expect(200).text();
    let bits = checked(server, &path, &list);
    bits[index / 8] >> (index % 8) & 1 == 1
}

fn ends(server: &Server, access: &str) {
    clock::eventually("the bit", || ended(server, access).then_some(()));
}

/// S40: 0 while the session lives, 1 when it has ended; others are not touched.
fn a_bit_is_set_by_a_logout(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let (mut stays, mut leaves) = (ada.log_in(&server), ada.log_in(&server));
    let before = stays.access();
    assert!(!ended(&server, &before) && !ended(&server, &leaves.access()));
    stays.refresh().expect(200);
    assert_eq!(
        place(&stays.access()),
        place(&before),
        "one session, one bit"
    );
    leaves.log_out().expect(204);
    ends(&server, &leaves.access());
    assert!(!ended(&server, &before));

    let body = json!({
        "current_password": ada.password, "new_password": "another-Quartz-9-travel",
    });
    stays.post_json("/v1/me/password", body).expect(200);
    ends(&server, &before);
    assert_ne!(place(&stays.access()), place(&before));
    assert!(!ended(&server, &stays.access()));
}

/// A token of a client for itself, before and after it is revoked, and its successor.
fn machines_have_bits_too(database: Database) {
    let server = Server::on(database);
    let machine = Registered::new(&server, &["jobs:run"]);
    let token = machine.token();
    assert!(!ended(&server, &token));
    machine.revoke(&token).expect(200);
    ends(&server, &token);
    let next = machine.token();
    assert_ne!(place(&next), place(&token));
    assert!(!ended(&server, &next));
}

/// Of a hundred logins in a row, about half have a higher place than the one before.
fn places_say_nothing_of_the_order(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let places: Vec<usize> = (0..100)
        .map(|_| place(&ada.log_in(&server).access()).1)
        .collect();
    let ups = places.windows(2).filter(|pair| pair[0] < pair[1]).count();
    // 49.5 on average, with a deviation of 2.9.
    assert!((20..80).contains(&ups), "{places:?}");
    // Of the whole list, not of a part of it: 12.5 in each eighth, on average.
    for eighth in 0..8 {
        let here = places.iter().filter(|place| **place >> 14 == eighth);
        assert!(here.count() > 0, "{eighth}: {places:?}");
    }
}

fn every_login_has_a_place_of_its_own(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut places: Vec<_> = std::thread::scope(|scope| {
        let logins: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| -> Vec<_> {
                    let one = || place(&ada.log_in(&server).access());
                    (0..25).map(|_| one()).collect()
                })
            })
            .collect();
        let places = logins
            .into_iter()
            .map(|login| login.join().expect("places"));
        places.flatten().collect()
    });
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 200);
}

/// Whichever node opened a session, and whichever ended it.
#[expect(clippy::needless_pass_by_value, reason = "a flow takes its database")]
fn every_node_has_the_bits_of_all(database: Database) {
    let (a, b) = start_both(Setup::new(database.clone()));
    let ada = Person::registered(&a, "ada");
    let clients: [BodyClient; 4] = [
        ada.log_in(&a),
        ada.log_in(&b),
        ada.log_in(&a),
        ada.log_in(&b),
    ];
    for node in [&a, &b] {
        for client in &clients {
            assert!(!ended(node, &client.access()));
        }
    }
    let [mut first, mut second, third, fourth] = clients;
    first.log_out().expect(204);
    second.log_out().expect(204);
    for node in [&a, &b] {
        ends(node, &first.access());
        ends(node, &second.access());
        assert!(!ended(node, &third.access()) && !ended(node, &fourth.access()));
    }
}

fn get(server: &Server) -> Reply {
    server.call("GET", "/oauth2/status/0").send()
}

/// S36: for every page, compressed for those who want that, and only what there is.
#[test]
fn anybody_may_fetch_a_list() {
    let server = Server::sqlite();
    for none in ["0", "1"] {
        let path = format!("/oauth2/status/{none}");
        server.call("GET", &path).send().problem(404, "not_found");
    }
    let ada = Person::registered(&server, "ada");
    ada.log_in(&server);
    let reply = get(&server).expect(200);
    assert_eq!(
        reply.header("content-type"),
        Some("application/statuslist+jwt")
    );
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    assert_eq!(reply.header("content-encoding"), None);
    let vary: Vec<_> = reply.headers.get_all("vary").iter().collect();
    assert!(
        vary.iter().any(|value| *value == "Accept-Encoding"),
        "{vary:?}"
    );
    let told = reply.header("cache-control").expect("Cache-Control");
    let age = told.strip_prefix("private, max-age=").expect(told);
    assert!(
        (25..=30).contains(&age.parse::<u32>().expect("seconds")),
        "{told}"
    );
    assert!(reply.set_cookies().is_empty());

    let small = server
        .call("GET", "/oauth2/status/0")
        .header("accept-encoding", "gzip")
        .header("accept", "application/statuslist+jwt")
        .header("origin", "https://elsewhere.example")
        .send()
        .expect(200);
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert_eq!(small.header("access-control-allow-origin"), Some("*"));
    let mut text = String::new();
    GzDecoder::new(&*small.bytes)
        .read_to_string(&mut text)
        .expect("gzip");
    checked(&server, "/oauth2/status/0", &text);

    let head = server.call("HEAD", "/oauth2/status/0").send().expect(200);
    assert!(head.bytes.is_empty());
    assert_eq!(head.header("content-type"), reply.header("content-type"));
    for none in ["1", "00", "-1", "+0", "0x0", "4294967296", "a", "%30%30"] {
        let path = format!("/oauth2/status/{none}");
        server.call("GET", &path).send().problem(404, "not_found");
    }
    let wrong = server.call("POST", "/oauth2/status/0").send();
    let wrong = wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), Some("GET, HEAD"));
}

/// A list is no token, for nobody here, and neither is an introspection or an
/// access token a list.
#[test]
fn a_list_is_no_token() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let machine = Registered::new(&server, &[]);
    let list = get(&server).expect(200).text();
    server
        .call("GET", "/v1/verify")
        .bearer(&list)
        .send()
        .problem(401, "access_token_invalid");
    client.present(&list).problem(401, "refresh_token_invalid");
    assert_eq!(machine.introspect(&list), json!({"active": false}));
    machine.revoke(&list).expect(200);
    client.refresh().expect(200);
}

/// With a shared secret, whoever knows that can verify the list as well.
#[test]
fn a_list_is_signed_as_the_tokens_are() {
    let secret = "Yx3-kQ9vTz1LrP0wNe7uHs5dCj2mBg8a";
    let server = Setup::sqlite().set("ACCESS_TOKEN_SECRET", secret).start();
    let client = Person::registered(&server, "ada").log_in(&server);
    let list = get(&server).expect(200).text();
    assert_eq!(jwt::header(&list)["alg"], "HS256");
    assert_eq!(
        jwt::header(&list)["kid"],
        jwt::header(&client.access())["kid"]
    );
    let (header, claims) = (jwt::header(&list), jwt::claims(&list));
    let (input, signature) = list.rsplit_once('.').expect("a signature");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    aws_lc_rs::hmac::verify(&key, input.as_bytes(), &jwt::decode(signature))
        .unwrap_or_else(|_| panic!("{header} {claims}"));
}

/// While the database is away: the list as it was, then 503; and what is not known is
/// not known to be missing.
fn the_last_list_is_given_out_while_it_lasts(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let access = ada.log_in(&server).access();
    assert!(!ended(&server, &access));
    server.store().cut_off(true);
    let read = clock::eventually("the outage", || {
        let path = place(&access).0;
        let reply = server.call("GET", &path).send().expect(200);
        let told = reply
            .header("cache-control")
            .expect("Cache-Control")
            .to_owned();
        let age: u32 = told.rsplit('=').next()?.parse().ok()?;
        (age < 28).then(|| reply.text())
    });
    checked(&server, "/oauth2/status/0", &read);
    let unknown = server.call("GET", "/oauth2/status/1").send();
    let unknown = unknown.problem(503, "unavailable");
    assert!(unknown.header("retry-after").is_some());
    clock::wait_past(jwt::time(&read, "iat") + 32.0);
    get(&server).problem(503, "unavailable");
    server.store().cut_off(false);
    clock::eventually("the list", || (get(&server).status == 200).then_some(()));
    assert!(!ended(&server, &access));
}
