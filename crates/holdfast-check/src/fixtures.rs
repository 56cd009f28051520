//! Histories for tests: seeded ones of a correct store with real moments of effect, and single operations by hand.

use crate::{
    Action, Consistency, History, LogRecord, NodeLog, NodeSample, NodeState, Operation, Outcome,
    Payload, Seen,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let length = u64::try_from(all.len()).unwrap();
        all.get(usize::try_from(self.below(length)).unwrap())
            .copied()
    }
}

/// What a generated history is like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) operations: u64,
    pub(crate) keys: u64,
    pub(crate) clients: u64,
    /// Of a thousand writes, so many get no answer.
    pub(crate) unknown: u64,
    /// Answers carry indexes.
    pub(crate) indexes: bool,
    /// A deleted secret's answer tells its version.
    pub(crate) tells_deleted: bool,
    /// Reads of other consistencies too.
    pub(crate) stale: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            operations: 300,
            keys: 3,
            clients: 6,
            unknown: 30,
            indexes: true,
            tells_deleted: true,
            stale: true,
        }
    }
}

/// A secret at an index: its version and its value unless deleted.
type State = (u64, Option<u64>);

struct Store {
    shape: Shape,
    dice: Dice,
    index: u64,
    /// States of each secret by the index at which they came to be.
    secrets: BTreeMap<u64, BTreeMap<u64, State>>,
    operations: Vec<Operation>,
    /// Moments of effect to come.
    pending: BinaryHeap<Reverse<(u64, usize, u64)>>,
    clients: u64,
}

/// A correct history.
pub(crate) fn correct(shape: Shape, seed: u64) -> History {
    let mut store = Store {
        shape,
        dice: Dice(seed),
        index: 10,
        secrets: BTreeMap::new(),
        operations: Vec::new(),
        pending: BinaryHeap::new(),
        clients: 0,
    };
    for _ in 0..shape.clients {
        store.clients += 1;
        store.ask(store.clients, 0, None);
    }
    let mut end_ns = 0;
    while let Some(Reverse((at_ns, place, next_ns))) = store.pending.pop() {
        store.take_effect(place);
        end_ns = end_ns.max(at_ns).max(next_ns);
        if crate::judge::count(store.operations.len()) < shape.operations {
            let client = store.operations[place].client;
            let retired = store.operations[place].outcome == Outcome::Unknown;
            store.clients += u64::from(retired);
            let client = if retired { store.clients } else { client };
            store.ask(client, next_ns, None);
        }
    }
    let healed_ns = end_ns + 1_000;
    for key in 0..shape.keys {
        let consistency = Consistency::Linearizable;
        store.ask(1, healed_ns, Some(Action::Get { key, consistency }));
    }
    while let Some(Reverse((_, place, _))) = store.pending.pop() {
        store.take_effect(place);
    }
    store.finish(healed_ns)
}

impl Store {
    fn action(&mut self) -> Action {
        let key = self.dice.below(self.shape.keys);
        let value = 1 + crate::judge::count(self.operations.len());
        match self.dice.below(20) {
            0..6 => Action::Put {
                key,
                value,
                cas: None,
            },
            6..9 => Action::Put {
                key,
                value,
                cas: Some(0),
            },
            9 => Action::Delete { key },
            10..13 if self.shape.stale => Action::Get {
                key,
                consistency: Consistency::Stale,
            },
            _ => Action::Get {
                key,
                consistency: Consistency::Linearizable,
            },
        }
    }

    fn ask(&mut self, client: u64, from_ns: u64, action: Option<Action>) {
        let action = action.unwrap_or_else(|| self.action());
        let writes = matches!(action, Action::Put { .. } | Action::Delete { .. });
        let unknown = writes && self.dice.below(1_000) < self.shape.unknown;
        let invoked_ns = from_ns + 1_000 * (1 + self.dice.below(10));
        let late = if unknown { 3_000 } else { 300 };
        let at_ns = invoked_ns + 1_000 * (1 + self.dice.below(late));
        let returned_ns = at_ns + 1_000 * (1 + self.dice.below(300));
        let patience = if unknown {
            at_ns.max(invoked_ns + 300_000)
        } else {
            returned_ns
        };
        self.pending
            .push(Reverse((at_ns, self.operations.len(), patience)));
        self.operations.push(Operation {
            id: crate::judge::count(self.operations.len()),
            client,
            node: 1 + self.dice.below(3),
            invoked_ns,
            returned_ns: (!unknown).then_some(returned_ns),
            action,
            outcome: if unknown {
                Outcome::Unknown
            } else {
                Outcome::Unavailable
            },
        });
    }

