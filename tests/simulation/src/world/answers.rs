//! What an answer means: the judge hears of it first, then whoever asked.

use token_core::policy::SessionPolicy;
use token_core::random;
use token_core::secret::RefreshSecret;
use token_core::service::{LoginError, RefreshError, RefreshWay, Refreshed, TokenPair};
use token_core::time::{Clock, Timestamp};
use token_core::token::refresh as refresh_token;

use super::{Jar, Mail, Origin, Reply, Task, World};
use crate::control::Speaker;
use crate::database::key;
use crate::defect::Defect;
use crate::hashing::password_of;
use crate::node::ISSUER;
use crate::oracle::{Checked, Judged, hold};
use crate::request::{Answer, Failure, Request};
use crate::sabotage::hex;

impl World {
    pub(super) fn finish(&mut self, task: Task, answer: Answer) -> Checked {
        match answer {
            Answer::Login(Ok(logged)) => {
                self.tally.count("login: done");
                self.tell_of(&task, "logged in");
                self.oracle.given(&logged.pair)?;
                self.count_displaced(&task);
                self.reply(&task, fresh(&logged.pair));
            }
            Answer::Login(Err(error)) => self.login_failed(&task, &error)?,
            Answer::Refresh(answer) => return self.refreshed(&task, answer),
            Answer::ChangePassword(Ok(pair)) => {
                self.tally.count("change password: done");
                self.tell_of(&task, "password changed");
                self.oracle.given(&pair)?;
                self.all_ended(&task, Some(&key(pair.session.id)))?;
                self.reply(&task, fresh(&pair));
            }
            Answer::ChangePassword(Err(failure)) | Answer::Done(Err(failure)) => {
                self.not_done(&task, &failure)?;
            }
            Answer::Done(Ok(count)) => self.done(&task, count)?,
        }
        self.probe()
    }

    /// The time of day when the node took the request up.
    fn began(&self, task: &Task) -> Timestamp {
        task.began
            .map_or_else(|| self.around.clock.now(), |(now, _)| now)
    }

    fn tell_of(&mut self, task: &Task, what: &str) {
        self.tell(format!("t{}: {what}", task.number));
    }

    fn reply(&mut self, task: &Task, reply: Reply) {
        if let Origin::Device(device) = task.origin {
            self.mail.push(Mail {
                device,
                task: task.number,
                since: task.since,
                reply,
            });
        }
    }

    fn login_failed(&mut self, task: &Task, error: &LoginError) -> Checked {
        match error {
            LoginError::Store(_) => {
                hold!(
                    "errors have causes",
                    task.faulted,
                    "a login failed: {error}"
                );
                self.tally.count("login: storage failed");
            }
            LoginError::InvalidCredentials => {
                self.tally.count("login: refused");
                self.refused_with_reason(task)?;
            }
            LoginError::Throttled(_) | LoginError::Busy(_) => {
                hold!("errors have causes", false, "{error}");
            }
        }
        self.tell_of(task, &error.to_string());
        self.reply(task, Reply::Noted);
        self.forget_login(task);
        Ok(())
    }

    /// The right password of an active user is refused only where it changed meanwhile.
    fn refused_with_reason(&self, task: &Task) -> Checked {
        let Request::Login { name, .. } = &task.request else {
            return Ok(());
        };
        let user = self
            .oracle
            .rows
            .users
            .values()
            .find(|user| user.username == *name);
        let right = user.is_some_and(|user| {
            user.disabled_at.is_none()
                && password_of(&user.password_hash) == Some(task.speaker.password)
        });
        hold!(
            "logins",
            !right || task.accompanied,
            "the right password of {name} was refused"
        );
        Ok(())
    }

    fn forget_login(&mut self, task: &Task) {
        for device in &mut self.devices {
            if device.logging_in == Some(task.number) {
                device.logging_in = None;
            }
        }
    }

    fn count_displaced(&mut self, task: &Task) {
        let displaced = self
            .oracle
            .rows
            .sessions
            .values()
            .any(|row| matches!(row.end_reason.as_deref(), Some("limit" | "replaced")));
        if displaced && matches!(task.request, Request::Login { .. }) {
            self.tally.count("sessions: replaced or over the limit");
        }
    }

