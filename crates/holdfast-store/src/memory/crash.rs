//! What a crash takes.

/// What is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// What was not synced.
    Power,
    /// What was not handed to the operating system.
    Process,
}

/// Decides how much of what was not synced survives. Zero keeps nothing; every other number keeps some beginning.
pub(super) struct Choice(u64);

impl Choice {
    pub(super) const fn new(choice: u64) -> Self {
        Self(choice)
    }

    /// A number from 0 to `most`.
    pub(super) fn up_to(&mut self, most: usize) -> usize {
        if self.0 == 0 {
            return 0;
        }
        // SplitMix64; the state never becomes the zero that means "nothing".
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15).max(1);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % (most as u64 + 1)).expect("at most a usize")
    }
}

#[cfg(test)]
mod tests {
    use super::Choice;
    use std::collections::BTreeSet;

    #[test]
    fn zero_keeps_nothing_and_the_others_reach_everything() {
        assert_eq!(Choice::new(0).up_to(9), 0);
        let reached: BTreeSet<usize> = (1..200).map(|n| Choice::new(n).up_to(4)).collect();
        assert_eq!(reached.len(), 5);
    }
}
