//! Time as the leader stamps it.
//!
//! Invariants: a stamp is never below one given before or applied before; between two stamps of one leadership the clock
//! advances at most ten times as fast as this process's monotonic clock, whatever the wall clock does; a wall clock that jumps
//! is not followed until it was compared with what the peers' clocks show after the jump; a leader whose wall clock is far
//! from where a majority of the members agrees is told so and stamps nothing.

use crate::timing::millis;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// The wall clock. Replaced in tests.
pub trait WallClock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl WallClock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }
}

/// How much faster than real time the stamped clock may run to catch up with a wall clock that jumped ahead.
const CATCH_UP: u64 = 10;

/// Stamps proposals.
#[derive(Debug, Default)]
pub(crate) struct LeaderClock {
    term: u64,
    last: Option<Stamped>,
}

#[derive(Clone, Copy, Debug)]
struct Stamped {
    ms: u64,
    at: Instant,
}

impl LeaderClock {
    /// The next stamp. `wall_ms` is this node's clock, `term` that of the leadership; `machine_ms` reads the machine's clock
    /// and is asked for a leadership's first stamp only, which takes the wall clock as it is.
    pub(crate) fn stamp(
        &mut self,
        term: u64,
        wall_ms: u64,
        now: Instant,
        machine_ms: impl FnOnce() -> u64,
    ) -> u64 {
        let last = self.last.filter(|_| self.term == term);
        let next = match last {
            None => Stamped {
                ms: wall_ms.max(machine_ms()),
                at: now,
            },
            Some(last) => {
                let elapsed = millis(now.saturating_duration_since(last.at));
                let ceiling = last.ms.saturating_add(elapsed.saturating_mul(CATCH_UP));
                Stamped {
                    ms: wall_ms.min(ceiling).max(last.ms),
                    // Within a millisecond the older instant stands, so that short steps add up.
                    at: if elapsed == 0 { last.at } else { now },
                }
            }
        };
        self.term = term;
        self.last = Some(next);
        next.ms
    }
}

/// A wall clock that was found right, and goes on with the monotonic one: what is stamped when the wall clock jumps before
/// anybody could compare it again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Believed {
    right: Option<Stamped>,
    /// A majority said so. Else it is the lowest clock that was seen.
    proven: bool,
    /// Since when the wall clock has been seen to be elsewhere.
    doubted: Option<Instant>,
}

impl Believed {
    /// The wall clock was found right.
    fn set(&mut self, at: Instant, ms: u64) {
        *self = Self {
            right: Some(Stamped { ms, at }),
            proven: true,
            doubted: None,
        };
    }

    /// The wall clock was found wrong, by what was read since `since`: it is `ms`.
    fn correct(&mut self, at: Instant, ms: u64, since: Instant) {
        *self = Self {
            right: Some(Stamped { ms, at }),
            proven: true,
            doubted: Some(self.doubted.unwrap_or(since)),
        };
    }

    /// Nobody could say who is wrong, and the lowest clock shows `ms`: it is believed if that is about where the believed one is, or
    /// below it and that one was never found right.
    fn settle(&mut self, at: Instant, ms: u64, tolerance: Duration) {
        let believed = self.time_ms(at, ms, tolerance);
        if ms == believed || (ms < believed && !self.proven) {
            self.right = Some(Stamped { ms, at });
        }
    }

    /// Looks at the wall clock; since when it has been elsewhere than it should be, if it is.
    fn doubt(&mut self, now: Instant, ms: u64, tolerance: Duration) -> Option<Instant> {
        let elsewhere = self.time_ms(now, ms, tolerance) != ms;
        self.doubted = elsewhere.then(|| self.doubted.unwrap_or(now));
        self.doubted
    }

    /// The time to stamp at `now`, when the wall clock shows `wall_ms`.
    pub(crate) fn time_ms(&self, now: Instant, wall_ms: u64, tolerance: Duration) -> u64 {
        let Some(last) = self.right else {
            return wall_ms;
        };
        let expected = last
            .ms
            .saturating_add(millis(now.saturating_duration_since(last.at)));
        if wall_ms.abs_diff(expected) > millis(tolerance) {
            expected
        } else {
            wall_ms
        }
    }
}

