//! Password hashes: bcrypt of base64(HMAC-SHA-384(pepper, password)).
//!
//! The keyed pre-hash makes every byte of a password of any length count (bcrypt itself stops at
//! 72 bytes), makes NUL bytes harmless, and makes a stolen database useless without the master
//! key. Its 64 characters fit into bcrypt's input.

use std::fmt;
use std::future;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::{HashParts, Version};

use super::{
    CandidatePassword, HashingBusy, NewPassword, NewPasswordError, PasswordHashing,
    PresentedPassword,
};
use crate::key::{Pepper, Peppers};
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
#[derive(Clone)]
pub struct PasswordHash(String);

impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for PasswordHash {}

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
        /// The hash was made at another cost than the one configured now, or with another pepper
        /// than the active one.
        outdated: bool,
    },
    /// It is not, or there is nothing to compare it with.
    Wrong,
}

/// Hashes on the calling thread. Clones share their peppers.
#[derive(Clone)]
pub struct BcryptHasher {
    peppers: Arc<RwLock<Arc<Peppers>>>,
    cost: BcryptCost,
    entropy: Arc<dyn Entropy>,
}

impl BcryptHasher {
    /// A hasher with this pepper, until it is told of others, and this cost.
    pub fn new(pepper: &Pepper, cost: BcryptCost, entropy: Arc<dyn Entropy>) -> Self {
        let peppers = Arc::new(Peppers::new(pepper.clone(), []));
        Self {
            peppers: Arc::new(RwLock::new(peppers)),
            cost,
            entropy,
        }
    }

    /// Hashes with these peppers from now on.
    pub fn set_peppers(&self, peppers: Arc<Peppers>) {
        *self.peppers.write().unwrap_or_else(PoisonError::into_inner) = peppers;
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
        let peppers = self.peppers();
        let pepper = peppers.active();
        let salt = random::bytes(self.entropy.as_ref());
        let hash = compute(pepper, password, salt, self.cost.get());
        PasswordHash(match pepper.mark() {
            None => hash,
            Some(mark) => format!("{mark}{MARKED}{hash}"),
        })
    }

    /// Compares. The work is that of one hash at the configured cost in every case: for nothing to
    /// compare with, for a stored text that is no hash or asks for a cost outside 10 to 16
    /// (YARDSTICK S81) or for a pepper that is not there, and for a hash of a lower cost, whose
    /// missing rounds are made up for, so that raising the cost does not tell who has an account
    /// (S85).
    pub fn verify_now(
        &self,
        password: &PresentedPassword,
        stored: Option<&PasswordHash>,
    ) -> Verification {
        let peppers = self.peppers();
        let active = peppers.active();
        let found = stored.and_then(parse).and_then(|stored| {
            let pepper = peppers.marked(stored.mark)?;
            Some((stored, pepper))
        });
        let Some((stored, pepper)) = found else {
            spend(active, password, self.cost.get());
            return Verification::Wrong;
        };
        let cost = stored.parts.get_cost();
        let computed = compute(pepper, password, stored.parts.get_salt_raw(), cost);
        // A cost is a logarithm: 2^c + 2^c + 2^(c+1) + … + 2^(C-1) = 2^C.
        for missing in cost..self.cost.get() {
            spend(active, password, missing);
        }
        let equal = verify_slices_are_equal(digest_part(&computed), digest_part(stored.bcrypt));
        match equal {
            Ok(()) => Verification::Right {
                outdated: cost != self.cost.get() || pepper.kid() != active.kid(),
            },
            Err(_) => Verification::Wrong,
        }
    }

