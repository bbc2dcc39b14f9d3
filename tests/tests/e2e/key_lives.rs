//! Keys in the hands of an administrator: made, refused, sealed again, kept, and inherited from
//! an older version.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use e2e::client::assert_alive;
use e2e::database::Store;
use e2e::{Ctl, Database, Person, Persona, Server, Setup, Transport, clock, flows, jwt};
use serde_json::Value;

use crate::configuration::assert_one_line;
use crate::key_rotation::published;

flows!(
    a_retired_key_is_refused_at_once,
    refresh_keys_and_peppers_rotate_and_nobody_notices,
    another_master_key_takes_over,
    a_database_of_the_first_version_goes_on,
    a_refused_refresh_key_ends_its_sessions,
);

const NEW: &str = "orchard-Comet-7-window";
/// Far more than a new key of this kind waits.
const TAKES_OVER_WITHIN: Duration = Duration::from_mins(1);

fn keys(ctl: &Ctl) -> Vec<Value> {
    ctl.json(&["key", "list"]).as_array().expect("keys").clone()
}

/// The name of the key of that purpose in that state, if there is one.
fn kid(ctl: &Ctl, purpose: &str, state: &str) -> Option<String> {
    let keys = keys(ctl);
    let mut found = keys
        .iter()
        .filter(|key| key["purpose"] == purpose && key["state"] == state);
    let kid = found.next()?["kid"].as_str().expect("a name").to_owned();
    assert!(found.next().is_none(), "{keys:?}");
    Some(kid)
}

/// S33.
fn a_retired_key_is_refused_at_once(database: Database) {
    let server = Server::on(database);
    retire(&[&server]);
}

/// Refuses the active key and looks at it from every node.
pub fn retire(nodes: &[&Server]) {
    let ctl = Ctl::of(nodes[0]);
    let ada = Person::registered(nodes[0], "ada");
    let mut clients: Vec<_> = nodes.iter().map(|node| ada.log_in(node)).collect();
    let stolen = clients[0].access();
    let old = kid(&ctl, "access", "active").expect("an active key");
    assert_eq!(jwt::header(&stolen)["kid"], *old);

    let asked = ctl.run(&["key", "retire", &old]);
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    let told = ctl.json(&["key", "retire", &old]);
    assert_eq!(told["retired"], *old);
    let new = kid(&ctl, "access", "active").expect("an active key");
    assert_eq!(told["successor"]["kid"], *new);
    assert_ne!(new, old);

    let verify = |node: &Server, token: &str| node.call("GET", "/v1/verify").bearer(token).send();
    for node in nodes {
        clock::within(Duration::from_secs(10), "the end of the key", || {
            (verify(node, &stolen).status == 401).then_some(())
        });
        // Its owner is to refresh.
        verify(node, &stolen).problem(401, "access_token_expired");
        let published: Vec<_> = published(node)
            .iter()
            .map(|key| key["kid"].clone())
            .collect();
        assert_eq!(published, [Value::from(new.as_str())]);
    }
    // Sessions go on, and new ones begin, at every node and for every other one.
    clients.push(ada.log_in(nodes[0]));
    for client in &mut clients {
        client.refresh().expect(200);
        let token = client.access();
        assert_eq!(jwt::header(&token)["kid"], *new);
        for node in nodes {
            verify(node, &token).expect(204);
        }
    }
    // Its secret part is gone, and its name known.
    let store = nodes[0].store();
    let row = format!("FROM keys WHERE kid = '{old}'");
    assert_eq!(store.texts("state", &row), ["retired"]);
    assert_eq!(store.texts("length(sealed)", &row), ["0"]);
    let again = ctl.run(&["--yes", "key", "retire", &old]);
    assert_eq!(again.code, Some(1), "{again:?}");
    let all = ctl.json(&["key", "list", "--all"]).to_string();
    assert!(all.contains(&old), "{all}");
    let log = store.texts("detail", "FROM audit_events WHERE kind = 'key_retired'");
    assert_eq!(log, [format!("purpose=access kid={old} by=command")]);
}

