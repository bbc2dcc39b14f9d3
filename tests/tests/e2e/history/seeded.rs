//! That the record of a real server shows what its database has lost: here by the hand of
//! the test.

use std::time::Duration;

use e2e::database::Store;
use e2e::history::{Asked, Recorder, Rule, check};
use e2e::{BodyClient, Database, Person, Persona, Reply, Server, flows};
use serde_json::json;

flows!(a_revived_session_is_found, a_rotation_taken_back_is_found);

/// Somebody who writes down everything.
struct Witness {
    recorder: Recorder,
    server: Server,
    client: BodyClient,
}

impl Witness {
    /// Registered and logged in.
    fn new(database: Database) -> Self {
        let server = Server::on(database);
        let recorder = Recorder::default();
        let ada = Person::named("ada");
        let (user, password) = (ada.username.clone(), ada.password.clone());
        let asked = Asked::Register { user: user.clone() };
        let call = server.call("POST", "/v1/register");
        recorder.send(0, asked, call.json(ada.registration()));
        let call = server.call("POST", "/v1/login").json(ada.credentials());
        let (reply, _) = recorder.send(0, Asked::LogIn { user, password }, call);
        let pair = reply.expect("an answer").expect(200).json();
        let client = BodyClient::with_pair(&server.anonymous(), pair);
        Self {
            recorder,
            server,
            client,
        }
    }

    fn refresh(&mut self) -> Reply {
        let token = self.client.refresh_token();
        let asked = Asked::Refresh {
            session: self.client.session(),
            generation: e2e::jwt::integer(&token, "gen"),
            thief: false,
        };
        let call = self.server.call("POST", "/v1/refresh");
        let call = call.json(json!({ "refresh_token": token }));
        let (reply, _) = self.recorder.send(0, asked, call);
        let reply = reply.expect("an answer");
        if reply.status == 200 {
            self.client.pair = reply.json();
        }
        reply
    }

    fn look(&self) {
        self.recorder.look(self.server.store());
    }

    /// The rules that the record breaks.
    fn broken(&self) -> Vec<Rule> {
        let findings = check(&self.recorder.events(), Duration::ZERO);
        let mut rules: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
        rules.dedup();
        rules
    }
}

/// I4 I5: an acknowledged logout that is not in the database any more, and what it leads to.
fn a_revived_session_is_found(database: Database) {
    let mut ada = Witness::new(database);
    let session = ada.client.session();
    let call = ada.client.call("POST", "/v1/logout");
    ada.recorder.send(0, Asked::LogOut { session }, call);
    ada.look();
    ada.refresh().problem(401, "session_revoked");
    assert_eq!(ada.broken(), []);
    let store = ada.server.store();
    let more = if matches!(store, Store::Sqlite(_)) {
        ""
    } else {
        ", ended_xid = NULL"
    };
    store.execute(&format!(
        "UPDATE sessions SET ended_at = NULL, end_reason = NULL{more}"
    ));
    ada.look();
    assert_eq!(ada.broken(), [Rule::NothingLost]);
    ada.refresh().expect(200);
    assert!(ada.broken().contains(&Rule::NoLifeAfterTheEnd));
}

/// I4: a row that went back to an older generation, as after an asynchronous failover. The
/// client is refused, and that is a finding too.
fn a_rotation_taken_back_is_found(database: Database) {
    let mut ada = Witness::new(database);
    let store = ada.server.store();
    let digest = store.session(&ada.client.session(), &store.hex("refresh_digest"));
    let back = format!(
        "UPDATE sessions SET generation = 0, refresh_digest = {}",
        store.bytes(&digest)
    );
    ada.refresh().expect(200);
    ada.look();
    assert_eq!(ada.broken(), []);
    ada.server.store().execute(&back);
    ada.look();
    assert_eq!(ada.broken(), [Rule::NothingLost]);
    assert_eq!(ada.refresh().status, 401);
    let broken = ada.broken();
    assert!(broken.contains(&Rule::NobodyLoggedOut), "{broken:?}");
}
