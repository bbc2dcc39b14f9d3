//! What a client does with its days.

use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{Client, Node, registering};
use super::session::{Session, Standing};
use super::{HANG_WHILE_HASHING, tabs};
use crate::clock;
use crate::history::{Asked, Rows};
use crate::{Person, Transport};

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trade {
    /// Refreshes a few sessions in turn, now and then one of them twice at once.
    Staying,
    /// Logs in, refreshes, and logs out again every other time.
    Visiting,
    /// Changes the password again and again.
    Changing,
    /// Registers others.
    Registering,
    /// Refreshes a session from several tabs of one browser at once.
    Browsing,
    /// Has a session of which a thief presents an old token.
    Robbed,
    /// Logs in here and there, and out everywhere at once.
    Leaving,
}

/// How many sessions somebody has who stays.
const SESSIONS: usize = 6;
/// How long it takes somebody who registers others to find one more.
const PER_PERSON: Duration = Duration::from_millis(250);

/// Where a client is in what it does.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// How many things were brought to their end.
    done: usize,
    /// Something was asked for, and nothing is known of it.
    open: bool,
    stage: Stage,
    /// The end of all sessions was asked for, and nothing is known of it.
    leaving: bool,
    /// The passwords of which one is valid; the last one was asked for last.
    possible: Vec<String>,
    /// Those that were valid once.
    former: Vec<String>,
    /// How many of the possible ones were refused in a row.
    refused: usize,
    /// Who was registered, or may be.
    people: Vec<Person>,
    registered_at: Option<Instant>,
}

/// What somebody who visits does next, with the newest session.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Come,
    Refresh,
    Leave,
}

impl Progress {
    /// Whether something was asked for of which nothing is known.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }
}

impl Trade {
    /// Whatever has to be there before anything fails.
    pub(super) fn begin(self, client: &mut Client) {
        let password = client.person.password.clone();
        let (sessions, transport) = match self {
            Self::Staying => (SESSIONS, Transport::Body),
            Self::Browsing => (1, Transport::Cookie),
            Self::Visiting | Self::Changing | Self::Registering | Self::Robbed | Self::Leaving => {
                (0, Transport::Body)
            }
        };
        for _ in 0..sessions {
            let answer = clock::within(HANG_WHILE_HASHING, "a login", || {
                client.log_in_by(transport, &password)
            });
            client.sessions.push(answer.expect("a login"));
        }
        client.progress.possible.push(password);
    }

    /// Does one thing.
    pub(super) fn step(self, client: &mut Client) {
        match self {
            Self::Staying => stay(client),
            Self::Visiting => visit(client),
            Self::Changing => change(client),
            Self::Registering => register(client),
            Self::Browsing => client.progress.open = !tabs::refresh(client, 0),
            Self::Robbed => be_robbed(client),
            Self::Leaving => leave_everywhere(client),
        }
    }

    /// Finds true what was told beside the sessions.
    pub(super) fn check(self, client: &mut Client, node: &Node, stored: &Rows) {
        match self {
            Self::Staying | Self::Visiting | Self::Browsing | Self::Robbed | Self::Leaving => {}
            Self::Changing => check_passwords(client, node),
            Self::Registering => check_people(client, node, stored),
        }
    }
}

fn stay(client: &mut Client) {
    let place = client.progress.done % client.sessions.len();
    let session = &client.sessions[place];
    let presented = session.presents();
    let heard = if client.progress.done % 4 == 3 {
        let nodes = [client.node(), client.next_node()];
        let [first, second] = client.ask_twice(nodes.map(|node| session.refreshing(&node)));
        // Both are looked at, whatever the first one is.
        let heard = client.take(place, presented, first);
        client.take(place, presented, second) && heard
    } else {
        let question = session.refreshing(&client.node());
        let reply = client.ask(question);
        client.take(place, presented, reply)
    };
    // The same one again, at once, until it is known: that is what an honest client does.
    client.progress.open = !heard;
    client.progress.done += usize::from(heard);
}

