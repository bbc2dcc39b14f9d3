//! `renewctl db copy`: an installation moves to another database, and whoever is
//! logged in does not notice.

mod interrupted;
mod refused;

use e2e::client::{assert_alive, assert_dead};
use e2e::database::Store;
use e2e::process::Finished;
use e2e::{
    BodyClient, Browser, Ctl, Database, Person, Persona, Registered, Server, Setup, Transport,
    flows,
};
use serde_json::{Value, json};

use crate::rotation::successor;

flows!(postgres: an_installation_moves_to_postgres_and_back);

/// The master key that a server works with.
fn master_key(server: &Server) -> String {
    let file = server.directory().join("data/master.key");
    match std::fs::read_to_string(file) {
        Ok(key) => key.trim().to_owned(),
        Err(_) => server
            .store()
            .settings()
            .into_iter()
            .find_map(|(name, value)| (name == "RENEWD_MASTER_KEY").then_some(value))
            .expect("a master key"),
    }
}

/// Ends a server and leaves its database alone.
fn stop(server: &mut Server) {
    server.terminate();
    assert_eq!(server.wait(), Some(0), "{}", server.log());
}

/// A setup whose database is not there yet, or empty, and the URL of that.
fn empty(database: Database) -> (Setup, String) {
    let setup = Setup::new(database);
    std::fs::create_dir_all(setup.directory().join("data")).expect("a directory");
    let url = setup.store().url();
    (setup, url)
}

fn copy(from: &Server, to: &str, more: &[&str]) -> Finished {
    let url = from.store().url();
    let args = ["--output", "json", "db", "copy", "--from", &url, "--to", to];
    Ctl::of(from).run(&[&args, more].concat())
}

