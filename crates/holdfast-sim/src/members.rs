//! The operator: sees to it that those are members who are to be, one change at a time, again and again until it is done.

use crate::cluster::Cluster;
use crate::dice::Dice;
use holdfast_consensus::{Consensus, Host, Member, MemberChange, MemberInfo, hosted};
use holdfast_machine::Role;
use holdfast_types::NodeId;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(150);
/// How long a change may take.
const DEADLINE: Duration = Duration::from_secs(4);

/// What the refusal to add a node says that holds data.
const SPOILED: &str = "data directory is not empty";

/// What a node is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Voter,
    Learner,
    Gone,
}

/// Who is to be a member.
pub(crate) struct Members {
    wishes: Mutex<BTreeMap<u64, Wish>>,
    /// A change was asked for, and its fate is not known yet.
    asking: AtomicBool,
    /// Nodes that were sent a part of the log before the attempt to add them came to nothing.
    spoiled: Mutex<BTreeSet<u64>>,
}

#[derive(Clone, Copy)]
struct Wish {
    part: Part,
    /// The fault that brought it about.
    fault: Option<usize>,
    /// Once it is no member any more, its machine may be switched off.
    retire: bool,
}

impl Members {
    pub(crate) fn of(ids: impl Iterator<Item = u64>) -> Self {
        let voter = Wish {
            part: Part::Voter,
            fault: None,
            retire: false,
        };
        Self {
            wishes: Mutex::new(ids.map(|id| (id, voter)).collect()),
            asking: AtomicBool::new(false),
            spoiled: Mutex::default(),
        }
    }

    pub(crate) fn want(&self, id: u64, part: Part, fault: usize) {
        let wish = Wish {
            part,
            fault: Some(fault),
            retire: false,
        };
        self.wishes.lock().insert(id, wish);
    }

    pub(crate) fn may_retire(&self, id: u64) {
        if let Some(wish) = self.wishes.lock().get_mut(&id) {
            wish.retire = true;
        }
    }

    /// Nodes to empty before they can be added, as their refusal says. None while somebody is asked to add one: it may have
    /// been emptied already, and be a member in a moment.
    pub(crate) fn take_spoiled(&self) -> BTreeSet<u64> {
        if self.asking.load(Ordering::Relaxed) {
            return BTreeSet::new();
        }
        std::mem::take(&mut *self.spoiled.lock())
    }

    /// What became of an addition. A leader that has not heard of it yet refuses a node that was emptied a moment ago; who is a
    /// member is never emptied.
    fn answered(&self, id: u64, done: &Result<(), String>) {
        let mut spoiled = self.spoiled.lock();
        match done {
            Ok(()) => {
                spoiled.remove(&id);
            }
            Err(why) if why.contains(SPOILED) => {
                spoiled.insert(id);
            }
            Err(_) => {}
        }
    }

    fn wishes(&self) -> Vec<(u64, Wish)> {
        let wishes = self.wishes.lock();
        wishes.iter().map(|(id, wish)| (*id, *wish)).collect()
    }
}

/// A member of this number.
pub(crate) fn member(id: u64) -> Member {
    Member {
        id: NodeId(id),
        info: MemberInfo {
            peer_addr: format!("10.0.0.{id}:8300"),
            api_addr: format!("https://10.0.0.{id}:8200"),
            region: format!("region-{}", id % 3),
            zone: String::new(),
        },
    }
}

/// Works until it is stopped.
pub(crate) async fn operate(cluster: Cluster) {
    let dice = Dice::new(cluster.setup.seed, "operator");
    loop {
        tokio::time::sleep(PAUSE).await;
        retire(&cluster);
        let mut open = open_changes(&cluster).unwrap_or_default();
        dice.shuffle(&mut open);
        let Some((change, wish)) = open.pop() else {
            continue;
        };
        let Some(via) = dice.pick(&cluster.ids()) else {
            continue;
        };
        let story = format!("node {via} is asked for {change:?}");
        let added = match &change {
            MemberChange::Add(member) => Some(member.id.0),
            _ => None,
        };
        cluster.members.asking.store(true, Ordering::Relaxed);
        let done = ask(&cluster, via, change).await;
        cluster.members.asking.store(false, Ordering::Relaxed);
        cluster.trace.story(&format!("{story}: {done:?}"));
        if let Some(id) = added {
            cluster.members.answered(id, &done);
        }
        if done.is_ok_and(|()| wish.part != Part::Voter)
            && let Some(fault) = wish.fault
        {
            cluster.bitten.lock().insert(fault);
        }
    }
}

