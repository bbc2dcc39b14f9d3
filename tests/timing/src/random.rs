//! Random order and random texts.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A random text of so many characters, none of which JSON or a form writes differently.
pub fn text(length: usize) -> String {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).expect("the system has randomness");
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(length);
    text
}

/// The numbers below `classes`, each `samples` times, in random order.
pub fn schedule(classes: usize, samples: usize) -> Vec<usize> {
    let mut order: Vec<(u64, usize)> = (0..classes)
        .flat_map(|class| std::iter::repeat_n(class, samples))
        .map(|class| (u64::from_ne_bytes(bytes()), class))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, class)| class).collect()
}
