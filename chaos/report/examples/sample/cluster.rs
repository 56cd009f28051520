//! A cluster that is only told, not run: leaders fall, others follow, clients wait. Enough like the real one to draw.

use holdfast_check::{
    Action, Consistency, Fault, History, NodeSample, NodeState, Operation, Outcome, Seen,
};
use holdfast_report::{Level, NodeInfo, Run};

use crate::verdicts;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) scenario: &'static str,
    pub(crate) nodes: u64,
    pub(crate) seconds: u64,
    pub(crate) faults: u64,
    pub(crate) clients: u64,
    pub(crate) seed: u64,
    pub(crate) level: Level,
    pub(crate) violation: bool,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n.max(1)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low)
    }
}

/// A stretch in which something is so.
struct Spell<T> {
    from: u64,
    until: u64,
    what: T,
}

/// Kind, detail, the nodes it strikes, and what they then are.
type Trouble = (&'static str, &'static str, Vec<u64>, Option<NodeState>);

struct Reign {
    leader: u64,
    term: u64,
    since: u64,
}

#[derive(Default)]
struct Story {
    faults: Vec<Fault>,
    /// Who leads in which term; nobody between two.
    eras: Vec<Spell<(u64, u64)>>,
    /// What a node is, other than a follower or the leader.
    states: Vec<Spell<(u64, NodeState)>>,
    sealed: Vec<Spell<u64>>,
}

