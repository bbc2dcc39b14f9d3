//! A session as its client knows it: every pair that it was given.

use std::collections::HashMap;

use serde_json::json;

use super::client::{Node, Question};
use crate::Transport;
use crate::client::{ACCESS_COOKIE, REFRESH_COOKIE};
use crate::history::{self, Asked};
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
    transport: Transport,
    pub(super) access: String,
    /// The refresh token that is presented next.
    pub(super) refresh: String,
    /// The newest one that was given.
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
    pub(super) fn of(transport: Transport, reply: &Reply) -> Self {
        let (access, refresh) = history::tokens(reply);
        let refresh = refresh.expect("a refresh token");
        let generation = jwt::integer(&refresh, "gen");
        Self {
            id: reply.string("session_id"),
            transport,
            access: access.expect("an access token"),
            given: HashMap::from([(generation, refresh.clone())]),
            refresh,
            generation,
            standing: Standing::Live,
        }
    }

    /// The generation of the token that it presents.
    pub(super) fn presents(&self) -> i64 {
        jwt::integer(&self.refresh, "gen")
    }

    /// A refresh of it.
    pub(super) fn refreshing(&self, node: &Node) -> Question {
        self.presenting(node, &self.refresh, false)
    }

    /// What a thief does with a token that was copied when it was of this generation.
    pub(super) fn stealing(&self, node: &Node, generation: i64) -> Question {
        self.presenting(node, &self.given[&generation], true)
    }

    /// A refresh with any token.
    pub(super) fn presenting(&self, node: &Node, token: &str, thief: bool) -> Question {
        let asked = Asked::Refresh {
            session: self.id.clone(),
            generation: jwt::integer(token, "gen"),
            thief,
        };
        let call = node.call("POST", "/v1/refresh");
        let call = match self.transport {
            Transport::Body => call.json(json!({ "refresh_token": token })),
            Transport::Cookie => call
                .header("sec-fetch-site", "same-origin")
                .cookie(REFRESH_COOKIE, token),
        };
        (asked, call)
    }

    /// A verification of its access token.
    pub(super) fn verifying(&self, node: &Node) -> Question {
        let session = self.id.clone();
        let call = self.bearing(node.call("GET", "/v1/verify"));
        (Asked::Verify { session }, call)
    }

    /// A request with its access token.
    pub(super) fn bearing(&self, call: Call) -> Call {
        match self.transport {
            Transport::Body => call.bearer(&self.access),
            Transport::Cookie => call
                .header("sec-fetch-site", "same-origin")
                .cookie(ACCESS_COOKIE, &self.access),
        }
    }

    /// Takes over what came for the token of `presented` (a generation): that generation
    /// or the next one, and of each generation one token for ever. A browser is given no
    /// cookie that it has already.
    pub(super) fn take(&mut self, presented: i64, reply: &Reply) -> Result<Brought, String> {
        let (access, refresh) = history::tokens(reply);
        let access = access.ok_or_else(|| format!("{}: no access token came", self.id))?;
        let Some(refresh) = refresh.or_else(|| self.known(presented)) else {
            return Err(format!("{}: no refresh token came", self.id));
        };
        let generation = jwt::integer(&refresh, "gen");
        if jwt::claims(&refresh)["sid"] != *self.id {
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

    fn known(&self, generation: i64) -> Option<String> {
        let given = self.given.get(&generation);
        given
            .filter(|_| self.transport == Transport::Cookie)
            .cloned()
    }
}
