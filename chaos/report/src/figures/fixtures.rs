//! Short ways to write histories in tests.

use holdfast_check::{Action, Consistency, Fault, NodeSample, NodeState, Operation, Outcome, Seen};

pub(crate) const MS: u64 = 1_000_000;

/// An acknowledged write; its answer carried `index`.
pub(crate) fn put(invoked_ns: u64, returned_ns: u64, index: u64) -> Operation {
    Operation {
        id: 0,
        client: 1,
        node: 1,
        invoked_ns,
        returned_ns: Some(returned_ns),
        action: Action::Put {
            key: 1,
            value: index,
            cas: None,
        },
        outcome: Outcome::Ok(Seen {
            index: Some(index),
            ..Seen::default()
        }),
    }
}

pub(crate) fn get(
    invoked_ns: u64,
    returned_ns: u64,
    consistency: Consistency,
    index: u64,
) -> Operation {
    Operation {
        action: Action::Get {
            key: 1,
            consistency,
        },
        ..put(invoked_ns, returned_ns, index)
    }
}

pub(crate) fn refused(operation: Operation, outcome: Outcome) -> Operation {
    Operation {
        outcome,
        ..operation
    }
}

/// A node that knows a leader unless its state says otherwise.
pub(crate) fn sample(node: u64, at_ns: u64, state: NodeState, term: u64) -> NodeSample {
    let leader = match state {
        NodeState::Leader => Some(node),
        NodeState::Follower | NodeState::Learner => Some(1),
        NodeState::Candidate | NodeState::Quarantined | NodeState::Down => None,
    };
    NodeSample {
        node,
        life: 1,
        at_ns,
        state,
        sealed: false,
        term,
        leader,
        committed: 0,
        applied: 0,
        digests: Vec::new(),
    }
}

pub(crate) fn kill(node: u64, from_ns: u64, until_ns: Option<u64>, hit_leader: bool) -> Fault {
    Fault {
        kind: "kill".to_owned(),
        nodes: vec![node],
        detail: String::new(),
        from_ns,
        until_ns,
        verified: true,
        hit_leader,
    }
}
