//! Keys and secrets as operators give them: master keys, signing secrets, PKCS #8, sealed keys.
//!
//! A master key has one spelling, up to white space around it; a secret that is accepted is long
//! enough; what cannot sign and verify is no key; a sealed key that was changed is not opened, and
//! no message repeats what was given.

#![no_main]

use std::sync::LazyLock;

use fuzz::request::MARK;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use token_core::key::{
    AccessAlgorithm, AccessKey, MasterKey, RsaBits, SigningSecret, VerificationKeys,
};

static MASTER: LazyLock<MasterKey> = LazyLock::new(|| {
    MasterKey::parse("nAWJCMdVWZpzRzrVt2Jk0xlvYbGPyLE3oPSvvUo6g1s=").expect("a key")
});

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    match mode % 4 {
        0 => match MasterKey::parse(&text) {
            Ok(key) => assert_eq!(key.to_text(), text.trim(), "one key, one spelling"),
            Err(error) => assert!(!error.to_string().contains(MARK)),
        },
        1 => match SigningSecret::parse(&text) {
            Ok(secret) => {
                assert!(secret.expose().len() >= 32);
                assert_eq!(secret.expose(), text.as_bytes(), "taken as it is");
            }
            Err(error) => assert!(!error.to_string().contains(MARK)),
        },
        2 => {
            for algorithm in [
                AccessAlgorithm::Es256,
                AccessAlgorithm::EdDsa,
                AccessAlgorithm::Rs256(RsaBits::B2048),
            ] {
                if let Ok(key) = AccessKey::from_pkcs8(algorithm, rest) {
                    let jwk = key.public().expect("a public half");
                    let set = json!({ "keys": [jwk] }).to_string();
                    assert!(
                        VerificationKeys::from_jwks(&set).is_ok(),
                        "published, not read"
                    );
                    assert!(!set.contains("\"d\""), "a private key was published");
                }
            }
        }
        _ => {
            let sealed = MASTER.seal("place", b"key");
            let differs = rest != sealed.as_slice();
            assert!(MASTER.unseal("place", rest).is_err() || !differs);
            let mut changed = sealed.clone();
            for (at, byte) in changed.iter_mut().zip(rest) {
                *at ^= byte;
            }
            let opened = MASTER.unseal("place", &changed).is_ok();
            assert_eq!(opened, changed == sealed, "changed, and opened");
            assert!(MASTER.unseal("elsewhere", &sealed).is_err());
        }
    }
});
