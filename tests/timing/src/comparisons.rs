//! Comparisons of secrets in this process: how much of a guess is right shows in no time.

use std::hint::black_box;
use std::time::Instant;

use token_core::client::ClientSecret;
use token_core::secret::{RefreshDigest, RefreshSecret, SecretBytes};

use crate::random;
use crate::trial::{Question, Verdict, ask};

/// How many times each class is taken, and how many comparisons are timed at once.
const SAMPLES: usize = 20_000;
const AT_ONCE: u32 = 400;
/// How many different guesses there are of each class.
const GUESSES: usize = 64;

/// A secret, and as a client would present it. It is written before it is timed: what looks bytes up
/// in a table of characters takes longer for some than for others.
#[derive(Clone, Copy)]
struct Secret {
    bytes: [u8; 32],
    text: [u8; 43],
}

impl Secret {
    fn new(bytes: [u8; 32]) -> Self {
        let text = token_core::encoding::base64url(bytes).into_bytes();
        let text = text.try_into().expect("32 bytes have 43 characters");
        Self { bytes, text }
    }

    fn presented(&self) -> ClientSecret {
        let text = str::from_utf8(&self.text).expect("base64url is ASCII");
        ClientSecret::presented(text.to_owned())
    }
}

/// A comparison: its name, whether it tells on purpose, and how guesses are compared with a secret.
type Comparison = (
    &'static str,
    bool,
    fn(&Secret) -> Box<dyn Fn(&Secret) -> bool>,
);

/// Those of token-core, and one that stops at the first difference, as `==` on bytes may.
const COMPARISONS: [Comparison; 5] = [
    ("secret bytes", false, |own| {
        let own = SecretBytes::new(own.bytes);
        Box::new(move |guess| own == SecretBytes::new(guess.bytes))
    }),
    ("refresh secret", false, |own| {
        let own = RefreshSecret::from_bytes(own.bytes);
        Box::new(move |guess| own == RefreshSecret::from_bytes(guess.bytes))
    }),
    ("digest of a refresh secret", false, |own| {
        let own = RefreshDigest::from_bytes(own.bytes);
        Box::new(move |guess| own == RefreshDigest::from_bytes(guess.bytes))
    }),
    ("client's secret", false, |own| {
        let own = own.presented().digest();
        Box::new(move |guess| guess.presented().digest() == own)
    }),
    ("seeded: bytes up to the first difference", true, |own| {
        let own = own.bytes;
        Box::new(move |guess| {
            let mut pairs = own.iter().zip(&guess.bytes);
            pairs.all(|(a, b)| black_box(a) == b)
        })
    }),
];

/// Times all of them, with guesses that are wrong in the last byte alone, and with random ones.
/// Both are refused: that a right one is not is no secret.
pub fn run() -> Vec<Verdict> {
    let verdicts = COMPARISONS.iter().flat_map(|(name, seeded, comparison)| {
        let own = random::bytes();
        let compare = comparison(&Secret::new(own));
        let near = || {
            let [other] = random::bytes();
            let mut guess = own;
            guess[31] ^= other | 1;
            Secret::new(guess)
        };
        let far = || {
            let mut guess: [u8; 32] = random::bytes();
            guess[0] = !own[0];
            Secret::new(guess)
        };
        let guesses: [Vec<Secret>; 2] = [
            std::iter::repeat_with(near).take(GUESSES).collect(),
            std::iter::repeat_with(far).take(GUESSES).collect(),
        ];
        let mut next = 0;
        let name = format!("{name}: wrong in the last byte, wrong from the first on");
        let question = Question {
            classes: [0, 1],
            name: name.leak(),
            seeded: *seeded,
            allowed: 0.0,
        };
        ask(&[question], SAMPLES, "ns", move |class| {
            next = (next + 1) % GUESSES;
            // Always at the same place, so that where it lies is not what is timed.
            let guess = guesses[class][next];
            let start = Instant::now();
            for _ in 0..AT_ONCE {
                assert!(!black_box(compare(black_box(&guess))));
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(AT_ONCE)
        })
    });
    verdicts.collect()
}
