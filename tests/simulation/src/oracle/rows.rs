//! The rules of the rows, held after every call that storage made.

use token_core::time::Timestamp;

use super::{Checked, Oracle, Record, hold};
use crate::control::{Effect, Port};
use crate::database::{Rows, SessionRow, key};

impl Oracle {
    /// Looks at what the calls just made have left behind.
    pub fn look(
        &mut self,
        rows: Rows,
        ports: &[Port],
        effects: &[Effect],
        now: Timestamp,
    ) -> Checked {
        for effect in effects {
            self.note(effect);
        }
        for (id, row) in &rows.sessions {
            match self.rows.sessions.get(id) {
                Some(before) => self.compare(before, row, ports)?,
                None => hold!(
                    "rows",
                    self.sessions.contains_key(id) && row.generation == 0,
                    "a session appeared that nobody opened"
                ),
            }
            self.check_live(&rows, row)?;
        }
        for (id, before) in &self.rows.sessions {
            if !rows.sessions.contains_key(id) {
                self.check_swept(before, ports, now)?;
            }
        }
        for (id, row) in &rows.sessions {
            if let Some(record) = self.sessions.get_mut(id) {
                record.digests.insert(row.generation, row.digest.clone());
            }
        }
        for (id, hash) in &self.passwords {
            let user = rows.users.get(id);
            hold!(
                "I4",
                user.is_none_or(|user| user.password_hash == *hash),
                "an acknowledged password is gone"
            );
        }
        self.rows = rows;
        Ok(())
    }

    fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Opened {
                id,
                user,
                hash,
                created_at,
            } => {
                let policy = &self.settings.policy;
                let shaken = if self.settings.promises_sessions() {
                    None
                } else {
                    Some("the weather is rough")
                };
                let record = Record {
                    name: format!("s{}", self.sessions.len() + 1),
                    user: key(user),
                    hash: hash.clone(),
                    absolute_end: created_at
                        .plus(policy.max_age.as_duration())
                        .floor_to_second(),
                    stolen: false,
                    shaken,
                    losses: 0,
                    interruptions: 0,
                    digests: std::collections::BTreeMap::new(),
                    tokens: std::collections::BTreeMap::new(),
                    access: Vec::new(),
                    acknowledged: 0,
                    end: None,
                    recoveries: 0,
                    last_recovered: None,
                };
                self.sessions.insert(key(id), record);
            }
            Effect::Recovered(id, generation) => {
                if let Some(record) = self.sessions.get_mut(&key(id)) {
                    record.recoveries += 1;
                    record.last_recovered = Some(*generation);
                }
            }
            Effect::Polled => {}
        }
    }

    fn compare(&self, before: &SessionRow, row: &SessionRow, ports: &[Port]) -> Checked {
        let Some(record) = self.sessions.get(&row.id) else {
            return Ok(());
        };
        let name = &record.name;
        let step = row.generation - before.generation;
        hold!(
            "I7",
            step == 0 || (step == 1 && ports.contains(&Port::Rotate)),
            "{name} went from generation {} to {}",
            before.generation,
            row.generation
        );
        hold!(
            "I1",
            record
                .digests
                .get(&row.generation)
                .is_none_or(|digest| *digest == row.digest),
            "{name} has two tokens of generation {}",
            row.generation
        );
        hold!(
            "replays write nothing",
            step == 1 || (row.rotated_at, row.expires_at) == (before.rotated_at, before.expires_at),
            "{name} has other times at the same generation"
        );
        hold!(
            "I6",
            row.max_expires_at == before.max_expires_at,
            "the absolute end of {name} moved"
        );
        if before.ended_at.is_some() {
            hold!("I3", row == before, "{name} had ended, and changed");
        }
        if before.ended_at.is_none() && row.ended_at.is_some() {
            self.check_end(record, row, ports)?;
        }
        hold!(
            "late recovery",
            row.recovered_generation == record.last_recovered,
            "{name} recovered at {:?}, and its row says {:?}",
            record.last_recovered,
            row.recovered_generation
        );
        hold!(
            "late recovery",
            match (before.recovered_generation, row.recovered_generation) {
                (Some(last), Some(new)) => new == last || new - last >= 16,
                (Some(_), None) => false,
                (None, _) => true,
            },
            "{name} recovered at {:?} and then {:?}",
            before.recovered_generation,
            row.recovered_generation
        );
        Ok(())
    }

    /// An end has a cause among the calls just made, and reuse one among what happened (I2).
    fn check_end(&self, record: &Record, row: &SessionRow, ports: &[Port]) -> Checked {
        let name = &record.name;
        let reason = row.end_reason.as_deref().unwrap_or_default();
        let cause: &[Port] = match reason {
            "logout" => &[Port::EndSession, Port::EndedSessions],
            "logout_all" | "logout_others" => &[Port::EndSessionsOf],
            "password_changed" => &[Port::ChangePassword],
            "user_disabled" => &[Port::DisableUser],
            "user_deleted" => &[Port::DeleteUser],
            "replaced" | "limit" => &[Port::OpenSession],
            "reuse_detected" => &[Port::Rotate],
            // A key that was retired takes its sessions along: before its time only where the
            // clock was set.
            "admin" if self.stepped => &[Port::ChangeKeys],
            _ => &[],
        };
        hold!(
            "ends have causes",
            cause.iter().any(|port| ports.contains(port)),
            "{name} ended with {reason}, and nobody asked for that"
        );
        if reason == "reuse_detected" {
            hold!(
                "I2",
                record.stolen || record.shaken.is_some(),
                "{name} of an honest client ended with {reason}"
            );
        }
        Ok(())
    }

    /// I9: whatever lives was opened with the password of now, for somebody who is active.
    fn check_live(&self, rows: &Rows, row: &SessionRow) -> Checked {
        let Some(record) = self.sessions.get(&row.id) else {
            return Ok(());
        };
        hold!(
            "I4",
            row.generation >= record.acknowledged,
            "{} lost generation {}",
            record.name,
            record.acknowledged
        );
        hold!(
            "I4",
            record.end.is_none() || row.ended_at.is_some(),
            "{} lives after its end was acknowledged",
            record.name
        );
        if row.ended_at.is_none() {
            let user = rows.users.get(&row.user_id);
            hold!(
                "I9",
                user.is_some_and(|u| u.disabled_at.is_none() && u.password_hash == record.hash),
                "{} lives without its user's password",
                record.name
            );
        }
        Ok(())
    }

    fn check_swept(&self, before: &SessionRow, ports: &[Port], now: Timestamp) -> Checked {
        let needed = self.settings.policy.access_is_accepted_for();
        let name = self.name(&before.id);
        let ran_out = Timestamp::from_micros(before.max_expires_at).plus(needed) <= now;
        let long_ended = before
            .ended_at
            .is_some_and(|at| Timestamp::from_micros(at).plus(needed) <= now);
        hold!(
            "sweeps",
            ports.contains(&Port::Sweep) && (ran_out || long_ended),
            "{name} is gone"
        );
        Ok(())
    }

    /// A change of password was acknowledged, or may have happened (`None`).
    pub fn password_is(&mut self, user: &str, hash: Option<String>) {
        match hash {
            Some(hash) => self.passwords.insert(user.to_owned(), hash),
            None => self.passwords.remove(user),
        };
    }

    /// What the audit log must say at the end: every reuse and every late recovery, once.
    pub fn check_audit(
        &self,
        audit: &std::collections::BTreeMap<(String, String), i64>,
    ) -> Checked {
        let told = |kind: &str, id: &str| {
            let entry = (kind.to_owned(), id.to_owned());
            audit.get(&entry).copied().unwrap_or(0)
        };
        for (id, record) in &self.sessions {
            let reason = self
                .rows
                .sessions
                .get(id)
                .and_then(|r| r.end_reason.as_deref());
            if let Some(reason) = reason {
                let expected = i64::from(reason == "reuse_detected");
                hold!(
                    "audit",
                    told("refresh_reused", id) == expected,
                    "{} ended with {reason}, and the audit log tells of {} reuses",
                    record.name,
                    told("refresh_reused", id)
                );
            }
            hold!(
                "audit",
                told("late_recovery", id) == record.recoveries,
                "{} had {} late recoveries, and the audit log tells of {}",
                record.name,
                record.recoveries,
                told("late_recovery", id)
            );
        }
        Ok(())
    }
}
