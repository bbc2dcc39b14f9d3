//! A good history has no finding; each bad one is caught by its rule, and by no other.

use std::collections::HashMap;
use std::time::Duration;

use super::{Answer, Asked, Event, Given, Row, Rows, Rule, check};

const ELSEWHERE: Duration = Duration::from_secs(2);

/// A history that is being written: each event takes a second and begins when the one before
/// it has ended.
#[derive(Default)]
struct Story(Vec<Event>);

impl Story {
    /// Ada registers and logs in: session `a`, generation 0.
    fn begun() -> Self {
        let mut story = Self::default();
        story.tell(register("ada"), Answer::Yes(None));
        story.tell(log_in("first"), given("a", 0));
        story
    }

    fn tell(&mut self, asked: Asked, answer: Answer) {
        self.tell_at(0, asked, answer);
    }

    fn tell_at(&mut self, node: usize, asked: Asked, answer: Answer) {
        let last = self.0.last().map_or(Duration::ZERO, |event| event.returned);
        let invoked = last + Duration::from_millis(1);
        self.0.push(Event {
            node,
            invoked,
            returned: invoked + Duration::from_secs(1),
            asked,
            answer,
        });
    }

    /// The last event began when this one did.
    fn overlap(&mut self, earlier: usize) {
        let invoked = self.0[earlier].invoked;
        self.0.last_mut().expect("an event").invoked = invoked;
    }

    #[track_caller]
    fn is_good(&self) {
        assert_eq!(check(&self.0, ELSEWHERE), []);
    }

    #[track_caller]
    fn breaks(&self, rule: Rule) {
        let findings = check(&self.0, ELSEWHERE);
        assert!(!findings.is_empty(), "nothing was found");
        for finding in &findings {
            assert_eq!(finding.rule, rule, "{findings:?}");
        }
    }
}

fn register(user: &str) -> Asked {
    Asked::Register { user: user.into() }
}

fn log_in(password: &str) -> Asked {
    Asked::LogIn {
        user: "ada".into(),
        password: password.into(),
    }
}

fn refresh(generation: i64) -> Asked {
    Asked::Refresh {
        session: "a".into(),
        generation,
        thief: false,
    }
}

fn steal(generation: i64) -> Asked {
    Asked::Refresh {
        session: "a".into(),
        generation,
        thief: true,
    }
}

fn verify() -> Asked {
    Asked::Verify {
        session: "a".into(),
    }
}

fn log_out() -> Asked {
    Asked::LogOut {
        session: "a".into(),
    }
}

fn leave() -> Asked {
    Asked::LogOutEverywhere { user: "ada".into() }
}

fn change(to: &str) -> Asked {
    Asked::ChangePassword {
        user: "ada".into(),
        to: to.into(),
    }
}

fn digest(session: &str, generation: i64) -> String {
    format!("{session}-{generation}")
}

fn given(session: &str, generation: i64) -> Answer {
    Answer::Yes(Some(Given {
        session: session.into(),
        generation,
        digest: digest(session, generation),
    }))
}

fn no(code: &str) -> Answer {
    Answer::No(code.into())
}

/// A look that finds Ada, and session `a` as it is told.
fn rows(generation: i64, ended: bool) -> Answer {
    let row = Row {
        generation,
        digest: digest("a", generation),
        ended,
    };
    Answer::Rows(Rows {
        sessions: HashMap::from([("a".into(), row)]),
        users: ["ada".into()].into(),
    })
}

