//! A session as its client knows it: every pair that it was given.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::Anonymous;
use crate::jwt;
use crate::reply::{Call, Reply};

/// What its client may take for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes on.
    Live,
    /// An end was asked for, and no one said whether it came.
    Unsure,
    /// An end was acknowledged.
    Ended,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) generation: i64,
    pub(super) standing: Standing,
    /// The refresh token of each generation, as it was first given.
    given: HashMap<i64, String>,
}

/// What a refresh brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Brought {
    /// A refresh token that this client did not have.
    New,
    /// The one that it has.
    Same,
}

impl Session {
    /// The session of a pair from a login.
    pub(super) fn of(pair: &Value) -> Self {
        let text = |member: &str| pair[member].as_str().unwrap_or_default().to_owned();
        let refresh = text("refresh_token");
        let generation = jwt::integer(&refresh, "gen");
        Self {
            id: text("session_id"),
            access: text("access_token"),
            given: HashMap::from([(generation, refresh.clone())]),
            refresh,
            generation,
            standing: Standing::Live,
        }
    }

    /// A refresh of it.
    pub(super) fn refreshing(&self, node: &Anonymous) -> Call {
        let body = json!({ "refresh_token": self.refresh });
        node.call("POST", "/v1/refresh").json(body)
    }

    /// Takes over what came for the token of `presented` (a generation): that generation
    /// or the next one, and of each generation one token for ever.
    pub(super) fn take(&mut self, presented: i64, reply: &Reply) -> Result<Brought, String> {
        let (refresh, access) = (reply.string("refresh_token"), reply.string("access_token"));
        let generation = jwt::integer(&refresh, "gen");
        let claims = jwt::claims(&refresh);
        if claims["sid"] != *self.id {
            return Err(format!("{}: the token of another session came", self.id));
        }
        if generation != presented && generation != presented + 1 {
            return Err(format!(
                "{}: generation {generation} came for {presented}",
                self.id
            ));
        }
        let given = self
            .given
            .entry(generation)
            .or_insert_with(|| refresh.clone());
        if *given != refresh {
            return Err(format!(
                "{}: two different tokens of generation {generation}",
                self.id
            ));
        }
        if generation <= self.generation {
            return Ok(Brought::Same);
        }
        (self.refresh, self.access, self.generation) = (refresh, access, generation);
        Ok(Brought::New)
    }
}