/// Nobody is logged out, everybody can log in, and a login is what moves a password to the new
/// pepper.
fn refresh_keys_and_peppers_rotate_and_nobody_notices(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    let (ada, bob) = (
        Person::registered(&server, "ada"),
        Person::registered(&server, "bob"),
    );
    let mut sessions = Transport::BOTH.map(|transport| ada.log_in_by(&server, transport));
    let parents = sessions.each_ref().map(|client| client.refresh_token());
    let rotate = |purpose: &str| {
        let old = kid(&ctl, purpose, "active").expect("an active key");
        let made = ctl.json(&["key", "rotate", "--purpose", purpose]);
        assert_eq!(
            (&made["state"], &made["purpose"]),
            (&"pending".into(), &purpose.into())
        );
        let again = ctl.run(&["key", "rotate", "--purpose", purpose]);
        assert_eq!(again.code, Some(1), "one at a time: {again:?}");
        (old, made["kid"].as_str().expect("a name").to_owned())
    };
    let (old_refresh, refresh) = rotate("refresh");
    let (old_pepper, pepper) = rotate("pepper");
    clock::within(TAKES_OVER_WITHIN, "the new keys", || {
        let is_active = |purpose, new: &str| kid(&ctl, purpose, "active").as_deref() == Some(new);
        let refresh = is_active("refresh", &refresh);
        (refresh && is_active("pepper", &pepper)).then_some(())
    });
    assert_eq!(kid(&ctl, "refresh", "retiring"), Some(old_refresh.clone()));
    // The server knows within a second or so what it has written.
    for (client, parent) in sessions.iter_mut().zip(parents) {
        assert_eq!(jwt::header(&parent)["kid"], *old_refresh);
        clock::eventually("a token of the new key", || {
            client.refresh().expect(200);
            (jwt::header(&client.refresh_token())["kid"] == *refresh).then_some(())
        });
        assert_alive(client.as_mut());
    }

    let hash = |name: &str| {
        let rest = format!("FROM users WHERE username = '{name}'");
        server.store().texts("password_hash", &rest).remove(0)
    };
    assert!(hash("ada").starts_with("$2b$"));
    let marked = format!("{pepper}:$2b$");
    ada.log_in(&server);
    clock::eventually("the hash under the new pepper", || {
        hash("ada").starts_with(&marked).then_some(())
    });
    ada.log_in(&server);
    assert!(hash("bob").starts_with("$2b$"));
    // Not while somebody may be hashing with it, nor while a hash needs it.
    let replaced = |seconds| {
        let at = server.store().time(seconds);
        let sql = format!("UPDATE keys SET retiring_at = {at} WHERE kid = '{old_pepper}'");
        assert_eq!(server.store().execute(&sql), 1);
    };
    replaced(60);
    let early = ctl.run(&["--yes", "key", "retire", &old_pepper]);
    assert_eq!(early.code, Some(1), "{early:?}");
    assert!(early.stderr.contains("a moment ago"), "{early:?}");
    replaced(-60);
    let refused = ctl.run(&["--yes", "key", "retire", &old_pepper]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("1 user"), "{refused:?}");
    let active = ctl.run(&["--yes", "key", "retire", &pepper]);
    assert_eq!(active.code, Some(1), "{active:?}");
    bob.log_in(&server);
    clock::eventually("the hash under the new pepper", || {
        hash("bob").starts_with(&marked).then_some(())
    });
    ctl.done(&["key", "retire", &old_pepper]);
    ada.log_in(&server);
    // The command line hashes with the same pepper.
    let set = ctl.run_with(&["user", "set-password", "bob", "--password-stdin"], NEW);
    assert_eq!(set.code, Some(0), "{set:?}");
    assert!(hash("bob").starts_with(&marked));
    assert!(bob.with_password(NEW).can_log_in(&server.anonymous()));
    for client in &mut sessions {
        assert_alive(client.as_mut());
    }
}