#[test]
fn a_long_and_honest_life_is_good() {
    let mut story = Story::begun();
    story.tell(refresh(0), given("a", 1));
    story.tell(refresh(1), Answer::Unknown);
    story.tell_at(1, refresh(1), given("a", 2));
    // A repeat for a browser brings no cookie.
    story.tell(refresh(2), Answer::Yes(None));
    story.tell(Asked::Rows, rows(2, false));
    story.tell_at(1, verify(), Answer::Yes(None));
    story.tell(log_out(), Answer::Unknown);
    story.tell(verify(), Answer::Yes(None));
    story.tell(log_out(), Answer::Yes(None));
    // The other node may be late.
    story.tell_at(1, verify(), Answer::Yes(None));
    story.tell(Asked::Rows, rows(2, true));
    story.tell(refresh(2), no("session_revoked"));
    story.tell(verify(), no("session_revoked"));
    story.tell(change("second"), Answer::Unknown);
    // It was not done, then; or the login was there first.
    story.tell(log_in("first"), given("b", 0));
    story.tell(change("third"), given("c", 0));
    story.tell(log_in("second"), no("invalid_credentials"));
    story.tell(log_in("first"), no("invalid_credentials"));
    story.tell(log_in("third"), given("d", 0));
    story.is_good();
}

#[test]
fn two_tokens_of_one_generation_are_found() {
    let mut story = Story::begun();
    story.tell(refresh(0), given("a", 1));
    story.is_good();
    story.tell(
        refresh(0),
        Answer::Yes(Some(Given {
            session: "a".into(),
            generation: 1,
            digest: "another".into(),
        })),
    );
    story.breaks(Rule::OneSuccessor);
}

#[test]
fn another_token_in_the_database_is_found() {
    let mut story = Story::begun();
    let row = Row {
        generation: 0,
        digest: "another".into(),
        ended: false,
    };
    let rows = Rows {
        sessions: HashMap::from([("a".into(), row)]),
        users: ["ada".into()].into(),
    };
    story.tell(Asked::Rows, Answer::Rows(rows));
    story.breaks(Rule::OneSuccessor);
}

#[test]
fn a_generation_that_is_skipped_is_found() {
    let mut story = Story::begun();
    story.tell(refresh(0), given("a", 2));
    story.breaks(Rule::OneSuccessor);
}

#[test]
fn a_refresh_after_the_logout_is_found_on_every_node() {
    for node in 0..2 {
        let mut story = Story::begun();
        story.tell(log_out(), Answer::Yes(None));
        story.tell_at(node, refresh(0), given("a", 1));
        story.breaks(Rule::NoLifeAfterTheEnd);
    }
}

#[test]
fn a_refresh_that_began_before_the_logout_was_acknowledged_may_be_done() {
    let mut story = Story::begun();
    story.tell(log_out(), Answer::Yes(None));
    story.tell(refresh(0), given("a", 1));
    story.overlap(2);
    story.is_good();
}

#[test]
fn a_verification_after_the_logout_is_found() {
    let mut story = Story::begun();
    story.tell(log_out(), Answer::Yes(None));
    story.tell(verify(), Answer::Yes(None));
    story.breaks(Rule::NoLifeAfterTheEnd);
}

#[test]
fn a_verification_at_another_node_is_found_after_the_bound() {
    let mut story = Story::begun();
    story.tell(log_out(), Answer::Yes(None));
    for _ in 0..2 {
        story.tell_at(1, verify(), Answer::Yes(None));
    }
    story.is_good();
    story.tell_at(1, verify(), Answer::Yes(None));
    story.breaks(Rule::NoLifeAfterTheEnd);
}

#[test]
fn a_session_that_survives_a_logout_of_all_is_found() {
    let mut story = Story::begun();
    story.tell(leave(), Answer::Yes(None));
    story.tell(refresh(0), given("a", 1));
    story.breaks(Rule::NoLifeAfterTheEnd);
}

#[test]
fn a_session_that_survives_a_new_password_is_found() {
    let mut story = Story::begun();
    story.tell(change("second"), given("b", 0));
    story.tell(verify(), Answer::Yes(None));
    story.breaks(Rule::NoLifeAfterTheEnd);
}

#[test]
fn a_login_with_the_old_password_that_races_its_change_opens_nothing_that_lives() {
    let mut story = Story::begun();
    story.tell(change("second"), given("b", 0));
    story.tell(log_in("first"), given("c", 0));
    story.overlap(2);
    story.is_good();
    let session = "c".to_owned();
    story.tell(Asked::Verify { session }, Answer::Yes(None));
    story.breaks(Rule::NoLifeAfterTheEnd);
}

