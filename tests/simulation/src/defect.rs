//! Deliberate defects. Each one is what a careless implementation would do; the checks must see it.
//!
//! They are applied around the ports and by the harness, never inside the code that is judged.

/// A defect, what it does, and which invariant of PROTOCOL it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// See its [`Defect::story`], as for all others.
    ReuseRolledBack,
    /// A condition is missing in the write.
    WriteWithoutCondition,
    /// The grace looks at the clock alone.
    TimeOnlyGrace,
    /// Another successor each time.
    RandomSuccessor,
    /// A replay starts the window anew.
    ReplayExtendsWindow,
    /// The answer comes before the commit.
    AnswerBeforeCommit,
    /// An error of storage is no error to a logout.
    LogoutHidesFailure,
    /// The revocation set learns late.
    RevocationLate,
    /// The revocation set is not read again after a crash.
    RevocationNotReloaded,
    /// A poll loses an end.
    PollForgets,
    /// A retry takes another now.
    RetryWithNewNow,
    /// A session is opened without comparing the password hash.
    OpenWithoutHash,
    /// A disabled user keeps the sessions.
    DisabledKeepsSessions,
    /// A rotation moves the absolute end.
    AbsoluteEndMoves,
    /// A lost answer is written again.
    WrittenTwice,
    /// A bad signature causes a query.
    QueryBeforeSignature,
    /// A start forgets the outage.
    OutageForgotten,
    /// A late recovery is not remembered.
    RecoveryForgotten,
    /// A repeat overwrites the cookie.
    RepeatSetsCookie,
    /// Reuse leaves no audit event.
    ReuseUnaudited,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ReuseRolledBack,
        Self::WriteWithoutCondition,
        Self::TimeOnlyGrace,
        Self::RandomSuccessor,
        Self::ReplayExtendsWindow,
        Self::AnswerBeforeCommit,
        Self::LogoutHidesFailure,
        Self::RevocationLate,
        Self::RevocationNotReloaded,
        Self::PollForgets,
        Self::RetryWithNewNow,
        Self::OpenWithoutHash,
        Self::DisabledKeepsSessions,
        Self::AbsoluteEndMoves,
        Self::WrittenTwice,
        Self::QueryBeforeSignature,
        Self::OutageForgotten,
        Self::RecoveryForgotten,
        Self::RepeatSetsCookie,
        Self::ReuseUnaudited,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReuseRolledBack => "reuse-rolled-back",
            Self::WriteWithoutCondition => "write-without-condition",
            Self::TimeOnlyGrace => "time-only-grace",
            Self::RandomSuccessor => "random-successor",
            Self::ReplayExtendsWindow => "replay-extends-window",
            Self::AnswerBeforeCommit => "answer-before-commit",
            Self::LogoutHidesFailure => "logout-hides-failure",
            Self::RevocationLate => "revocation-late",
            Self::RevocationNotReloaded => "revocation-not-reloaded",
            Self::PollForgets => "poll-forgets",
            Self::RetryWithNewNow => "retry-with-new-now",
            Self::OpenWithoutHash => "open-without-hash",
            Self::DisabledKeepsSessions => "disabled-keeps-sessions",
            Self::AbsoluteEndMoves => "absolute-end-moves",
            Self::WrittenTwice => "written-twice",
            Self::QueryBeforeSignature => "query-before-signature",
            Self::OutageForgotten => "outage-forgotten",
            Self::RecoveryForgotten => "recovery-forgotten",
            Self::RepeatSetsCookie => "repeat-sets-cookie",
            Self::ReuseUnaudited => "reuse-unaudited",
        }
    }

    /// What it does, in one line.
    pub const fn story(self) -> &'static str {
        match self {
            Self::ReuseRolledBack => "the end that reuse asks for is rolled back with the refusal",
            Self::WriteWithoutCondition => {
                "the write of a rotation does not ask for the digest of the presented token"
            }
            Self::TimeOnlyGrace => {
                "any old token is answered within the window, not the parent alone"
            }
            Self::RandomSuccessor => "a replay draws a fresh successor and stores that",
            Self::ReplayExtendsWindow => "a replay begins the window anew",
            Self::AnswerBeforeCommit => "a logout is answered before it is committed",
            Self::LogoutHidesFailure => "a logout that storage refused is answered as done",
            Self::RevocationLate => "ends are not in the node's own set when they are answered",
            Self::RevocationNotReloaded => "a node that starts does not read what ended before",
            Self::PollForgets => "a poll passes over the last end that it reads",
            Self::RetryWithNewNow => "the server tries again with another `now`",
            Self::OpenWithoutHash => "a session is opened without comparing the verified hash",
            Self::DisabledKeepsSessions => "disabling a user leaves the sessions alone",
            Self::AbsoluteEndMoves => "a rotation moves the absolute end",
            Self::WrittenTwice => "a write whose answer was lost is made again for the next token",
            Self::QueryBeforeSignature => {
                "the session is looked up before the signature is checked"
            }
            Self::OutageForgotten => {
                "a node that starts does not know how long storage was left alone"
            }
            Self::RecoveryForgotten => "a late recovery is not written down",
            Self::RepeatSetsCookie => {
                "an answer that repeats a token puts it into the cookie again"
            }
            Self::ReuseUnaudited => "reuse leaves nothing in the audit log",
        }
    }

    /// The invariant of PROTOCOL that it breaks.
    pub const fn breaks(self) -> &'static str {
        match self {
            Self::WriteWithoutCondition | Self::RandomSuccessor => "I1",
            Self::OutageForgotten | Self::RepeatSetsCookie | Self::RetryWithNewNow => "I2",
            Self::ReuseRolledBack => "I3",
            Self::AnswerBeforeCommit | Self::LogoutHidesFailure => "I4",
            Self::RevocationLate | Self::RevocationNotReloaded | Self::PollForgets => "I5",
            Self::AbsoluteEndMoves => "I6",
            Self::WrittenTwice => "I7",
            Self::QueryBeforeSignature => "I8",
            Self::OpenWithoutHash | Self::DisabledKeepsSessions => "I9",
            Self::TimeOnlyGrace
            | Self::ReplayExtendsWindow
            | Self::RecoveryForgotten
            | Self::ReuseUnaudited => "the table of refresh",
        }
    }
}