/// What the peers' clocks say of this node's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClockVerdict {
    /// It is too far off what a majority agrees on.
    pub(crate) unfit: bool,
    /// Enough clocks were compared, once at least.
    compared: bool,
    /// When the first clock was compared.
    since: Option<Instant>,
    /// What this node's clock showed when it was last found right.
    pub(crate) believed: Believed,
}

/// What an operator should know of clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClockTrouble {
    /// This node's is wrong: by so many milliseconds, positive when it is ahead.
    #[error("this node's clock is {0} ms off what most nodes' show: set it right")]
    Off(i64),
    /// A peer's is so many milliseconds from this node's, and one of them is wrong.
    #[error(
        "a peer's clock is {0} ms from this node's, and too few nodes agree to say which is right"
    )]
    Disputed(u64),
}

/// A peer's clock: when it was read, and by how many milliseconds it is ahead of this node's.
pub(crate) type Reading = (Instant, i64);

impl ClockVerdict {
    /// How long the first comparison may be waited for once a peer has answered: the others may be down.
    const PATIENCE: Duration = Duration::from_millis(500);

    pub(crate) fn may_stamp(&self, alone: bool) -> bool {
        let heard = self
            .since
            .is_some_and(|since| since.elapsed() >= Self::PATIENCE);
        !self.unfit && (alone || self.compared || heard)
    }

    /// Compares the wall clock, which shows `wall_ms`, with those of the peers. Returns what is wrong, if anything is.
    ///
    /// A clock that jumped is compared with what was read after the jump was seen, and with nothing older: a peer's clock may
    /// have been wrong when it was read, and be right since, so that of two that are wrong one after the other each would
    /// confirm the other.
    pub(crate) fn judge(
        &mut self,
        (now, wall_ms): (Instant, u64),
        readings: &[Reading],
        members: usize,
        tolerance: Duration,
    ) -> Option<ClockTrouble> {
        let limit = i64::try_from(tolerance.as_millis()).unwrap_or(i64::MAX);
        let doubted = self.believed.doubt(now, wall_ms, tolerance);
        let (read, skews): (Vec<Instant>, Vec<i64>) = readings
            .iter()
            .filter(|(read_at, _)| doubted.is_none_or(|since| *read_at >= since))
            .copied()
            .unzip();
        let since = read.into_iter().min().unwrap_or(now);
        let skew = skew_from_median(&skews, members, limit);
        let off = skew.filter(|skew| skew.abs() > limit);
        self.unfit = off.is_some();
        self.since.get_or_insert(now);
        if skew.is_some() {
            self.compared = true;
            if let Some(off) = off {
                let right_ms = wall_ms.saturating_add_signed(off.saturating_neg());
                self.believed.correct(now, right_ms, since);
            } else {
                self.believed.set(now, wall_ms);
            }
            off.map(ClockTrouble::Off)
        } else {
            // Nobody can say who is wrong. Time that goes on too slowly ends things late; time that jumps ahead ends them for
            // good. So the lowest clock is believed, and a clock that was believed is gone on with.
            let lowest = skews.iter().copied().min().filter(|skew| *skew < -limit);
            let cautious = wall_ms.saturating_add_signed(lowest.unwrap_or(0));
            self.believed.settle(now, cautious, tolerance);
            if lowest.is_some() && !self.believed.proven {
                // The wall clock was never right and has not jumped: what was compared stays good.
                self.believed.doubted.get_or_insert(since);
            }
            let farthest = skews.iter().map(|skew| skew.unsigned_abs()).max();
            let beyond = farthest.filter(|apart| *apart > limit.unsigned_abs());
            beyond.map(ClockTrouble::Disputed)
        }
    }
}

