//! How a checker gathers what it finds and makes a verdict of it. Holds the first few violations and counts the others.

use crate::{Operation, Ruling, Verdict, Violation};
use std::collections::BTreeSet;

/// Violations kept in a verdict; a broken run has thousands, and the first few show why.
const VIOLATIONS_MAX: usize = 20;

/// A judgement being made, by a checker of this crate or by one that needs more than a history.
pub struct Judge {
    checker: &'static str,
    checked: u64,
    found: u64,
    violations: Vec<Violation>,
    doubt: Option<String>,
}

impl Judge {
    /// For the checker of this name.
    #[must_use]
    pub const fn new(checker: &'static str) -> Self {
        Self {
            checker,
            checked: 0,
            found: 0,
            violations: Vec::new(),
            doubt: None,
        }
    }

    /// So many more things were checked.
    pub fn checked(&mut self, things: usize) {
        self.checked += count(things);
    }

    /// Something did not hold.
    pub fn blame(&mut self, violation: Violation) {
        self.found += 1;
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(violation);
        }
    }

    /// It cannot be said, and why. A violation outweighs it; of several doubts the first is told.
    pub fn doubt(&mut self, why: impl Into<String>) {
        self.doubt.get_or_insert_with(|| why.into());
    }

    /// What was found, if it is to be told by another.
    pub(crate) fn take(self) -> Vec<Violation> {
        self.violations
    }

    pub(crate) const fn has_found(&self) -> bool {
        self.found > 0
    }

    pub(crate) const fn total(&self) -> u64 {
        self.checked
    }

    /// The verdict; `held` is what is said when everything did.
    #[must_use]
    pub fn finish(self, held: impl Into<String>) -> Verdict {
        let ruling = match (self.found, &self.doubt) {
            (0, None) => Ruling::Ok,
            (0, Some(_)) => Ruling::Inconclusive,
            _ => Ruling::Violation,
        };
        let summary = match (self.violations.first(), self.doubt) {
            (Some(first), _) if self.found > 1 => {
                format!("{} (and {} more)", first.what, self.found - 1)
            }
            (Some(first), _) => first.what.clone(),
            (None, Some(why)) => why,
            (None, None) => held.into(),
        };
        Verdict {
            checker: self.checker.to_owned(),
            ruling,
            checked: self.checked,
            summary,
            violations: self.violations,
        }
    }
}

/// A violation that some operations show.
pub(crate) fn shown(what: String, operations: &[&Operation]) -> Violation {
    let nodes: BTreeSet<u64> = operations.iter().map(|one| one.node).collect();
    let ids: BTreeSet<u64> = operations.iter().map(|one| one.id).collect();
    let end = |one: &&Operation| one.returned_ns.unwrap_or(one.invoked_ns);
    Violation {
        what,
        at_ns: operations.iter().map(end).max(),
        operations: ids.into_iter().collect(),
        nodes: nodes.into_iter().collect(),
    }
}

/// A violation that nodes show by what they hold.
pub(crate) fn held_by(what: String, at_ns: Option<u64>, nodes: &[u64]) -> Violation {
    let nodes: BTreeSet<u64> = nodes.iter().copied().collect();
    Violation {
        what,
        at_ns,
        operations: Vec::new(),
        nodes: nodes.into_iter().collect(),
    }
}

pub(crate) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
