//! What the barrier needs of the world: a wall clock and entropy. Passed in, so that a simulation can own both.

use rand_core::{Infallible, TryCryptoRng, TryRng};
use std::time::{SystemTime, UNIX_EPOCH};

/// A wall clock and entropy.
pub trait Surroundings: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn wall_ms(&self) -> u64;

    /// Fills the buffer with bytes nobody can predict. Never returns without having done so.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSurroundings;

impl Surroundings for SystemSurroundings {
    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn fill(&self, buffer: &mut [u8]) {
        // Without entropy nothing may be sealed: there is no weaker source to fall back to.
        getrandom::fill(buffer).expect("the operating system gives entropy");
    }
}

/// The surroundings as a generator for the ciphers.
pub(crate) struct Entropy<'a>(pub(crate) &'a dyn Surroundings);

impl TryRng for Entropy<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Entropy<'_> {}
