//! Whether a matrix that was installed did what it is for: told from counters, never assumed.

use crate::counters::Counters;
use crate::matrix::Link;
use crate::rule::Rule;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One thing a rule does to datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Stopped.
    Cut,
    /// Made later, by delay or jitter.
    Delay,
    /// Lost by chance.
    Loss,
    /// Sent twice.
    Duplicate,
    /// Bits flipped.
    Corrupt,
    /// Overtaken.
    Reorder,
    /// Made to wait for the band.
    Band,
}

impl Effect {
    /// What a rule asks for.
    pub(crate) fn of(rule: &Rule) -> Vec<Self> {
        if rule.cut {
            // Nothing else can happen to what is stopped.
            return vec![Self::Cut];
        }
        let late = !rule.delay.is_zero() || !rule.jitter.is_zero();
        [
            (late, Self::Delay),
            (rule.loss > 0.0, Self::Loss),
            (rule.duplicate > 0.0, Self::Duplicate),
            (rule.corrupt > 0.0, Self::Corrupt),
            (rule.reorder > 0.0, Self::Reorder),
            (rule.bytes_per_second.is_some(), Self::Band),
        ]
        .into_iter()
        .filter_map(|(asked, effect)| asked.then_some(effect))
        .collect()
    }

    /// How many datagrams it struck.
    const fn hits(self, counters: &Counters) -> u64 {
        match self {
            Self::Cut => counters.cut,
            Self::Delay => counters.delayed,
            Self::Loss => counters.lost,
            Self::Duplicate => counters.duplicated,
            Self::Corrupt => counters.corrupted,
            Self::Reorder => counters.reordered,
            Self::Band => counters.queued + counters.overflowed,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Delay => "delayed",
            Self::Loss => "lost",
            Self::Duplicate => "duplicated",
            Self::Corrupt => "corrupted",
            Self::Reorder => "reordered",
            Self::Band => "queued",
        }
    }
}

/// What a matrix did since it was installed. Where several matrices hold on one link, each is credited with what both did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bite {
    /// Datagrams struck, by what was asked for.
    pub hits: BTreeMap<Effect, u64>,
    /// The links it holds on, with what happened there since.
    pub links: BTreeMap<Link, Counters>,
    /// Those of them on which nothing it asks for has struck a datagram.
    pub quiet: BTreeSet<Link>,
}

impl Bite {
    pub(crate) fn note(&mut self, link: Link, rule: &Rule, since: Counters) {
        let mut struck = 0;
        for effect in Effect::of(rule) {
            let hits = effect.hits(&since);
            struck += hits;
            *self.hits.entry(effect).or_default() += hits;
        }
        if struck == 0 {
            self.quiet.insert(link);
        }
        self.links.insert(link, since);
    }

    /// Whether everything that was asked for struck at least one datagram somewhere. False for a matrix that asks for nothing.
    #[must_use]
    pub fn bit(&self) -> bool {
        !self.hits.is_empty() && self.hits.values().all(|hits| *hits > 0)
    }

    /// Whether, moreover, no link was spared.
    #[must_use]
    pub fn bit_everywhere(&self) -> bool {
        self.bit() && self.quiet.is_empty()
    }
}

impl fmt::Display for Bite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (effect, hits) in &self.hits {
            write!(f, "{} {hits}, ", effect.word())?;
        }
        // Not "of": what was under way when a cut was made is cut too, and came before.
        let came: u64 = self.links.values().map(|link| link.received).sum();
        write!(f, "{came} datagrams came, on {} links", self.links.len())
    }
}
