//! The scenarios: one model, each time with other bounds, so that every schedule within them can
//! be tried.

use std::fmt::Write;

use token_core::policy::{RefreshPolicy, ReusePolicy};

use crate::protocol::Seen;
use crate::world::{Age, Left};

/// A part of the world that is explored whole.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// How much of the world it has.
    pub bounds: Bounds,
    /// What must happen somewhere in it, or it would show nothing.
    pub shows: &'static [Seen],
}

/// How much of the world a scenario has.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a dimension of its own"
)]
pub struct Bounds {
    /// Tabs of the honest client's cookie jar.
    pub tabs: usize,
    /// Processes that share the database.
    pub nodes: u8,
    /// How often a session may be rotated.
    pub rotations: u8,
    /// The replay window, in ticks.
    pub window: Age,
    /// What a late parent means.
    pub reuse: ReusePolicy,
    /// Whether rotations move the idle end.
    pub refresh: RefreshPolicy,
    /// The longest delay of a message; none: as long as you like.
    pub delay: Option<Age>,
    /// Whether a request is three steps at its node, between which everything else can happen.
    pub steps: bool,
    /// The lifetime of access tokens, where they and the revocation set matter.
    pub access: Option<Age>,
    /// How old the revocation set may be.
    pub staleness: Age,
    /// The absolute end of the session, where it matters.
    pub max_age: Option<i8>,
    /// The idle lifetime, where it matters.
    pub idle: Option<Age>,
    /// Whether nobody does anything that may cost the client its session.
    pub honest: bool,
    /// Whether other sessions are rotated all the time.
    pub busy: bool,
    /// Whether there is a session in the beginning.
    pub open: bool,
    /// How often things may happen.
    pub left: Left,
}

/// The least there can be.
const LEAST: Bounds = Bounds {
    tabs: 1,
    nodes: 1,
    rotations: 4,
    window: 2,
    reuse: ReusePolicy::Strict,
    refresh: RefreshPolicy::Sliding,
    delay: None,
    steps: false,
    access: None,
    staleness: 1,
    max_age: None,
    idle: None,
    honest: false,
    busy: false,
    open: true,
    left: NONE,
};

const NONE: Left = Left {
    losses: 0,
    duplicates: 0,
    retries: 0,
    crashes: 0,
    faults: 0,
    outages: 0,
    thefts: 0,
    logouts: 0,
    logins: 0,
    changes: 0,
    disables: 0,
};

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With every run of the tests.
    Short,
    /// By command.
    Long,
}

