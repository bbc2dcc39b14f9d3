//! A forge of hostile tokens: the one list of what no verifier may accept, and of what it must.
//!
//! It is made of real keys and links none of the crates under test, so that the same cases go
//! through the library, through the running programs and through other people's libraries.
//! [`outsider`] has what anybody can make who holds one token and the public keys; [`insider`]
//! what only the signing key can make, so that the fault of a case is the one it is named for.

pub mod der;
pub mod insider;
pub mod key;
pub mod outsider;
pub mod token;

pub use key::{Algorithm, Key};

/// A token, and what a verifier has to say of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Unique, with the group in front: `alg/none unsigned`.
    pub name: String,
    /// The items of the yardstick and the advisories that it stands for.
    pub covers: &'static str,
    /// The token.
    pub token: String,
    /// What has to become of it.
    pub verdict: Verdict,
}

/// What becomes of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is good: a verifier that refused it would refuse honest clients.
    Accepted,
    /// It is refused, for this reason.
    Refused(Why),
}

/// Why a token is refused. A case that is refused for another reason than its own tests nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Over the limit of sizes.
    TooLong,
    /// Not three parts of strict base64url with plain JSON objects inside.
    Malformed,
    /// `crit` and its like.
    Extension,
    /// Another `typ`.
    Type,
    /// No key of that name for that algorithm.
    Key,
    /// The signature is wrong.
    Signature,
    /// Malformed or wrongly signed: which of them depends on random bytes.
    Damaged,
    /// A claim is missing or has the wrong type.
    Claim,
    /// Another issuer.
    Issuer,
    /// Another audience.
    Audience,
    /// Not valid yet.
    NotYet,
    /// Not valid any more.
    Expired,
}

impl Why {
    /// One word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too long",
            Self::Malformed => "malformed",
            Self::Extension => "extension",
            Self::Type => "type",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Damaged => "damaged",
            Self::Claim => "claim",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::NotYet => "not yet",
            Self::Expired => "expired",
        }
    }

    /// Whether the token is right but for the time: logging out works with such a one.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::NotYet | Self::Expired)
    }
}

/// A list of cases under construction: the items they stand for are said once for many.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    list: Vec<Case>,
    covers: &'static str,
}

impl Cases {
    /// The cases that follow stand for these items.
    pub(crate) fn covering(&mut self, covers: &'static str) -> &mut Self {
        self.covers = covers;
        self
    }

    pub(crate) fn refuse(&mut self, name: impl Into<String>, token: String, why: Why) {
        self.push(name.into(), token, Verdict::Refused(why));
    }

    pub(crate) fn accept(&mut self, name: impl Into<String>, token: String) {
        self.push(name.into(), token, Verdict::Accepted);
    }

    fn push(&mut self, name: String, token: String, verdict: Verdict) {
        assert!(
            self.list.iter().all(|case| case.name != name),
            "two cases are named {name:?}"
        );
        let covers = self.covers;
        self.list.push(Case {
            name,
            covers,
            token,
            verdict,
        });
    }

    pub(crate) fn into_list(self) -> Vec<Case> {
        self.list
    }
}
