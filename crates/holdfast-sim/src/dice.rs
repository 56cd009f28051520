//! Where all chance comes from: one seed, split by purpose, so that a change in one place does not reshuffle the others.

use parking_lot::Mutex;
use std::ops::Range;

/// A generator for one purpose.
pub(crate) struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    /// The generator of a seed for a purpose.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(purpose.as_bytes());
        let mut own = [0; 8];
        hasher.finalize_xof().fill(&mut own);
        Self(Mutex::new(fastrand::Rng::with_seed(u64::from_le_bytes(
            own,
        ))))
    }

    /// A number in the range.
    pub(crate) fn number(&self, range: Range<u64>) -> u64 {
        self.0.lock().u64(range)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&self, chance: u64) -> bool {
        self.number(0..100) < chance
    }

    /// One of them; `None` of none.
    pub(crate) fn pick<T: Clone>(&self, from: &[T]) -> Option<T> {
        let len = u64::try_from(from.len()).ok().filter(|len| *len > 0)?;
        let at = usize::try_from(self.number(0..len)).ok()?;
        from.get(at).cloned()
    }

    /// Puts them in a random order.
    pub(crate) fn shuffle<T>(&self, of: &mut [T]) {
        self.0.lock().shuffle(of);
    }

    /// Fills the buffer.
    pub(crate) fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().fill(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_are_independent_and_repeatable() {
        let roll = |seed, purpose| {
            let dice = Dice::new(seed, purpose);
            [0; 8].map(|_: u64| dice.number(0..1000))
        };
        assert_eq!(roll(1, "net"), roll(1, "net"));
        assert_ne!(roll(1, "net"), roll(1, "disk"));
        assert_ne!(roll(1, "net"), roll(2, "net"));
    }
}