impl Form {
    const fn pick<T: Copy>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// All scenarios.
pub fn scenarios(form: Form) -> Vec<Scenario> {
    vec![
        tabs(form),
        crash(form),
        restart("restart", false, form),
        restart("restart, others busy", true, form),
        outage(form),
        flapping(form),
        theft("theft, strict", ReusePolicy::Strict, form),
        theft("theft, recover", ReusePolicy::Recover, form),
        no_window(form),
        logout(form),
        password(form),
        absolute_end(form),
    ]
}

fn tabs(form: Form) -> Scenario {
    Scenario {
        name: "tabs",
        bounds: Bounds {
            tabs: form.pick(2, 3),
            rotations: form.pick(3, 4),
            window: 8,
            delay: Some(1),
            honest: true,
            left: Left { losses: 2, ..NONE },
            ..LEAST
        },
        shows: &[Seen::Replay, Seen::Repeat, Seen::Loss],
    }
}

fn crash(form: Form) -> Scenario {
    Scenario {
        name: "crash",
        bounds: Bounds {
            tabs: 1,
            nodes: 2,
            rotations: form.pick(3, 4),
            steps: true,
            left: Left {
                losses: 1,
                retries: 1,
                crashes: 1,
                faults: 1,
                ..NONE
            },
            ..LEAST
        },
        shows: &[Seen::Replay, Seen::Cut, Seen::Fault, Seen::Reuse],
    }
}

fn restart(name: &'static str, busy: bool, form: Form) -> Scenario {
    Scenario {
        name,
        bounds: Bounds {
            tabs: 2,
            rotations: 2,
            window: 8,
            delay: Some(1),
            steps: true,
            honest: true,
            busy,
            left: Left {
                losses: form.pick(1, 2),
                crashes: 1,
                ..NONE
            },
            ..LEAST
        },
        shows: &[Seen::Replay, Seen::Excused, Seen::Cut],
    }
}

fn outage(form: Form) -> Scenario {
    Scenario {
        name: "outage",
        bounds: Bounds {
            rotations: 2,
            window: 8,
            delay: Some(1),
            steps: true,
            honest: true,
            left: Left {
                losses: form.pick(0, 1),
                outages: 1,
                faults: 1,
                ..NONE
            },
            ..LEAST
        },
        shows: &[Seen::Replay, Seen::Excused, Seen::Unreachable],
    }
}

fn flapping(form: Form) -> Scenario {
    Scenario {
        name: "flapping",
        bounds: Bounds {
            rotations: form.pick(1, 2),
            window: 4,
            delay: Some(1),
            honest: true,
            busy: true,
            left: Left {
                losses: 1,
                outages: 2,
                ..NONE
            },
            ..LEAST
        },
        shows: &[Seen::Replay, Seen::Excused, Seen::Unreachable],
    }
}

fn theft(name: &'static str, reuse: ReusePolicy, form: Form) -> Scenario {
    Scenario {
        name,
        bounds: Bounds {
            tabs: form.pick(1, 2),
            nodes: 1,
            rotations: 4,
            reuse,
            left: Left {
                losses: 1,
                retries: 1,
                thefts: form.pick(2, 1),
                ..NONE
            },
            ..LEAST
        },
        shows: match reuse {
            ReusePolicy::Strict => &[Seen::Replay, Seen::Reuse, Seen::Revoked],
            ReusePolicy::Recover => &[Seen::Replay, Seen::Reuse, Seen::Recovery],
        },
    }
}

fn no_window(form: Form) -> Scenario {
    Scenario {
        name: "no window",
        bounds: Bounds {
            tabs: form.pick(1, 2),
            window: 0,
            left: Left {
                losses: 1,
                retries: 1,
                duplicates: 1,
                thefts: 1,
                ..NONE
            },
            ..LEAST
        },
        shows: &[Seen::Reuse, Seen::Revoked],
    }
}

fn logout(form: Form) -> Scenario {
    Scenario {
        name: "logout",
        bounds: Bounds {
            nodes: 2,
            rotations: 1,
            window: 1,
            steps: true,
            access: Some(3),
            left: Left {
                crashes: 1,
                faults: form.pick(1, 1),
                logouts: form.pick(1, 2),
                ..NONE
            },
            ..LEAST
        },
        shows: &[Seen::Revoked, Seen::Fed, Seen::Stale, Seen::Cut],
    }
}

fn password(form: Form) -> Scenario {
    Scenario {
        name: "password",
        bounds: Bounds {
            rotations: form.pick(1, 2),
            window: 1,
            steps: true,
            open: false,
            left: Left {
                logins: 2,
                changes: form.pick(1, 2),
                disables: 1,
                crashes: 1,
                ..NONE
            },
            ..LEAST
        },
        shows: &[Seen::LoginRefused, Seen::EndedByChange, Seen::Revoked],
    }
}

fn absolute_end(form: Form) -> Scenario {
    Scenario {
        name: "absolute end",
        bounds: Bounds {
            tabs: form.pick(1, 2),
            rotations: form.pick(3, 4),
            window: 1,
            access: Some(2),
            max_age: Some(form.pick(6, 8)),
            idle: Some(3),
            left: Left {
                losses: 1,
                retries: 1,
                thefts: 1,
                ..NONE
            },
            ..LEAST
        },
        shows: &[Seen::Expired, Seen::Clipped, Seen::Replay],
    }
}

impl Bounds {
    /// The bounds in words.
    pub fn to_words(&self) -> String {
        let mut words = format!(
            "{}, {}, {} rotations, window {}",
            counted(self.tabs, "tab"),
            counted(usize::from(self.nodes), "node"),
            self.rotations,
            self.window
        );
        let mut add = |text: String| {
            // Writing to a string does not fail.
            let _ = write!(words, ", {text}");
        };
        match self.delay {
            Some(delay) => add(format!("delays up to {delay}")),
            None => add("any delay".to_owned()),
        }
        if let Some(access) = self.access {
            add(format!("access tokens of {access}"));
        }
        if let Some(max_age) = self.max_age {
            add(format!("absolute end at {max_age}"));
        }
        if self.steps {
            add("requests in steps".to_owned());
        }
        let left = &self.left;
        for (count, one, many) in [
            (left.losses, "loss", "losses"),
            (left.duplicates, "duplicate", "duplicates"),
            (left.retries, "early retry", "early retries"),
            (left.crashes, "crash", "crashes"),
            (left.faults, "failed commit", "failed commits"),
            (
                left.outages,
                "outage of the database",
                "outages of the database",
            ),
            (left.thefts, "theft", "thefts"),
            (left.logouts, "logout", "logouts"),
            (left.logins, "login", "logins"),
            (left.changes, "password change", "password changes"),
            (left.disables, "disabling", "disablings"),
        ] {
            match count {
                0 => {}
                1 => add(format!("1 {one}")),
                _ => add(format!("{count} {many}")),
            }
        }
        words
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}
