//! The database: what a transaction does. That transactions are atomic, durable, and leave no
//! other's work out is assumed here; the contract suite of `storage-diesel` tests it.

use token_core::session::{EndReason, Outage};
use token_core::token::rotation::{
    Decision, Granted, Presented, Refusal, Rotation, RotationOutcome,
};

use crate::defect::Defect;
use crate::engine::{ago, at, ticks_until};
use crate::oracle::{Grant, Refused, ticks};
use crate::protocol::{Protocol, Seen};
use crate::world::{
    Age, Answer, Begun, Database, Ends, FAR, GENERATIONS, Ghost, Row, Token, World,
};

/// How often storage tries the write.
const TRIES: usize = 4;

/// What a refresh came to, as it is committed.
struct Rotated {
    outcome: RotationOutcome,
    /// What the refusal or the grant came from, where the write did not apply.
    decision: Option<Decision>,
}

impl Protocol {
    /// A session that was opened just now.
    pub fn opened(&self, slot: u8, password: u8) -> Row {
        let token = self.engine.first_token(slot);
        let max_in = self.bounds.max_age.unwrap_or(FAR);
        let idle = self.bounds.idle.map_or(FAR, ticks).min(max_in);
        let mut exp = [FAR; GENERATIONS];
        let mut answered = [None; GENERATIONS];
        exp[0] = idle;
        answered[0] = Some(token.secret);
        Row {
            generation: 0,
            secret: token.secret,
            rotated: 0,
            recovered: None,
            expires_in: idle,
            max_in,
            ended: None,
            ended_xid: 0,
            exp,
            ghost: Ghost {
                password,
                made: 0,
                spent: 0,
                answered,
                acked_generation: 0,
                acked_end: None,
                acked_by: [false; 2],
                reuse: false,
                recovered: None,
                access: self.bounds.access.map(|_| 0),
                same_tick: false,
            },
        }
    }

    /// The conditional write's condition: PROTOCOL.md, "Refresh", step 2.
    fn write_applies(&self, slot: u8, row: &Row, rotation: &Rotation, saw_live: bool) -> bool {
        let session = self.engine.session(slot, row);
        let now = rotation.now;
        let window = self.engine.policy.replay_window.as_duration();
        let presented = &rotation.presented;
        let is_older = presented.generation < session.generation;
        let digest = session.refresh_digest == rotation.presented_digest
            || self.has(Defect::NoDigestCondition)
            || (self.has(Defect::OrderByTimestamp) && is_older && row.ghost.same_tick)
            || (self.has(Defect::TimeOnlyGrace)
                && is_older
                && now.distance(session.rotated_at) <= window);
        let live = session.ended.is_none()
            || self.has(Defect::NoEndedCondition)
            || (self.has(Defect::ReadThenWrite) && saw_live);
        let quiet = if self.has(Defect::RotatesWhileExcused) {
            !window.is_zero() && now.distance(session.rotated_at) <= window
        } else {
            rotation
                .quiet_window()
                .is_some_and(|(from, to)| (from..=to).contains(&session.rotated_at))
        };
        let loud = self.has(Defect::NoRepeat) || self.has(Defect::TimeOnlyGrace) && is_older;
        digest
            && live
            && session.expires_at > now
            && session.max_expires_at > now
            && (session.generation == 0 || !quiet || loud)
    }

    /// What the write sets.
    fn write(&self, row: &mut Row, rotation: &Rotation, asked: Age) {
        row.ghost.same_tick = self.has(Defect::OrderByTimestamp) && row.rotated == asked;
        row.generation += 1;
        row.secret = if self.has(Defect::FreshSuccessor) {
            self.engine.fresh_secret(row.generation, row.secret)
        } else {
            self.engine.name_of(&rotation.successor.secret)
        };
        row.rotated = asked;
        if let Some(end) = rotation
            .new_idle_end()
            .filter(|_| self.bounds.idle.is_some())
        {
            let clipped = if self.has(Defect::SlidesPastEnd) {
                end
            } else {
                end.min(at(row.max_in))
            };
            row.expires_in = ticks_until(clipped);
        }
        row.exp[usize::from(row.generation)] = row.expires_in.min(row.max_in);
    }