#[test]
fn a_session_that_comes_back_after_reuse_is_found() {
    let mut story = Story::begun();
    story.tell(refresh(0), given("a", 1));
    story.tell(refresh(1), given("a", 2));
    story.tell(steal(0), no("refresh_token_reused"));
    story.tell(refresh(2), no("session_revoked"));
    story.is_good();
    story.tell_at(1, refresh(2), given("a", 3));
    story.breaks(Rule::NoLifeAfterTheEnd);
}

#[test]
fn an_old_token_that_is_accepted_is_found() {
    let mut story = Story::begun();
    story.tell(refresh(0), given("a", 1));
    story.tell(refresh(1), given("a", 2));
    story.tell(steal(1), given("a", 2));
    story.is_good();
    story.tell(steal(0), given("a", 1));
    story.breaks(Rule::NoOldToken);
}

#[test]
fn a_rotation_that_is_lost_is_found() {
    let mut story = Story::begun();
    story.tell(refresh(0), given("a", 1));
    story.tell(Asked::Rows, rows(0, false));
    story.breaks(Rule::NothingLost);
}

#[test]
fn a_rotation_that_was_not_acknowledged_may_be_there_or_not() {
    for generation in 0..2 {
        let mut story = Story::begun();
        story.tell(refresh(0), Answer::Unknown);
        story.tell(Asked::Rows, rows(generation, false));
        story.is_good();
    }
}

#[test]
fn a_login_and_an_account_that_are_lost_are_found() {
    let mut story = Story::begun();
    story.tell(Asked::Rows, Answer::Rows(Rows::default()));
    story.breaks(Rule::NothingLost);
    assert_eq!(check(&story.0, ELSEWHERE).len(), 2);
}

#[test]
fn a_logout_that_is_lost_is_found() {
    let mut story = Story::begun();
    story.tell(log_out(), Answer::Yes(None));
    story.tell(Asked::Rows, rows(0, false));
    story.breaks(Rule::NothingLost);
}

#[test]
fn an_honest_client_who_is_refused_is_found() {
    for asked in [refresh(0), verify()] {
        let mut story = Story::begun();
        story.tell(asked, no("session_revoked"));
        story.breaks(Rule::NobodyLoggedOut);
    }
    let mut story = Story::begun();
    story.tell(Asked::Rows, rows(0, true));
    story.breaks(Rule::NobodyLoggedOut);
}

#[test]
fn who_asked_for_the_end_or_was_robbed_may_be_refused() {
    for asked in [log_out(), leave(), change("second"), steal(0)] {
        let mut story = Story::begun();
        story.tell(asked, Answer::Unknown);
        story.tell(refresh(0), no("session_revoked"));
        story.is_good();
    }
    // A refused request is none.
    let mut story = Story::begun();
    story.tell(log_out(), no("access_token_invalid"));
    story.tell(refresh(0), no("session_revoked"));
    story.breaks(Rule::NobodyLoggedOut);
}

#[test]
fn a_replaced_password_that_is_valid_is_found() {
    let mut story = Story::begun();
    story.tell(change("second"), given("b", 0));
    story.tell(log_in("first"), given("c", 0));
    story.breaks(Rule::OnePassword);
}

#[test]
fn an_unacknowledged_password_that_was_replaced_is_found_too() {
    let mut story = Story::begun();
    story.tell(change("second"), Answer::Unknown);
    story.tell(change("third"), given("b", 0));
    story.tell(log_in("second"), given("c", 0));
    story.breaks(Rule::OnePassword);
}

#[test]
fn a_new_password_that_is_refused_is_found() {
    let mut story = Story::begun();
    story.tell(change("second"), given("b", 0));
    story.tell(log_in("second"), no("invalid_credentials"));
    story.breaks(Rule::OnePassword);
}

#[test]
fn the_first_password_that_is_refused_is_found() {
    let mut story = Story::begun();
    story.tell(log_in("first"), no("invalid_credentials"));
    story.breaks(Rule::OnePassword);
}
