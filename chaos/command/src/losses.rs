//! How long losses of a leader were felt, over one run or many.

use holdfast_report::Run;

/// Milliseconds from each loss of a leader to the first acknowledged write.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    millis: Vec<u64>,
    /// Losses after which no write was acknowledged before the next fault.
    never: u64,
}

impl Losses {
    /// Adds a run's.
    pub fn add(&mut self, run: &Run) {
        for times in holdfast_report::figures::fault_times(&run.history) {
            match times.first_ack_ns {
                Some(nanos) if times.leader_lost => self.millis.push(nanos / 1_000_000),
                None if times.leader_lost => self.never += 1,
                _ => {}
            }
        }
        self.millis.sort_unstable();
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        u64::try_from(self.millis.len()).unwrap_or(u64::MAX) + self.never
    }

    /// The least time that so many of a hundred losses did not exceed; `None` when there were none.
    #[must_use]
    pub fn percentile(&self, of_hundred: usize) -> Option<u64> {
        let rank = (self.millis.len() * of_hundred).div_ceil(100);
        self.millis.get(rank.saturating_sub(1)).copied()
    }

    /// One line; `None` when there were none.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        let of = |percent| self.percentile(percent);
        let mut line = format!(
            "{} times; to the first acknowledged write: median {} ms, p99 {} ms, worst {} ms",
            self.count(),
            of(50)?,
            of(99)?,
            of(100)?
        );
        if self.never > 0 {
            line += &format!("; {} times none before the next fault", self.never);
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_seen() {
        let losses = Losses {
            millis: (1..=200).collect(),
            never: 1,
        };
        assert_eq!(losses.percentile(50), Some(100));
        assert_eq!(losses.percentile(99), Some(198));
        assert_eq!(losses.percentile(100), Some(200));
        assert_eq!(losses.count(), 201);
        assert!(
            losses
                .line()
                .unwrap()
                .ends_with("1 times none before the next fault")
        );
        assert_eq!(Losses::default().line(), None);
    }
}
