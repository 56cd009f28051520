//! Questions that every checker asks of an operation. Answers err towards "it may have happened": what is not known to be
//! refused is never dropped.

use crate::{Action, Consistency, Operation, Outcome, Seen};

impl Operation {
    /// What its answer showed, if it was answered with what it asked for.
    #[must_use]
    pub const fn seen(&self) -> Option<&Seen> {
        match &self.outcome {
            Outcome::Ok(seen) => Some(seen),
            _ => None,
        }
    }

    /// Whether it was acknowledged.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        matches!(self.outcome, Outcome::Ok(_))
    }

    /// Whether it has, or may yet have, taken effect.
    #[must_use]
    pub const fn may_have_happened(&self) -> bool {
        matches!(self.outcome, Outcome::Ok(_) | Outcome::Unknown)
    }

    /// The last moment at which it can have taken effect: never ends while its fate is unknown.
    #[must_use]
    pub const fn end_ns(&self) -> u64 {
        match (&self.outcome, self.returned_ns) {
            (Outcome::Unknown, _) | (_, None) => u64::MAX,
            (_, Some(returned_ns)) => returned_ns,
        }
    }

    /// Whether it had ended when the other began. Equal times say nothing.
    #[must_use]
    pub const fn is_before(&self, other: &Self) -> bool {
        self.end_ns() < other.invoked_ns
    }

    /// The freshness a read was asked with; `None` for what is no read.
    #[must_use]
    pub const fn consistency(&self) -> Option<Consistency> {
        match self.action {
            Action::Get { consistency, .. }
            | Action::GetVersion { consistency, .. }
            | Action::List { consistency }
            | Action::UseToken { consistency, .. } => Some(consistency),
            _ => None,
        }
    }

    /// Whether its answer must reflect everything acknowledged before it: writes, and reads that asked for it.
    #[must_use]
    pub fn is_linearizable(&self) -> bool {
        match self.action {
            Action::Seal | Action::Unseal => false,
            _ => self
                .consistency()
                .is_none_or(|asked| asked == Consistency::Linearizable),
        }
    }

    /// The index that its answer carried.
    #[must_use]
    pub fn index(&self) -> Option<u64> {
        self.seen().and_then(|seen| seen.index)
    }
}
