//! What happens to datagrams on one directed link. Pure values; two rules on one link add up.

use std::time::Duration;

/// What one directed link does to datagrams. The default lets everything pass at once.
///
/// Probabilities are shares from 0 to 1; what lies outside acts as the nearer end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rule {
    /// Nothing passes.
    pub cut: bool,
    /// Time that every datagram takes longer.
    pub delay: Duration,
    /// Up to this much more, drawn for each datagram: what overtakes arrives out of order.
    pub jitter: Duration,
    /// Share of datagrams that are lost.
    pub loss: f64,
    /// Share of datagrams that arrive twice, the second with a jitter of its own.
    pub duplicate: f64,
    /// Share of datagrams that arrive with one to three bits flipped.
    pub corrupt: f64,
    /// Share of datagrams that are held back by [`Rule::HELD_BACK`], so that later ones arrive first.
    pub reorder: f64,
    /// How much passes, bytes per second; what exceeds it waits its turn.
    pub bytes_per_second: Option<u64>,
}

impl Rule {
    /// How long a reordered datagram is held back.
    pub const HELD_BACK: Duration = Duration::from_millis(5);

    /// A rule that lets nothing pass.
    pub const CUT: Self = Self {
        cut: true,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicate: 0.0,
        corrupt: 0.0,
        reorder: 0.0,
        bytes_per_second: None,
    };

    /// A rule that makes everything later by this.
    #[must_use]
    pub fn delayed(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }

    /// Both at once: delays add up, chances are independent, the narrower band counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            cut: self.cut || other.cut,
            delay: self.delay.saturating_add(other.delay),
            jitter: self.jitter.saturating_add(other.jitter),
            loss: either(self.loss, other.loss),
            duplicate: either(self.duplicate, other.duplicate),
            corrupt: either(self.corrupt, other.corrupt),
            reorder: either(self.reorder, other.reorder),
            bytes_per_second: match (self.bytes_per_second, other.bytes_per_second) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            },
        }
    }
}

/// The chance that at least one of two independent things happens.
fn either(one: f64, two: f64) -> f64 {
    if one <= 0.0 {
        return two.clamp(0.0, 1.0);
    }
    if two <= 0.0 {
        return one.clamp(0.0, 1.0);
    }
    let neither = (1.0 - one.clamp(0.0, 1.0)) * (1.0 - two.clamp(0.0, 1.0));
    1.0 - neither
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rules_add_up() {
        let one = Rule {
            delay: Duration::from_millis(2),
            loss: 0.5,
            bytes_per_second: Some(10),
            ..Rule::default()
        };
        let two = Rule {
            cut: true,
            delay: Duration::from_millis(3),
            loss: 0.5,
            bytes_per_second: Some(7),
            ..Rule::default()
        };
        let both = one.and(two);
        assert!(both.cut);
        assert_eq!(both.delay, Duration::from_millis(5));
        assert!((both.loss - 0.75).abs() < 1e-9);
        assert_eq!(both.bytes_per_second, Some(7));
        assert_eq!(one.and(Rule::default()), one);
        assert_eq!(Rule::CUT.and(Rule::default()), Rule::CUT);
    }
}