    /// One transaction of `SessionStore::rotate`: the write, or else the decision, carried out.
    fn rotate(
        &self,
        db: &mut Database,
        token: Token,
        begun: Begun,
        rotation: &Rotation,
    ) -> Rotated {
        let user = self.engine.user(db);
        let active = user.is_active();
        let missing = || Rotated {
            outcome: RotationOutcome::Refused(Refusal::Invalid),
            decision: None,
        };
        let xid = db.next_xid;
        let Some(row) = db.rows[usize::from(token.slot)].as_mut() else {
            return missing();
        };
        for _ in 0..TRIES {
            if active && self.write_applies(token.slot, row, rotation, begun.verified == 1) {
                self.write(row, rotation, begun.asked);
                let session = self.engine.session(token.slot, row);
                let granted = Box::new(Granted { session, user });
                return Rotated {
                    outcome: RotationOutcome::Advanced(granted),
                    decision: None,
                };
            }
            let session = self.engine.session(token.slot, row);
            let decision = self.decide(rotation, row, &session, &user);
            if decision == Decision::WriteAgain {
                continue;
            }
            if let Some((reason, _)) = decision.ends_session()
                && !self.has(Defect::ReuseRolledBack)
            {
                row.ended = Some((self.end_age(begun.asked), reason));
                row.ended_xid = xid;
                db.next_xid += u8::from(self.bounds.access.is_some());
            }
            match decision {
                Decision::LateRecovery if !self.has(Defect::RecoveryForgotten) => {
                    row.recovered = Some(row.generation);
                }
                Decision::Replay if self.has(Defect::WindowExtendedByReplay) => {
                    row.rotated = begun.asked;
                }
                Decision::Replay if self.has(Defect::FreshSuccessor) => {
                    row.secret = self.engine.fresh_secret(row.generation, row.secret);
                }
                _ => {}
            }
            let session = self.engine.session(token.slot, row);
            return Rotated {
                outcome: RotationOutcome::of(decision, Some(session), Some(user)),
                decision: Some(decision),
            };
        }
        Rotated {
            outcome: RotationOutcome::Refused(Refusal::Contended),
            decision: Some(Decision::WriteAgain),
        }
    }

    /// The real decision, or a defect's.
    fn decide(
        &self,
        rotation: &Rotation,
        row: &Row,
        session: &token_core::session::Session,
        user: &token_core::user::User,
    ) -> Decision {
        let decision = rotation.decide(Some(session), Some(user));
        let presented = rotation.presented.generation;
        let window = self.engine.policy.replay_window.as_duration();
        let in_window = rotation.now.distance(session.rotated_at) <= window;
        let older_by = session.generation.saturating_sub(presented);
        match self.defect {
            Some(Defect::GrandparentGrace)
                if decision == Decision::Reuse && older_by == 2 && in_window =>
            {
                Decision::Replay
            }
            Some(Defect::FreshSuccessor)
                if decision == Decision::Reuse && older_by == 1 && in_window =>
            {
                Decision::Replay
            }
            Some(Defect::NoReplay) if decision == Decision::Replay && row.generation > 0 => {
                Decision::Reuse
            }
            _ => decision,
        }
    }

    /// A refresh, from the claims to the commit: steps 1 to 4 of "Refresh".
    pub fn refresh(
        &self,
        world: &mut World,
        token: Token,
        begun: Begun,
        mut outages: Vec<Outage>,
        honest: bool,
    ) -> (Answer, Ends) {
        let mut ends = Ends::default();
        let Some(before) = world.row(token.slot).cloned() else {
            return (Answer::Refused, ends);
        };
        let refused = Refused {
            presented: token,
            asked: begun.asked,
            before: &before,
            honest,
        };
        let exp = before.exp[usize::from(token.generation)];
        if exp <= -ticks(begun.asked) {
            self.saw(Seen::Expired);
            self.judge_refusal(world, &refused);
            return (Answer::Refused, ends);
        }
        let presented = self.engine.presented(token, exp);
        if self.has(Defect::OutagesApart) {
            let window = self.engine.policy.replay_window.as_duration();
            let (rotated, now) = (ago(before.rotated), ago(begun.asked));
            outages.retain(|outage| {
                let since = Outage::excused_since(&[*outage], now, window);
                since.is_some_and(|since| rotated >= since)
            });
        }
        let rotation = self
            .engine
            .rotation(presented.clone(), begun.asked, outages);
        let excused = !rotation.outages.is_empty();
        let Rotated { outcome, decision } = self.rotate(&mut world.db, token, begun, &rotation);
        self.note(decision, &before, begun.asked);
        let answered = match outcome {
            RotationOutcome::Repeated(_) => Some(token),
            RotationOutcome::Advanced(granted)
            | RotationOutcome::Replayed(granted)
            | RotationOutcome::Recovered(granted) => {
                self.successor(&granted, &presented, token.slot)
            }
            RotationOutcome::Refused(Refusal::Contended) => return (Answer::Unavailable, ends),
            RotationOutcome::Refused(_) => None,
        };
        let Some(answered) = answered else {
            let after = world.row_mut(token.slot).expect("it was there");
            if decision == Some(Decision::Reuse) {
                after.ghost.reuse = true;
            }
            ends[usize::from(token.slot)] = after.ended.is_some();
            self.judge_refusal(world, &refused);
            return (Answer::Refused, ends);
        };
        let grant = Grant {
            presented: token,
            asked: begun.asked,
            before: &before,
            answered,
            advanced: decision.is_none(),
            recovered: decision == Some(Decision::LateRecovery),
            excused,
        };
        self.judge_grant(world, &grant);
        (Answer::Token(answered, answered != token), ends)
    }