impl Plan {
    pub(crate) fn run(&self) -> Run {
        let mut dice = Dice(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let ended_ns = self.seconds * SECOND;
        let story = self.story(&mut dice, ended_ns);
        let operations = self.operations(&mut dice, &story, ended_ns);
        let samples = self.samples(&story, &operations, ended_ns);
        let verdicts = verdicts::verdicts(&operations, self.violation);
        let detail = [
            "eu-west, 10.0.0.1:8300",
            "us-east, 10.0.0.2:8300",
            "ap-south, 10.0.0.3:8300",
        ];
        let info = |id: u64| NodeInfo {
            id,
            name: format!("node-{id}"),
            detail: detail[(id % 3) as usize].to_owned(),
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Run {
            title: format!(
                "{} on {} nodes",
                self.scenario.replace('-', " "),
                self.nodes
            ),
            scenario: self.scenario.to_owned(),
            seed: self.seed,
            level: self.level,
            started_at: "2026-11-21T06:00:00Z".to_owned(),
            duration_ns: ended_ns,
            nodes: (1..=self.nodes).map(info).collect(),
            environment: vec![
                pair("Holdfast", "0.1.0, commit 6021412"),
                pair("Build", "debug, faults and seeded bugs"),
                pair(
                    "Machine",
                    "2 cores, 24 GiB, Linux 6.1, ext4 on loop devices",
                ),
                pair(
                    "Election preset",
                    "lan: heartbeat 100 ms, election 300–600 ms",
                ),
            ],
            history: History {
                operations,
                samples,
                healed_ns: Some(ended_ns * 9 / 10),
                load_until_ns: None,
                ended_ns,
                faults: story.faults,
                logs: Vec::new(),
            },
            verdicts,
            reproduce: format!(
                "holdfast-chaos run --scenario chaos/scenarios/{}.toml --seed {} --nodes {} --level {}",
                self.scenario,
                self.seed,
                self.nodes,
                self.level.name()
            ),
            skipped: verdicts::skipped(),
            notes: vec!["Made up: no cluster ran for this page.".to_owned()],
        }
    }

    fn story(&self, dice: &mut Dice, ended_ns: u64) -> Story {
        let mut story = Story::default();
        let mut reign = Reign {
            leader: 1,
            term: 1,
            since: 0,
        };
        let pace = ended_ns * 8 / 10 / self.faults.max(1);
        for number in 0..self.faults {
            let from = ended_ns / 20 + number * pace + dice.below(pace / 6 + 1);
            let until = from + (pace / 2).min(dice.between(2500, 6000) * MS);
            let (kind, detail, nodes, state) = self.trouble(number, reign.leader);
            let hit_leader = nodes.contains(&reign.leader);
            for &node in &nodes {
                if let Some(what) = state {
                    story.states.push(Spell {
                        from: from + 1,
                        until,
                        what: (node, what),
                    });
                }
                if state == Some(NodeState::Down) && number % 2 == 0 {
                    story.sealed.push(Spell {
                        from: until,
                        until: until + pace / 5,
                        what: node,
                    });
                }
            }
            if hit_leader {
                let all = nodes.len() as u64 == self.nodes;
                let noticed = if all { until } else { from } + dice.between(250, 450) * MS;
                reign = self.succession(dice, &mut story, &reign, (from, noticed));
            }
            story.faults.push(Fault {
                kind: kind.to_owned(),
                nodes,
                detail: detail.to_owned(),
                from_ns: from,
                until_ns: Some(until),
                verified: number != 3,
                hit_leader,
            });
        }
        let what = (reign.leader, reign.term);
        story.eras.push(Spell {
            from: reign.since,
            until: u64::MAX,
            what,
        });
        story
    }

    fn trouble(&self, number: u64, leader: u64) -> Trouble {
        let other = leader % self.nodes + 1;
        let all = (1..=self.nodes).collect();
        let back = "to the image of 4 s before";
        match (number + self.seed) % 7 {
            0 => ("kill", "SIGKILL", vec![leader], Some(NodeState::Down)),
            1 => ("pause", "SIGSTOP", vec![leader], Some(NodeState::Down)),
            2 => ("cut off", "both ways", vec![leader], None),
            3 => ("slow disk", "fdatasync +200 ms", vec![other], None),
            4 => (
                "roll back disk",
                back,
                vec![other],
                Some(NodeState::Quarantined),
            ),
            5 => ("power cut", "all nodes at once", all, Some(NodeState::Down)),
            _ => ("kill", "SIGKILL", vec![other], Some(NodeState::Down)),
        }
    }

    fn succession(
        &self,
        dice: &mut Dice,
        story: &mut Story,
        last: &Reign,
        (from, noticed): (u64, u64),
    ) -> Reign {
        let elected = noticed + dice.between(40, 180) * MS;
        let what = (last.leader, last.term);
        story.eras.push(Spell {
            from: last.since,
            until: from,
            what,
        });
        let leader = (last.leader + dice.below(self.nodes - 1)) % self.nodes + 1;
        let what = (leader, NodeState::Candidate);
        story.states.push(Spell {
            from: noticed,
            until: elected,
            what,
        });
        Reign {
            leader,
            term: last.term + 1 + u64::from(dice.below(5) == 0),
            since: elected,
        }
    }

    fn operations(&self, dice: &mut Dice, story: &Story, ended_ns: u64) -> Vec<Operation> {
        let mut operations = Vec::new();
        for client in 0..self.clients {
            let mut at = dice.below(20 * MS);
            while at < ended_ns {
                let mut operation = self.operation(dice, story, client, at);
                at = operation.returned_ns.unwrap_or(at + SECOND);
                if at > ended_ns {
                    operation.returned_ns = None;
                    operation.outcome = Outcome::Unknown;
                }
                operations.push(operation);
                at += dice.between(10, 90) * MS * (1 + u64::from(at % (20 * SECOND) > 15 * SECOND));
            }
        }
        operations.sort_by_key(|operation| operation.invoked_ns);
        number(&mut operations);
        operations
    }

    fn operation(&self, dice: &mut Dice, story: &Story, client: u64, at: u64) -> Operation {
        let (action, quick) = question(dice, at);
        let tail = if dice.below(60) == 0 {
            dice.below(40 * MS)
        } else {
            0
        };
        let took = if quick { 400_000 } else { 2_100_000 } + dice.below(2_400_000) + tail;
        let led = |until| {
            story
                .eras
                .iter()
                .any(|era| era.from <= at && until < era.until)
        };
        let back = story
            .eras
            .iter()
            .map(|era| era.from)
            .find(|from| *from > at)
            .unwrap_or(at);
        let (returned_ns, outcome) = if quick || led(at + took) {
            let age = if led(at) {
                dice.below(110)
            } else {
                dice.between(90, 480)
            };
            let age_ms = quick.then_some(age);
            let seen = Seen {
                version: Some(at % 17),
                age_ms,
                ..Seen::default()
            };
            (Some(at + took), Outcome::Ok(seen))
        } else if back - at < 700 * MS {
            (Some(back + 12 * MS + took), Outcome::Ok(Seen::default()))
        } else if dice.below(3) == 0 {
            (None, Outcome::Unknown)
        } else {
            (Some(at + 40 * MS), Outcome::Unavailable)
        };
        let node = dice.below(self.nodes) + 1;
        Operation {
            id: 0,
            client,
            node,
            invoked_ns: at,
            returned_ns,
            action,
            outcome,
        }
    }

    fn samples(&self, story: &Story, operations: &[Operation], ended_ns: u64) -> Vec<NodeSample> {
        let mut acknowledged: Vec<u64> = operations
            .iter()
            .filter(|o| {
                matches!(
                    (&o.action, &o.outcome),
                    (Action::Put { .. }, Outcome::Ok(_))
                )
            })
            .filter_map(|o| o.returned_ns)
            .collect();
        acknowledged.sort_unstable();
        let mut samples = Vec::new();
        for at_ns in (0..ended_ns).step_by(100_000_000) {
            let committed = acknowledged.partition_point(|returned| *returned <= at_ns) as u64;
            for node in 1..=self.nodes {
                samples.push(story.sample(node, at_ns + node * MS, committed));
            }
        }
        samples
    }
}

impl Story {
    fn sample(&self, node: u64, at_ns: u64, committed: u64) -> NodeSample {
        let era = self.eras.iter().rev().find(|era| era.from <= at_ns);
        let (leader, term) = era.map_or((1, 1), |era| era.what);
        let gone = self
            .eras
            .iter()
            .all(|era| at_ns < era.from || at_ns >= era.until);
        let candidate = self.states.iter().any(|spell| {
            spell.what.1 == NodeState::Candidate && spell.from <= at_ns && at_ns < spell.until
        });
        let state = self
            .states
            .iter()
            .find(|spell| spell.what.0 == node && spell.from <= at_ns && at_ns < spell.until)
            .map(|spell| spell.what.1);
        let usual = if leader == node && !gone {
            NodeState::Leader
        } else {
            NodeState::Follower
        };
        let state = state.unwrap_or(usual);
        let behind = self.faults.iter().any(|fault| {
            let until = fault.until_ns.unwrap_or(0) + 350 * MS;
            fault.nodes.contains(&node) && fault.from_ns <= at_ns && at_ns < until
        });
        let down = matches!(state, NodeState::Down | NodeState::Quarantined);
        NodeSample {
            node,
            life: 1,
            at_ns,
            state,
            sealed: self
                .sealed
                .iter()
                .any(|s| s.what == node && s.from <= at_ns && at_ns < s.until),
            term: term + u64::from(candidate),
            leader: (!down && !candidate).then_some(leader),
            committed,
            applied: committed.saturating_sub(if behind { 40 } else { 0 }),
            digests: Vec::new(),
        }
    }
}

/// What a client asks, and whether any node can answer it alone.
fn question(dice: &mut Dice, at: u64) -> (Action, bool) {
    let key = dice.below(12);
    let get = |consistency| Action::Get { key, consistency };
    match dice.below(10) {
        0..4 => (
            Action::Put {
                key,
                value: at,
                cas: None,
            },
            false,
        ),
        4 => (
            Action::Put {
                key,
                value: at,
                cas: Some(3),
            },
            false,
        ),
        5 => (get(Consistency::Linearizable), false),
        6 => (get(Consistency::Bounded { millis: 500 }), true),
        7 => (
            Action::UseToken {
                token: key,
                consistency: Consistency::Linearizable,
            },
            false,
        ),
        8 => (
            Action::List {
                consistency: Consistency::AtLeast { index: 1 },
            },
            true,
        ),
        _ => (get(Consistency::Stale), true),
    }
}

/// Ids by invocation; indexes by answer, and for reads the last one, or for stale ones a few before it.
fn number(operations: &mut [Operation]) {
    for (id, operation) in (1..).zip(operations.iter_mut()) {
        operation.id = id;
    }
    let mut order: Vec<usize> = (0..operations.len()).collect();
    order.sort_by_key(|&place| operations[place].returned_ns);
    let mut last = 100;
    for place in order {
        let operation = &mut operations[place];
        let lag = match operation.action {
            Action::Get {
                consistency: Consistency::Stale,
                ..
            } => operation.invoked_ns / MS % 23,
            Action::Get {
                consistency: Consistency::Bounded { .. },
                ..
            } => operation.invoked_ns / MS % 7,
            _ => 0,
        };
        if let Outcome::Ok(seen) = &mut operation.outcome {
            if matches!(operation.action, Action::Put { .. }) {
                last += 1;
            }
            seen.index = Some(last - lag);
        }
    }
}