fn visit(client: &mut Client) {
    let place = client.sessions.len().wrapping_sub(1);
    match client.progress.stage {
        Stage::Come => {
            if come(client) {
                client.progress.stage = Stage::Refresh;
            }
        }
        Stage::Refresh => {
            if refresh(client, place) {
                let leave = client.sessions.len().is_multiple_of(2);
                client.progress.stage = if leave { Stage::Leave } else { Stage::Come };
            }
        }
        Stage::Leave => {
            let session = &mut client.sessions[place];
            session.standing = Standing::Unsure;
            let id = session.id.clone();
            let call = client.node().call("POST", "/v1/logout");
            let call = client.sessions[place].bearing(call);
            let reply = client.ask((Asked::LogOut { session: id }, call));
            client.progress.open = reply.is_none();
            match reply {
                Some(reply) if reply.status == 204 => {
                    client.sessions[place].standing = Standing::Ended;
                    client.tallies.count(|tally| tally.logouts += 1);
                    client.progress.stage = Stage::Come;
                }
                Some(reply) => client.complain(&format!("no logout: {}", reply.text())),
                None => {}
            }
        }
    }
}

/// Logs in; whether there is a new session.
fn come(client: &mut Client) -> bool {
    let password = client.person.password.clone();
    match client.log_in(&password) {
        Some(Ok(session)) => {
            client.sessions.push(session);
            return true;
        }
        Some(Err(reply)) => client.complain(&format!("no login: {}", reply.text())),
        // Whether there is a session now, nobody needs to know.
        None => {}
    }
    false
}

/// Refreshes a session, again if nothing was heard; whether there was an answer.
fn refresh(client: &mut Client, place: usize) -> bool {
    let presented = client.sessions[place].presents();
    let question = client.sessions[place].refreshing(&client.node());
    let reply = client.ask(question);
    let heard = client.take(place, presented, reply);
    client.progress.open = !heard;
    heard
}

/// Somebody copied the first refresh token, and presents it when the owner is two
/// generations further: that ends the session.
fn be_robbed(client: &mut Client) {
    let Some(place) = client.sessions.len().checked_sub(1) else {
        come(client);
        return;
    };
    let session = &client.sessions[place];
    match session.standing {
        Standing::Ended => drop(come(client)),
        Standing::Live if session.generation < 2 => drop(refresh(client, place)),
        Standing::Live | Standing::Unsure => {
            let question = session.stealing(&client.node(), 0);
            client.sessions[place].standing = Standing::Unsure;
            let reply = client.ask(question);
            client.progress.open = reply.is_none();
            let Some(reply) = reply else {
                return;
            };
            match reply.code().as_str() {
                "refresh_token_reused" | "session_revoked" => {
                    client.sessions[place].standing = Standing::Ended;
                }
                code => client.complain(&format!("a thief got {} {code}", reply.status)),
            }
        }
    }
}

/// Three sessions, a refresh of the newest one, and the end of all.
fn leave_everywhere(client: &mut Client) {
    let live = |session: &&Session| session.standing != Standing::Ended;
    let open = client.sessions.iter().filter(live).count();
    if open < 3 && !client.progress.open {
        come(client);
        return;
    }
    let place = client.sessions.len() - 1;
    if client.sessions[place].generation == 0 && !client.progress.leaving {
        refresh(client, place);
        return;
    }
    client.progress.leaving = true;
    for session in &mut client.sessions {
        if session.standing == Standing::Live {
            session.standing = Standing::Unsure;
        }
    }
    let user = client.person.username.clone();
    let call = client.node().call("POST", "/v1/logout/all");
    let call = client.sessions[place].bearing(call);
    let reply = client.ask((Asked::LogOutEverywhere { user }, call));
    client.progress.open = reply.is_none();
    let Some(reply) = reply else {
        return;
    };
    client.progress.leaving = false;
    match reply.status {
        204 => client.tallies.count(|tally| tally.logouts += 1),
        // The request before was done after all.
        401 if reply.code() == "session_revoked" => {}
        status => client.complain(&format!("no logout of all: {status} {}", reply.text())),
    }
    for session in &mut client.sessions {
        session.standing = Standing::Ended;
    }
}