/// Why the members are not yet, on every node, those that are to be. What one node does not know of may still come to be.
pub(crate) fn unsettled(cluster: &Cluster) -> Option<String> {
    let Some(open) = open_changes(cluster) else {
        return Some("nobody leads who knows the members".to_owned());
    };
    if let Some((change, _)) = open.first() {
        return Some(format!("the members wait for {change:?}"));
    }
    if cluster.members.asking.load(Ordering::Relaxed) {
        return Some("a change of the members is under way".to_owned());
    }
    let led = members(cluster);
    let nodes = cluster.nodes.lock();
    for node in nodes.values().filter(|node| !node.retired) {
        let Some(running) = &node.running else {
            return Some(format!("node {} does not run", node.id));
        };
        if running.glance().role == Role::Quarantined {
            continue;
        }
        let known = running.consensus().members();
        if !known
            .as_ref()
            .is_some_and(|known| known.settled && Some(&known.all) == led.as_ref())
        {
            return Some(format!(
                "node {} knows other members: {known:?}, led {led:?}",
                node.id
            ));
        }
    }
    let goes = |(id, wish): &(u64, Wish)| {
        wish.part == Part::Gone && nodes.get(id).is_some_and(|node| !node.retired)
    };
    let wishes = cluster.members.wishes();
    let (id, _) = wishes.iter().find(|wish| goes(wish))?;
    Some(format!("node {id} is no member and not yet switched off"))
}

/// Who is a member, and whether it votes, as the leader knows.
fn members(cluster: &Cluster) -> Option<BTreeMap<u64, bool>> {
    let leader = cluster.leader()?;
    let nodes = cluster.nodes.lock();
    let members = nodes.get(&leader)?.running.as_ref()?.consensus().members();
    members.map(|members| members.all)
}

fn open_changes(cluster: &Cluster) -> Option<Vec<(MemberChange, Wish)>> {
    let members = members(cluster)?;
    let change = |(id, wish): (u64, Wish)| {
        let node = NodeId(id);
        let change = match (wish.part, members.get(&id)) {
            (Part::Voter | Part::Learner, None) => MemberChange::Add(member(id)),
            (Part::Voter, Some(false)) => MemberChange::Promote(node),
            (Part::Learner, Some(true)) => MemberChange::Demote(node),
            (Part::Gone, Some(_)) => MemberChange::Remove(node),
            _ => return None,
        };
        Some((change, wish))
    };
    let wishes = cluster.members.wishes().into_iter();
    Some(wishes.filter_map(change).collect())
}

/// Switches off what is no member any more.
fn retire(cluster: &Cluster) {
    let Some(members) = members(cluster) else {
        return;
    };
    let here = cluster.ids();
    for (id, wish) in cluster.members.wishes() {
        if wish.retire && here.contains(&id) && !members.contains_key(&id) {
            cluster.retire(id);
        }
    }
}

async fn ask(cluster: &Cluster, via: u64, change: MemberChange) -> Result<(), String> {
    let (done, answer) = oneshot::channel();
    {
        let nodes = cluster.nodes.lock();
        let running = nodes.get(&via).and_then(|node| node.running.as_ref());
        let running = running.ok_or("it is down")?;
        let consensus: Consensus = running.consensus().clone();
        let host: Arc<dyn Host> = running.life.clone();
        let task = tokio::spawn(hosted(Arc::clone(&host), async move {
            // Whoever asked may have stopped waiting.
            let _ = done.send(consensus.change_members(change, DEADLINE).await);
        }));
        host.adopt(task.abort_handle());
    }
    let answer = tokio::time::timeout(2 * DEADLINE, answer).await;
    match answer {
        Ok(Ok(result)) => result.map_err(|error| error.to_string()),
        Ok(Err(_)) | Err(_) => Err("no answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_became_a_member_is_not_emptied() {
        let refused = || Err(format!("the node's {SPOILED}"));
        let members = Members::of(1..=3);
        members.answered(8, &refused());
        members.answered(9, &Err("no quorum answered in time".to_owned()));
        members.asking.store(true, Ordering::Relaxed);
        assert!(members.take_spoiled().is_empty(), "somebody is being asked");
        members.asking.store(false, Ordering::Relaxed);
        assert_eq!(members.take_spoiled(), BTreeSet::from([8]));
        assert!(members.take_spoiled().is_empty(), "once is enough");
        // Emptied, and refused by who has not heard of it; then added.
        members.answered(8, &refused());
        members.answered(8, &Ok(()));
        assert!(members.take_spoiled().is_empty());
    }
}
