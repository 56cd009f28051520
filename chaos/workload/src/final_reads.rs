//! The last look: after everything was healed, every key is read on every node, then written and read on every node once
//! more; tokens are tried, of those in play as of those that ended. The first reads, older versions among them, come before the
//! write, which would cover what the faults had done.
//!
//! These are operations as any other. What is refused is asked again, as another operation, until a deadline.

use crate::intent::Fresh;
use crate::keyholders;
use crate::rng::Rng;
use crate::target::TargetNode;
use crate::tokens::Token;
use crate::workload::Finished;
use crate::world::{Client, World};
use futures::StreamExt;
use holdfast_check::{Outcome, Seen};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Keys and tokens looked at at one time.
const AT_ONCE: usize = 8;
const PAUSE: Duration = Duration::from_millis(50);
/// Older versions read of each key.
const OLDER: usize = 4;
/// Most tokens that are tried.
const TOKENS_MAX: usize = 64;
/// Stream of random numbers of this phase.
const STREAM: u64 = 1 << 42;

/// How far the last look came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FinalReads {
    /// Nodes that were found sealed and opened.
    pub opened: u64,
    /// Keys written once more and read on every node.
    pub keys: u64,
    /// Keys that were not in time: the cluster did not come back, or not everywhere.
    pub incomplete: u64,
    /// Tokens tried on every node.
    pub tokens: u64,
    /// Tokens of which a node did not say in time whether it takes them.
    pub undecided: u64,
}

impl FinalReads {
    /// Whether everything was looked at on every node.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.incomplete == 0 && self.undecided == 0
    }
}

