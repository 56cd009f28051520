//! Asks every node again and again how it is, while it may be dead, paused or cut off.
//!
//! A sample must never say more than one moment of one node showed. Term, leader and whether it leads come from one answer
//! (`sys/leader`), so that no sample mixes two terms; only the seal and the kind of non-leader come from the next
//! (`sys/health`). A sample during which the node was restarted is dropped.

use crate::answer::{Answer, Exchange};
use crate::door::{Ask, Door};
use crate::lives::Lives;
use crate::recorder::Recorder;
use crate::setup::SetupError;
use crate::target::{Target, TargetNode};
use holdfast_check::{NodeSample, NodeState};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// A node that does not answer so long counts as down.
const PATIENCE: Duration = Duration::from_millis(500);
/// Most samples kept.
const SAMPLES_MAX: usize = 1_000_000;

/// Samples being taken. Dropped, it ends.
pub struct Sampler {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

struct Shared {
    door: Door,
    recorder: Recorder,
    lives: Lives,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    samples: Vec<NodeSample>,
    latest: BTreeMap<u64, NodeSample>,
}

impl Sampler {
    /// Begins to ask every node of the target once in each period, by the recorder's clock.
    ///
    /// # Errors
    /// When HTTP cannot be set up.
    pub fn start(
        target: &Target,
        recorder: &Recorder,
        lives: &Lives,
        period: Duration,
    ) -> Result<Self, SetupError> {
        let shared = Arc::new(Shared {
            door: Door::new(target.ca_pem.as_deref(), PATIENCE).map_err(SetupError::Http)?,
            recorder: recorder.clone(),
            lives: lives.clone(),
            book: Mutex::default(),
        });
        let (stop, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for node in target.nodes.clone() {
            let shared = Arc::clone(&shared);
            let mut stopped = stop.subscribe();
            tasks.spawn(async move {
                let mut ticks = tokio::time::interval(period.max(Duration::from_millis(5)));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    let ended = async { stopped.wait_for(|stop| *stop).await.map(drop) };
                    tokio::select! {
                        _stopped = ended => return,
                        _tick = ticks.tick() => {}
                    }
                    shared.look(&node).await;
                }
            });
        }
        Ok(Self {
            shared,
            stop,
            tasks,
        })
    }

    /// The last sample of each node, in order of number.
    #[must_use]
    pub fn latest(&self) -> Vec<NodeSample> {
        self.shared.book.lock().latest.values().cloned().collect()
    }

    /// The node that leads in the highest term that any node's last sample shows.
    #[must_use]
    pub fn leader(&self) -> Option<u64> {
        let book = self.shared.book.lock();
        let leaders = book
            .latest
            .values()
            .filter(|sample| sample.state == NodeState::Leader);
        leaders
            .max_by_key(|sample| sample.term)
            .map(|sample| sample.node)
    }