/// S35: a running server goes on, the next start needs the new key, and the old one opens nothing.
fn another_master_key_takes_over(database: Database) {
    let mut server = Server::on(database);
    let ctl = Ctl::of(&server);
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let place = server.directory().join("data/master.key");
    let is_file = place.exists();
    let old = fs::read_to_string(&place).unwrap_or_default();
    let new_file = server.directory().join("new.key");
    let file = new_file.to_str().expect("a path");

    let told = ctl.json(&["key", "rewrap", "--new-master-key-file", file]);
    let new = fs::read_to_string(&new_file).expect("the new key");
    let printed = told.to_string();
    assert!(!printed.contains(new.trim()), "{printed}");
    assert_eq!(told["in_place"], is_file);
    let sealed_by = server
        .store()
        .texts("master_kid", "FROM keys GROUP BY master_kid");
    assert_eq!(sealed_by, [told["master_kid"].as_str().expect("a name")]);
    assert_alive(&mut client);
    server.kill();

    let misfit = "does not fit this database";
    if is_file {
        assert_eq!(
            fs::read_to_string(&place).expect("a key").trim(),
            new.trim()
        );
        let kept = told["kept"].as_str().expect("the old key");
        let kept = server.directory().join(kept);
        assert_eq!(fs::read_to_string(&kept).expect("a key"), old);
        for file in [&place, &kept, &new_file] {
            let mode = fs::metadata(file).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        // As if the power had failed between the database and the file.
        fs::write(&place, &old).expect("the old key is back");
        assert_one_line(&server.setup().run([]), misfit);
        ctl.done(&["key", "rewrap", "--new-master-key-file", file]);
        server.restart();
    } else {
        assert_one_line(&server.setup().run([]), misfit);
        server.restart_with("RENEWD_MASTER_KEY", new.trim());
    }
    // Tokens, sessions and passwords of before.
    assert_alive(&mut client);
    let mut again = ada.log_in(&server);
    assert_alive(&mut again);
}

/// S33: the way out of a leaked master key, on a server that was not restarted yet.
#[test]
fn a_key_is_refused_before_the_new_master_key_is_known() {
    let mut server = Server::sqlite();
    let ctl = Ctl::of(&server);
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let file = server.directory().join("new.key");
    let file = file.to_str().expect("a path");
    ctl.json(&["key", "rewrap", "--new-master-key-file", file]);
    let old = kid(&ctl, "access", "active").expect("an active key");
    ctl.json(&["key", "retire", &old]);

    clock::eventually("the end of the key", || {
        (client.get("/v1/verify").status == 401).then_some(())
    });
    client
        .get("/v1/verify")
        .problem(401, "access_token_expired");
    assert_eq!(published(&server), Vec::<Value>::new());
    // What it would sign, nobody would accept.
    assert_eq!(server.call("GET", "/readyz").send().status, 503);
    server.kill();
    server.restart();
    client.refresh().expect(200);
    assert_alive(&mut client);
    assert_alive(&mut ada.log_in(&server));
}

/// S33: they could not be refreshed, so they do not look alive either.
fn a_refused_refresh_key_ends_its_sessions(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    let ada = Person::registered(&server, "ada");
    let client = ada.log_in(&server);
    let old = kid(&ctl, "refresh", "active").expect("an active key");
    ctl.json(&["key", "retire", &old]);
    clock::eventually("the end of the session", || {
        (client.get("/v1/verify").status == 401).then_some(())
    });
    client.get("/v1/verify").problem(401, "session_revoked");
    let ended = "FROM sessions WHERE end_reason = 'admin'";
    assert_eq!(server.store().texts("count(*)", ended), ["1"]);
    let mut again = ada.log_in(&server);
    assert_alive(&mut again);
}

/// S35: a backup is for its owner, has what it says and no more, and is not overwritten.
#[test]
fn keys_are_backed_up() {
    let mut server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let ctl = Ctl::of(&server);
    let master = fs::read_to_string(server.directory().join("data/master.key")).expect("a key");
    let directory = server.directory();
    let path = |name: &str| directory.join(name);
    for (name, flags) in [
        ("sealed.json", &[][..]),
        ("all.json", &["--include-master-key"]),
    ] {
        let file = path(name);
        let args = [
            &["key", "backup", "--to", file.to_str().expect("a path")],
            flags,
        ]
        .concat();
        let done = ctl.done(&args);
        assert!(!format!("{done:?}").contains(master.trim()), "{done:?}");
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(&file).expect("the backup");
        assert_eq!(text.contains(master.trim()), !flags.is_empty());
        let backup: Value = serde_json::from_str(&text).expect("JSON");
        let rows = backup["keys"].as_array().expect("keys");
        assert_eq!(rows.len(), 4);
        for row in rows {
            let kid = row["kid"].as_str().expect("a name");
            let rest = format!(
                "FROM keys WHERE kid = '{kid}' AND purpose = {}",
                row["purpose"]
            )
            .replace('"', "'");
            let sealed = server.store().texts("lower(hex(sealed))", &rest);
            assert_eq!(sealed, [row["sealed_hex"].as_str().expect("hex")]);
        }
        let again = ctl.run(&args);
        assert_eq!(again.code, Some(1), "{again:?}");
        assert_eq!(fs::read_to_string(&file).expect("the backup"), text);
    }
    let log = server.store().texts(
        "detail",
        "FROM audit_events WHERE kind = 'keys_backed_up' ORDER BY at",
    );
    assert_eq!(log, ["keys=4 master_key=false", "keys=4 master_key=true"]);

    // Put back as the documents say, into a database that lost them, together with the master key.
    server.kill();
    server.store().execute("DELETE FROM keys");
    let text = fs::read_to_string(path("all.json")).expect("the backup");
    let backup: Value = serde_json::from_str(&text).expect("JSON");
    let kept = backup["master_key"].as_str().expect("the master key");
    fs::write(path("data/master.key"), kept).expect("the master key is back");
    for row in backup["keys"].as_array().expect("keys") {
        let text = |member: &str| row[member].as_str().map(|text| format!("'{text}'"));
        let column = |member: &str| text(member).unwrap_or_else(|| "NULL".to_owned());
        server.store().execute(&format!(
            "INSERT INTO keys (purpose, kid, alg, state, public_jwk, sealed, master_kid, created_at)
             VALUES ({}, {}, {}, {}, {}, x{}, {}, unixepoch({}) * 1000000)",
            column("purpose"),
            column("kid"),
            column("alg"),
            column("state"),
            column("public_jwk"),
            column("sealed_hex"),
            column("master_kid"),
            column("created_at"),
        ));
    }
    server.restart();
    assert_alive(&mut client);
    ada.log_in(&server);
}

/// S28 S35: whatever is printed or logged has no secret part of a key, not even a sealed one.
#[test]
fn no_command_prints_a_secret_part() {
    let server = Setup::sqlite().set("RENEWD_LOG", "trace").start();
    let ctl = Ctl::of(&server);
    let mut text = String::new();
    for args in [
        &["key", "rotate"][..],
        &["key", "rotate", "--purpose", "refresh"],
        &["key", "rotate", "--purpose", "pepper"],
        &["key", "list", "--all"],
        &["--output", "table", "key", "list", "--all"],
    ] {
        let _ = write!(text, "{:?}", ctl.done(args));
    }
    clock::eventually("the new key in public", || {
        (published(&server).len() == 2).then_some(())
    });
    text.push_str(&server.log());
    let master = fs::read_to_string(server.directory().join("data/master.key")).expect("a key");
    assert!(!text.contains(master.trim()));
    for sealed in server.store().texts("lower(hex(sealed))", "FROM keys") {
        let bytes: Vec<u8> = (0..sealed.len() / 2)
            .map(|at| u8::from_str_radix(&sealed[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        for shown in [sealed.clone(), jwt::encode(&bytes), format!("{bytes:?}")] {
            assert!(!text.contains(&shown), "{shown}");
        }
    }
    for member in ["\"d\":", "\\\"d\\\":", "PRIVATE", "sealed"] {
        assert!(!text.contains(member), "{member}");
    }
}

/// S41: of whatever purpose.
#[test]
fn two_installations_have_no_key_in_common() {
    let servers = [Server::sqlite(), Server::sqlite()];
    let [one, two] = servers.each_ref().map(|server| keys(&Ctl::of(server)));
    assert_eq!((one.len(), two.len()), (3, 3));
    for key in &one {
        assert!(two.iter().all(|other| other["kid"] != key["kid"]), "{key}");
    }
}

/// Sessions and passwords of a database that knew no peppers and no lives of keys.
fn a_database_of_the_first_version_goes_on(database: Database) {
    let mut server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let before = published(&server);
    server.kill();
    let statements: &[&str] = match server.store() {
        Store::Sqlite(_) => &ON_SQLITE,
        Store::Given(_) | Store::Postgres { .. } => &ON_POSTGRES,
    };
    for statement in statements {
        server.store().execute(statement);
    }
    let version = "DELETE FROM __diesel_schema_migrations WHERE version = '00000000000004'";
    assert_eq!(server.store().execute(version), 1);
    server.restart();
    assert_eq!(published(&server), before);
    assert_alive(&mut client);
    let mut again = ada.log_in(&server);
    assert_alive(&mut again);
    let ctl = Ctl::of(&server);
    let mut found: Vec<String> = keys(&ctl)
        .iter()
        .map(|key| format!("{} {}", key["purpose"], key["state"]).replace('"', ""))
        .collect();
    found.sort();
    assert_eq!(found, ["access active", "pepper active", "refresh active"]);
}

/// The table as the first version had it.
const ON_SQLITE: [&str; 5] = [
    "CREATE TABLE old_keys (
         purpose TEXT NOT NULL CHECK (purpose IN ('access', 'refresh', 'master_check')),
         kid TEXT NOT NULL,
         alg TEXT NOT NULL,
         state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
         public_jwk TEXT,
         sealed BLOB NOT NULL,
         master_kid TEXT NOT NULL,
         created_at INTEGER NOT NULL,
         PRIMARY KEY (purpose, kid)
     ) STRICT",
    "INSERT INTO old_keys SELECT purpose, kid, alg, state, public_jwk, sealed, master_kid, created_at
     FROM keys WHERE purpose <> 'pepper'",
    "DROP TABLE keys",
    "ALTER TABLE old_keys RENAME TO keys",
    "CREATE UNIQUE INDEX keys_one_active ON keys (purpose, alg) WHERE state = 'active'",
];

const ON_POSTGRES: [&str; 9] = [
    "DROP TRIGGER keys_tell ON keys",
    "DROP FUNCTION keys_tell",
    "DELETE FROM keys WHERE purpose = 'pepper'",
    "DROP INDEX keys_one_active, keys_one_pending",
    "CREATE UNIQUE INDEX keys_one_active ON keys (purpose, alg) WHERE state = 'active'",
    "ALTER TABLE keys DROP CONSTRAINT keys_sealed_check",
    "ALTER TABLE keys DROP CONSTRAINT keys_purpose_check",
    "ALTER TABLE keys ADD CONSTRAINT keys_purpose_check
     CHECK (purpose IN ('access', 'refresh', 'master_check'))",
    "ALTER TABLE keys DROP COLUMN published_at, DROP COLUMN activated_at,
     DROP COLUMN retiring_at, DROP COLUMN retired_at",
];
