//! Random numbers that depend on a seed and nothing else (SplitMix64): the same on every machine and in every version.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent stream for one part of a run, so that a change in one part does not disturb the others.
    #[must_use]
    pub fn part(seed: u64, part: &str) -> Self {
        let mut mixed = Self::new(seed);
        for byte in part.bytes() {
            mixed.0 ^= u64::from(byte);
            mixed.0 = mixed.next_u64();
        }
        mixed
    }

    /// The next number.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 for the bound 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match bound {
            0 => 0,
            bound => self.next_u64() % bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_and_differ_by_part() {
        assert_eq!(Rng::new(0).next_u64(), 0xe220_a839_7b1d_cdaf);
        let first = |part| Rng::part(7, part).next_u64();
        assert_eq!(first("phase"), first("phase"));
        assert_ne!(first("phase"), first("workload"));
    }
}
