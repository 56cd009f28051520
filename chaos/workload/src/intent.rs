//! What each seat means to do, from the seed alone.
//!
//! An intention names a slot, a node and random numbers; which key stands in the slot and which token is meant is decided when
//! it is carried out. So intentions do not depend on what the cluster answers, and can be compared between runs.

use crate::plan::Plan;
use crate::rng::Rng;

/// One intention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Which node is asked: its place among the target's nodes.
    pub node: usize,
    /// What.
    pub what: What,
}

/// What is meant. `pick` chooses among the tokens that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the variants say")]
pub enum What {
    /// A new version of the secret in a slot.
    Put { slot: usize },
    /// The same, if the latest version is the last one known; `stale` expects an older one.
    Cas { slot: usize, stale: bool },
    /// Reads the secret in a slot.
    Get { slot: usize, fresh: Fresh },
    /// Deletes the latest version.
    Delete { slot: usize },
    /// Lists all names.
    List { fresh: Fresh },
    /// Makes a token.
    CreateToken { pick: u64 },
    /// Reads with a token.
    UseToken { pick: u64, fresh: Fresh },
    /// Ends a token.
    RevokeToken { pick: u64, how: RevokeHow },
    /// Puts a secret into a token's cubbyhole.
    Cubbyhole { pick: u64 },
}

/// How fresh a read shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// Everything acknowledged.
    Linearizable,
    /// At least the highest index that any client saw; linearizable while there is none.
    AtLeast,
    /// No older, milliseconds.
    Bounded(u64),
    /// As the node has it.
    Stale,
}

/// By whom a token is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeHow {
    /// By itself.
    Itself,
    /// By the root token, which names it.
    Named,
    /// By the root token, which names its accessor.
    Accessor,
}

/// The endless intentions of one seat.
pub struct Intents {
    rng: Rng,
    plan: Plan,
    nodes: usize,
    /// The node a resident asks, always; `None` for those who ask all.
    home: Option<usize>,
}

impl Intents {
    /// Two seats of three are residents of one node, so that a dead node stops them and nobody else; the third asks all.
    #[must_use]
    pub fn new(plan: &Plan, seat: u32, nodes: usize) -> Self {
        let nodes = nodes.max(1);
        let residents = usize::try_from(seat / 3 * 2 + seat % 3).unwrap_or(0);
        Self {
            rng: Rng::new(plan.seed, u64::from(seat) + 1),
            plan: plan.clone(),
            nodes,
            home: (seat % 3 != 2).then(|| residents % nodes),
        }
    }

    fn fresh(&mut self) -> Fresh {
        let weights = self.plan.freshness.weights();
        match self.rng.weighted(&weights) {
            Some(1) => Fresh::AtLeast,
            Some(2) => {
                let place = self.rng.index(self.plan.bounds_ms.len());
                Fresh::Bounded(self.plan.bounds_ms.get(place).copied().unwrap_or(1_000))
            }
            Some(3) => Fresh::Stale,
            _ => Fresh::Linearizable,
        }
    }

    fn slot(&mut self) -> usize {
        usize::try_from(self.rng.below(u64::from(self.plan.keys.max(1)))).unwrap_or(0)
    }

    fn how(&mut self) -> RevokeHow {
        match self.rng.below(3) {
            0 => RevokeHow::Itself,
            1 => RevokeHow::Named,
            _ => RevokeHow::Accessor,
        }
    }

    fn what(&mut self) -> What {
        let weights = self.plan.mix.weights();
        match self.rng.weighted(&weights).unwrap_or(2) {
            0 => What::Put { slot: self.slot() },
            1 => What::Cas {
                slot: self.slot(),
                stale: self.rng.below(8) == 0,
            },
            3 => What::Delete { slot: self.slot() },
            4 => What::List {
                fresh: self.fresh(),
            },
            5 => What::CreateToken {
                pick: self.rng.next(),
            },
            6 => What::UseToken {
                pick: self.rng.next(),
                fresh: self.fresh(),
            },
            7 => What::RevokeToken {
                pick: self.rng.next(),
                how: self.how(),
            },
            8 => What::Cubbyhole {
                pick: self.rng.next(),
            },
            _ => What::Get {
                slot: self.slot(),
                fresh: self.fresh(),
            },
        }
    }
}

impl Iterator for Intents {
    type Item = Intent;

    fn next(&mut self) -> Option<Intent> {
        let any = self.rng.index(self.nodes);
        Some(Intent {
            node: self.home.unwrap_or(any),
            what: self.what(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn first(plan: &Plan, seat: u32) -> Vec<Intent> {
        Intents::new(plan, seat, 3).take(2_000).collect()
    }

    #[test]
    fn a_seed_means_the_same_intentions() {
        let plan = Plan {
            seed: 42,
            ..Plan::default()
        };
        for seat in 0..6 {
            assert_eq!(first(&plan, seat), first(&plan, seat));
        }
        assert_ne!(first(&plan, 2), first(&plan, 5), "seats differ");
        let other = Plan {
            seed: 43,
            ..plan.clone()
        };
        assert_ne!(first(&plan, 2), first(&other, 2), "seeds differ");
    }

    #[test]
    fn everything_in_the_mix_comes_and_nothing_else() {
        let kind = |intent: &Intent| std::mem::discriminant(&intent.what);
        let all: Vec<Intent> = first(&Plan::default(), 2);
        assert_eq!(
            all.iter()
                .map(kind)
                .collect::<std::collections::HashSet<_>>()
                .len(),
            9
        );
        let nodes: BTreeSet<usize> = all.iter().map(|intent| intent.node).collect();
        assert_eq!(nodes, BTreeSet::from([0, 1, 2]));
        let mut plan = Plan::default();
        plan.mix.delete = 0;
        assert!(
            !first(&plan, 1)
                .iter()
                .any(|intent| matches!(intent.what, What::Delete { .. }))
        );
    }

    #[test]
    fn residents_stay_and_every_node_has_some() {
        let plan = Plan::default();
        let mut homes = BTreeSet::new();
        for seat in (0..9).filter(|seat| seat % 3 != 2) {
            let nodes: BTreeSet<usize> = first(&plan, seat)
                .iter()
                .map(|intent| intent.node)
                .collect();
            assert_eq!(nodes.len(), 1, "seat {seat}");
            homes.extend(nodes);
        }
        assert_eq!(homes, BTreeSet::from([0, 1, 2]));
    }
}