    /// The token that is answered: computed from the presented one, or not at all.
    fn successor(&self, granted: &Granted, presented: &Presented, slot: u8) -> Option<Token> {
        let generation = u8::try_from(granted.session.generation).ok()?;
        let name = |secret| self.engine.name_of(&secret);
        let secret = granted
            .successor_secret(self.engine.keys(), presented)
            .map(name);
        let stored = || self.engine.secret_of(&granted.session.refresh_digest);
        let secret = match self.defect {
            // These do not compute it, and some would not come to the same.
            Some(
                Defect::GrandparentGrace
                | Defect::FreshSuccessor
                | Defect::TimeOnlyGrace
                | Defect::NoDigestCondition
                | Defect::OrderByTimestamp,
            ) => secret.or_else(stored),
            _ => secret,
        };
        secret.map(|secret| Token {
            slot,
            generation,
            secret,
        })
    }

    fn note(&self, decision: Option<Decision>, before: &Row, asked: Age) {
        let seen = match decision {
            Some(Decision::Replay) => {
                if before.rotated.abs_diff(asked) > self.bounds.window {
                    self.saw(Seen::Excused);
                }
                Seen::Replay
            }
            Some(Decision::Repeat) => Seen::Repeat,
            Some(Decision::LateRecovery) => Seen::Recovery,
            Some(Decision::Reuse) => Seen::Reuse,
            Some(Decision::Revoked) => Seen::Revoked,
            Some(Decision::Expired) => Seen::Expired,
            _ => return,
        };
        self.saw(seen);
    }

    /// Ends a session that is not ended.
    pub fn end(&self, db: &mut Database, slot: u8, reason: EndReason, begun: Begun) -> bool {
        let age = self.end_age(begun.asked);
        let Some(row) = db.rows[usize::from(slot)].as_mut() else {
            return false;
        };
        if row.ended.is_none() {
            row.ended = Some((age, reason));
            row.ended_xid = begun.xid;
        }
        true
    }

    /// When a session ended matters only to those who follow ends.
    fn end_age(&self, asked: Age) -> Age {
        if self.bounds.access.is_some() {
            asked
        } else {
            0
        }
    }

    /// Opens a session where the user still has the verified password and is not disabled.
    pub fn open(&self, db: &mut Database, slot: u8, verified: u8) -> bool {
        let same = db.password == verified || self.has(Defect::HashNotCompared);
        let active = !db.disabled || self.has(Defect::DisabledNotAsked);
        if same && active {
            db.rows[usize::from(slot)] = Some(self.opened(slot, verified));
        } else {
            self.saw(Seen::LoginRefused);
        }
        same && active
    }

    /// Ends every session of the user.
    pub fn end_all(&self, db: &mut Database, reason: EndReason, begun: Begun) -> Ends {
        let live = [0, 1].map(|slot: u8| {
            db.rows[usize::from(slot)]
                .as_ref()
                .is_some_and(|row| row.ended.is_none())
        });
        for (slot, live) in (0..).zip(live) {
            if live {
                self.end(db, slot, reason, begun);
                self.saw(Seen::EndedByChange);
            }
        }
        live
    }

    /// The `exp` of an access token of that session.
    pub fn access_end(&self, slot: u8, row: &Row, asked: Age) -> i8 {
        let whole = ticks(self.bounds.access.unwrap_or(1)) - ticks(asked);
        if self.has(Defect::AccessPastEnd) {
            return whole;
        }
        let end = self.engine.access_exp(slot, row, asked);
        if end < whole {
            self.saw(Seen::Clipped);
        }
        end
    }
}