/// By how much this node's clock is off the median of all clocks measured, itself included; positive when it is ahead.
/// `None` when no majority of the members was measured to agree, within `limit` milliseconds of the median: then nobody can say
/// who is wrong. Of those measured alone two wrong clocks may be the most, or one of them lie between the other and the right one.
fn skew_from_median(peers: &[i64], members: usize, limit: i64) -> Option<i64> {
    let mut all: Vec<i64> = peers.iter().copied().chain([0]).collect();
    all.sort_unstable();
    // Of an even number the one nearer to this node is taken.
    let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
    let median = if low.abs() <= high.abs() { low } else { high };
    let agree = all
        .iter()
        .filter(|skew| skew.abs_diff(median) <= limit.unsigned_abs());
    (!peers.is_empty() && agree.count() * 2 > members).then_some(-median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_jumps_is_not_believed_until_it_was_compared() {
        let (start, tolerance) = (Instant::now(), Duration::from_secs(5));
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut believed = Believed::default();
        assert_eq!(believed.time_ms(start, 7, tolerance), 7, "nothing is known");
        believed.set(start, 1_000_000);
        assert_eq!(believed.time_ms(after(2), 1_003_000, tolerance), 1_003_000);
        for jumped in [9_000_000, 0] {
            assert_eq!(believed.time_ms(after(2), jumped, tolerance), 1_002_000);
            believed.settle(after(2), jumped, tolerance);
            assert_eq!(believed.time_ms(after(3), jumped, tolerance), 1_003_000);
        }
        believed.set(after(4), 9_000_000);
        assert_eq!(believed.time_ms(after(5), 9_001_000, tolerance), 9_001_000);
    }

    /// Three members. This node was cut off while a peer's clock was wrong, and its own jumped when that one was right again.
    #[test]
    fn a_jump_is_not_confirmed_by_what_was_read_before_it() {
        let (start, tolerance) = (Instant::now(), Duration::from_secs(5));
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut verdict = ClockVerdict::default();
        let mut judge = |ms, wall_ms, readings: &[(u64, i64)]| {
            let readings: Vec<Reading> =
                readings.iter().map(|(ms, skew)| (at(*ms), *skew)).collect();
            let off = verdict.judge((at(ms), wall_ms), &readings, 3, tolerance);
            let stamped = verdict.believed.time_ms(at(ms), wall_ms, tolerance);
            (off, stamped)
        };
        assert_eq!(
            judge(0, 1_000_000, &[(0, 9_000_000), (0, 1)]),
            (None, 1_000_000)
        );
        // Ahead by 5 000 s: between the peer that was ahead by 9 000 s and the one that is right.
        let old = (0, 4_000_000);
        let disputed = Some(ClockTrouble::Disputed(5_000_000));
        assert_eq!(
            judge(1_000, 6_001_000, &[old, (1_000, -5_000_000)]),
            (disputed, 1_001_000)
        );
        let right = (1_500, -5_000_000);
        assert_eq!(
            judge(1_600, 6_001_600, &[old, right]),
            (disputed, 1_001_600)
        );
        let both = [(1_900, -5_000_001), right];
        let off = Some(ClockTrouble::Off(5_000_000));
        assert_eq!(judge(2_000, 6_002_000, &both), (off, 1_002_000));
        // The jump was right after all: the others have followed.
        let both = [(2_500, 2), (2_600, 3)];
        assert_eq!(judge(3_000, 6_003_000, &both), (None, 6_003_000));
    }

    /// Five members, two of them cut off. Of the three others two have clocks that are wrong, each in its own way, and this node's
    /// is between the other two.
    #[test]
    fn a_jump_is_not_confirmed_by_lying_between_two_others() {
        let (start, tolerance) = (Instant::now(), Duration::from_secs(5));
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut verdict = ClockVerdict::default();
        let all = [(start, 1), (start, 0), (start, 2), (start, -1)];
        assert_eq!(verdict.judge((start, 1_000_000), &all, 5, tolerance), None);
        let others = [(at(1_000), 260_000), (at(1_000), -6_365_000)];
        let off = verdict.judge((at(1_000), 7_366_000), &others, 5, tolerance);
        assert_eq!(
            off,
            Some(ClockTrouble::Disputed(6_365_000)),
            "who is wrong?"
        );
        let stamped = verdict.believed.time_ms(at(2_000), 7_367_000, tolerance);
        assert_eq!(stamped, 1_002_000);
    }

    /// Three members, one of them gone. The other's clock is behind, and nobody can say who is wrong; then it is set right, and this
    /// node's jumps to where it was.
    #[test]
    fn a_jump_is_not_confirmed_by_a_clock_that_was_disputed_before_it() {
        let (start, tolerance) = (Instant::now(), Duration::from_secs(5));
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut verdict = ClockVerdict::default();
        let all = [(start, 0), (start, 0)];
        assert_eq!(verdict.judge((start, 9_000_000), &all, 3, tolerance), None);
        let behind = [(at(1_000), -7_200_000)];
        let trouble = verdict.judge((at(1_000), 9_001_000), &behind, 3, tolerance);
        assert_eq!(trouble, Some(ClockTrouble::Disputed(7_200_000)));
        // The same reading, beside a clock that now shows as much.
        let old = [(at(1_000), 0)];
        verdict.judge((at(1_500), 1_801_500), &old, 3, tolerance);
        let stamped = verdict.believed.time_ms(at(1_500), 1_801_500, tolerance);
        assert_eq!(stamped, 9_001_500);
    }

    /// Five members have just started, two of them do not answer. This node and one other are ahead; whoever is heard first,
    /// the lowest clock counts. Then a majority is heard, and goes again.
    #[test]
    fn the_lowest_clock_counts_where_none_was_found_right() {
        let (start, tolerance) = (Instant::now(), Duration::from_secs(5));
        let at = |ms: u64| start + Duration::from_millis(ms);
        let (ahead, right) = ((at(0), 3_600_000), (at(0), -7_200_000));
        for first in [ahead, right] {
            let mut verdict = ClockVerdict::default();
            let mut judge = |ms, readings: &[Reading]| {
                let wall_ms = 20_000_000 + ms;
                let trouble = verdict.judge((at(ms), wall_ms), readings, 5, tolerance);
                let stamped = verdict.believed.time_ms(at(ms), wall_ms, tolerance);
                (trouble, stamped)
            };
            judge(0, &[first]);
            let disputed = Some(ClockTrouble::Disputed(7_200_000));
            assert_eq!(judge(100, &[ahead, right]), (disputed, 12_800_100));
            let off = Some(ClockTrouble::Off(7_200_000));
            let later = (at(300), -7_200_000);
            let all = [later, later, later, (at(300), 3_600_000)];
            assert_eq!(judge(300, &all), (off, 12_800_300));
            assert_eq!(judge(400, &all), (off, 12_800_400), "it stays so");
            assert_eq!(judge(500, &all[3..]).1, 12_800_500);
        }
    }

    #[test]
    fn stamps_never_go_back() {
        let mut clock = LeaderClock::default();
        let start = Instant::now();
        let later = |s| start + Duration::from_secs(s);
        assert_eq!(clock.stamp(1, 100, start, || 500), 500);
        assert_eq!(clock.stamp(1, 90, later(1), || 0), 500);
        assert_eq!(clock.stamp(1, 700, later(2), || 0), 700);
        assert_eq!(clock.stamp(2, 90, later(3), || 800), 800);
    }

    #[test]
    fn a_jump_ahead_is_taken_slowly() {
        let mut clock = LeaderClock::default();
        let start = Instant::now();
        clock.stamp(1, 1_000_000, start, || 0);
        let mut last = 1_000_000;
        for i in 1..=100 {
            let now = start + Duration::from_millis(i * 10);
            let stamp = clock.stamp(1, 31_536_000_000, now, || 0);
            assert!(stamp >= last);
            last = stamp;
        }
        assert_eq!(last, 1_000_000 + 1_000 * CATCH_UP);
    }

    #[test]
    fn many_stamps_within_a_millisecond_do_not_freeze_the_clock() {
        let mut clock = LeaderClock::default();
        let start = Instant::now();
        let mut last = 0;
        for i in 0..100_000u64 {
            let now = start + Duration::from_micros(i * 10);
            last = clock.stamp(1, 1_000 + i / 100, now, || 0);
        }
        assert_eq!(last, 1_999);
    }

    #[test]
    fn the_odd_clock_is_named_and_in_doubt_nobody_is() {
        let skew = |peers: &[i64], members| skew_from_median(peers, members, 5_000);
        assert_eq!(skew(&[], 1), None);
        assert_eq!(skew(&[-9_000], 2), None);
        assert_eq!(skew(&[10], 3), Some(0), "two of three agree");
        assert_eq!(skew(&[-9_000, -9_010], 3), Some(9_000));
        assert_eq!(skew(&[0, 90_000], 3), Some(0));
        assert_eq!(skew(&[9_000, 90_000], 3), None, "no two agree");
        assert_eq!(skew(&[-9_000, -9_010], 5), None, "two of five agree");
        assert_eq!(skew(&[-9_000, -9_010, -9_020], 5), Some(9_000));
        assert_eq!(skew(&[60_000, 60_000, 60_000, 0], 5), Some(-60_000));
        assert_eq!(skew(&[60_000, 60_000, 1], 4), None, "two against two");
    }
}
