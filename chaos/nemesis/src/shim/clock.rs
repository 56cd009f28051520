//! The wall clock of a process jumps, or runs at another speed. Monotonic time, and with it every timer, stays true.

use super::control::{Part, ShimControl, ends_after, now_ns};
use super::layout::clock;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use rustix::time::ClockId;
use std::sync::Arc;
use std::time::Duration;

/// A million parts are the whole.
const RIGHT_PPM: u64 = 1_000_000;

/// Makes processes see another time of day.
pub struct BendClock {
    kind: &'static str,
    offset_ns: i64,
    speed_ppm: u64,
    life: Duration,
    held: Vec<(u64, Arc<ShimControl>, Part)>,
}

impl BendClock {
    /// It is off by so many seconds, for `life` at most; then it jumps back.
    ///
    /// # Errors
    /// Beyond 200 years.
    pub fn jump(offset_s: i64, life: Duration) -> Result<Self, NemesisError> {
        const YEARS_200: i64 = 200 * 366 * 86_400;
        if !(-YEARS_200..=YEARS_200).contains(&offset_s) {
            return Err(NemesisError::Range {
                what: "the jump of a clock",
            });
        }
        Ok(Self {
            kind: "clock-jump",
            offset_ns: offset_s * 1_000_000_000,
            speed_ppm: RIGHT_PPM,
            life,
            held: Vec::new(),
        })
    }

    /// It runs at `speed`, of which 1 is right, for `life` at most; then it jumps back.
    ///
    /// # Errors
    /// Outside 0 to 100.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100 million"
    )]
    pub fn drift(speed: f64, life: Duration) -> Result<Self, NemesisError> {
        if !(0.0..=100.0).contains(&speed) {
            return Err(NemesisError::Range {
                what: "the speed of a clock",
            });
        }
        Ok(Self {
            kind: "clock-drift",
            offset_ns: 0,
            speed_ppm: (speed * 1e6).round() as u64,
            life,
            held: Vec::new(),
        })
    }

    fn bend(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        for target in targets {
            target.process()?;
            let control = Arc::clone(target.shim()?);
            let part = control.take_clock()?;
            self.held.push((target.node(), Arc::clone(&control), part));
            let words = [
                (
                    clock::OFFSET_NS,
                    u64::from_ne_bytes(self.offset_ns.to_ne_bytes()),
                ),
                (clock::SPEED_PPM, self.speed_ppm),
                (clock::ANCHOR_NS, now_ns(ClockId::Realtime)),
                (clock::UNTIL_NS, ends_after(self.life)),
                (clock::HITS, 0),
            ];
            control.set(part, &words)?;
        }
        Ok(())
    }
}

impl Nemesis for BendClock {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn demand(&self) -> Demand {
        Demand::Runs
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        if !self.held.is_empty() {
            return Err(NemesisError::Installed { fault: self.kind });
        }
        let bent = self.bend(targets);
        if bent.is_err() {
            self.heal()?;
        }
        bent
    }

    /// It bites once the process has asked for the time.
    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let mut seen = Vec::new();
        for (node, control, part) in &self.held {
            let hits = control.get(*part, clock::HITS)?;
            let bites = hits > 0;
            let text = format!("{hits} readings of the wall clock were changed");
            seen.push((*node, Evidence { bites, text }));
        }
        Ok(Evidence::join(seen))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        while let Some((_, control, part)) = self.held.last() {
            control.clear(*part)?;
            self.held.pop();
        }
        Ok(())
    }
}

impl Drop for BendClock {
    fn drop(&mut self) {
        // What cannot be cleared ends by itself, at the end of its life.
        drop(self.heal());
    }
}
