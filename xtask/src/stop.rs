//! Signals that ask a task to end, caught so that it ends well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// Set by the signals that were named; every wait looks at it.
#[derive(Clone)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on these signals end nothing by themselves.
    pub(crate) fn catch(signals: &[i32]) -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for number in signals {
            signal_hook::flag::register(*number, Arc::clone(&flag))
                .context("cannot catch Ctrl-C")?;
        }
        Ok(Self(flag))
    }

    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::consts::SIGURG;

    #[test]
    fn a_signal_that_was_named_asks() {
        let stop = Stop::catch(&[SIGURG]).unwrap();
        assert!(!stop.asked());
        signal_hook::low_level::raise(SIGURG).unwrap();
        assert!(stop.asked());
    }
}