    fn not_done(&mut self, task: &Task, failure: &Failure) -> Checked {
        if matches!(failure, Failure::Storage) {
            let stale = matches!(
                task.request,
                Request::LogoutAll { .. }
                    | Request::LogoutOthers { .. }
                    | Request::ChangePassword { .. }
                    | Request::DeleteAccount { .. }
            );
            hold!(
                "errors have causes",
                task.faulted || stale || task.accompanied,
                "{} failed",
                task.request.name()
            );
            if matches!(task.request, Request::Poll) {
                self.tally.count("poll: storage failed");
            }
        }
        self.tell_of(task, &format!("{failure:?}"));
        self.reply(task, Reply::Noted);
        self.forget_login(task);
        Ok(())
    }

    fn done(&mut self, task: &Task, count: u64) -> Checked {
        self.tell_of(task, &format!("done ({count})"));
        match &task.request {
            Request::Logout { .. } => {
                self.tally.count("logout: done");
                if let Some(id) = &task.subject {
                    self.must_be_ended(task, &id.clone())?;
                }
                self.over(task);
            }
            Request::LogoutAll { .. } => {
                self.tally.count("logout all: done");
                self.all_ended(task, None)?;
                self.over(task);
            }
            Request::LogoutOthers { .. } => {
                self.tally.count("logout others: done");
                self.all_ended(task, task.subject.as_deref())?;
                self.reply(task, Reply::Noted);
            }
            Request::DeleteAccount { .. } => {
                self.tally.count("delete account: done");
                self.all_ended(task, None)?;
                self.over(task);
            }
            // None where another node has deleted the account meanwhile.
            Request::Disable(_) if count > 0 => {
                self.tally.count("disable user: done");
                self.all_ended(task, None)?;
            }
            Request::Enable(_) => self.tally.count("enable user: done"),
            Request::Poll => {
                self.tally.count(if count == 0 {
                    "poll: nothing new"
                } else {
                    "poll: news"
                });
                let began = self.began(task);
                self.oracle.polled(task.node, task.let_go, began);
            }
            Request::LookAfterKeys if count > 0 => {
                self.tally.count("keys: changed");
                self.oracle.keys_changed();
            }
            Request::RotateKey(_) => self.tally.count("keys: rotation begun"),
            Request::Sweep if count > 0 => self.tally.count("sweep: sessions deleted"),
            Request::Record(_) => self.tally.count("audit: replayed elsewhere"),
            _ => {}
        }
        Ok(())
    }

    fn over(&mut self, task: &Task) {
        if let Origin::Device(n) = task.origin
            && let Some(jar) = &self.devices[n].jar
        {
            let session = jar.session.clone();
            self.reply(task, Reply::Over(session));
        }
    }

    /// I4: what was acknowledged is in the rows.
    fn must_be_ended(&mut self, task: &Task, id: &str) -> Checked {
        let row = self.oracle.rows.sessions.get(id);
        hold!(
            "I4",
            row.is_none_or(|row| row.ended_at.is_some()),
            "{} lives after {} was acknowledged",
            self.oracle.name(id),
            task.request.name()
        );
        if self.oracle.is_swept(id) {
            return Ok(());
        }
        let monotonic = self.monotonic();
        self.oracle.ended(id, task.node, monotonic);
        Ok(())
    }

    fn all_ended(&mut self, task: &Task, except: Option<&str>) -> Checked {
        let began = self.began(task);
        for id in &task.bystanders {
            if Some(id.as_str()) != except && !self.oracle.is_history(id, began) {
                self.must_be_ended(task, id)?;
            }
        }
        Ok(())
    }

