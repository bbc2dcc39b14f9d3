//! The rules of answers: what may be given for a token, and what may be refused.

use std::time::Duration;

use token_core::policy::ReusePolicy;
use token_core::service::{RefreshError, RefreshWay, Refreshed, TokenPair};
use token_core::time::Timestamp;

use super::{Checked, Oracle, hold};
use crate::database::{SessionRow, key};

/// An answered refresh, and what the harness saw of it.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// The token that was presented.
    pub token: &'a str,
    /// The time of day when the node took the request up.
    pub began: Timestamp,
    /// After how many steps its last call was let go.
    pub let_go: u64,
    /// Whether a call of its was made to fail.
    pub faulted: bool,
    /// Whether other requests were under way at the node.
    pub accompanied: bool,
    /// Whether trouble of the node may have excused a late token.
    pub excused: bool,
    /// The row just after its last call.
    pub seen: Option<SessionRow>,
}

/// How many access tokens of a session are remembered.
const REMEMBERED: usize = 4;

impl Oracle {
    /// A pair of tokens was answered.
    pub fn given(&mut self, pair: &TokenPair) -> Checked {
        let id = key(pair.session.id);
        let generation = pair.session.generation;
        let token = pair.refresh.expose().to_owned();
        let Some(record) = self.sessions.get_mut(&id) else {
            hold!("rows", false, "tokens of a session that is not there");
            return Ok(());
        };
        let name = record.name.clone();
        let first = record
            .tokens
            .entry(generation)
            .or_insert_with(|| token.clone());
        hold!(
            "I1",
            *first == token,
            "two refresh tokens of {name} have generation {generation}"
        );
        record.acknowledged = record
            .acknowledged
            .max(i64::try_from(generation).unwrap_or(i64::MAX));
        hold!(
            "I6",
            pair.access.expires_at <= record.absolute_end
                && pair.session.max_expires_at == record.absolute_end,
            "a token of {name} outlives its absolute end"
        );
        hold!(
            "now is taken once",
            pair.access.issued_at == pair.now.floor_to_second(),
            "an access token of {name} is of another time than its answer"
        );
        let access = pair.access.token.expose().to_owned();
        self.bearers.insert(access.clone(), id.clone());
        record.access.push((access, pair.access.expires_at));
        if record.access.len() > REMEMBERED {
            record.access.remove(0);
        }
        let row = self.rows.sessions.get(&id);
        hold!(
            "I4",
            row.is_none_or(|row| row.generation >= i64::try_from(generation).unwrap_or(0)),
            "generation {generation} of {name} was answered and is not stored"
        );
        let entry = (id, generation, pair.session.expires_at);
        self.issued.insert(token, entry);
        Ok(())
    }

    /// A refresh gave tokens.
    pub fn refreshed(&mut self, judged: &Judged<'_>, answer: &Refreshed) -> Checked {
        let pair = &answer.pair;
        let Some((id, presented, _)) = self.issued.get(judged.token).cloned() else {
            hold!(
                "I8",
                false,
                "tokens were given for a token that was never made"
            );
            return Ok(());
        };
        self.given(pair)?;
        let name = self.name(&id);
        let expected = match answer.way {
            RefreshWay::Rotated | RefreshWay::Replayed | RefreshWay::Recovered => presented + 1,
            RefreshWay::Repeated => presented,
        };
        hold!(
            "only the parent",
            pair.session.generation == expected,
            "{name}: generation {presented} was answered with {}",
            pair.session.generation
        );
        let apart = pair.now.distance(pair.session.rotated_at);
        let window = self.settings.window();
        let in_window = !window.is_zero() && apart <= window;
        let may_answer_again = in_window || (!window.is_zero() && judged.excused);
        match answer.way {
            RefreshWay::Rotated => hold!(
                "now is taken once",
                pair.session.rotated_at == pair.now && pair.now == judged.began,
                "{name} was rotated at another time than it was asked"
            ),
            RefreshWay::Repeated => hold!(
                "the window ends",
                may_answer_again && presented > 0,
                "{name} was repeated {apart:?} after its rotation"
            ),
            RefreshWay::Replayed => hold!(
                "the window ends",
                may_answer_again,
                "{name} was replayed {apart:?} after its rotation"
            ),
            RefreshWay::Recovered => hold!(
                "late recovery",
                self.settings.policy.reuse == ReusePolicy::Recover && !in_window,
                "{name} was recovered {apart:?} after its rotation"
            ),
        }
        let ended = self.sessions.get(&id).and_then(|record| record.end);
        hold!(
            "I5",
            ended.is_none_or(|end| judged.let_go <= end.sequence),
            "{name} was refreshed after its end was acknowledged"
        );
        hold!(
            "I6",
            pair.now < pair.session.expires_at && pair.now < pair.session.max_expires_at,
            "{name} was refreshed past its end"
        );
        Ok(())
    }

    /// Whether an outage of the node may excuse a late token now: it started or failed within the
    /// window, or the clock has stepped since it last did, so that the judge cannot tell.
    pub fn may_excuse(&self, node: usize, monotonic: Duration) -> bool {
        let trouble = self.trouble[node];
        let since = monotonic.saturating_sub(trouble.at);
        trouble.failing || trouble.stepped_since || since <= self.settings.window()
    }

    /// A refresh of a genuine token gave none.
    pub fn refused(&self, judged: &Judged<'_>, error: &RefreshError) -> Checked {
        let Some((id, presented, expires_at)) = self.issued.get(judged.token) else {
            return Ok(());
        };
        let name = self.name(id);
        let row = judged.seen.as_ref();
        let now = judged.began;
        let expired = |row: &SessionRow| {
            let ends = row.expires_at.min(row.max_expires_at);
            Timestamp::from_micros(ends) <= now
        };
        let window = self.settings.window();
        match error {
            RefreshError::Store(_) | RefreshError::Keys(_) => hold!(
                "errors have causes",
                judged.faulted || judged.accompanied,
                "{name}: {error}, and nothing had failed"
            ),
            RefreshError::SessionEnded(_) => hold!(
                "I2",
                // A sweep that shared the commit took the row.
                row.map_or(judged.accompanied, |row| row.ended_at.is_some()),
                "{name} lives, and is said to have ended"
            ),
            RefreshError::TokenExpired => hold!(
                "I2",
                *expires_at <= now,
                "{name}: generation {presented} is said to have expired"
            ),
            RefreshError::SessionExpired => hold!(
                "I2",
                row.is_some_and(expired),
                "{name} is said to have expired"
            ),
            RefreshError::Reused => {
                let Some(row) = row else {
                    hold!("I3", false, "{name} was reused and is gone");
                    return Ok(());
                };
                hold!(
                    "I3",
                    row.ended_at.is_some(),
                    "{name} lives after its reuse was answered"
                );
                let behind = u64::try_from(row.generation).unwrap_or(0) - presented;
                let apart = now.distance(Timestamp::from_micros(row.rotated_at));
                hold!(
                    "the window ends",
                    behind > 1 || (behind == 1 && (window.is_zero() || apart > window)),
                    "{name}: a token {behind} behind was called reuse after {apart:?}"
                );
            }
            RefreshError::Invalid => hold!(
                "I2",
                row.is_none() || self.keys_retired || *expires_at <= now,
                "{name}: a genuine token is said to be invalid"
            ),
            RefreshError::StateLost | RefreshError::Contended | RefreshError::InvalidScope => {
                hold!("errors have causes", false, "{name}: {error}");
            }
        }
        Ok(())
    }
}
