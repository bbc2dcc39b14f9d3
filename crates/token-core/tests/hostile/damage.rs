//! Tokens with one bit, one end or all sense of proportion lost.

use std::time::Instant;

use forge::outsider::{cuts, flips};
use forge::{Algorithm, Verdict, Why};

use crate::Issuer;

/// S14: every bit counts. A header whose bits are flipped may ask for other things than a wrong
/// signature does, but nothing gets in.
#[test]
fn no_flipped_bit_is_accepted() {
    for algorithm in Algorithm::ALL {
        let issuer = Issuer::new(algorithm);
        let token = issuer.token();
        let mut tried = 0;
        for (what, altered) in flips(&token) {
            assert!(issuer.verify(&altered).is_err(), "{algorithm:?} {what}");
            tried += 1;
        }
        assert_eq!(tried, token.len() * 7);
    }
}

/// S14 S66: nor is any part of a token, or a token with something behind or before it.
#[test]
fn no_part_of_a_token_is_accepted() {
    for algorithm in Algorithm::ALL {
        let issuer = Issuer::new(algorithm);
        let token = issuer.token();
        for (what, altered) in cuts(&token) {
            assert!(issuer.verify(&altered).is_err(), "{algorithm:?} {what}");
        }
        for byte in 0_u8..128 {
            let more = char::from(byte);
            for altered in [format!("{token}{more}"), format!("{more}{token}")] {
                assert!(issuer.verify(&altered).is_err(), "{algorithm:?} {more:?}");
            }
        }
        assert_eq!(issuer.verdict(&token), Verdict::Accepted);
    }
}

/// S19: what is over the limit costs the same however long it is: the ratio of ten thousand looks
/// at 100 MB to as many at 10 KB is that of noise.
#[test]
fn a_hundred_megabytes_cost_no_more_than_ten_kilobytes() {
    const LOOKS: u32 = 10_000;
    let issuer = Issuer::new(Algorithm::Es256);
    let [small, large] = [10_000, 100_000_000].map(|length| "A".repeat(length));
    let look = |token: &str| {
        let start = Instant::now();
        for _ in 0..LOOKS {
            assert_eq!(issuer.verdict(token), Verdict::Refused(Why::TooLong));
        }
        start.elapsed()
    };
    look(&small);
    let (small, large) = (look(&small), look(&large));
    // Decoding or splitting 100 MB once would already cost thousands of times as much.
    assert!(large < small * 100, "{large:?} against {small:?}");
}
