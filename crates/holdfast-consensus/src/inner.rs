//! What all parts of a node's consensus share, and the phase it is in.

use crate::applied::AppliedIndex;
use crate::clock::{ClockVerdict, LeaderClock, WallClock};
use crate::freshness::Freshness;
use crate::host::Host;
use crate::link::Link;
use crate::member::{Member, MemberInfo};
use crate::peers::Peers;
use crate::raft_types::{Metrics, Raft};
use crate::read_batch::ReadBatch;
use crate::timing::{Snapshots, Timing};
use crate::visitors::Visitors;
use holdfast_machine::Unavailable;
use holdfast_store::{LogStore, StateStore};
use openraft::ServerState;
use openraft::async_runtime::watch::WatchReceiver as _;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// What part this node plays at all.
#[derive(Clone)]
pub(crate) enum Phase {
    /// An empty data directory; it asks whether it may take part. The text says what it waits for.
    Joining(String),
    /// Takes part.
    Running(Raft),
    /// Must not take part; why.
    Quarantined(String),
    /// Stopped, or stopping; why.
    Stopped(String),
}

/// Shared by the handle, the handler of peers' messages and the tasks.
pub(crate) struct Inner {
    pub(crate) link: Arc<Link>,
    pub(crate) me: MemberInfo,
    pub(crate) configured: Vec<Member>,
    /// The members when this node left the cluster's work: they are told on what it owes.
    pub(crate) members_left: Mutex<BTreeMap<u64, MemberInfo>>,
    /// Nodes that are being added: peers, not yet members.
    pub(crate) candidates: Mutex<BTreeMap<u64, MemberInfo>>,
    /// Held while the members are being changed.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Nodes that joined without this one having heard of it, perhaps.
    pub(crate) visitors: Visitors,
    pub(crate) version: String,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) timing: Timing,
    pub(crate) snapshots: Snapshots,
    pub(crate) clock: Arc<dyn WallClock>,
    pub(crate) clock_skew_max: Duration,
    pub(crate) checkpoint_every: Duration,
    pub(crate) needs_tick: Arc<dyn Fn() -> bool + Send + Sync>,
    pub(crate) log: Arc<LogStore>,
    pub(crate) state: Arc<StateStore>,
    pub(crate) applied: Arc<AppliedIndex>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) peers: Peers,
    pub(crate) leader_clock: Mutex<LeaderClock>,
    /// Whether this node may stamp proposals.
    pub(crate) clock_verdict: Mutex<ClockVerdict>,
    pub(crate) freshness: Freshness,
    pub(crate) reads: ReadBatch,
    pub(crate) proposals: Semaphore,
    /// Conditions an operator should know although the node serves.
    pub(crate) troubles: Mutex<Troubles>,
    /// Set once, when the process should exit.
    pub(crate) fatal: watch::Sender<Option<String>>,
}

/// Standing troubles, one line each.
#[derive(Default)]
pub(crate) struct Troubles {
    pub(crate) timing: Option<String>,
    pub(crate) clock: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) stores: Option<String>,
}

impl Troubles {
    pub(crate) fn text(&self) -> Option<String> {
        let all = [&self.timing, &self.clock, &self.digest, &self.stores];
        let lines: Vec<&str> = all.into_iter().flatten().map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

/// Sets a trouble and logs it when it is new.
pub(crate) fn set_trouble(slot: &mut Option<String>, trouble: Option<String>) {
    if let Some(text) = &trouble
        && slot.is_none()
    {
        tracing::error!(trouble = %text, "trouble");
    } else if trouble.is_none() && slot.is_some() {
        tracing::info!("a trouble is over");
    }
    *slot = trouble;
}

/// Who leads, as this node's Raft last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leadership {
    pub(crate) leader: Option<u64>,
    pub(crate) leads: bool,
    pub(crate) term: u64,
    /// No other node has a vote.
    pub(crate) alone: bool,
}

impl Inner {
    pub(crate) fn node(&self) -> u64 {
        self.link.node
    }

