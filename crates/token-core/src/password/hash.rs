//! Password hashes: bcrypt of base64(HMAC-SHA-384(pepper, password)).
//!
//! The keyed pre-hash makes every byte of a password of any length count (bcrypt itself stops at
//! 72 bytes), makes NUL bytes harmless, and makes a stolen database useless without the master
//! key. Its 64 characters fit into bcrypt's input.

use std::fmt;
use std::future;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::{HashParts, Version};

use super::{
    CandidatePassword, HashingBusy, NewPassword, NewPasswordError, PasswordHashing,
    PresentedPassword,
};
use crate::key::Pepper;
use crate::random::{self, Entropy};
use crate::store::BoxFuture;

/// The least and the greatest cost that is computed, here or for a stored hash.
const COSTS: std::ops::RangeInclusive<u32> = 10..=16;

/// A bcrypt cost from 10 to 16: the logarithm of the number of rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BcryptCost(u32);

/// The number is not a cost that renewd uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bcrypt cost is a number from 10 to 16")]
pub struct InvalidCost;

impl BcryptCost {
    /// Checks a cost.
    pub fn new(cost: u32) -> Result<Self, InvalidCost> {
        if COSTS.contains(&cost) {
            Ok(Self(cost))
        } else {
            Err(InvalidCost)
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A stored password hash. Any text may come out of storage; only verifying parses it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a hash that was read from storage.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The password is right.
    Right {
        /// The hash was made at another cost than the one configured now.
        outdated: bool,
    },
    /// It is not, or there is nothing to compare it with.
    Wrong,
}

/// Hashes on the calling thread.
#[derive(Clone)]
pub struct BcryptHasher {
    pepper: hmac::Key,
    cost: BcryptCost,
    entropy: Arc<dyn Entropy>,
}

impl BcryptHasher {
    /// A hasher with this pepper and cost.
    pub fn new(pepper: &Pepper, cost: BcryptCost, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            pepper: hmac::Key::new(hmac::HMAC_SHA384, pepper.expose()),
            cost,
            entropy,
        }
    }

    /// Hashes a new password.
    pub fn hash_now(&self, password: &NewPassword) -> PasswordHash {
        self.renew_now(password.presented())
    }

    /// Judges a new password and hashes it.
    pub fn judge_and_hash_now(
        &self,
        password: CandidatePassword,
    ) -> Result<PasswordHash, NewPasswordError> {
        Ok(self.hash_now(&password.judge()?))
    }

    /// Hashes a password that was found right.
    pub fn renew_now(&self, password: &PresentedPassword) -> PasswordHash {
        PasswordHash(self.compute(
            password,
            random::bytes(self.entropy.as_ref()),
            self.cost.get(),
        ))
    }

    /// Compares. The work is that of one hash at the configured cost in every case: for nothing to
    /// compare with, for a stored text that is no hash or asks for a cost outside 10 to 16
    /// (YARDSTICK S81), and for a hash of a lower cost, whose missing rounds are made up for, so
    /// that raising the cost does not tell who has an account (S85).
    pub fn verify_now(
        &self,
        password: &PresentedPassword,
        stored: Option<&PasswordHash>,
    ) -> Verification {
        let Some((stored, parts)) = stored.and_then(parse) else {
            self.spend(password, self.cost.get());
            return Verification::Wrong;
        };
        let cost = parts.get_cost();
        let computed = self.compute(password, parts.get_salt_raw(), cost);
        // A cost is a logarithm: 2^c + 2^c + 2^(c+1) + … + 2^(C-1) = 2^C.
        for missing in cost..self.cost.get() {
            self.spend(password, missing);
        }
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal(
            digest_part(&computed),
            digest_part(stored.as_str()),
        );
        match equal {
            Ok(()) => Verification::Right {
                outdated: cost != self.cost.get(),
            },
            Err(_) => Verification::Wrong,
        }
    }

    /// Computes a hash that nobody needs.
    fn spend(&self, password: &PresentedPassword, cost: u32) {
        std::hint::black_box(self.compute(password, [0x5a; 16], cost));
    }

    #[expect(
        clippy::expect_used,
        reason = "64 bytes without NUL at a checked cost always hash"
    )]
    fn compute(&self, password: &PresentedPassword, salt: [u8; 16], cost: u32) -> String {
        let mac = hmac::sign(&self.pepper, password.expose().as_bytes());
        let input = STANDARD.encode(mac.as_ref());
        bcrypt::non_truncating_hash_with_salt(input, cost, salt)
            .expect("bcrypt takes 64 bytes")
            .format_for_version(Version::TwoB)
    }
}

impl fmt::Debug for BcryptHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BcryptHasher(cost {})", self.cost.get())
    }
}

/// For programs without a pool: the work is done on the thread that asks.
impl PasswordHashing for BcryptHasher {
    fn hash(
        &self,
        password: CandidatePassword,
    ) -> BoxFuture<'_, Result<PasswordHash, NewPasswordError>> {
        Box::pin(future::ready(self.judge_and_hash_now(password)))
    }

    fn verify(
        &self,
        password: PresentedPassword,
        stored: Option<PasswordHash>,
    ) -> BoxFuture<'_, Result<Verification, HashingBusy>> {
        Box::pin(future::ready(Ok(
            self.verify_now(&password, stored.as_ref())
        )))
    }

    fn renew(
        &self,
        password: PresentedPassword,
    ) -> BoxFuture<'_, Result<PasswordHash, HashingBusy>> {
        Box::pin(future::ready(Ok(self.renew_now(&password))))
    }
}

