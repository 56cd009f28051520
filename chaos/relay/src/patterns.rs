//! The usual shapes of trouble, as pure functions from nodes to a [`Matrix`].

use crate::matrix::{Link, Matrix};
use crate::rule::Rule;

/// No packet to or from one node.
#[must_use]
pub fn isolate(nodes: &[u64], node: u64) -> Matrix {
    touching(nodes, &[node], Rule::CUT)
}

/// Two sides that cannot reach each other.
#[must_use]
pub fn halves(one: &[u64], other: &[u64]) -> Matrix {
    between(one, other, Rule::CUT)
}

/// Two sides that cannot reach each other, but a node in the middle reaches both: reachability is not transitive.
#[must_use]
pub fn bridge(nodes: &[u64], middle: u64) -> Matrix {
    let rest: Vec<u64> = nodes.iter().copied().filter(|n| *n != middle).collect();
    let (one, other) = rest.split_at(rest.len() / 2);
    halves(one, other)
}

/// Every node reaches a majority, but not the same one: each sees itself and its nearest neighbours on a ring.
/// With three nodes or fewer a majority ring is the whole cluster less one link, so that one link is cut.
#[must_use]
pub fn majority_ring(nodes: &[u64]) -> Matrix {
    let count = nodes.len();
    let mut matrix = Matrix::clear();
    if count == 3 {
        both_ways(&mut matrix, nodes[0], nodes[2], Rule::CUT);
        return matrix;
    }
    // Itself and `reach` to each side make the smallest majority, or one more when that is even.
    let reach = (count / 2).div_ceil(2);
    for (i, a) in nodes.iter().enumerate() {
        for (j, b) in nodes.iter().enumerate().skip(i + 1) {
            let apart = (j - i).min(count - (j - i));
            if apart > reach {
                both_ways(&mut matrix, *a, *b, Rule::CUT);
            }
        }
    }
    matrix
}

/// One node sends and hears nothing.
#[must_use]
pub fn one_way_in(nodes: &[u64], node: u64) -> Matrix {
    directed(nodes.iter().map(|other| Link::new(*other, node)), Rule::CUT)
}

/// One node hears and cannot send.
#[must_use]
pub fn one_way_out(nodes: &[u64], node: u64) -> Matrix {
    directed(nodes.iter().map(|other| Link::new(node, *other)), Rule::CUT)
}

/// Both directions between two nodes are cut.
#[must_use]
pub fn single_link(one: u64, other: u64) -> Matrix {
    halves(&[one], &[other])
}

/// A rule on every link to and from some nodes; each link gets it once.
#[must_use]
pub fn touching(nodes: &[u64], targets: &[u64], rule: Rule) -> Matrix {
    let all = pairs(nodes, nodes).filter(|(a, b)| targets.contains(a) || targets.contains(b));
    directed(all.map(|(a, b)| Link::new(a, b)), rule)
}

/// A rule on every link.
#[must_use]
pub fn everywhere(nodes: &[u64], rule: Rule) -> Matrix {
    touching(nodes, nodes, rule)
}

/// A rule on every link between two groups of nodes, in both directions: regions far from each other, say. Within each group
/// nothing changes.
#[must_use]
pub fn between(one: &[u64], other: &[u64], rule: Rule) -> Matrix {
    let mut matrix = Matrix::clear();
    for (a, b) in pairs(one, other) {
        both_ways(&mut matrix, a, b, rule);
    }
    matrix
}

fn pairs<'a>(one: &'a [u64], other: &'a [u64]) -> impl Iterator<Item = (u64, u64)> + 'a {
    one.iter()
        .flat_map(move |a| other.iter().map(move |b| (*a, *b)))
}

fn directed(links: impl Iterator<Item = Link>, rule: Rule) -> Matrix {
    let mut matrix = Matrix::clear();
    for link in links {
        matrix.add(link, rule);
    }
    matrix
}

fn both_ways(matrix: &mut Matrix, a: u64, b: u64, rule: Rule) {
    matrix.add(Link::new(a, b), rule);
    matrix.add(Link::new(b, a), rule);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn cut(matrix: &Matrix) -> Vec<(u64, u64)> {
        matrix
            .iter()
            .map(|(link, _)| (link.from, link.to))
            .collect()
    }

    #[test]
    fn each_cut_names_its_links() {
        let nodes = [1, 2, 3];
        assert_eq!(cut(&isolate(&nodes, 2)), [(1, 2), (2, 1), (2, 3), (3, 2)]);
        assert_eq!(cut(&one_way_in(&nodes, 2)), [(1, 2), (3, 2)]);
        assert_eq!(cut(&one_way_out(&nodes, 2)), [(2, 1), (2, 3)]);
        assert_eq!(cut(&bridge(&nodes, 2)), [(1, 3), (3, 1)]);
        assert_eq!(cut(&single_link(3, 1)), [(1, 3), (3, 1)]);
        let halved = halves(&[1, 2], &[3]);
        assert_eq!(cut(&halved), [(1, 3), (2, 3), (3, 1), (3, 2)]);
    }

    #[test]
    fn a_ring_cuts_some_links_and_leaves_every_node_a_majority() {
        for count in 3..=9u64 {
            let nodes: Vec<u64> = (1..=count).collect();
            let matrix = majority_ring(&nodes);
            assert!(!matrix.is_clear(), "{count} nodes: nothing is cut");
            for a in &nodes {
                let sees = nodes
                    .iter()
                    .filter(|b| !matrix.rule(Link::new(*a, **b)).cut);
                assert!(
                    sees.count() > nodes.len() / 2,
                    "{count} nodes: {a} sees too few"
                );
            }
        }
    }

    #[test]
    fn a_rule_between_groups_leaves_each_group_alone() {
        let slow = Rule::delayed(Duration::from_millis(40));
        let matrix = between(&[1, 2], &[3], slow);
        assert_eq!(cut(&matrix), [(1, 3), (2, 3), (3, 1), (3, 2)]);
        assert_eq!(matrix.rule(Link::new(1, 3)), slow);
        assert_eq!(matrix.rule(Link::new(3, 2)), slow);
        assert!(matrix.rule(Link::new(1, 2)).is_clear());
    }
}