/// Logs in with a password that may be the valid one, and changes it.
fn change(client: &mut Client) {
    let current = client.progress.possible[0].clone();
    let session = match client.log_in(&current) {
        Some(Ok(session)) => session,
        Some(Err(_)) => return next_possible(client),
        None => return,
    };
    client.progress.done += 1;
    let new = format!("lamp-Quartz-{}-{}", client.number, client.progress.done);
    let body = json!({ "current_password": current, "new_password": new });
    let call = client.node().call("POST", "/v1/me/password");
    let asked = Asked::ChangePassword {
        user: client.person.username.clone(),
        to: new.clone(),
    };
    let reply = client.ask((asked, session.bearing(call).json(body)));
    client.sessions.push(session);
    let Some(reply) = reply else {
        return unsure(client, new);
    };
    match reply.status {
        200 => {
            for session in &mut client.sessions {
                session.standing = Standing::Ended;
            }
            client.sessions.push(Session::of(Transport::Body, &reply));
            let progress = &mut client.progress;
            progress.former.append(&mut progress.possible);
            progress.possible.push(new);
            (progress.open, progress.refused) = (false, 0);
            client.tallies.count(|tally| tally.changes += 1);
        }
        // An earlier change was done late, just now, and has ended this session too.
        401 | 403 if client.progress.possible.len() > 1 => {
            unsure(client, new);
            next_possible(client);
        }
        status => client.complain(&format!("no password change: {status} {}", reply.text())),
    }
}

fn unsure(client: &mut Client, new: String) {
    for session in &mut client.sessions {
        if session.standing == Standing::Live {
            session.standing = Standing::Unsure;
        }
    }
    client.progress.possible.push(new);
    client.progress.open = true;
}

/// What was asked for and not answered may be done at any time until something later is:
/// a password that was refused is tried again, after the others.
fn next_possible(client: &mut Client) {
    let progress = &mut client.progress;
    progress.possible.rotate_left(1);
    progress.refused += 1;
    if progress.refused > 3 * progress.possible.len() {
        progress.refused = 0;
        let possible = progress.possible.len();
        client.complain(&format!("none of {possible} possible passwords is valid"));
    }
}

fn check_passwords(client: &mut Client, node: &Node) {
    let valid = client.progress.possible.clone();
    let person = client.person.clone();
    let can = |password: &str| {
        person
            .clone()
            .with_password(password)
            .can_log_in(&node.anonymous)
    };
    if !valid.iter().any(|password| can(password)) {
        client.complain("the last acknowledged password is refused");
    }
    let former = client.progress.former.clone();
    // All of them, were they not so slow to check: the newest are the likeliest to be back.
    for password in former.iter().rev().take(4) {
        if can(password) {
            client.complain("a replaced password is valid");
        }
    }
}

fn register(client: &mut Client) {
    let progress = &mut client.progress;
    if !progress.open {
        let early = |at: Instant| at.elapsed() < PER_PERSON;
        if progress.registered_at.is_some_and(early) {
            return;
        }
        progress.registered_at = Some(Instant::now());
        progress.done += 1;
        let name = format!("friend-{}-{}", client.number, progress.done);
        progress.people.push(Person::named(&name));
    }
    let again = progress.open;
    let Some(person) = progress.people.last().cloned() else {
        return;
    };
    let question = registering(&client.node(), &person);
    let reply = client.ask(question);
    client.progress.open = reply.is_none();
    match reply.map(|reply| (reply.status, reply)) {
        Some((201, _)) => client.tallies.count(|tally| tally.registrations += 1),
        // The request before was done after all.
        Some((409, _)) if again => {}
        Some((status, reply)) => {
            client.complain(&format!("no registration: {status} {}", reply.text()));
        }
        None => {}
    }
}

/// All of them have an account, and the newest can use it.
fn check_people(client: &mut Client, node: &Node, stored: &Rows) {
    for (age, person) in client.progress.people.clone().iter().rev().enumerate() {
        let there = stored.users.contains(&person.username);
        if !there || (age < 3 && !person.can_log_in(&node.anonymous)) {
            client.complain(&format!("{} was registered and is not", person.username));
        }
    }
}