    fn peppers(&self) -> Arc<Peppers> {
        Arc::clone(&self.peppers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Computes a hash that nobody needs.
fn spend(pepper: &Pepper, password: &PresentedPassword, cost: u32) {
    std::hint::black_box(compute(pepper, password, [0x5a; 16], cost));
}

#[expect(
    clippy::expect_used,
    reason = "64 bytes without NUL at a checked cost always hash"
)]
fn compute(pepper: &Pepper, password: &PresentedPassword, salt: [u8; 16], cost: u32) -> String {
    let mac = hmac::sign(pepper.key(), password.expose().as_bytes());
    let input = STANDARD.encode(mac.as_ref());
    bcrypt::non_truncating_hash_with_salt(input, cost, salt)
        .expect("bcrypt takes 64 bytes")
        .format_for_version(Version::TwoB)
}

impl fmt::Debug for BcryptHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BcryptHasher(cost {})", self.cost.get())
    }
}

/// For programs without a pool: the work is done on the thread that asks.
impl PasswordHashing for BcryptHasher {
    fn use_peppers(&self, peppers: Arc<Peppers>) {
        self.set_peppers(peppers);
    }

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

/// Between the name of a pepper and the hash that was made with it.
const MARKED: char = ':';

/// A stored hash, taken apart.
struct Parsed<'a> {
    mark: Option<&'a str>,
    bcrypt: &'a str,
    parts: HashParts,
}

/// Parses a stored hash that may be computed: what it says of its pepper, then bcrypt's own text, of
/// this version and with a cost in range.
fn parse(stored: &PasswordHash) -> Option<Parsed<'_>> {
    let (mark, bcrypt) = match stored.0.split_once(MARKED) {
        Some((mark, bcrypt)) => (Some(mark), bcrypt),
        None => (None, stored.0.as_str()),
    };
    let parts = HashParts::from_str(bcrypt).ok()?;
    let usable = bcrypt.starts_with("$2b$") && COSTS.contains(&parts.get_cost());
    usable.then_some(Parsed {
        mark,
        bcrypt,
        parts,
    })
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

    /// A password change asks whether the hash is still the one that was verified.
    #[test]
    fn hashes_are_equal_where_all_of_them_is() {
        let hash = |text: &str| PasswordHash::from_stored(text.to_owned());
        assert_eq!(hash("one"), hash("one"));
        for other in ["", "on", "ones", "One", "onE"] {
            assert_ne!(hash("one"), hash(other));
        }
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

    /// A hash goes on to verify after its pepper was succeeded, is then reported, and is made with
    /// the new one when it is renewed; without its pepper it verifies nothing.
    #[test]
    fn peppers_can_be_rotated() {
        let hasher = hasher(10);
        let master = MasterKey::generate(&CountingEntropy::default());
        let first = master.pepper();
        let second = Pepper::from_material(&[2; 48], false);
        let horse = PresentedPassword::new("correct horse");
        let old = hasher.renew_now(&horse);
        assert!(
            old.as_str().starts_with("$2b$"),
            "the first one is not named"
        );

        hasher.use_peppers(Arc::new(Peppers::new(second.clone(), [first])));
        let verdict = hasher.verify_now(&horse, Some(&old));
        assert_eq!(verdict, Verification::Right { outdated: true });
        assert!(!verify(&hasher, "wrong horse", &old));
        let new = hasher.renew_now(&horse);
        assert!(
            new.as_str()
                .starts_with(&format!("{}:$2b$10$", second.kid()))
        );
        let verdict = hasher.verify_now(&horse, Some(&new));
        assert_eq!(verdict, Verification::Right { outdated: false });
        // A hash cannot be moved to another pepper by what it says.
        let (_, bare) = new.as_str().split_once(':').unwrap();
        assert!(!verify(
            &hasher,
            "correct horse",
            &PasswordHash(bare.to_owned())
        ));

        hasher.set_peppers(Arc::new(Peppers::new(second, [])));
        assert!(verify(&hasher, "correct horse", &new));
        assert!(!verify(&hasher, "correct horse", &old));
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
            format!("{}x", good.as_str()),
            format!("{}{}", &good.as_str()[..8], "é".repeat(26)),
            format!(":{}", good.as_str()),
            format!("x:{}", good.as_str()),
            format!("{}:", good.as_str()),
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
