//! Verified tokens, remembered: a caller that comes again costs a digest instead of a signature.
//!
//! A token is found by the SHA-256 of all of it, its signature included, so that a token that
//! differs in one bit is another token, and none lies in memory whole. What is remembered says
//! only what cannot change: whose token it is and which key signed it. What can change is asked
//! again at every hit: whether that very key is still among the keys, and whether it is still
//! time. Whether the session has ended is the caller's question to the revocation set, hit or not.
//! Only what was found genuine and in time is remembered; junk costs no memory.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::verify::{AccessError, AccessVerifier, VerifiedAccess};
use crate::key::{KeyFingerprint, VerificationKeys};
use crate::time::Timestamp;
use crate::token::jws::{JwsError, MAX_TOKEN_BYTES};

/// How much is remembered, counted as [`Entry::weight`]: the tokens of some 16,000 callers. Whoever
/// does not fit costs a signature, which is what all of them cost without the cache, so there is
/// nothing here to configure.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// What an entry takes beside the claims.
const ENTRY_BYTES: u32 = 320;

/// An [`AccessVerifier`] that remembers.
pub struct CachingVerifier {
    verifier: AccessVerifier,
    cache: Cache<[u8; 32], Entry, ByWeight>,
}

#[derive(Clone)]
struct Entry {
    access: Arc<VerifiedAccess>,
    key: KeyFingerprint,
    /// Its bytes in memory, roughly: the claims take about as many as the token.
    weight: u32,
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<[u8; 32], Entry> for ByWeight {
    fn weight(&self, _: &[u8; 32], entry: &Entry) -> u64 {
        u64::from(entry.weight)
    }
}

impl CachingVerifier {
    /// Remembers what this verifier finds. It belongs to that one policy.
    pub fn new(verifier: AccessVerifier) -> Self {
        Self::with_capacity(verifier, CAPACITY)
    }

    fn with_capacity(verifier: AccessVerifier, capacity: u64) -> Self {
        let usual = usize::try_from(capacity / 1_024).unwrap_or(usize::MAX);
        Self {
            verifier,
            cache: Cache::with_weighter(usual, capacity, ByWeight),
        }
    }

    /// The verifier that remembers nothing.
    pub const fn verifier(&self) -> &AccessVerifier {
        &self.verifier
    }

    /// Verifies a token at `now` with these keys: always the same answer that
    /// [`AccessVerifier::verify`] gives.
    pub fn verify(
        &self,
        keys: &VerificationKeys,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<VerifiedAccess>, AccessError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwsError::TooLong.into());
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(entry) = self.cache.get(&digest) {
            if keys.have(&entry.key) {
                let checked = self.verifier.check_time(&entry.access, now);
                if checked == Err(AccessError::Expired) {
                    self.cache.remove(&digest);
                }
                return checked.map(|()| entry.access);
            }
            self.cache.remove(&digest);
        }
        let (access, key) = self.verifier.verify_and_name_key(keys, token)?;
        self.verifier.check_time(&access, now)?;
        let access = Arc::new(access);
        let entry = Entry {
            access: Arc::clone(&access),
            key,
            weight: u32::try_from(token.len()).unwrap_or(u32::MAX / 2) + ENTRY_BYTES,
        };
        self.cache.insert(digest, entry);
        Ok(access)
    }
}

impl std::fmt::Debug for CachingVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachingVerifier")
            .field("verifier", &self.verifier)
            .field("remembered", &self.cache.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
