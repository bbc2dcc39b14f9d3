//! The randomness port: whoever needs random bytes is handed a source of them.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Overwrites all of `out`.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's generator, through AWS-LC.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    #[expect(
        clippy::expect_used,
        reason = "a process without randomness must stop: no token made after that would be safe"
    )]
    fn fill(&self, out: &mut [u8]) {
        self.0
            .fill(out)
            .expect("the operating system gives random bytes");
    }
}

/// Returns `N` fresh random bytes.
pub fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut out = [0_u8; N];
    entropy.fill(&mut out);
    out
}

/// Predictable bytes for tests.
#[cfg(test)]
pub mod testing {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Entropy;

    /// Every call gives other bytes, the same ones in every run.
    #[derive(Debug, Default)]
    pub struct CountingEntropy(AtomicU64);

    impl Entropy for CountingEntropy {
        fn fill(&self, out: &mut [u8]) {
            for chunk in out.chunks_mut(8) {
                let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
                let bytes = next.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
                for (to, from) in chunk.iter_mut().zip(bytes) {
                    *to = from;
                }
            }
        }
    }
}
