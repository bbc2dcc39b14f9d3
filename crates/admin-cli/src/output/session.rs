//! Sessions as they are printed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use token_core::id::{SessionId, UserId};
use token_core::session::{Session, SessionState};
use token_core::time::Timestamp;

use super::table::{list, printable, time};

/// A session in JSON: that of the HTTP API, whose it is, and its end.
#[derive(Serialize)]
pub struct SessionJson<'a> {
    id: SessionId,
    user_id: UserId,
    client_id: &'a str,
    created_at: Timestamp,
    last_refreshed_at: Timestamp,
    expires_at: Timestamp,
    ip: Option<IpAddr>,
    user_agent: Option<&'a str>,
    label: Option<&'a str>,
    ended_at: Option<Timestamp>,
    end_reason: Option<&'static str>,
}

/// The sessions as they go into a document.
pub fn json(sessions: &[Session]) -> Vec<SessionJson<'_>> {
    let view = |session| {
        let Session {
            id,
            user_id,
            client_id,
            created_at,
            rotated_at,
            expires_at,
            client,
            ended,
            ..
        }: &Session = session;
        SessionJson {
            id: *id,
            user_id: *user_id,
            client_id: client_id.as_str(),
            created_at: *created_at,
            last_refreshed_at: *rotated_at,
            expires_at: *expires_at,
            ip: client.ip,
            user_agent: client.user_agent.as_deref(),
            label: client.label.as_deref(),
            ended_at: ended.map(|ended| ended.at),
            end_reason: ended.map(|ended| ended.reason.as_str()),
        }
    };
    sessions.iter().map(view).collect()
}

/// A line for each session.
pub fn table(sessions: &[Session], names: &BTreeMap<UserId, String>, now: Timestamp) -> String {
    let header = [
        "ID",
        "USER",
        "STATE",
        "CREATED",
        "REFRESHED",
        "EXPIRES",
        "ADDRESS",
        "DEVICE",
    ];
    let row = |session: &Session| {
        let device = session
            .client
            .label
            .as_ref()
            .or(session.client.user_agent.as_ref());
        // A client's own session is nobody's.
        let name = match names.get(&session.user_id) {
            Some(name) => printable(name),
            None if session.client_id.is_first_party() => session.user_id.to_string(),
            None => session.client_id.to_string(),
        };
        [
            session.id.to_string(),
            name,
            state(session, now).to_owned(),
            time(session.created_at),
            time(session.rotated_at),
            time(session.expires_at),
            session
                .client
                .ip
                .map(|ip| ip.to_string())
                .unwrap_or_default(),
            device.map(|text| printable(text)).unwrap_or_default(),
        ]
    };
    list(header, sessions.iter().map(row))
}

fn state(session: &Session, now: Timestamp) -> &'static str {
    match session.state(now) {
        SessionState::Live => "live",
        SessionState::Expired => "expired",
        SessionState::Ended(reason) => reason.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use token_core::id::{ClientId, KeyId};
    use token_core::secret::RefreshDigest;
    use token_core::session::{ClientFacts, EndReason, Ended, Transport};

    use super::*;

    const START: i64 = 1_800_000_000;

    fn session() -> Session {
        let at = Timestamp::from_unix_seconds;
        Session {
            id: "019a9d2e-0000-7000-8000-0000000000aa".parse().unwrap(),
            user_id: "019a9d2e-0000-7000-8000-000000000001".parse().unwrap(),
            client_id: ClientId::first_party(),
            scope: String::new(),
            generation: 1,
            refresh_digest: RefreshDigest::from_bytes([7; 32]),
            refresh_kid: KeyId::from_trusted("kid".to_owned()),
            rotated_at: at(START + 60),
            recovered_generation: None,
            created_at: at(START),
            authenticated_at: at(START),
            expires_at: at(START + 3_600),
            max_expires_at: at(START + 7_200),
            ended: None,
            client: ClientFacts {
                ip: "192.0.2.7".parse().ok(),
                user_agent: Some("curl/8.5.0".to_owned()),
                label: None,
            },
            transport: Transport::Body,
            remember: true,
            amr: vec!["pwd".to_owned()],
        }
    }

    fn ended() -> Session {
        Session {
            ended: Some(Ended {
                at: Timestamp::from_unix_seconds(START + 90),
                reason: EndReason::Admin,
            }),
            client: ClientFacts {
                label: Some("phone".to_owned()),
                ..ClientFacts::default()
            },
            ..session()
        }
    }

    #[test]
    fn sessions_are_listed_with_their_state() {
        let names = BTreeMap::from([(session().user_id, "ada".to_owned())]);
        let sessions = [session(), ended()];
        let now = Timestamp::from_unix_seconds(START + 100);
        insta::assert_snapshot!(table(&sessions, &names, now), @"
        ID                                    USER  STATE  CREATED               REFRESHED             EXPIRES               ADDRESS    DEVICE
        019a9d2e-0000-7000-8000-0000000000aa  ada   live   2027-01-15T08:00:00Z  2027-01-15T08:01:00Z  2027-01-15T09:00:00Z  192.0.2.7  curl/8.5.0
        019a9d2e-0000-7000-8000-0000000000aa  ada   admin  2027-01-15T08:00:00Z  2027-01-15T08:01:00Z  2027-01-15T09:00:00Z             phone
        ");
        let late = Timestamp::from_unix_seconds(START + 3_600);
        assert_eq!(state(&session(), late), "expired");
    }

    /// S114: these members and no others, no digest among them.
    #[test]
    fn a_session_has_the_members_of_the_http_api() {
        insta::assert_json_snapshot!(json(&[session(), ended()]), @r#"
        [
          {
            "id": "019a9d2e-0000-7000-8000-0000000000aa",
            "user_id": "019a9d2e-0000-7000-8000-000000000001",
            "client_id": "renewd",
            "created_at": "2027-01-15T08:00:00Z",
            "last_refreshed_at": "2027-01-15T08:01:00Z",
            "expires_at": "2027-01-15T09:00:00Z",
            "ip": "192.0.2.7",
            "user_agent": "curl/8.5.0",
            "label": null,
            "ended_at": null,
            "end_reason": null
          },
          {
            "id": "019a9d2e-0000-7000-8000-0000000000aa",
            "user_id": "019a9d2e-0000-7000-8000-000000000001",
            "client_id": "renewd",
            "created_at": "2027-01-15T08:00:00Z",
            "last_refreshed_at": "2027-01-15T08:01:00Z",
            "expires_at": "2027-01-15T09:00:00Z",
            "ip": null,
            "user_agent": null,
            "label": "phone",
            "ended_at": "2027-01-15T08:01:30Z",
            "end_reason": "admin"
          }
        ]
        "#);
    }
}
