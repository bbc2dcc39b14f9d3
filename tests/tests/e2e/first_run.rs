//! The first start, with nothing prepared.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use e2e::{Person, Server, Setup};

/// Nothing is needed: data, database and master key are made, the address and the
/// first commands are printed.
#[test]
fn the_first_start_needs_nothing() {
    let server = Setup::sqlite()
        .unset("RENEWD_ISSUER")
        .unset("RENEWD_BCRYPT_COST")
        .unset("RENEWD_THROTTLE")
        .start();
    let data = server.directory().join("data");
    let mode = fs::metadata(data.join("master.key"))
        .expect("a key")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(data.join("renewd.db").exists());
    let log = server.log();
    assert!(
        log.contains(&format!("http://{}", server.address())),
        "{log}"
    );
    assert!(
        log.matches("curl").count() >= 3,
        "three commands to try: {log}"
    );
    for path in ["/v1/register", "/v1/login"] {
        assert!(log.contains(path), "{path} in {log}");
    }
    let ada = Person::registered(&server, "ada");
    let client = ada.log_in(&server);
    let issuer = e2e::jwt::claims(&e2e::Persona::access(&client))["iss"].clone();
    assert_eq!(
        issuer,
        format!("http://localhost:{}", server.address().port())
    );
}

/// What is made is for its owner only.
#[test]
fn the_data_is_for_its_owner_only() {
    let server = Server::sqlite();
    Person::registered(&server, "ada");
    let data = server.directory().join("data");
    for path in [
        data.clone(),
        data.join("renewd.db"),
        data.join("renewd.db-wal"),
    ] {
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}

/// Everything is there again after a restart.
#[test]
fn a_restart_finds_everything() {
    let mut server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    server.restart();
    e2e::client::assert_alive(&mut client);
    assert!(ada.can_log_in(&server.anonymous()));
}

/// `/healthz` is constant; `/readyz` says what it stands for.
#[test]
fn it_says_that_it_lives_and_is_ready() {
    let server = Server::sqlite();
    for path in ["/healthz", "/readyz"] {
        let one = server.call("GET", path).send().expect(200);
        assert_eq!(
            one.text(),
            server.call("GET", path).send().expect(200).text()
        );
        assert!(one.header("x-request-id").is_some());
    }
}

/// A port that is taken is told in one line.
#[test]
fn a_taken_port_is_told() {
    let server = Server::sqlite();
    let address = server.address().to_string();
    let second = Setup::sqlite().set("RENEWD_LISTEN", &address).run([]);
    crate::configuration::assert_one_line(&second, &address);
}

/// SQLite is set up so that what was acknowledged stays: a write-ahead log.
#[test]
fn the_database_keeps_a_write_ahead_log() {
    let server = Server::sqlite();
    Person::registered(&server, "ada");
    let header = fs::read(server.directory().join("data/renewd.db")).expect("the file");
    // Bytes 18 and 19 of the header are 2 for WAL (fileformat2 §1.3).
    assert_eq!(header.get(18..20), Some([2, 2].as_slice()));
}