impl Finished {
    /// Opens sealed nodes, then looks at everything once more. Ends at the deadline at the latest, but for one answer.
    ///
    /// Nodes that are lost for good (their disks were damaged, and they take no part any more) are not asked; of all others
    /// everything is.
    pub async fn final_reads(&self, lost: &BTreeSet<u64>, deadline: Duration) -> FinalReads {
        let world = &*self.world;
        let nodes = there(&world.target.nodes, lost);
        let ends = Instant::now() + deadline;
        let opening = nodes.iter().map(|node| open(world, node, ends));
        let opened = futures::future::join_all(opening).await;
        let mut found = FinalReads {
            opened: count(opened.iter().filter(|opened| **opened)),
            ..FinalReads::default()
        };
        let keys = futures::stream::iter(0..world.slots.keys())
            .map(|key| look_at(world, &nodes, key, ends))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<bool>>()
            .await;
        found.keys = count(keys.iter().filter(|complete| **complete));
        found.incomplete = count(keys.iter()) - found.keys;
        let tokens = futures::stream::iter(world.tokens.sample(TOKENS_MAX))
            .map(|token| try_token(world, &nodes, token, ends))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<bool>>()
            .await;
        found.tokens = count(tokens.iter().filter(|decided| **decided));
        found.undecided = count(tokens.iter()) - found.tokens;
        found
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

/// Opens a node if it is sealed. Whether it was and is open now.
async fn open(world: &World, node: &TargetNode, ends: Instant) -> bool {
    let mut rng = Rng::new(world.plan.seed, STREAM + node.id);
    let mut client = world.client();
    while Instant::now() < ends && keyholders::is_sealed(world, node).await {
        match keyholders::open(world, &client, node, &mut rng).await {
            None => return false,
            Some(Outcome::Ok(_)) => return true,
            Some(Outcome::Unknown) => client = world.client(),
            Some(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

/// The nodes that are not lost.
fn there<'a>(nodes: &'a [TargetNode], lost: &BTreeSet<u64>) -> Vec<&'a TargetNode> {
    nodes
        .iter()
        .filter(|node| !lost.contains(&node.id))
        .collect()
}

/// A linearizable read on every node, older versions on one, one write and a linearizable read through one node, then a linearizable and a stale
/// read on every node.
async fn look_at(world: &World, nodes: &[&TargetNode], key: u64, ends: Instant) -> bool {
    let length = u64::try_from(nodes.len().max(1)).unwrap_or(1);
    let place = usize::try_from(key % length).unwrap_or(0);
    let mut client = world.client();
    let mut latest = 0;
    for node in nodes {
        let version = read(world, &mut client, node, key, Fresh::Linearizable, ends).await;
        let Some(version) = version else {
            return false;
        };
        latest = latest.max(version);
    }
    if let Some(node) = nodes.get(place)
        && !read_older(world, &mut client, node, key, latest, ends).await
    {
        return false;
    }
    for node in nodes.iter().cycle().skip(place) {
        let Some(done) = world.put(&mut client, node, key, None).await else {
            return false;
        };
        match again(world, &mut client, &done.outcome, ends).await {
            Again::Done => {
                let fresh = Fresh::Linearizable;
                if read(world, &mut client, node, key, fresh, ends)
                    .await
                    .is_none()
                {
                    return false;
                }
                break;
            }
            Again::Late => return false,
            Again::Retry => {}
        }
    }
    for node in nodes {
        for fresh in [Fresh::Linearizable, Fresh::Stale] {
            if read(world, &mut client, node, key, fresh, ends)
                .await
                .is_none()
            {
                return false;
            }
        }
    }
    true
}

/// The version that a read shows, 0 where there is none; `None` when there was no answer in time.
async fn read(
    world: &World,
    client: &mut Client,
    node: &TargetNode,
    key: u64,
    fresh: Fresh,
    ends: Instant,
) -> Option<u64> {
    loop {
        let done = world.get(client, node, key, fresh).await?;
        match again(world, client, &done.outcome, ends).await {
            Again::Done => return Some(version(&done.outcome)),
            Again::Late => return None,
            Again::Retry => {}
        }
    }
}

const fn version(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Ok(Seen {
            version: Some(version),
            ..
        }) => *version,
        _ => 0,
    }
}

/// Reads the versions below the latest, as many as a look takes. Whether all were answered in time.
async fn read_older(
    world: &World,
    client: &mut Client,
    node: &TargetNode,
    key: u64,
    latest: u64,
    ends: Instant,
) -> bool {
    for version in (1..latest).rev().take(OLDER) {
        loop {
            let Some(done) = world.get_version(client, node, key, version).await else {
                return false;
            };
            match again(world, client, &done.outcome, ends).await {
                Again::Done => break,
                Again::Late => return false,
                Again::Retry => {}
            }
        }
    }
    true
}

/// Whether every node takes it or refuses it.
async fn try_token(world: &World, nodes: &[&TargetNode], token: Token, ends: Instant) -> bool {
    let mut client = world.client();
    for node in nodes {
        loop {
            let done = world
                .use_token(&client, node, &token, Fresh::Linearizable)
                .await;
            let Some(done) = done else { return false };
            if done.outcome == Outcome::Denied {
                break;
            }
            match again(world, &mut client, &done.outcome, ends).await {
                Again::Done => break,
                Again::Late => return false,
                Again::Retry => {}
            }
        }
    }
    true
}

enum Again {
    Done,
    Retry,
    Late,
}

async fn again(world: &World, client: &mut Client, outcome: &Outcome, ends: Instant) -> Again {
    match outcome {
        Outcome::Ok(_) => return Again::Done,
        Outcome::Unknown => *client = world.client(),
        _ => {}
    }
    if Instant::now() >= ends {
        return Again::Late;
    }
    tokio::time::sleep(PAUSE).await;
    Again::Retry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_lost_is_left_out() {
        let node = |id| TargetNode {
            id,
            url: String::new(),
        };
        let nodes = [node(1), node(2), node(3)];
        let ids = |lost: &[u64]| -> Vec<u64> {
            let lost = lost.iter().copied().collect();
            there(&nodes, &lost).iter().map(|node| node.id).collect()
        };
        assert_eq!(ids(&[]), [1, 2, 3]);
        assert_eq!(ids(&[2]), [1, 3]);
    }
}
