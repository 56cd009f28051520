//! The rules of all directed links at one time. A pure value: making one touches nothing.

use crate::rule::Rule;
use std::collections::BTreeMap;
use std::fmt;

/// One direction between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Who sends.
    pub from: u64,
    /// Who hears.
    pub to: u64,
}

impl Link {
    /// The direction from one node to another.
    #[must_use]
    pub const fn new(from: u64, to: u64) -> Self {
        Self { from, to }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}→{}", self.from, self.to)
    }
}

/// One rule per directed link. A link without one lets everything pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    rules: BTreeMap<Link, Rule>,
}

impl Matrix {
    /// Everything passes.
    #[must_use]
    pub fn clear() -> Self {
        Self::default()
    }

    /// Adds a rule to one direction; what was there holds too.
    #[must_use]
    pub fn with(mut self, link: Link, rule: Rule) -> Self {
        self.add(link, rule);
        self
    }

    /// Adds a rule to one direction; what was there holds too. A node has no link to itself.
    pub fn add(&mut self, link: Link, rule: Rule) {
        if link.from == link.to {
            return;
        }
        let held = self.rule(link);
        let both = held.and(rule);
        if !both.is_clear() {
            self.rules.insert(link, both);
        }
    }

    /// The rule of one direction.
    #[must_use]
    pub fn rule(&self, link: Link) -> Rule {
        self.rules.get(&link).copied().unwrap_or_default()
    }

    /// Both at once, link by link.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (link, rule) in other.iter() {
            self.add(link, rule);
        }
        self
    }

    /// The links that have a rule.
    pub fn iter(&self) -> impl Iterator<Item = (Link, Rule)> + '_ {
        self.rules.iter().map(|(link, rule)| (*link, *rule))
    }

    /// Whether everything passes.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.rules.is_empty()
    }
}
