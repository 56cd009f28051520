//! Whether and when a call is sent again: a pure decision, so that it can be tested without a server.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Longest pause between two tries, whatever the server asks for.
const PAUSE_MAX: Duration = Duration::from_secs(2);
const PAUSE_STEP: Duration = Duration::from_millis(100);

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// No connection: nothing was sent.
    NotSent,
    /// Sent, and no answer came.
    Lost,
    /// A status, and how long the server asks to wait before another try. It asks only when nothing was done.
    Status(u16, Option<Duration>),
    /// The node is sealed or has no keys: nothing was done, and only another node can help.
    Closed,
}

/// Whether another try can do no harm and may help. `untried`: an address is left that was not asked yet.
pub(crate) const fn worth_repeating(tried: Tried, repeatable: bool, untried: bool) -> bool {
    match tried {
        Tried::NotSent | Tried::Status(412, _) => true,
        Tried::Closed => untried,
        Tried::Lost => repeatable,
        Tried::Status(503, wait) => repeatable || wait.is_some(),
        Tried::Status(..) => false,
    }
}

/// How long to wait before try number `next` (from 1). Another address that was not tried yet is asked at once.
pub(crate) fn pause(tried: Tried, next: u32, untried: bool) -> Duration {
    if untried {
        return Duration::ZERO;
    }
    let asked = match tried {
        Tried::Status(_, Some(wait)) => wait,
        _ => Duration::ZERO,
    };
    // Clients that failed together should not come back together: half of the pause is random.
    let ceiling = (PAUSE_STEP * 2u32.saturating_pow(next.min(8)))
        .max(asked)
        .min(PAUSE_MAX);
    let random = u32::try_from(RandomState::new().hash_one(next) % 1000).unwrap_or(0);
    ceiling / 2 + ceiling * random / 2000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_of_unknown_fate_is_never_repeated() {
        let wait = Some(Duration::ZERO);
        for (tried, repeatable, expected) in [
            (Tried::Lost, false, false),
            (Tried::Status(503, None), false, false),
            (Tried::Status(500, None), true, false),
            (Tried::NotSent, false, true),
            (Tried::Status(503, wait), false, true),
            (Tried::Status(412, None), false, true),
            (Tried::Lost, true, true),
            (Tried::Status(503, None), true, true),
        ] {
            assert_eq!(
                worth_repeating(tried, repeatable, false),
                expected,
                "{tried:?} {repeatable}"
            );
        }
    }

    #[test]
    fn a_sealed_node_is_not_asked_twice() {
        assert!(worth_repeating(Tried::Closed, false, true));
        assert!(!worth_repeating(Tried::Closed, true, false));
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(pause(Tried::NotSent, 1, true), Duration::ZERO);
        for next in 1..100 {
            let tried = Tried::Status(503, Some(Duration::from_secs(3600)));
            let wait = pause(tried, next, false);
            assert!(wait >= PAUSE_MAX / 2 && wait <= PAUSE_MAX, "{wait:?}");
            assert!(pause(Tried::NotSent, next, false) <= PAUSE_MAX);
        }
    }
}