/// Copies the database of a server that is stopped, and starts one on the copy.
fn moved(from: &Server, to: Database) -> (Server, Value) {
    let (setup, url) = empty(to);
    let copied = copy(from, &url, &[]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    assert!(
        copied.stderr.contains("keys were copied sealed"),
        "{copied:?}"
    );
    let key = master_key(from);
    // In the file too, from which the next move takes it.
    let server = setup
        .file("data/master.key", &key)
        .set("RENEWD_MASTER_KEY", &key)
        .start();
    let printed = serde_json::from_str(&copied.stdout).expect("JSON");
    (server, printed)
}

/// What a session is, but for times.
fn rows(server: &Server) -> Vec<String> {
    let store = server.store();
    let digest = store.hex("refresh_digest");
    let session = format!(
        "{digest} || ' ' || generation || ' ' || refresh_kid || ' ' || transport || ' ' || \
         coalesce(end_reason, '-')"
    );
    let mut rows = store.texts(&session, "FROM sessions");
    for row in &mut rows {
        row.make_ascii_lowercase();
    }
    rows.sort();
    rows
}

/// When the heart of a database last beat, in microseconds.
fn heartbeat(server: &Server) -> Vec<String> {
    let store = server.store();
    let micros = match store {
        Store::Sqlite(_) => "beat_at",
        Store::Given(_) | Store::Postgres { .. } => {
            "(extract(epoch FROM beat_at) * 1000000)::bigint"
        }
    };
    store.texts(micros, "FROM heartbeat")
}

/// Makes the last refresh of a session older than the replay window.
fn age(server: &Server, client: &dyn Persona) {
    let store = server.store();
    store.execute(&format!(
        "UPDATE sessions SET rotated_at = {} WHERE id = {}",
        store.time(-60),
        store.id(&client.session())
    ));
}

/// Those who are logged in, wherever their server is.
struct People {
    /// Refreshed a moment ago, with the parent of the current token still at hand.
    app: BodyClient,
    parent: String,
    /// Refreshed long ago, in cookies.
    browser: Browser,
    /// Never refreshed.
    fresh: BodyClient,
    /// Logged out.
    gone: BodyClient,
    /// Past the idle end.
    expired: BodyClient,
}

impl People {
    fn on(server: &Server, ada: &Person, bob: &Person) -> Self {
        let mut app = ada.log_in(server);
        app.refresh().expect(200);
        age(server, &app);
        let parent = app.refresh_token();
        app.refresh().expect(200);
        assert_eq!(server.store().session(&app.session(), "generation"), "2");
        let mut browser = bob.browse(server);
        browser.refresh().expect(200);
        age(server, &browser);
        let mut gone = ada.log_in(server);
        gone.log_out().expect(204);
        let expired = bob.log_in(server);
        let store = server.store();
        store.execute(&format!(
            "UPDATE sessions SET expires_at = {} WHERE id = {}",
            store.time(-5),
            store.id(&expired.session())
        ));
        let fresh = bob.log_in(server);
        Self {
            app,
            parent,
            browser,
            fresh,
            gone,
            expired,
        }
    }

    /// The same tokens, shown to another server.
    fn at(&self, server: &Server) -> Self {
        let anonymous = server.anonymous();
        let app = |client: &BodyClient| BodyClient::with_pair(&anonymous, client.pair.clone());
        let mut browser = Browser::new(&anonymous);
        browser.jar.clone_from(&self.browser.jar);
        Self {
            app: app(&self.app),
            parent: self.parent.clone(),
            browser,
            fresh: app(&self.fresh),
            gone: app(&self.gone),
            expired: app(&self.expired),
        }
    }

    /// Everybody is as they were: access tokens first, which no refresh has renewed.
    fn go_on(&mut self) {
        self.app.get("/v1/verify").expect(204);
        self.browser.get("/v1/verify").expect(204);
        self.fresh.get("/v1/me").expect(200);
        assert_dead(&self.gone);
        self.expired
            .present(&self.expired.refresh_token())
            .problem(401, "session_expired");
        // A retry of what was answered before the move gets the same answer.
        let again = self.app.present(&self.parent).expect(200);
        assert_eq!(
            successor(&again, Transport::Body),
            Some(self.app.refresh_token())
        );
        let before = self.browser.refresh_token();
        assert_alive(&mut self.browser);
        assert_ne!(self.browser.refresh_token(), before, "a rotation");
        assert_alive(&mut self.fresh);
    }
}

/// S138: there and back again, with sessions of every kind.
fn an_installation_moves_to_postgres_and_back(database: Database) {
    let mut first = Server::sqlite();
    let (ada, bob) = (
        Person::registered(&first, "ada"),
        Person::registered(&first, "bob"),
    );
    let people = People::on(&first, &ada, &bob);
    let mut renamed = Person::registered(&first, "eve").log_in(&first);
    let name = renamed.call("PATCH", "/v1/me");
    renamed
        .send(name.json(json!({ "username": "mallory" })))
        .expect(200);
    let backend = Registered::new(&first, &["read"]);
    let machine = backend.token();
    stop(&mut first);

    let (mut second, printed) = moved(&first, database);
    insta::assert_json_snapshot!(printed["tables"], {"[4].rows" => "[rows]"}, @r#"
    [
      {
        "rows": 3,
        "table": "users"
      },
      {
        "rows": 1,
        "table": "name_reservations"
      },
      {
        "rows": 4,
        "table": "keys"
      },
      {
        "rows": 1,
        "table": "clients"
      },
      {
        "rows": "[rows]",
        "table": "audit_events"
      },
      {
        "rows": 7,
        "table": "sessions"
      }
    ]
    "#);
    assert_eq!(rows(&second), rows(&first));
    assert_eq!(heartbeat(&second), heartbeat(&first));
    let unstamped = "FROM sessions WHERE (ended_at IS NULL) <> (ended_xid IS NULL)";
    assert_eq!(second.store().texts("count(*)", unstamped), ["0"]);
    let mut people = people.at(&second);
    people.go_on();
    let backend = backend.at(&second);
    for token in [machine, backend.token()] {
        assert_eq!(backend.introspect(&token)["active"], true);
    }
    for person in [&ada, &bob] {
        assert!(person.can_log_in(&second.anonymous()));
    }
    // A name that was given up a moment ago is still nobody's.
    let eve = Person::named("eve").with_email("other@example.com");
    let refused = second.anonymous().register(&eve);
    refused.problem(409, "username_taken");
    let state = Ctl::of(&second).json(&["db", "status"]);
    assert_eq!(state["installation"]["state"], "original", "{state}");

    age(&second, &people.browser);
    stop(&mut second);
    let (third, _) = moved(&second, Database::sqlite());
    assert_eq!(rows(&third), rows(&second));
    people.at(&third).go_on();
    assert!(ada.can_log_in(&third.anonymous()));
}

mod any_kind {
    use super::*;

    flows!(a_session_goes_on_after_a_move_to_the_same_kind);

    fn a_session_goes_on_after_a_move_to_the_same_kind(database: Database) {
        let mut first = Server::on(database.clone());
        let client = Person::registered(&first, "ada").log_in(&first);
        stop(&mut first);
        let (second, _) = moved(&first, database);
        let mut client = BodyClient::with_pair(&second.anonymous(), client.pair);
        client.get("/v1/verify").expect(204);
        assert_alive(&mut client);
    }
}
