//! Each invariant of Raft: logs and samples that keep it, and the smallest that break it.

use super::{committed_immutable, election_safety, log_matching, monotonic};
use crate::fixtures::{record, sample};
use crate::{Fault, History, LogRecord, NodeLog, NodeSample, NodeState, Ruling, Verdict};

fn logs(all: Vec<(u64, Vec<LogRecord>)>) -> History {
    let log = |(at, (committed, records)): (u64, (u64, Vec<LogRecord>))| NodeLog {
        node: at,
        purged: 0,
        committed,
        records,
    };
    History {
        logs: (1..).zip(all).map(log).collect(),
        ..History::default()
    }
}

fn samples(all: Vec<NodeSample>) -> History {
    let mut history = History {
        samples: all,
        ..History::default()
    };
    for (at, sample) in history.samples.iter_mut().enumerate() {
        sample.at_ns = crate::judge::count(at);
    }
    history
}

fn is(node: u64, state: NodeState, term: u64) -> NodeSample {
    NodeSample {
        state,
        term,
        ..sample(node, 0)
    }
}

fn found(verdict: &Verdict, words: &str) {
    assert_eq!(verdict.ruling, Ruling::Violation, "{}", verdict.summary);
    assert!(verdict.summary.contains(words), "{}", verdict.summary);
}

fn held(verdict: &Verdict) {
    assert_eq!(verdict.ruling, Ruling::Ok, "{}", verdict.summary);
}

use NodeState::{Candidate, Down, Follower, Leader, Quarantined};

#[test]
fn one_leader_makes_one_entry_at_an_index() {
    let with = |content| {
        logs(vec![
            (1, vec![record(1, 1, 1, 1), record(2, 2, 1, 2)]),
            (1, vec![record(1, 1, 1, 1), record(2, 2, 1, content)]),
        ])
    };
    held(&election_safety(&with(2)));
    found(
        &election_safety(&with(3)),
        "leader 1 of term 2 made two entries at index 2",
    );
}

#[test]
fn leaders_follow_each_other_upwards_in_a_log() {
    let with = |first, second| {
        logs(vec![(
            0,
            vec![record(1, 5, first, 1), record(2, 5, second, 2)],
        )])
    };
    held(&election_safety(&with(1, 2)));
    found(
        &election_safety(&with(2, 1)),
        "follows one of leader 2 in term 5",
    );
}

#[test]
fn a_forgotten_vote_is_found() {
    let elected = |before| {
        samples(vec![
            is(1, Follower, before),
            is(2, Leader, 5),
            is(1, Candidate, before),
            is(1, Leader, 5),
        ])
    };
    found(
        &election_safety(&elected(4)),
        "node 1 was elected in term 5 after node 2 had led",
    );
    // It had begun to seek votes of this term before the other led: late answers may still make it a leader without power.
    held(&election_safety(&elected(5)));
    let upwards = samples(vec![is(1, Leader, 5), is(2, Follower, 4), is(2, Leader, 5)]);
    held(&election_safety(&upwards));
}

#[test]
fn a_leader_does_not_fall_behind_its_term_unless_its_state_was_taken() {
    let fallen = || samples(vec![is(1, Leader, 5), is(1, Down, 0), is(1, Follower, 4)]);
    found(
        &election_safety(&fallen()),
        "node 1 led in term 5 and fell back to term 4",
    );
    let struck = |kind: &str, from_ns| {
        let mut history = fallen();
        history.faults.push(Fault {
            kind: kind.to_owned(),
            nodes: vec![1],
            detail: String::new(),
            from_ns,
            until_ns: None,
            verified: true,
            hit_leader: true,
        });
        election_safety(&history).ruling
    };
    assert_ne!(struck("rolled-back-disk", 0), Ruling::Violation);
    assert_eq!(struck("rolled-back-disk", u64::MAX), Ruling::Violation);
    assert_eq!(struck("torn-write", 0), Ruling::Violation);
    let quarantined = |life| {
        let mut history = fallen();
        let mut later = history.samples[2].clone();
        (later.state, later.life) = (Quarantined, life);
        history.samples.push(later);
        election_safety(&history).ruling
    };
    assert_ne!(quarantined(1), Ruling::Violation);
    assert_eq!(quarantined(2), Ruling::Violation);
}

#[test]
fn logs_that_agree_on_an_entry_agree_on_all_before() {
    let with = |content| {
        logs(vec![
            (
                0,
                vec![record(1, 1, 1, 1), record(2, 1, 1, 2), record(3, 2, 1, 3)],
            ),
            (
                0,
                vec![
                    record(1, 1, 1, 1),
                    record(2, 1, 2, content),
                    record(3, 2, 1, 3),
                ],
            ),
        ])
    };
    found(
        &log_matching(&with(9)),
        "agree on entry 3 and differ at entry 2",
    );
    let mut diverging = with(9);
    diverging.logs[1].records[2] = record(3, 1, 2, 8);
    held(&log_matching(&diverging));
    diverging.logs[0].records.remove(1);
    found(&log_matching(&diverging), "goes from index 1 to index 3");
    assert_eq!(
        log_matching(&History::default()).ruling,
        Ruling::Inconclusive
    );
}

#[test]
fn committed_entries_never_differ() {
    let with = |committed| {
        logs(vec![
            (2, vec![record(1, 1, 1, 1), record(2, 1, 1, 2)]),
            (committed, vec![record(1, 1, 1, 1), record(2, 2, 2, 9)]),
        ])
    };
    found(
        &committed_immutable(&with(2)),
        "different committed entries at index 2",
    );
    held(&committed_immutable(&with(1)));
}

#[test]
fn a_later_leader_has_what_was_committed_before_its_term() {
    let mut history = logs(vec![
        (2, vec![record(1, 1, 1, 1), record(2, 1, 1, 2)]),
        (1, vec![record(1, 1, 1, 1), record(2, 3, 2, 9)]),
    ]);
    held(&committed_immutable(&history));
    history.samples.push(NodeSample {
        committed: 2,
        ..is(1, Leader, 3)
    });
    held(&committed_immutable(&history));
    history.samples.push(NodeSample {
        committed: 2,
        ..is(1, Leader, 2)
    });
    found(
        &committed_immutable(&history),
        "leader 2 of term 3 made another entry at index 2",
    );
}

#[test]
fn nothing_goes_back_within_a_life() {
    let at = |life, term, committed, applied| NodeSample {
        life,
        committed,
        applied,
        ..is(2, Follower, term)
    };
    held(&monotonic(&samples(vec![
        at(1, 2, 9, 9),
        is(2, Down, 0),
        at(1, 2, 9, 9),
        at(2, 2, 5, 5),
    ])));
    for (sample, words) in [
        (at(1, 1, 9, 9), "the term went from 2 back to 1"),
        (at(1, 2, 8, 9), "the committed index went from 9 back to 8"),
        (at(1, 2, 9, 8), "the applied index went from 9 back to 8"),
        (at(1, 2, 9, 10), "nobody ever knew more than 9"),
    ] {
        found(&monotonic(&samples(vec![at(1, 2, 9, 9), sample])), words);
    }
    let follows = |leader| NodeSample {
        leader: Some(leader),
        ..at(1, 2, 9, 9)
    };
    held(&monotonic(&samples(vec![follows(1), follows(3)])));
    found(
        &monotonic(&samples(vec![follows(3), follows(1)])),
        "followed node 3 and then node 1 in term 2",
    );
    let quarantined = NodeSample {
        applied: 9,
        ..is(2, Quarantined, 0)
    };
    held(&monotonic(&samples(vec![at(1, 2, 9, 9), quarantined])));
}
