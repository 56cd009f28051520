//! How the command ends. Scripts depend on these numbers.

use holdfast_check::Ruling;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was checked held.
    Pass = 0,
    /// Something did not hold.
    Violation = 1,
    /// It cannot be said: too little was seen.
    Inconclusive = 2,
    /// The harness could not do what was asked of it, or was asked wrongly.
    Harness = 3,
}

impl Exit {
    /// Its number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What a whole run or sweep amounts to: a violation before anything else.
    #[must_use]
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        let rank = |exit: &Self| match exit {
            Self::Pass => 0,
            Self::Inconclusive => 1,
            Self::Harness => 2,
            Self::Violation => 3,
        };
        exits.into_iter().max_by_key(rank).unwrap_or(Self::Pass)
    }
}

impl From<Ruling> for Exit {
    fn from(ruling: Ruling) -> Self {
        match ruling {
            Ruling::Ok => Self::Pass,
            Ruling::Violation => Self::Violation,
            Ruling::Inconclusive => Self::Inconclusive,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_that_are_documented() {
        let exits = [
            Exit::Pass,
            Exit::Violation,
            Exit::Inconclusive,
            Exit::Harness,
        ];
        assert_eq!(exits.map(Exit::code), [0, 1, 2, 3]);
        assert_eq!(Exit::from(Ruling::Ok), Exit::Pass);
        assert_eq!(Exit::from(Ruling::Violation), Exit::Violation);
        assert_eq!(Exit::from(Ruling::Inconclusive), Exit::Inconclusive);
    }

    #[test]
    fn a_violation_outweighs_everything() {
        use Exit::{Harness, Inconclusive, Pass, Violation};
        assert_eq!(
            Exit::worst([Pass, Harness, Violation, Inconclusive]),
            Violation
        );
        assert_eq!(Exit::worst([Pass, Inconclusive, Harness]), Harness);
        assert_eq!(Exit::worst([Pass, Inconclusive]), Inconclusive);
        assert_eq!(Exit::worst([]), Pass);
    }
}
