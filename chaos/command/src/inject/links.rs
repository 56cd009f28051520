//! Faults of the network as matrices of the relay.

use crate::catalogue::params::{CORRUPT, DELAY, DUPLICATE, JITTER, LOSS, REORDER};
use crate::schedule::Step;
use anyhow::bail;
use holdfast_relay::{Matrix, Rule, patterns};

/// What a step does to the links of a cluster.
pub(super) fn matrix(step: &Step, struck: &[u64], all: &[u64]) -> anyhow::Result<Matrix> {
    let each = |pattern: fn(&[u64], u64) -> Matrix| {
        let single = struck.iter().map(|node| pattern(all, *node));
        single.fold(Matrix::clear(), |sum, one| sum.and(&one))
    };
    let matrix = match step.fault.as_str() {
        "isolate" => each(patterns::isolate),
        "one-way-in" => each(patterns::one_way_in),
        "one-way-out" => each(patterns::one_way_out),
        "bridge" => each(patterns::bridge),
        "ring" => patterns::majority_ring(all),
        "halves" => {
            let rest: Vec<u64> = all
                .iter()
                .copied()
                .filter(|node| !struck.contains(node))
                .collect();
            patterns::halves(struck, &rest)
        }
        "flaky" => patterns::touching(all, struck, rule(step)),
        other => bail!("`{other}` is no fault of the network"),
    };
    if matrix.is_clear() {
        bail!("{} changes no link of {} nodes", step.fault, all.len());
    }
    Ok(matrix)
}

fn rule(step: &Step) -> Rule {
    let params = &step.params;
    Rule {
        delay: DELAY.of(params).0,
        jitter: JITTER.of(params).0,
        loss: LOSS.of(params),
        duplicate: DUPLICATE.of(params),
        corrupt: CORRUPT.of(params),
        reorder: REORDER.of(params),
        ..Rule::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{self, Group};
    use crate::length::Length;
    use crate::scenario::{Params, Target};

    #[test]
    fn every_fault_of_the_network_changes_links() {
        for entry in catalogue::ALL
            .iter()
            .filter(|entry| entry.group == Group::Network)
        {
            let mut step = Step {
                at: Length::millis(0),
                lasts: Length::millis(1),
                fault: entry.name.to_owned(),
                target: Target::Random,
                params: Params::default(),
                pick: 0,
            };
            step.params.loss = Some(0.5);
            for all in [vec![1, 2, 3], vec![1, 2, 3, 4, 5]] {
                let made = matrix(&step, &[2], &all);
                assert!(made.is_ok_and(|made| !made.is_clear()), "{}", entry.name);
            }
        }
    }
}