    /// The running Raft, or why there is none.
    pub(crate) fn raft(&self) -> Result<Raft, Unavailable> {
        match &*self.phase.borrow() {
            Phase::Running(raft) => Ok(raft.clone()),
            Phase::Joining(why) | Phase::Quarantined(why) | Phase::Stopped(why) => {
                Err(Unavailable::Stopped(why.clone()))
            }
        }
    }

    /// The members: those of the membership once there is one, to a node that has left those that it knew; else as configured.
    pub(crate) fn members(&self) -> BTreeMap<u64, MemberInfo> {
        if let Phase::Running(raft) = &*self.phase.borrow() {
            let membership = metrics(raft).membership_config;
            let nodes = membership.membership().nodes();
            let members: BTreeMap<u64, MemberInfo> =
                nodes.map(|(id, info)| (*id, info.clone())).collect();
            if !members.is_empty() {
                return members;
            }
        }
        let last = self.members_left.lock();
        if !last.is_empty() {
            return last.clone();
        }
        let configured = self.configured.iter();
        configured
            .map(|member| (member.id.0, member.info.clone()))
            .collect()
    }

    /// The members as far as that is known to be committed: those before a change that is only written down here. None before
    /// there is a membership.
    pub(crate) fn members_committed(&self) -> BTreeMap<u64, MemberInfo> {
        let Phase::Running(raft) = &*self.phase.borrow() else {
            return BTreeMap::new();
        };
        let membership = metrics(raft).committed_membership_config;
        let nodes = membership.membership().nodes();
        nodes.map(|(id, info)| (*id, info.clone())).collect()
    }

    /// Nothing was ever logged, voted or applied here.
    pub(crate) fn is_pristine(&self) -> bool {
        let bounds = self.log.bounds();
        bounds.last.is_none()
            && bounds.purged.is_none()
            && self.log.vote().is_none()
            && self.state.applied().log_id.is_none()
    }

    /// Enters a phase. A stopped node stays stopped and a quarantined one never takes part again: false when it did not enter.
    pub(crate) fn set_phase(&self, phase: Phase) -> bool {
        self.phase.send_if_modified(|now| {
            let stays = match (&*now, &phase) {
                (Phase::Stopped(_), _) => true,
                (Phase::Quarantined(_), next) => !matches!(next, Phase::Stopped(_)),
                (Phase::Joining(_) | Phase::Running(_), _) => false,
            };
            if !stays {
                *now = phase;
            }
            !stays
        })
    }

    /// Asks the process to exit; the first reason stands.
    pub(crate) fn fail(&self, why: &str) {
        self.set_phase(Phase::Stopped(why.to_owned()));
        self.fatal.send_if_modified(|fatal| {
            let first = fatal.is_none();
            if first {
                tracing::error!(reason = why, "consensus has failed");
                *fatal = Some(why.to_owned());
            }
            first
        });
    }
}

/// Who leads now, without copying the metrics.
pub(crate) fn leadership(raft: &Raft) -> Leadership {
    let metrics = raft.server_metrics();
    let metrics = metrics.borrow_watched();
    Leadership {
        leader: metrics.current_leader,
        leads: metrics.state == ServerState::Leader,
        term: metrics.vote.leader_id.term,
        alone: metrics
            .membership_config
            .voter_ids()
            .all(|voter| voter == metrics.id),
    }
}

/// Resolves with the leader once another one than `leader`, and than the one known now, is known. (`leader` may be newer than
/// what this node knows, when another node named it.)
pub(crate) async fn leader_after(raft: &Raft, leader: u64) -> u64 {
    let mut metrics = raft.server_metrics();
    let known = metrics.borrow_watched().current_leader;
    loop {
        let now = metrics.borrow_watched().current_leader;
        if let Some(other) = now.filter(|other| *other != leader && now != known) {
            return other;
        }
        if metrics.changed().await.is_err() {
            // Raft has ended: no other leader will be known.
            return std::future::pending().await;
        }
    }
}

/// A copy of the metrics; the borrow is never held across an await.
pub(crate) fn metrics(raft: &Raft) -> Metrics {
    raft.metrics().borrow_watched().clone()
}
