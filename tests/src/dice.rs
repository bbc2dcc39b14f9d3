//! Choices that a seed decides, so that a run can be had again.

use uuid::Uuid;

/// A sequence of numbers that its seed decides (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that nobody chose.
    pub fn any_seed() -> u64 {
        Uuid::new_v4().as_u64_pair().0 >> 32
    }

    /// The next number below `limit`.
    ///
    /// # Panics
    /// Where the limit is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a limit of 64 bits");
        usize::try_from(self.next() % limit).expect("below the limit")
    }

    /// Whether one of `count` equal chances came true.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