/// Parses a stored hash that may be computed: `$2b$`, 60 ASCII characters, a cost in range.
fn parse(stored: &PasswordHash) -> Option<(&PasswordHash, HashParts)> {
    let text = &stored.0;
    if text.len() != 60 || !text.is_ascii() || !text.starts_with("$2b$") {
        return None;
    }
    let parts = HashParts::from_str(text).ok()?;
    COSTS.contains(&parts.get_cost()).then_some((stored, parts))
}

/// The 31 characters after version, cost and salt.
fn digest_part(hash: &str) -> &[u8] {
    hash.as_bytes().get(29..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::MasterKey;
    use crate::password::PasswordPolicy;
    use crate::random::testing::CountingEntropy;

    fn hasher(cost: u32) -> BcryptHasher {
        let master = MasterKey::generate(&CountingEntropy::default());
        let cost = BcryptCost::new(cost).unwrap();
        BcryptHasher::new(&master.pepper(), cost, Arc::new(CountingEntropy::default()))
    }

    fn hash(hasher: &BcryptHasher, password: &str) -> PasswordHash {
        hasher.renew_now(&PresentedPassword::new(password))
    }

    fn verify(hasher: &BcryptHasher, password: &str, stored: &PasswordHash) -> bool {
        hasher.verify_now(&PresentedPassword::new(password), Some(stored)) != Verification::Wrong
    }

    /// S75 S76 S77 S78: every byte counts, NUL included, and two keyboards agree.
    #[test]
    fn nothing_is_truncated() {
        let hasher = hasher(10);
        let long = "🦀".repeat(64);
        let stored = hash(&hasher, &long);
        assert!(verify(&hasher, &long, &stored));
        assert!(!verify(&hasher, &"🦀".repeat(63), &stored));
        for at in [71, 72, 199] {
            let mut other = vec![b'x'; 200];
            let stored = hash(&hasher, &"x".repeat(200));
            other[at] = b'y';
            assert!(
                !verify(&hasher, std::str::from_utf8(&other).unwrap(), &stored),
                "{at}"
            );
        }
        let nul = hash(&hasher, "a\0b");
        assert!(verify(&hasher, "a\0b", &nul) && !verify(&hasher, "a\0c", &nul));
        assert!(!verify(&hasher, "\0\0", &hash(&hasher, "\0")));
        assert!(verify(
            &hasher,
            "Ame\u{301}lie",
            &hash(&hasher, "Am\u{e9}lie")
        ));
    }

    /// S79: the keyed pre-hash is not a digest that anyone can compute.
    #[test]
    fn another_pepper_is_another_hash() {
        let stored = hash(&hasher(10), "correct horse");
        let entropy = CountingEntropy::default();
        entropy.fill(&mut [0; 64]);
        let other = MasterKey::generate(&entropy);
        let other = BcryptHasher::new(&other.pepper(), BcryptCost(10), Arc::new(entropy));
        assert!(!verify(&other, "correct horse", &stored));
        assert!(bcrypt::verify("correct horse", stored.as_str()).is_ok_and(|same| !same));
    }

    /// S80: a hash of another cost verifies and is reported.
    #[test]
    fn costs_can_be_raised() {
        let stored = hash(&hasher(10), "correct horse");
        assert!(stored.as_str().starts_with("$2b$10$"));
        let verdict =
            hasher(11).verify_now(&PresentedPassword::new("correct horse"), Some(&stored));
        assert_eq!(verdict, Verification::Right { outdated: true });
        assert!(!verify(&hasher(11), "wrong horse", &stored));
        assert_eq!(BcryptCost::new(9), Err(InvalidCost));
        assert_eq!(BcryptCost::new(17), Err(InvalidCost));
    }

    /// S81: hostile stored hashes are refused without a panic and without their cost.
    #[test]
    fn hostile_hashes_verify_nothing() {
        let hasher = hasher(10);
        let good = hash(&hasher, "p");
        for bad in [
            String::new(),
            "x".repeat(60),
            "é".repeat(30),
            good.as_str().replace("$2b$10$", "$2b$31$"),
            good.as_str().replace("$2b$10$", "$2x$10$"),
            good.as_str().replace("$2b$10$", "$2b$1$$"),
            good.as_str()[..59].to_owned(),
        ] {
            assert!(!verify(&hasher, "p", &PasswordHash(bad.clone())), "{bad}");
        }
    }

    #[test]
    fn nothing_stored_is_wrong() {
        let verdict = hasher(10).verify_now(&PresentedPassword::new("p"), None);
        assert_eq!(verdict, Verification::Wrong);
        let new = PasswordPolicy { min_length: 8 }
            .check("correct horse battery", &[])
            .unwrap();
        let hasher = hasher(10);
        assert!(verify(
            &hasher,
            "correct horse battery",
            &hasher.hash_now(&new)
        ));
    }
}
