//! Answers that no server gives that works as documented. Each is kept, with where and when, so that a checker can judge it.

use crate::classify::Kind;
use parking_lot::Mutex;

/// Most that are kept. More are counted.
const ODD_MAX: usize = 50_000;

/// One such answer. It holds nothing of the answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddAnswer {
    /// The node that gave it.
    pub node: u64,
    /// What kind of operation was asked: `read`, `write`, …
    pub asked: &'static str,
    /// Its status.
    pub status: u16,
    /// Whether the status was fine and the rest was not what was asked for: another shape, or a value that nobody wrote.
    pub not_understood: bool,
    /// When it was asked, nanoseconds of the run.
    pub invoked_ns: u64,
    /// When it was answered.
    pub returned_ns: u64,
    /// The operation's number in the history; `None` for what no history has a word for.
    pub operation: Option<u64>,
}

/// All of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OddAnswers {
    /// Those that were kept, in the order in which they came.
    pub kept: Vec<OddAnswer>,
    /// How many more there were.
    pub missed: u64,
}

/// Where they are collected.
#[derive(Default)]
pub(crate) struct Odds(Mutex<OddAnswers>);

impl Odds {
    pub(crate) fn note(&self, odd: OddAnswer) {
        let mut all = self.0.lock();
        if all.kept.len() < ODD_MAX {
            all.kept.push(odd);
        } else {
            all.missed += 1;
        }
    }

    pub(crate) fn all(&self) -> OddAnswers {
        self.0.lock().clone()
    }
}

/// A kind in words.
pub(crate) const fn asked(kind: Kind) -> &'static str {
    match kind {
        Kind::Read => "read",
        Kind::Write => "write",
        Kind::Cas => "check-and-set",
        Kind::Revoke => "revocation",
        Kind::Seal => "seal",
    }
}

impl OddAnswer {
    /// What it was, without when.
    #[must_use]
    pub fn in_words(&self) -> String {
        let what = if self.not_understood {
            ", not what was asked for"
        } else {
            ""
        };
        format!("{} to a {}{what}", self.status, self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted() {
        let odds = Odds::default();
        for at in 0..=50_000 {
            odds.note(OddAnswer {
                node: 1,
                asked: asked(Kind::Read),
                status: 200,
                not_understood: true,
                invoked_ns: at,
                returned_ns: at + 1,
                operation: None,
            });
        }
        let all = odds.all();
        assert_eq!((all.kept.len(), all.missed), (ODD_MAX, 1));
        assert_eq!(
            all.kept[0].in_words(),
            "200 to a read, not what was asked for"
        );
    }
}
