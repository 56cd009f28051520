//! Regions of a cluster: which nodes stand together, and how far the others are.

use crate::length::Length;
use holdfast_relay::{Matrix, Rule, patterns};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Nodes by region. Empty: all stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Regions(BTreeMap<String, Vec<u64>>);

/// How far two regions are from each other. Pairs without one are as near as nodes of one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distance {
    /// The two.
    pub between: (String, String),
    /// There and back.
    pub round_trip: Length,
    /// Up to this much more each way, drawn for each packet.
    #[serde(default)]
    pub jitter: Length,
}

impl Regions {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The nodes of a region; `None`: there is no such region.
    #[must_use]
    pub fn nodes(&self, name: &str) -> Option<&[u64]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The region of a node.
    #[must_use]
    pub fn of(&self, node: u64) -> Option<&str> {
        let mut all = self.0.iter();
        all.find_map(|(name, nodes)| nodes.contains(&node).then_some(name.as_str()))
    }

    /// The region that cannot be, or the node that is not in exactly one, and what is wrong with it.
    pub(super) fn check(&self, count: u64) -> Result<(), (String, String)> {
        if self.is_empty() {
            return Ok(());
        }
        for (name, nodes) in &self.0 {
            let there = |id: &u64| (1..=count).contains(id);
            if nodes.is_empty() || !nodes.iter().all(there) {
                let what = format!("must name nodes, and nodes are 1 to {count}");
                return Err((format!("cluster.regions.{name}"), what));
            }
        }
        for node in 1..=count {
            let times = self.0.values().flatten().filter(|id| **id == node).count();
            if times != 1 {
                let what = format!("node {node} must be in one region, not in {times}");
                return Err(("cluster.regions".to_owned(), what));
            }
        }
        Ok(())
    }

    /// The first distance that cannot be, by its place, and what is wrong with it.
    pub(super) fn check_distances(&self, distances: &[Distance]) -> Result<(), (String, String)> {
        for (place, distance) in distances.iter().enumerate() {
            let (one, other) = &distance.between;
            let refuse = |what: String| {
                let field = format!("cluster.distances {}: between", place + 1);
                Err((field, what))
            };
            for name in [one, other] {
                if self.nodes(name).is_none() {
                    return refuse(format!("`{name}` is no region of [cluster.regions]"));
                }
            }
            let same = |earlier: &Distance| earlier.joins(one, other);
            if one == other || distances[..place].iter().any(same) {
                return refuse("must be two regions, each pair once".to_owned());
            }
        }
        Ok(())
    }

    /// What the links between regions do to packets.
    #[must_use]
    pub fn links(&self, distances: &[Distance]) -> Matrix {
        distances.iter().fold(Matrix::clear(), |matrix, distance| {
            let of = |name: &str| self.nodes(name).unwrap_or_default();
            let (one, other) = &distance.between;
            matrix.and(&patterns::between(of(one), of(other), distance.each_way()))
        })
    }
}

impl Distance {
    fn joins(&self, one: &str, other: &str) -> bool {
        let (here, there) = &self.between;
        (here == one && there == other) || (here == other && there == one)
    }

    fn each_way(&self) -> Rule {
        Rule {
            delay: self.round_trip.0 / 2,
            jitter: self.jitter.0,
            ..Rule::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_relay::Link;

    fn three() -> Regions {
        let named = [("us", vec![1, 2]), ("eu", vec![3, 4]), ("ap", vec![5])];
        Regions(named.map(|(name, nodes)| (name.to_owned(), nodes)).into())
    }

    fn apart(one: &str, other: &str, millis: u64) -> Distance {
        Distance {
            between: (one.to_owned(), other.to_owned()),
            round_trip: Length::millis(millis),
            jitter: Length::millis(1),
        }
    }

    #[test]
    fn half_the_round_trip_lies_on_each_way_between_regions_and_none_within() {
        let links = three().links(&[apart("eu", "us", 80), apart("us", "ap", 190)]);
        let delay = |from, to| links.rule(Link::new(from, to)).delay.as_millis();
        assert_eq!([delay(1, 3), delay(4, 2), delay(5, 1)], [40, 40, 95]);
        assert_eq!([delay(1, 2), delay(3, 5)], [0, 0]);
    }

    #[test]
    fn each_node_stands_in_one_region() {
        assert_eq!(three().check(5), Ok(()));
        assert_eq!(three().of(4), Some("eu"));
        assert_eq!(three().of(6), None);
        assert!(three().check(6).unwrap_err().1.contains("node 6"));
        assert_eq!(three().check(4).unwrap_err().0, "cluster.regions.ap");
        let mut twice = three();
        twice.0.insert("af".to_owned(), vec![5]);
        assert!(twice.check(5).unwrap_err().1.contains("not in 2"));
        assert_eq!(Regions::default().check(3), Ok(()));
    }

    #[test]
    fn distances_are_between_two_regions_that_are_there_and_given_once() {
        let wrong = |distances: &[Distance]| three().check_distances(distances).unwrap_err();
        assert!(wrong(&[apart("eu", "mars", 9)]).1.contains("`mars`"));
        assert!(wrong(&[apart("eu", "eu", 9)]).1.contains("two regions"));
        let twice = [apart("eu", "us", 9), apart("us", "eu", 9)];
        assert_eq!(wrong(&twice).0, "cluster.distances 2: between");
        assert_eq!(three().check_distances(&twice[..1]), Ok(()));
    }
}
