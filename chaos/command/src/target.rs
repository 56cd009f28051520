//! Whom a fault strikes, and whether the cluster may bear it.

use crate::catalogue::{Cost, Entry};
use crate::rng::Rng;
use crate::scenario::{Regions, Target};
use std::collections::BTreeSet;

/// What is known of the cluster when a fault is about to strike.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Every node.
    pub nodes: Vec<u64>,
    /// Where they stand.
    pub regions: Regions,
    /// The one that leads, if any does.
    pub leader: Option<u64>,
    /// Those that a fault holds now.
    pub struck: BTreeSet<u64>,
    /// Those among them that count as broken, and those that are lost for good.
    pub broken: BTreeSet<u64>,
}

impl Standing {
    /// Chooses the nodes to strike among those that no fault holds. `None` when there are not enough, or nobody leads and
    /// the leader was meant.
    #[must_use]
    pub fn choose(&self, target: &Target, minority: u64, pick: u64) -> Option<Vec<u64>> {
        let free: Vec<u64> = self
            .nodes
            .iter()
            .copied()
            .filter(|id| !self.struck.contains(id))
            .collect();
        let whole = |ids: &[u64]| {
            let all_free = ids.iter().all(|id| free.contains(id));
            if all_free { ids.to_vec() } else { Vec::new() }
        };
        let mut rng = Rng::new(pick);
        let chosen = match target {
            Target::Leader => free
                .iter()
                .copied()
                .filter(|id| Some(*id) == self.leader)
                .collect(),
            Target::Follower => {
                self.leader?;
                let followers = free
                    .iter()
                    .copied()
                    .filter(|id| Some(*id) != self.leader)
                    .collect();
                draw(followers, 1, &mut rng)
            }
            Target::Minority => draw(free, minority.max(1), &mut rng),
            Target::Random => draw(free, 1, &mut rng),
            Target::All if free.len() < self.nodes.len() => Vec::new(),
            Target::All => free.clone(),
            Target::Nodes(ids) => whole(ids),
            Target::Region(name) => whole(self.regions.nodes(name)?),
            Target::LeaderRegion => {
                let name = self.regions.of(self.leader?)?;
                whole(self.regions.nodes(name)?)
            }
        };
        (!chosen.is_empty()).then_some(chosen)
    }

    /// The nodes that would be broken on top of those that are, were the fault to strike these.
    #[must_use]
    pub fn breaks(&self, entry: &Entry, chosen: &[u64]) -> BTreeSet<u64> {
        let chosen: BTreeSet<u64> = chosen.iter().copied().collect();
        match entry.cost {
            Cost::Nothing => BTreeSet::new(),
            Cost::Struck | Cost::Lost => chosen,
            Cost::Cut if chosen.len() * 2 <= self.nodes.len() => chosen,
            Cost::Cut => self
                .nodes
                .iter()
                .copied()
                .filter(|id| !chosen.contains(id))
                .collect(),
        }
    }

    /// Whether the budget allows the fault.
    #[must_use]
    pub fn within(&self, budget: u64, entry: &Entry, chosen: &[u64]) -> bool {
        let more = self.breaks(entry, chosen);
        let all = self.broken.union(&more).count();
        more.is_empty() || u64::try_from(all).unwrap_or(u64::MAX) <= budget
    }
}

/// So many of them, by chance, in ascending order; none when there are not so many.
fn draw(mut from: Vec<u64>, count: u64, rng: &mut Rng) -> Vec<u64> {
    let mut drawn = Vec::new();
    for _ in 0..count {
        if from.is_empty() {
            return Vec::new();
        }
        let place = rng.below(u64::try_from(from.len()).unwrap_or(1));
        drawn.push(from.swap_remove(usize::try_from(place).unwrap_or(0)));
    }
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn five() -> Standing {
        Standing {
            nodes: (1..=5).collect(),
            leader: Some(3),
            ..Standing::default()
        }
    }

    #[test]
    fn words_choose_whom_they_name() {
        let five = five();
        assert_eq!(five.choose(&Target::Leader, 2, 9), Some(vec![3]));
        assert_eq!(five.choose(&Target::All, 2, 9).unwrap().len(), 5);
        assert_eq!(five.choose(&Target::Minority, 2, 9).unwrap().len(), 2);
        assert_eq!(
            five.choose(&Target::Nodes(vec![2, 4]), 2, 9),
            Some(vec![2, 4])
        );
        for pick in 0..50 {
            let follower = five.choose(&Target::Follower, 2, pick).unwrap();
            assert!(follower.len() == 1 && follower != [3]);
        }
        let random: BTreeSet<Vec<u64>> = (0..100)
            .filter_map(|pick| five.choose(&Target::Random, 2, pick))
            .collect();
        assert_eq!(random.len(), 5, "chance reaches every node");
    }

    #[test]
    fn who_is_struck_already_is_left_alone() {
        let mut standing = five();
        standing.struck = BTreeSet::from([3, 1]);
        assert_eq!(standing.choose(&Target::Leader, 2, 0), None);
        assert_eq!(standing.choose(&Target::All, 2, 0), None);
        assert_eq!(standing.choose(&Target::Nodes(vec![1]), 2, 0), None);
        assert_eq!(standing.choose(&Target::Follower, 2, 0).unwrap().len(), 1);
        standing.leader = None;
        assert_eq!(
            standing.choose(&Target::Follower, 2, 0),
            None,
            "nobody is known to follow"
        );
    }

    #[test]
    fn a_region_is_struck_whole_or_not_at_all() {
        let mut standing = five();
        let regions = r#"{ "us": [1, 2], "eu": [3, 4], "ap": [5] }"#;
        standing.regions = serde_json::from_str(regions).unwrap();
        let us = Target::Region("us".to_owned());
        assert_eq!(standing.choose(&us, 2, 0), Some(vec![1, 2]));
        let leads = Target::LeaderRegion;
        assert_eq!(standing.choose(&leads, 2, 0), Some(vec![3, 4]));
        standing.struck = BTreeSet::from([2, 4]);
        assert_eq!(standing.choose(&us, 2, 0), None);
        assert_eq!(standing.choose(&leads, 2, 0), None);
        standing.leader = None;
        assert_eq!(standing.choose(&leads, 2, 0), None, "nobody leads");
    }

    #[test]
    fn the_budget_counts_what_is_broken_already() {
        let mut standing = five();
        let kill = catalogue::find("kill").unwrap();
        let isolate = catalogue::find("isolate").unwrap();
        let jump = catalogue::find("clock-jump").unwrap();
        assert!(standing.within(2, kill, &[1, 2]));
        assert!(!standing.within(2, kill, &[1, 2, 3]));
        standing.broken = BTreeSet::from([4]);
        assert!(standing.within(2, kill, &[1]));
        assert!(!standing.within(2, kill, &[1, 2]));
        assert!(
            standing.within(0, jump, &[1, 2, 3, 4, 5]),
            "a clock breaks nobody"
        );
        assert_eq!(standing.breaks(isolate, &[1]), BTreeSet::from([1]));
        assert_eq!(
            standing.breaks(isolate, &[1, 2, 3]),
            BTreeSet::from([4, 5]),
            "the smaller side"
        );
    }
}
