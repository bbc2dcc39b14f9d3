//! The state of the modelled world, kept small: times are ages in ticks, which stop growing once
//! nothing depends on them, so that moments that only a clock could tell apart are one state.

use token_core::session::EndReason;

use crate::oracle::Invariant;

/// How many sessions a world can hold.
pub const SLOTS: usize = 2;
/// The highest generation a token can have, and one more.
pub const GENERATIONS: usize = 7;
/// Ticks that never pass: an end that does not matter in this scenario.
pub const FAR: i8 = i8::MAX;

/// How many ticks ago something was.
pub type Age = u8;

/// A refresh token: its session, its `gen` claim, and which secret its `jti` is. The engine knows
/// the secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// Which session.
    pub slot: u8,
    /// The `gen` claim.
    pub generation: u8,
    /// The name of the `jti`.
    pub secret: u8,
}

/// Everything there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// What is committed.
    pub db: Database,
    /// The processes.
    pub nodes: Vec<Node>,
    /// The refresh token that the honest client holds: one cookie jar, however many tabs.
    pub jar: Option<Token>,
    /// The tabs that share the jar.
    pub tabs: Vec<Tab>,
    /// Every token that the thief knows, sorted.
    pub thief: Vec<Token>,
    /// What is under way, sorted: the order of arrival is anyone's choice.
    pub wire: Vec<Message>,
    /// What may still happen.
    pub left: Left,
    /// The invariant that the last step broke; nothing happens after that.
    pub broken: Option<Invariant>,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Database {
    /// The sessions.
    pub rows: [Option<Row>; SLOTS],
    /// Which password the user has, counted from 0.
    pub password: u8,
    /// Whether the user is disabled.
    pub disabled: bool,
    /// Whether nodes can reach it.
    pub reachable: bool,
    /// The next transaction's number.
    pub next_xid: u8,
    /// How long ago any node could commit anything.
    pub worked: Age,
}

/// A session's row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    /// `generation`.
    pub generation: u8,
    /// The secret whose digest is `refresh_digest`.
    pub secret: u8,
    /// Age of `rotated_at`.
    pub rotated: Age,
    /// `recovered_generation`.
    pub recovered: Option<u8>,
    /// Ticks until `expires_at`.
    pub expires_in: i8,
    /// Ticks until `max_expires_at`.
    pub max_in: i8,
    /// Age of `ended_at`, and `end_reason`.
    pub ended: Option<(Age, EndReason)>,
    /// `ended_xid`.
    pub ended_xid: u8,
    /// Ticks until the `exp` of the token of each generation.
    pub exp: [i8; GENERATIONS],
    /// What the oracle remembers.
    pub ghost: Ghost,
}

/// What no server stores: the truth that invariants speak of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// With which password the session was opened.
    pub password: u8,
    /// Age of the moment at which the current generation was really made.
    pub made: Age,
    /// The secrets that advanced the session, one bit each.
    pub spent: u64,
    /// The secret that was answered for each generation.
    pub answered: [Option<u8>; GENERATIONS],
    /// The highest generation that anybody was told.
    pub acked_generation: u8,
    /// Since when somebody knows that the session ended.
    pub acked_end: Option<Age>,
    /// Which nodes said so.
    pub acked_by: [bool; SLOTS],
    /// Whether a reuse was detected.
    pub reuse: bool,
    /// The generation that was recovered late.
    pub recovered: Option<u8>,
    /// Age of the `iat` of the youngest access token.
    pub access: Option<Age>,
    /// Whether the current token was made in the same tick as its parent.
    pub same_tick: bool,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    /// Whether it runs.
    pub up: bool,
    /// The sessions in its revocation set.
    pub knows: [bool; SLOTS],
    /// Age of its last completed poll.
    pub polled: Option<Age>,
    /// Where the feed goes on.
    pub cursor: Option<u8>,
    /// What its outage tracker was told, and how long ago.
    pub tracked: Vec<(Tracked, Age)>,
}

