//! What only the signing key can make: well-signed tokens with one fault each, and the odd ones
//! that are good.

mod claims;
mod header;
mod json;
mod times;

use serde_json::Value;

use crate::key::Key;
use crate::token::{self, with};
use crate::{Case, Cases, Why};

/// The key and a good token's content.
#[derive(Debug)]
pub struct Insider<'a> {
    /// The key that the verifier trusts.
    pub key: &'a Key,
    /// The claims of a good token, made just now.
    pub claims: &'a Value,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How long tokens are accepted after their `iat`, whatever their `exp` says, in seconds.
    pub lifetime: i64,
    /// Whether `now` stands still, so that a token can be good for exactly one more second.
    pub frozen: bool,
}

/// Every case that the key's owner can make.
pub fn cases(insider: &Insider<'_>) -> Vec<Case> {
    let mut cases = Cases::default();
    insider.good(&mut cases);
    header::cases(insider, &mut cases);
    json::cases(insider, &mut cases);
    times::cases(insider, &mut cases);
    claims::cases(insider, &mut cases);
    cases.into_list()
}

impl Insider<'_> {
    fn header(&self) -> Value {
        token::header(self.key)
    }

    /// A token with this header and the good claims.
    fn headed(&self, header: &Value) -> String {
        token::sign(self.key, header.to_string(), self.claims.to_string())
    }

    /// A token with the good header and this payload.
    fn carrying(&self, payload: impl AsRef<[u8]>) -> String {
        token::sign(self.key, self.header().to_string(), payload)
    }

    /// A token with the good header and one claim changed.
    fn claiming(&self, name: &str, value: Value) -> String {
        self.carrying(with(self.claims, name, value).to_string())
    }

    /// The good claims as text with one of them written in a way that no JSON value is.
    fn claiming_text(&self, name: &str, text: &str) -> String {
        const PLACE: &str = "\"the place of the text\"";
        let payload = with(self.claims, name, "the place of the text".into()).to_string();
        assert_eq!(payload.matches(PLACE).count(), 1);
        self.carrying(payload.replace(PLACE, text))
    }

    /// Without these, refusing everything would pass.
    fn good(&self, cases: &mut Cases) {
        cases.covering("S21");
        cases.accept("good/plain", self.headed(&self.header()));
        let padded = format!(" \n{}\t ", self.claims);
        cases.accept("good/white space around the claims", self.carrying(padded));
        let members = self.claims.as_object().expect("claims");
        let backwards: Vec<String> = members
            .iter()
            .rev()
            .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
            .collect();
        let backwards = format!("{{{}}}", backwards.join(","));
        cases.accept("good/claims backwards", self.carrying(backwards));
        let unknown = self.claiming("x-unknown", serde_json::json!({"a": [1, null, "x"]}));
        cases.accept("good/an unknown claim", unknown);
        self.sizes(cases);
    }

    /// The longest token that is looked at, and one byte more.
    fn sizes(&self, cases: &mut Cases) {
        const LIMIT: usize = 8 * 1024;
        cases.covering("S19");
        let of = |filling: usize| self.claiming("x-filling", "f".repeat(filling).into());
        let mut filling = LIMIT / 2;
        while of(filling + 1).len() <= LIMIT {
            filling += 1;
        }
        cases.accept("size/just under 8 KiB", of(filling));
        cases.refuse("size/just over 8 KiB", of(filling + 1), Why::TooLong);
        cases.refuse("size/64 KB of a claim", of(64_000), Why::TooLong);
    }
}
