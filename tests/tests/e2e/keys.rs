//! Managed keys: published, kept, encrypted, and nobody else's.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::{Database, Person, Persona, Server, Setup, flows, jwt};
use serde_json::Value;

use crate::configuration::assert_one_line;

flows!(the_published_keys_verify_the_tokens, keys_survive_a_restart);

fn keys(server: &Server) -> Vec<Value> {
    let reply = server
        .call("GET", "/.well-known/jwks.json")
        .send()
        .expect(200);
    reply.json()["keys"].as_array().expect("keys").clone()
}

/// S28 S29 S36: public members alone, the thumbprint for a name, and a signature
/// that holds.
fn the_published_keys_verify_the_tokens(database: Database) {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let server = Server::on(database);
    let access = Person::registered(&server, "ada").log_in(&server).access();
    let keys = keys(&server);
    assert_eq!(keys.len(), 1);
    let key = &keys[0];
    let mut members: Vec<&str> = key
        .as_object()
        .expect("a key")
        .keys()
        .map(String::as_str)
        .collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    for (member, value) in [
        ("alg", "ES256"),
        ("crv", "P-256"),
        ("kty", "EC"),
        ("use", "sig"),
    ] {
        assert_eq!(key[member], value);
    }
    assert_eq!(key["kid"], jwt::thumbprint(key));
    assert_eq!(key["kid"], jwt::header(&access)["kid"]);

    let coordinate = |name: &str| jwt::decode(key[name].as_str().expect("a coordinate"));
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let (input, signature) = access.rsplit_once('.').expect("a signature");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(input.as_bytes(), &jwt::decode(signature))
        .expect("a good signature");
}

/// S36: cacheable, readable by any page, without cookies.
#[test]
fn the_key_document_can_be_cached() {
    let server = Server::sqlite();
    let reply = server
        .call("GET", "/.well-known/jwks.json")
        .send()
        .expect(200);
    let told = reply.header("content-type").expect("a type");
    assert!(
        ["application/jwk-set+json", "application/json"].contains(&told),
        "{told}"
    );
    let cache = reply.header("cache-control").expect("Cache-Control");
    assert!(cache.contains("max-age="), "{cache}");
    assert!(reply.set_cookies().is_empty());
    let tag = reply.header("etag").expect("ETag").to_owned();
    let again = server
        .call("GET", "/.well-known/jwks.json")
        .header("if-none-match", tag.clone())
        .send()
        .expect(304);
    assert!(again.bytes.is_empty());
    assert_eq!(again.header("etag"), Some(tag.as_str()));
}

/// Sessions and access tokens go on after a restart.
fn keys_survive_a_restart(database: Database) {
    let mut server = Server::on(database);
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let before = keys(&server);
    server.restart();
    assert_eq!(keys(&server), before);
    e2e::client::assert_alive(&mut client);
}

/// S41: two installations have nothing in common.
#[test]
fn two_installations_share_no_key() {
    let (one, two) = (Server::sqlite(), Server::sqlite());
    assert_ne!(keys(&one), keys(&two));
    let master = |server: &Server| fs::read(server.directory().join("data/master.key"));
    assert_ne!(master(&one).expect("a key"), master(&two).expect("a key"));

    Person::registered(&one, "ada");
    let ada = Person::registered(&two, "ada");
    let stranger = ada.log_in(&two);
    let access = one.call("GET", "/v1/me").bearer(&stranger.access()).send();
    access.problem(401, "access_token_invalid");
    one.anonymous()
        .present(&stranger.refresh_token())
        .problem(401, "refresh_token_invalid");
}

/// S35: the master key is 32 bytes in base64, for its owner only.
#[test]
fn the_master_key_is_for_its_owner_only() {
    let server = Server::sqlite();
    let path = server.directory().join("data/master.key");
    let mode = fs::metadata(&path).expect("the key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&path).expect("text");
    assert_eq!(STANDARD.decode(text.trim()).expect("base64").len(), 32);
    assert!(!server.log().contains(text.trim()));
}

/// S35: without the master key the keys in the database open to nobody: a lost
/// one and a wrong one are each told in one line, and a new one is not made.
#[test]
fn a_lost_master_key_is_told() {
    let mut server = Server::sqlite();
    Person::registered(&server, "ada");
    server.kill();
    let path = server.directory().join("data/master.key");
    let kept = fs::read(&path).expect("the key");

    fs::remove_file(&path).expect("the key is lost");
    assert_one_line(&server.setup().run([]), "master");
    assert!(!path.exists(), "a new key would hide the loss");

    fs::write(&path, "nAWJCMdVWZpzRzrVt2Jk0xlvYbGPyLE3oPSvvUo6g1s=").expect("another key");
    assert_one_line(&server.setup().run([]), "master");

    fs::write(&path, kept).expect("the key is found");
    server.restart();
}

/// S35: neither as PEM, nor as a JWK, nor as the DER of an EC private key.
#[test]
fn no_private_key_lies_in_the_database() {
    let mut server = Server::sqlite();
    Person::registered(&server, "ada").log_in(&server);
    server.kill();
    let bytes = server.store().file_bytes();
    // ECPrivateKey ::= SEQUENCE { version 1, OCTET STRING of 32 bytes … (RFC 5915).
    let der = [0x02, 0x01, 0x01, 0x04, 0x20];
    for needle in [&der[..], b"PRIVATE KEY", br#""d":"#, br#""k":"#] {
        assert!(!crate::secrecy::contains(&bytes, needle), "{needle:?}");
    }
}

/// A key given by its operator need not be a file.
#[test]
fn the_master_key_can_be_given() {
    let key = "mE6c0Yt8Vb1Jp4Rz7Kq2Xn5Lw9Hd3Fs6Gu0Ta8Ci4Oo=";
    let mut server = Setup::sqlite()
        .set("RENEWD_MASTER_KEY", &format!(" {key}\n"))
        .start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    assert!(!server.directory().join("data/master.key").exists());
    server.restart();
    e2e::client::assert_alive(&mut client);
}
