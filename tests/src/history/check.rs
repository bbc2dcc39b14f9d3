//! The rules, as a pure function over the events.

use std::collections::HashMap;
use std::time::Duration;

use super::index::{Index, Session, User};
use super::{Answer, Asked, Event, Finding, Row, Rows, Rule};

/// Holds the events against every rule. `elsewhere` is how long a node may accept access
/// tokens of a session that ended at another one.
pub fn check(events: &[Event], elsewhere: Duration) -> Vec<Finding> {
    let index = Index::of(events);
    let looks: Vec<(&Event, &Rows)> = events
        .iter()
        .filter_map(|event| match &event.answer {
            Answer::Rows(rows) => Some((event, rows)),
            Answer::Yes(_) | Answer::No(_) | Answer::Unknown => None,
        })
        .collect();
    let mut findings = Findings(Vec::new());
    for (id, session) in &index.sessions {
        findings.one_successor(id, session, &looks);
        findings.no_life_after_the_end(id, session, elsewhere);
        findings.no_old_token(id, session);
        findings.nobody_logged_out(id, session, &looks);
        for &(look, rows) in &looks {
            findings.session_is_there(id, session, look, rows.sessions.get(*id));
        }
    }
    for (name, user) in &index.users {
        findings.one_password(name, user);
        for &(look, rows) in &looks {
            let registered = user.registered.filter(|event| is_done(event));
            if registered.is_some_and(|event| event.returned < look.invoked)
                && !rows.users.contains(*name)
            {
                findings.add(
                    Rule::NothingLost,
                    format!("{name} was registered, and is not"),
                );
            }
        }
    }
    findings.0
}

fn is_done(event: &Event) -> bool {
    matches!(event.answer, Answer::Yes(_))
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, rule: Rule, what: String) {
        self.0.push(Finding { rule, what });
    }

    fn one_successor(&mut self, id: &str, session: &Session<'_>, looks: &[(&Event, &Rows)]) {
        let mut digests: HashMap<i64, &str> = HashMap::new();
        let told = session
            .given
            .iter()
            .map(|(_, given)| (given.generation, given.digest.as_str()));
        let stored = looks.iter().filter_map(|(_, rows)| rows.sessions.get(id));
        let stored = stored.map(|row| (row.generation, row.digest.as_str()));
        for (generation, digest) in told.chain(stored) {
            if *digests.entry(generation).or_insert(digest) != digest {
                let what = format!("{id}: two tokens of generation {generation}");
                self.add(Rule::OneSuccessor, what);
            }
        }
        for (event, given) in &session.given {
            if let Asked::Refresh { generation, .. } = event.asked
                && ![generation, generation + 1].contains(&given.generation)
            {
                let got = given.generation;
                let what = format!("{id}: generation {got} came for {generation}");
                self.add(Rule::OneSuccessor, what);
            }
        }
    }

    fn no_life_after_the_end(&mut self, id: &str, session: &Session<'_>, elsewhere: Duration) {
        for used in session.uses.iter().filter(|event| is_done(event)) {
            let refresh = matches!(used.asked, Asked::Refresh { .. });
            let known = session.ends.iter().find(|end| {
                let here = end.event.node == used.node || (refresh && end.in_database);
                let grace = if here { Duration::ZERO } else { elsewhere };
                end.event.returned + grace < used.invoked
            });
            if let Some(end) = known {
                let what = format!("{id}: after {:?}, {used:?}", end.event);
                self.add(Rule::NoLifeAfterTheEnd, what);
            }
        }
    }

    fn no_old_token(&mut self, id: &str, session: &Session<'_>) {
        for used in session.uses.iter().filter(|event| is_done(event)) {
            let Asked::Refresh { generation, .. } = used.asked else {
                continue;
            };
            let newest = acknowledged(session, used.invoked);
            if newest.is_some_and(|newest| newest > generation + 1) {
                let what = format!("{id}: {newest:?} was acknowledged before {used:?}");
                self.add(Rule::NoOldToken, what);
            }
        }
    }

    fn nobody_logged_out(&mut self, id: &str, session: &Session<'_>, looks: &[(&Event, &Rows)]) {
        // Whose opening nobody saw, and whose tokens others have, may be ended by anybody.
        if session.opened.is_none() || session.stolen {
            return;
        }
        let goes_on = |until: Duration| session.end_asked.is_none_or(|asked| asked > until);
        for used in &session.uses {
            if matches!(used.answer, Answer::No(_)) && goes_on(used.returned) {
                self.add(Rule::NobodyLoggedOut, format!("{id}: {used:?}"));
            }
        }
        for (look, rows) in looks {
            let ended = rows.sessions.get(id).is_some_and(|row| row.ended);
            if ended && goes_on(look.returned) {
                self.add(
                    Rule::NobodyLoggedOut,
                    format!("{id} has ended in the database"),
                );
            }
        }
    }

    fn session_is_there(
        &mut self,
        id: &str,
        session: &Session<'_>,
        look: &Event,
        row: Option<&Row>,
    ) {
        let newest = acknowledged(session, look.invoked);
        let stored = row.map(|row| row.generation);
        if newest > stored {
            let what = format!("{id}: acknowledged {newest:?}, stored {stored:?}");
            self.add(Rule::NothingLost, what);
        }
        let ended = session
            .ends
            .iter()
            .any(|end| end.event.returned < look.invoked);
        if ended && row.is_some_and(|row| !row.ended) {
            self.add(
                Rule::NothingLost,
                format!("{id}: the end is not in the database"),
            );
        }
    }

    fn one_password(&mut self, name: &str, user: &User<'_>) {
        // Which change made a password; the first one is older than all of them.
        let age = |password: &str| user.changes.iter().position(|(_, to)| *to == password);
        for &(login, password) in &user.logins {
            let replaced = user
                .changes
                .iter()
                .enumerate()
                .find(|&(place, (change, _))| {
                    is_done(change)
                        && change.returned < login.invoked
                        && age(password).is_none_or(|age| age < place)
                });
            if is_done(login) && replaced.is_some() {
                let what = format!("{name}: {password} was replaced before {login:?}");
                self.add(Rule::OnePassword, what);
            }
            let later = age(password).map_or(0, |age| age + 1);
            let may_be_replaced = user.changes.iter().skip(later);
            let may_be_replaced = may_be_replaced
                .filter(|(change, _)| change.invoked < login.returned)
                .count();
            if matches!(login.answer, Answer::No(_))
                && may_be_replaced == 0
                && is_acknowledged(user, age(password), login)
            {
                let what = format!("{name}: {password} is the password, and {login:?}");
                self.add(Rule::OnePassword, what);
            }
        }
    }
}

/// The newest generation that was acknowledged before a moment.
fn acknowledged(session: &Session<'_>, before: Duration) -> Option<i64> {
    let given = session.given.iter();
    let earlier = given.filter(|(event, _)| event.returned < before);
    earlier.map(|(_, given)| given.generation).max()
}

/// Whether a password was made known to be the user's before a login began.
fn is_acknowledged(user: &User<'_>, change: Option<usize>, login: &Event) -> bool {
    let made = match change {
        Some(place) => user.changes.get(place).map(|(event, _)| *event),
        None => user.registered,
    };
    made.is_some_and(|event| is_done(event) && event.returned < login.invoked)
}
