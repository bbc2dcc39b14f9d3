//! Input that nobody thought of: no panic, and nothing unsigned gets in (S27).

use std::sync::LazyLock;

use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use proptest::sample::Index;
use token_core::key::{SigningSecret, VerificationKey, VerificationKeys};
use token_core::time::Timestamp;

use crate::{Issuer, NOW, SECRET, b64, claims, verifier};

/// One way to spoil a token.
#[derive(Debug, Clone)]
enum Change {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Swap(Index, Index),
    Repeat(Index, Index),
}

impl Change {
    fn apply(&self, token: &mut Vec<u8>) {
        if token.is_empty() {
            return;
        }
        let len = token.len();
        let at = |index: &Index| index.index(len);
        match self {
            Self::Replace(index, byte) => {
                let at = at(index);
                token[at] = *byte;
            }
            Self::Insert(index, byte) => token.insert(at(index), *byte),
            Self::Remove(index) => {
                token.remove(at(index));
            }
            Self::Cut(index) => token.truncate(at(index)),
            Self::Swap(one, other) => token.swap(at(one), at(other)),
            Self::Repeat(one, other) => {
                let (from, to) = (at(one).min(at(other)), at(one).max(at(other)));
                let part = token[from..to].to_vec();
                token.splice(from..from, part);
            }
        }
    }
}

/// Bytes that mean something to a token, more often than others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        any::<u8>(),
        prop::sample::select(b".=-_+/ \n\0AQ\"{}".to_vec()),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        (index(), byte()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (index(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        index().prop_map(Change::Remove),
        index().prop_map(Change::Cut),
        (index(), index()).prop_map(|(a, b)| Change::Swap(a, b)),
        (index(), index()).prop_map(|(a, b)| Change::Repeat(a, b)),
    ]
}

static GENUINE: LazyLock<(Issuer, String)> = LazyLock::new(|| {
    let issuer = Issuer::new();
    let token = issuer.token(&claims());
    (issuer, token)
});

proptest! {
    /// Whatever bytes come, as whatever text they pass for.
    #[test]
    fn bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (issuer, _) = &*GENUINE;
        prop_assert!(issuer.verdict(&String::from_utf8_lossy(&bytes)).is_err());
    }

    /// Likewise for three parts of them, which get past the first look.
    #[test]
    fn parts_of_bytes_are_refused(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 3)) {
        let (issuer, _) = &*GENUINE;
        let parts: Vec<_> = parts.iter().map(b64).collect();
        prop_assert!(issuer.verdict(&parts.join(".")).is_err());
    }

    /// S14: a genuine token that was changed in any way is refused.
    #[test]
    fn changed_tokens_are_refused(changes in prop::collection::vec(change(), 1..6)) {
        let (issuer, genuine) = &*GENUINE;
        let mut bytes = genuine.clone().into_bytes();
        for change in &changes {
            change.apply(&mut bytes);
        }
        let changed = String::from_utf8_lossy(&bytes);
        prop_assert_eq!(issuer.verdict(&changed).is_ok(), changed == genuine.as_str());
    }

    /// A changed key set is read or refused, and never gives a key that was not in it.
    #[test]
    fn changed_key_sets_are_read_or_refused(changes in prop::collection::vec(change(), 0..6)) {
        let (issuer, genuine) = &*GENUINE;
        let set = serde_json::json!({ "keys": [issuer.key.public().unwrap()] }).to_string();
        let mut bytes = set.clone().into_bytes();
        for change in &changes {
            change.apply(&mut bytes);
        }
        let changed = String::from_utf8_lossy(&bytes);
        let now = Timestamp::from_unix_seconds(NOW);
        let keys = VerificationKeys::from_jwks(&changed);
        let passes = keys.is_ok_and(|keys| verifier().verify(&keys, genuine, now).is_ok());
        prop_assert!(passes || changed != set);
    }

    /// S27: no input panics, and nothing unsigned gets in.
    #[test]
    fn junk_is_refused(token in "[A-Za-z0-9_.=+/-]{0,200}|\\PC{0,100}") {
        let secret = SigningSecret::parse(SECRET).unwrap();
        let keys = VerificationKeys::new(vec![VerificationKey::from_secret(&secret)]);
        let now = Timestamp::from_unix_seconds(NOW);
        prop_assert!(verifier().verify(&keys, &token, now).is_err());
    }

    /// S27: likewise for junk inside a genuine frame.
    #[test]
    fn signed_junk_is_refused(claims in "\\PC{0,60}", header in "\\PC{0,60}") {
        let input = format!("{}.{}", b64(&header), b64(&claims));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::HS256).unwrap();
        let secret = SigningSecret::parse(SECRET).unwrap();
        let keys = VerificationKeys::new(vec![VerificationKey::from_secret(&secret)]);
        let now = Timestamp::from_unix_seconds(NOW);
        let token = format!("{input}.{signature}");
        prop_assert!(verifier().verify(&keys, &token, now).is_err());
    }
}
