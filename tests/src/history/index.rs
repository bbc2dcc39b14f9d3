//! The events by what they are about.

use std::collections::HashMap;
use std::time::Duration;

use super::{Answer, Asked, Event, Given};

/// What is known of every session and every user.
#[derive(Default)]
pub(super) struct Index<'a> {
    pub(super) sessions: HashMap<&'a str, Session<'a>>,
    pub(super) users: HashMap<&'a str, User<'a>>,
}

/// A session, as its clients saw it.
#[derive(Default)]
pub(super) struct Session<'a> {
    /// The login or the change of a password that opened it, and with which password.
    pub(super) opened: Option<Opened<'a>>,
    /// Refreshes and verifications.
    pub(super) uses: Vec<&'a Event>,
    /// The acknowledged generations, with when and with what digest.
    pub(super) given: Vec<(&'a Event, &'a Given)>,
    /// Acknowledgements of its end.
    pub(super) ends: Vec<End<'a>>,
    /// Requests for its end that may have been done: when the first one was sent.
    pub(super) end_asked: Option<Duration>,
    /// Whether somebody else presented a token of it.
    pub(super) stolen: bool,
}

/// How a session began.
#[derive(Clone, Copy)]
pub(super) struct Opened<'a> {
    pub(super) event: &'a Event,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
}

/// Somebody was told that a session has ended.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) event: &'a Event,
    /// Whether it is the database that said so, or what one node knows of ended sessions.
    pub(super) in_database: bool,
}

/// A user.
#[derive(Default)]
pub(super) struct User<'a> {
    pub(super) registered: Option<&'a Event>,
    pub(super) logins: Vec<(&'a Event, &'a str)>,
    /// Changes of the password that were done, or may be, in the order in which they were
    /// asked for.
    pub(super) changes: Vec<(&'a Event, &'a str)>,
    /// Likewise, logouts everywhere.
    pub(super) departures: Vec<&'a Event>,
}

impl<'a> Index<'a> {
    pub(super) fn of(events: &'a [Event]) -> Self {
        let mut in_order: Vec<&Event> = events.iter().collect();
        in_order.sort_by_key(|event| event.invoked);
        let mut index = Self::default();
        for event in in_order {
            index.add(event);
        }
        index.end_by_users();
        index
    }

    fn add(&mut self, event: &'a Event) {
        let refused = matches!(event.answer, Answer::No(_));
        match &event.asked {
            // Asked for again, it is refused.
            Asked::Register { user } if !refused => self.user(user).registered = Some(event),
            Asked::LogIn { user, password } => {
                self.user(user).logins.push((event, password));
                self.open(event, user, password);
            }
            Asked::Refresh { session, thief, .. } => {
                let session = self.session(session);
                session.stolen |= thief;
                session.take_use(event);
            }
            Asked::Verify { session } => self.session(session).take_use(event),
            Asked::LogOut { session } => self.session(session).take_logout(event),
            Asked::LogOutEverywhere { user } if !refused => {
                self.user(user).departures.push(event);
            }
            Asked::ChangePassword { user, to } if !refused => {
                self.user(user).changes.push((event, to));
                self.open(event, user, to);
            }
            Asked::Register { .. }
            | Asked::LogOutEverywhere { .. }
            | Asked::ChangePassword { .. }
            | Asked::Rows => {}
        }
    }

    fn user(&mut self, name: &'a str) -> &mut User<'a> {
        self.users.entry(name).or_default()
    }

    fn session(&mut self, id: &'a str) -> &mut Session<'a> {
        self.sessions.entry(id).or_default()
    }

    fn open(&mut self, event: &'a Event, user: &'a str, password: &'a str) {
        if let Answer::Yes(Some(given)) = &event.answer {
            let session = self.session(&given.session);
            session.opened = Some(Opened {
                event,
                user,
                password,
            });
            session.given.push((event, given));
        }
    }

    /// Carries what ends all sessions of a user to those sessions.
    fn end_by_users(&mut self) {
        for session in self.sessions.values_mut() {
            let Some(opened) = session.opened else {
                continue;
            };
            let Some(user) = self.users.get(opened.user) else {
                continue;
            };
            for &event in &user.departures {
                session.may_end(event);
                // One that was being opened meanwhile may be left.
                if opened.event.returned < event.invoked {
                    session.ends_if_done(event);
                }
            }
            for &(event, to) in &user.changes {
                // The one that it opened, and those of passwords that came later.
                if to == opened.password || opened.event.invoked > event.returned {
                    continue;
                }
                session.may_end(event);
                session.ends_if_done(event);
            }
        }
    }
}

impl<'a> Session<'a> {
    fn take_use(&mut self, event: &'a Event) {
        self.uses.push(event);
        let refresh = matches!(event.asked, Asked::Refresh { .. });
        match &event.answer {
            Answer::Yes(Some(given)) => self.given.push((event, given)),
            Answer::No(code) if ends(code) => self.ends.push(End {
                event,
                in_database: refresh,
            }),
            Answer::Yes(None) | Answer::No(_) | Answer::Unknown | Answer::Rows(_) => {}
        }
    }

    fn take_logout(&mut self, event: &'a Event) {
        if !matches!(event.answer, Answer::No(_)) {
            self.may_end(event);
            self.ends_if_done(event);
        }
    }

    fn may_end(&mut self, event: &Event) {
        let first = self.end_asked.unwrap_or(event.invoked);
        self.end_asked = Some(first.min(event.invoked));
    }

    fn ends_if_done(&mut self, event: &'a Event) {
        if matches!(event.answer, Answer::Yes(_)) {
            self.ends.push(End {
                event,
                in_database: true,
            });
        }
    }
}

/// Whoever is told so is told that the session has ended, for ever.
fn ends(code: &str) -> bool {
    ["session_revoked", "refresh_token_reused"].contains(&code)
}
