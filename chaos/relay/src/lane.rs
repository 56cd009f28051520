//! One directed link: its rule, its counters, its own stream of chance. Decides, and does no IO.

use crate::counters::Counters;
use crate::matrix::Link;
use crate::rule::Rule;
use std::time::{Duration, Instant};

/// Longest time a datagram waits for its turn on a limited band: what exceeds it is refused, as a router's short queue does.
const BAND_WAIT_MAX: Duration = Duration::from_millis(500);
/// Most bits flipped in one datagram.
const BITS_FLIPPED_MAX: usize = 3;

/// When the copies of a datagram go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It does not arrive.
    Gone,
    /// It arrives at this time, and perhaps once more.
    Goes(Instant, Option<Instant>),
}

/// One directed link.
pub(crate) struct Lane {
    pub(crate) rule: Rule,
    pub(crate) counters: Counters,
    /// Datagrams and bytes that wait for their time.
    pub(crate) waiting: usize,
    pub(crate) waiting_bytes: usize,
    dice: fastrand::Rng,
    band_free: Option<Instant>,
}

impl Lane {
    pub(crate) fn new(seed: u64, link: Link) -> Self {
        // Odd factors keep the streams of different links apart.
        let apart = link.from.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ link.to.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(32);
        Self {
            rule: Rule::default(),
            counters: Counters::default(),
            waiting: 0,
            waiting_bytes: 0,
            dice: fastrand::Rng::with_seed(seed ^ apart),
            band_free: None,
        }
    }

    /// Decides on a datagram that has just come; flips its bits if that is its lot.
    pub(crate) fn decide(&mut self, bytes: &mut [u8], now: Instant) -> Fate {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.counters.received += 1;
        self.counters.received_bytes += length;
        self.counters.largest_bytes = self.counters.largest_bytes.max(length);
        if self.rule.cut {
            self.counters.cut += 1;
            return Fate::Gone;
        }
        if self.happens(self.rule.loss) {
            self.counters.lost += 1;
            return Fate::Gone;
        }
        let Some(start) = self.turn(length, now) else {
            self.counters.overflowed += 1;
            return Fate::Gone;
        };
        if self.happens(self.rule.corrupt) && !bytes.is_empty() {
            self.flip(bytes);
            self.counters.corrupted += 1;
        }
        let mut due = self.later(start);
        if due > start {
            self.counters.delayed += 1;
        }
        if self.happens(self.rule.reorder) {
            due += Rule::HELD_BACK;
            self.counters.reordered += 1;
        }
        let again = self.happens(self.rule.duplicate).then(|| {
            self.counters.duplicated += 1;
            self.later(start)
        });
        Fate::Goes(due, again)
    }

    /// When the band is free for it; none when too much waits already.
    fn turn(&mut self, length: u64, now: Instant) -> Option<Instant> {
        let Some(rate) = self.rule.bytes_per_second else {
            self.band_free = None;
            return Some(now);
        };
        let free = self.band_free.unwrap_or(now).max(now);
        if free - now > BAND_WAIT_MAX {
            return None;
        }
        if free > now {
            self.counters.queued += 1;
        }
        let nanos = length.saturating_mul(1_000_000_000) / rate.max(1);
        self.band_free = Some(free + Duration::from_nanos(nanos));
        Some(free)
    }

    fn later(&mut self, start: Instant) -> Instant {
        start + self.rule.delay + self.rule.jitter.mul_f64(self.chance_of(self.rule.jitter))
    }

    /// A number from 0 to 1; nothing is drawn when there is nothing to decide.
    fn chance_of(&mut self, span: Duration) -> f64 {
        if span.is_zero() { 0.0 } else { self.dice.f64() }
    }

    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.dice.f64() < share
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        // Distinct bits: flipping one twice would restore it.
        let bits = bytes.len() * 8;
        let flips = self.dice.usize(1..=BITS_FLIPPED_MAX);
        let first = self.dice.usize(..bits);
        for bit in (0..flips).map(|next| (first + next * 7) % bits) {
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(rule: Rule) -> Lane {
        let mut lane = Lane::new(7, Link::new(1, 2));
        lane.rule = rule;
        lane
    }

    #[test]
    fn without_a_rule_it_goes_at_once_unchanged() {
        let now = Instant::now();
        let mut bytes = *b"hello";
        assert_eq!(
            lane(Rule::default()).decide(&mut bytes, now),
            Fate::Goes(now, None)
        );
        assert_eq!(&bytes, b"hello");
    }

    #[test]
    fn chance_has_its_share_and_follows_the_seed() {
        let rule = Rule {
            loss: 0.3,
            duplicate: 0.2,
            corrupt: 0.1,
            ..Rule::default()
        };
        let run = || {
            let mut lane = lane(rule);
            let now = Instant::now();
            for _ in 0..10_000 {
                lane.decide(&mut [0; 100], now);
            }
            lane.counters
        };
        let counters = run();
        assert_eq!(counters, run());
        assert!((2_800..3_200).contains(&counters.lost), "{counters:?}");
        assert!(
            (1_250..1_550).contains(&counters.duplicated),
            "{counters:?}"
        );
        assert!((600..800).contains(&counters.corrupted), "{counters:?}");
    }

    #[test]
    fn a_flipped_datagram_always_differs() {
        let mut lane = lane(Rule {
            corrupt: 1.0,
            ..Rule::default()
        });
        for length in 1..40 {
            let mut bytes = vec![0; length];
            lane.decide(&mut bytes, Instant::now());
            assert!(bytes.iter().any(|byte| *byte != 0), "{length} bytes");
        }
    }

    #[test]
    fn a_band_makes_wait_and_then_refuses() {
        let mut lane = lane(Rule {
            bytes_per_second: Some(10_000),
            ..Rule::default()
        });
        let now = Instant::now();
        let fates: Vec<Fate> = (0..10).map(|_| lane.decide(&mut [0; 1_000], now)).collect();
        assert_eq!(fates[0], Fate::Goes(now, None));
        assert_eq!(fates[5], Fate::Goes(now + Duration::from_millis(500), None));
        assert_eq!(fates[6], Fate::Gone);
        assert_eq!(lane.counters.queued, 5);
        assert_eq!(lane.counters.overflowed, 4);
    }

    #[test]
    fn delay_and_jitter_stay_in_their_span() {
        let mut lane = lane(Rule {
            delay: Duration::from_millis(40),
            jitter: Duration::from_millis(10),
            ..Rule::default()
        });
        let now = Instant::now();
        for _ in 0..1_000 {
            let Fate::Goes(due, None) = lane.decide(&mut [0], now) else {
                panic!("a late datagram arrives, once");
            };
            assert!((40..=50).contains(&(due - now).as_millis()));
        }
    }
}