/// What an outage tracker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tracked {
    /// The process started; the newest rotation was so long before.
    Start(Age),
    /// A read was answered.
    Read,
    /// A read failed.
    ReadFailed,
    /// A commit succeeded.
    Committed,
    /// A commit failed.
    CommitFailed,
}

/// One tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tab {
    /// It waits for nothing.
    Idle,
    /// It asked so long ago.
    Waiting(Age),
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// A tab of the honest client.
    Tab(u8),
    /// Whoever stole a token.
    Thief,
    /// The user or an admin, somewhere else.
    Person,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ask {
    /// A refresh.
    Refresh(Token),
    /// The end of a session.
    Logout(u8),
    /// A session, by password.
    Login(u8),
    /// Another password.
    ChangePassword,
    /// The user's end.
    Disable,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// A token, and whether it is another one than was presented.
    Token(Token, bool),
    /// No token, ever.
    Refused,
    /// Done.
    Done,
    /// 503.
    Unavailable,
}

/// Something under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Message {
    /// Whose it is.
    pub party: Party,
    /// Which node's.
    pub node: u8,
    /// How long it has been on its way in this direction; 0 where delays have no bound.
    pub age: Age,
    /// How far it got.
    pub stage: Stage,
}

/// How far a request got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// On its way to the node.
    Sent(Ask),
    /// The node took its `now`, and whatever must be read beforehand.
    Begun(Begun),
    /// Committed, not answered.
    Decided(Begun, Answer, Ends),
    /// Answered and not committed: only a defect does that.
    Unwritten(Begun),
    /// Answered and not in the revocation set: only a defect does that.
    Unfilled(Ends),
    /// Sessions ended and their user not changed: only a defect does that.
    HalfDone(Begun),
    /// On its way back.
    Reply(Answer),
}

/// A request that a node works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Begun {
    /// What it is about.
    pub ask: Ask,
    /// Age of its `now`.
    pub asked: Age,
    /// The password that was verified, for those who need one.
    pub verified: u8,
    /// Its transaction.
    pub xid: u8,
}

/// Which sessions a transaction ended, or found ended.
pub type Ends = [bool; SLOTS];

/// How often each thing may still happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names are the words of the bounds")]
pub struct Left {
    pub losses: u8,
    pub duplicates: u8,
    pub retries: u8,
    pub crashes: u8,
    pub faults: u8,
    pub outages: u8,
    pub thefts: u8,
    pub logouts: u8,
    pub logins: u8,
    pub changes: u8,
    pub disables: u8,
}

impl World {
    /// The row of a slot.
    pub fn row(&self, slot: u8) -> Option<&Row> {
        self.db.rows.get(usize::from(slot))?.as_ref()
    }

    /// The row of a slot, to change it.
    pub fn row_mut(&mut self, slot: u8) -> Option<&mut Row> {
        self.db.rows.get_mut(usize::from(slot))?.as_mut()
    }

    /// Puts a message on the wire.
    pub fn send(&mut self, message: Message) {
        let place = self.wire.partition_point(|other| *other < message);
        self.wire.insert(place, message);
    }

    /// Takes a message off the wire.
    pub fn take(&mut self, message: &Message) {
        if let Ok(place) = self.wire.binary_search(message) {
            self.wire.remove(place);
        }
    }

    /// Tells the thief a token.
    pub fn leak(&mut self, token: Token) {
        if let Err(place) = self.thief.binary_search(&token) {
            self.thief.insert(place, token);
        }
    }

    /// Says that an invariant does not hold; the first word counts.
    pub fn breaks(&mut self, invariant: Invariant) {
        self.broken.get_or_insert(invariant);
    }
}

impl Row {
    /// The current token.
    pub const fn token(&self, slot: u8) -> Token {
        Token {
            slot,
            generation: self.generation,
            secret: self.secret,
        }
    }
}