    /// Ends and gives all samples in order of time.
    pub async fn stop(mut self) -> Vec<NodeSample> {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        let mut samples = std::mem::take(&mut self.shared.book.lock().samples);
        samples.sort_by_key(|sample| sample.at_ns);
        samples
    }
}

impl Shared {
    async fn look(&self, node: &TargetNode) {
        let life = self.lives.of(node.id);
        let ask = |path: &str| Ask::new(Method::GET, path.to_owned(), None);
        let leader = self.door.exchange(&node.url, ask("sys/leader")).await;
        let at_ns = self.recorder.now_ns();
        let health = match &leader {
            Exchange::Answered(_) => self.door.exchange(&node.url, ask("sys/health")).await,
            Exchange::NotSent | Exchange::Lost => Exchange::NotSent,
        };
        if self.lives.of(node.id) != life {
            return;
        }
        let sample = read(Answer::of(&leader), Answer::of(&health));
        let sample = NodeSample {
            node: node.id,
            life,
            at_ns,
            ..sample
        };
        let mut book = self.book.lock();
        book.latest.insert(node.id, sample.clone());
        if book.samples.len() < SAMPLES_MAX {
            book.samples.push(sample);
        }
    }
}

/// What two answers show. Without both the node is down, and so it is when it says that it has stopped.
fn read(leader: Option<&Answer>, health: Option<&Answer>) -> NodeSample {
    let mut sample = NodeSample {
        node: 0,
        life: 0,
        at_ns: 0,
        state: NodeState::Down,
        sealed: false,
        term: 0,
        leader: None,
        committed: 0,
        applied: 0,
        digests: Vec::new(),
    };
    let (Some(leader), Some(health)) = (leader.filter(|answer| answer.status == 200), health)
    else {
        return sample;
    };
    let leads = leader.body.get("is_self") == Some(&Json::Bool(true));
    // Its consensus has ended for good: however it answers, it is as good as gone, and nobody may call that quarantine. What
    // led a moment before did lead.
    if !leads && role(health) == Some("stopped") {
        return sample;
    }
    let number = |field: &str| leader.body.get(field).and_then(Json::as_u64);
    sample.state = state(leads, health);
    sample.sealed = health
        .body
        .get("sealed")
        .and_then(Json::as_bool)
        .unwrap_or(false);
    sample.term = number("raft_term").unwrap_or(0);
    sample.leader = number("leader_id");
    sample.committed = number("raft_committed_index").unwrap_or(0);
    sample.applied = number("raft_applied_index").unwrap_or(0);
    sample
}

fn role(health: &Answer) -> Option<&str> {
    health.body.get("role").and_then(Json::as_str)
}

fn state(leads: bool, health: &Answer) -> NodeState {
    if leads {
        return NodeState::Leader;
    }
    match role(health) {
        Some("candidate") => NodeState::Candidate,
        Some("learner") => NodeState::Learner,
        Some("quarantined") => NodeState::Quarantined,
        // It does not say while it cannot read its own state: that it is quarantined, by 503.
        None if health.status == 503 => NodeState::Quarantined,
        // It may have become leader between the two answers; when the first was given it was not.
        _ => NodeState::Follower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: Json) -> Answer {
        Answer {
            status,
            retry_after: false,
            index: None,
            age_ms: None,
            body,
        }
    }

    #[test]
    fn a_sample_never_mixes_two_terms() {
        let told = |leads: bool| {
            answer(
                200,
                json!({ "is_self": leads, "raft_term": 5, "leader_id": 2, "raft_committed_index": 9, "raft_applied_index": 8 }),
            )
        };
        let health = |role: &str| answer(200, json!({ "sealed": true, "role": role }));
        let found = read(Some(&told(false)), Some(&health("leader")));
        assert_eq!(
            (found.state, found.term, found.leader),
            (NodeState::Follower, 5, Some(2))
        );
        assert_eq!((found.sealed, found.committed, found.applied), (true, 9, 8));
        let found = read(Some(&told(true)), Some(&health("follower")));
        assert_eq!(found.state, NodeState::Leader);
        for (role, state) in [
            ("candidate", NodeState::Candidate),
            ("learner", NodeState::Learner),
            ("quarantined", NodeState::Quarantined),
        ] {
            assert_eq!(read(Some(&told(false)), Some(&health(role))).state, state);
        }
        let stopped = read(Some(&told(false)), Some(&health("stopped")));
        assert_eq!(stopped, read(None, None), "it is down, and shows nothing");
        let led = read(Some(&told(true)), Some(&health("stopped")));
        assert_eq!((led.state, led.term), (NodeState::Leader, 5));
        let silent = answer(503, json!({ "errors": ["x"] }));
        assert_eq!(
            read(Some(&told(false)), Some(&silent)).state,
            NodeState::Quarantined
        );
        assert_eq!(read(Some(&told(true)), None).state, NodeState::Down);
        assert_eq!(read(None, None).state, NodeState::Down);
    }
}
