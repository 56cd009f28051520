//! How long losses of a leader were felt, over one run or many.

use holdfast_report::Summary;

/// Milliseconds from each loss of a leader that left a quorum to the first acknowledged write.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    millis: Vec<u64>,
    /// Losses after which no write was acknowledged before the next one.
    never: u64,
}

impl Losses {
    /// Adds a run's.
    pub fn add(&mut self, summary: &Summary) {
        for first_ack in &summary.first_acks_ns {
            match first_ack {
                Some(nanos) => self.millis.push(nanos / 1_000_000),
                None => self.never += 1,
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
        let times = match self.count() {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        let mut line = format!(
            "{times}; to the first acknowledged write: median {} ms, p99 {} ms, worst {} ms",
            of(50)?,
            of(99)?,
            of(100)?
        );
        if self.never > 0 {
            line += &format!("; none before the next loss: {}", self.never);
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
                .ends_with("none before the next loss: 1")
        );
        assert_eq!(Losses::default().line(), None);
    }
}