    fn take_effect(&mut self, place: usize) {
        let unknown = self.operations[place].outcome == Outcome::Unknown;
        if unknown && self.dice.below(2) == 0 {
            return;
        }
        let mut action = self.operations[place].action.clone();
        let outcome = match &mut action {
            Action::Put { key, value, cas } => {
                let (version, _) = self.now(*key);
                if let Some(cas) = cas {
                    *cas = version.saturating_sub(u64::from(self.dice.below(4) == 0));
                }
                if cas.is_some_and(|cas| cas != version) {
                    Outcome::CasMismatch
                } else {
                    self.set(*key, (version + 1, Some(*value)));
                    self.ok(self.index, Some(version + 1), None)
                }
            }
            Action::Delete { key } => {
                let (version, value) = self.now(*key);
                if value.is_some() {
                    self.set(*key, (version, None));
                }
                self.ok(self.index, None, None)
            }
            Action::Get { key, consistency } => {
                let mut index = self.index;
                if *consistency == Consistency::Stale {
                    index = index.saturating_sub(self.dice.below(20));
                    *consistency = match self.dice.below(3) {
                        0 => Consistency::AtLeast {
                            index: index.saturating_sub(self.dice.below(5)),
                        },
                        1 => Consistency::Bounded { millis: 10_000 },
                        _ => Consistency::Stale,
                    };
                }
                let (version, value) = self.at(*key, index);
                let tells = version > 0 && (value.is_some() || self.shape.tells_deleted);
                self.ok(index, tells.then_some(version), value)
            }
            _ => Outcome::Unavailable,
        };
        let operation = &mut self.operations[place];
        operation.action = action;
        if !unknown {
            operation.outcome = outcome;
        }
    }

    fn ok(&self, index: u64, version: Option<u64>, value: Option<u64>) -> Outcome {
        let index = self.shape.indexes.then_some(index);
        Outcome::Ok(Seen {
            index,
            version,
            value,
            ..Seen::default()
        })
    }

    fn at(&self, key: u64, index: u64) -> State {
        let states = self.secrets.get(&key);
        let state = states.and_then(|states| states.range(..=index).next_back());
        state.map_or((0, None), |(_, state)| *state)
    }

    fn now(&self, key: u64) -> State {
        self.at(key, u64::MAX)
    }

    fn set(&mut self, key: u64, state: State) {
        self.index += 1;
        self.secrets
            .entry(key)
            .or_default()
            .insert(self.index, state);
    }

    fn finish(self, healed_ns: u64) -> History {
        let ended_ns = healed_ns + 10_000_000;
        let log = |node| NodeLog {
            node,
            purged: 0,
            committed: self.index,
            records: (1..=self.index)
                .map(|index| record(index, 1, 1, index))
                .collect(),
        };
        let mut operations = self.operations;
        operations.sort_by_key(|op| (op.invoked_ns, op.id));
        History {
            operations,
            samples: [1, 2, 3]
                .into_iter()
                .map(|node| NodeSample {
                    leader: Some(1),
                    committed: self.index,
                    applied: self.index,
                    digests: vec![(10, "ab".to_owned())],
                    ..sample(node, ended_ns)
                })
                .collect(),
            logs: [1, 2, 3].into_iter().map(log).collect(),
            healed_ns: Some(healed_ns),
            ended_ns,
            ..History::default()
        }
    }
}

pub(crate) fn record(index: u64, term: u64, leader: u64, content: u64) -> LogRecord {
    LogRecord {
        index,
        term,
        leader,
        hash: format!("{content:x}"),
        payload: Payload::Transaction {
            id: format!("{content:x}"),
            writes: 1,
        },
    }
}

pub(crate) fn sample(node: u64, at_ns: u64) -> NodeSample {
    NodeSample {
        node,
        life: 1,
        at_ns,
        state: if node == 1 {
            NodeState::Leader
        } else {
            NodeState::Follower
        },
        sealed: false,
        term: 1,
        leader: None,
        committed: 0,
        applied: 0,
        digests: Vec::new(),
    }
}

/// Operations by hand, one after the other: each begins at ten times its number and ends five later.
pub(crate) fn history(steps: Vec<(u64, Action, Outcome)>) -> History {
    let operations = steps
        .into_iter()
        .zip(0_u64..)
        .map(|((node, action, outcome), id)| Operation {
            id,
            client: id,
            node,
            invoked_ns: 10 * (id + 1),
            returned_ns: (outcome != Outcome::Unknown).then_some(10 * (id + 1) + 5),
            action,
            outcome,
        });
    History {
        operations: operations.collect(),
        ended_ns: 1_000_000,
        ..History::default()
    }
}

pub(crate) const LINEARIZABLE: Consistency = Consistency::Linearizable;

pub(crate) fn put(key: u64, value: u64, cas: Option<u64>) -> Action {
    Action::Put { key, value, cas }
}

pub(crate) fn get(key: u64) -> Action {
    Action::Get {
        key,
        consistency: LINEARIZABLE,
    }
}

pub(crate) fn ok(index: u64, version: Option<u64>, value: Option<u64>) -> Outcome {
    Outcome::Ok(Seen {
        index: Some(index),
        version,
        value,
        ..Seen::default()
    })
}

pub(crate) fn done() -> Outcome {
    Outcome::Ok(Seen::default())
}
