//! Deliberate defects: mistakes that servers have made, or could make here, each put where the
//! model calls the real code or stands for storage, a node or a browser.

use crate::oracle::Invariant;

macro_rules! defects {
    ($($(#[doc = $doc:literal])* $name:ident: $scenario:literal breaks $($broken:ident)|+,)*) => {
        /// A deliberate defect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Defect {
            $($(#[doc = $doc])* $name,)*
        }

        impl Defect {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What is wrong.
            pub fn what(self) -> String {
                match self {
                    $(Self::$name => [$($doc),*].map(str::trim).join(" ").trim_end_matches('.').to_owned(),)*
                }
            }

            /// The scenario that must find it.
            pub const fn scenario(self) -> &'static str {
                match self {
                    $(Self::$name => $scenario,)*
                }
            }

            /// The properties of which one must break, and no other.
            pub const fn breaks(self) -> &'static [Invariant] {
                match self {
                    $(Self::$name => &[$(Invariant::$broken),+],)*
                }
            }
        }
    };
}

defects! {
    /// Grace by time alone: any older token is rotated within the window, and the chain forks.
    TimeOnlyGrace: "theft, strict" breaks I1,
    /// A grandparent is answered within the window.
    GrandparentGrace: "theft, strict" breaks Kin,
    /// The write does not compare the digest.
    NoDigestCondition: "theft, strict" breaks I1,
    /// The write does not look at `ended_at`.
    NoEndedCondition: "theft, strict" breaks I3,
    /// The end of a reused session is rolled back with its refusal.
    ReuseRolledBack: "theft, strict" breaks I3,
    /// Tokens are told apart by the second they were made in, not by generation and digest.
    OrderByTimestamp: "no window" breaks I1,
    /// Successors are random, so a replay has to make another one.
    FreshSuccessor: "tabs" breaks I1,
    /// A replay moves `rotated_at`, and with it the window.
    WindowExtendedByReplay: "theft, strict" breaks Window,
    /// A late recovery is not remembered, so it can be had again and again.
    RecoveryForgotten: "theft, recover" breaks Window,
    /// Every refresh rotates, also within the window.
    NoRepeat: "tabs" breaks I2,
    /// A repeat sets the refresh cookie again.
    CookieOnRepeat: "tabs" breaks I2,
    /// A replay within the window is reuse.
    NoReplay: "tabs" breaks I2,
    /// The time of an outage counts against clients.
    OutageCounted: "outage" breaks I2,
    /// Every outage excuses by itself, so that two in a row leave no whole window to ask in.
    OutagesApart: "flapping" breaks I2,
    /// What an outage excuses is replayed, and all the same rotated again at once.
    RotatesWhileExcused: "restart" breaks I2,
    /// The window is seven of the client's delays long, not eight.
    SevenDelays: "tabs" breaks I2,
    /// Generation and digest are written in two transactions, between which storage can fail.
    HalfWrite: "crash" breaks I7,
    /// Tokens are handed out before the commit.
    AnswerBeforeCommit: "crash" breaks I4,
    /// A logout is answered 204 although storage failed.
    LogoutSwallowsError: "logout" breaks I4,
    /// A refresh reads that the session is live, and later writes without asking again.
    ReadThenWrite: "logout" breaks I5,
    /// The revocation set is filled after the answer.
    SetFilledLate: "logout" breaks I5,
    /// A node that starts does not load what ended before.
    SetLostOnRestart: "logout" breaks I5,
    /// The feed goes on at the time of the last poll, so that a late commit is missed.
    PollByTime: "logout" breaks I5,
    /// A set that is too old to vouch for anything goes on doing so.
    StaleSetServes: "logout" breaks I5,
    /// Ended sessions are remembered for one access lifetime, and not for the tokens that are
    /// minted while an end waits for its commit.
    RetentionTooShort: "logout" breaks I5,
    /// A login does not compare the password's hash again when it opens the session.
    HashNotCompared: "password" breaks I9,
    /// A login does not ask again whether the user is disabled.
    DisabledNotAsked: "password" breaks I9,
    /// A password change ends the sessions first, and changes the user in a second transaction.
    SessionsEndedFirst: "password" breaks I9,
    /// Sliding moves the idle end past the absolute end.
    SlidesPastEnd: "absolute end" breaks I6,
    /// An access token lives its whole lifetime, whatever the session's absolute end.
    AccessPastEnd: "absolute end" breaks I6,
}