    fn refreshed(&mut self, task: &Task, answer: Result<Refreshed, RefreshError>) -> Checked {
        let Request::Refresh { token, .. } = &task.request else {
            return Ok(());
        };
        let answer = self.meddle(task, answer);
        let judged = Judged {
            token,
            began: self.began(task),
            let_go: task.let_go,
            faulted: task.faulted,
            accompanied: task.accompanied,
            excused: task.excused,
            seen: task.seen.clone(),
        };
        let thief = matches!(task.origin, Origin::Thief(_));
        match answer {
            Ok(answer) => {
                let what = match answer.way {
                    RefreshWay::Rotated => "refresh: rotated",
                    RefreshWay::Repeated => "refresh: repeated",
                    RefreshWay::Replayed => "refresh: replayed",
                    RefreshWay::Recovered => "refresh: recovered late",
                };
                self.tally.count(what);
                self.tell_of(task, &format!("{what} {}", answer.pair.session.generation));
                self.oracle.refreshed(&judged, &answer)?;
                let pair = jar(&answer.pair);
                if let Origin::Thief(n) = task.origin {
                    self.tally.count("theft: thief refreshed");
                    self.loot[n].refresh.clone_from(&pair.refresh);
                    self.loot[n].access.clone_from(&pair.access);
                }
                let store =
                    answer.is_successor() || self.around.defect == Some(Defect::RepeatSetsCookie);
                self.latest.insert(pair.session.clone(), answer.clone());
                let reply = Reply::Tokens {
                    jar: Box::new(pair),
                    store,
                    repeated: answer.way == RefreshWay::Repeated,
                };
                self.reply(task, reply);
                if let Some(event) = answer.audit {
                    let record = Request::Record(event);
                    self.send(task.node, Origin::House, record, Speaker::default());
                }
            }
            Err(error) => {
                self.tally.count(named(&error));
                if thief {
                    self.tally.count("theft: thief refused");
                }
                self.tell_of(task, &error.to_string());
                self.oracle.refused(&judged, &error)?;
                let session = task.subject.clone().unwrap_or_default();
                if matches!(error, RefreshError::Reused) {
                    self.must_be_ended(task, &session)?;
                }
                let later = matches!(error, RefreshError::Store(_) | RefreshError::Keys(_));
                self.reply(
                    task,
                    if later {
                        Reply::Later
                    } else {
                        Reply::Over(session)
                    },
                );
            }
        }
        self.probe()
    }

    /// The defects of whoever answers.
    fn meddle(
        &mut self,
        task: &Task,
        answer: Result<Refreshed, RefreshError>,
    ) -> Result<Refreshed, RefreshError> {
        let Some(id) = task.subject.clone() else {
            return answer;
        };
        match (self.around.defect, answer) {
            (Some(Defect::TimeOnlyGrace), Err(RefreshError::Reused)) => {
                let now = self.around.clock.now();
                let latest = self.latest.get(&id).cloned().filter(|latest| {
                    let policy: &SessionPolicy = &self.settings.policy;
                    let window = policy.replay_window.as_duration();
                    !window.is_zero() && now.distance(latest.pair.session.rotated_at) <= window
                });
                let Some(latest) = latest else {
                    return Err(RefreshError::Reused);
                };
                self.around.database.meddle(&format!(
                    "UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE id = x'{id}'"
                ));
                self.oracle.rows = self.around.database.rows();
                Ok(Refreshed {
                    way: RefreshWay::Replayed,
                    ..latest
                })
            }
            (Some(Defect::RandomSuccessor), Ok(answer)) if answer.way == RefreshWay::Replayed => {
                Ok(self.drawn_anew(task, answer))
            }
            (_, answer) => answer,
        }
    }

    /// The same answer with another refresh token, which is stored.
    fn drawn_anew(&mut self, task: &Task, answer: Refreshed) -> Refreshed {
        let Some(node) = &self.nodes[task.node] else {
            return answer;
        };
        let secret = RefreshSecret::from_bytes(random::bytes(self.around.entropy.as_ref()));
        let keys = node.service.keys();
        let session = &answer.pair.session;
        let Some(signer) = keys.refresh().get(session.refresh_kid.as_str()) else {
            return answer;
        };
        let refresh = refresh_token::mint(ISSUER, signer, session, &secret);
        let (id, digest) = (key(session.id), hex(secret.digest().as_bytes()));
        self.around.database.meddle(&format!(
            "UPDATE sessions SET refresh_digest = x'{digest}' WHERE id = x'{id}'"
        ));
        Refreshed {
            pair: TokenPair {
                refresh,
                ..answer.pair
            },
            ..answer
        }
    }
}

fn named(error: &RefreshError) -> &'static str {
    match error {
        RefreshError::Reused => "refresh: reused",
        RefreshError::SessionEnded(_) => "refresh: session ended",
        RefreshError::SessionExpired => "refresh: session expired",
        RefreshError::TokenExpired => "refresh: token expired",
        RefreshError::Store(_) | RefreshError::Keys(_) => "refresh: storage failed",
        RefreshError::Invalid
        | RefreshError::InvalidScope
        | RefreshError::StateLost
        | RefreshError::Contended => "refresh: invalid",
    }
}

fn jar(pair: &TokenPair) -> Jar {
    Jar {
        session: key(pair.session.id),
        id: pair.session.id,
        refresh: pair.refresh.expose().to_owned(),
        access: pair.access.token.expose().to_owned(),
    }
}

fn fresh(pair: &TokenPair) -> Reply {
    Reply::Tokens {
        jar: Box::new(jar(pair)),
        store: true,
        repeated: false,
    }
}
