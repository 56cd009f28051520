//! Each judgement, and what it exists for.

use super::*;
use crate::evidence::{Hunter, NodeData};
use crate::runner::Death;
use holdfast_check::{Action, NodeLog, NodeSample, Operation, Outcome, Seen};
use holdfast_workload::{FinalReads, OddAnswers};
use std::collections::BTreeMap;
use std::time::Duration;

fn facts() -> Facts {
    Facts {
        skipped: Vec::new(),
        deaths: Vec::new(),
        damaged: BTreeSet::new(),
        lost: BTreeSet::new(),
        slow_for: Duration::ZERO,
        final_reads: FinalReads::default(),
        not_level: None,
        odd: OddAnswers::default(),
    }
}

fn left_behind(digest_holds: bool, quarantine: Option<&str>) -> Evidence {
    let log = NodeLog {
        node: 2,
        purged: 0,
        committed: 0,
        records: Vec::new(),
    };
    let data = NodeData {
        log,
        digests: Vec::new(),
        digest_holds,
        records: Vec::new(),
        quarantine: quarantine.map(str::to_owned),
    };
    Evidence {
        nodes: BTreeMap::from([(2, Ok(data))]),
        hunter: Hunter::idle(),
        remembered: Vec::new(),
        missed_packets: 0,
        panics: Vec::new(),
    }
}

#[test]
fn a_process_ends_only_for_a_reason() {
    let mut facts = facts();
    let mut evidence = left_behind(true, None);
    let ruling = |facts: &Facts, evidence: &Evidence| processes(facts, evidence).ruling;
    assert_eq!(ruling(&facts, &evidence), Ruling::Ok);
    evidence.panics.push("node 2 panicked".to_owned());
    assert_eq!(ruling(&facts, &evidence), Ruling::Violation);
    evidence.panics.clear();
    facts.deaths.push(Death {
        node: 2,
        how: "code 101".to_owned(),
        under: Vec::new(),
    });
    assert_eq!(ruling(&facts, &evidence), Ruling::Violation);
    facts.deaths[0].under.push("memory-pressure");
    assert_eq!(ruling(&facts, &evidence), Ruling::Ok, "a fault explains it");
    facts.deaths[0].under.clear();
    facts.damaged.insert(2);
    assert_eq!(
        ruling(&facts, &evidence),
        Ruling::Ok,
        "its disk was damaged"
    );
}

#[test]
fn who_does_not_come_back_whole_is_told() {
    let mut facts = facts();
    assert_eq!(recovery(&facts).ruling, Ruling::Ok);
    facts.not_level = Some("nobody leads".to_owned());
    let told = recovery(&facts);
    assert_eq!(
        (told.ruling, &*told.summary),
        (Ruling::Violation, "nobody leads")
    );
    facts.not_level = None;
    facts.final_reads.incomplete = 1;
    assert_eq!(recovery(&facts).ruling, Ruling::Violation);
    facts.final_reads.incomplete = 0;
    facts.final_reads.undecided = 1;
    assert_eq!(recovery(&facts).ruling, Ruling::Violation);
}

#[test]
fn a_state_is_what_its_digest_says() {
    let mut facts = facts();
    let ruling = |facts: &Facts, evidence: &Evidence| state_scan(facts, evidence).ruling;
    assert_eq!(ruling(&facts, &left_behind(true, None)), Ruling::Ok);
    let wrong = [
        left_behind(false, None),
        left_behind(true, Some("the watermark file is missing")),
    ];
    for evidence in &wrong {
        assert_eq!(ruling(&facts, evidence), Ruling::Violation);
    }
    facts.damaged.insert(2);
    for evidence in &wrong {
        assert_eq!(ruling(&facts, evidence), Ruling::Ok, "damaged on purpose");
    }
}

#[test]
fn nonces_are_told_apart_by_namespace() {
    let record = |namespace: u8, hash: u8| crate::evidence::RecordSeen {
        namespace: [namespace; 16],
        key_term: 1,
        nonce: [7; 24],
        hash: [hash; 32],
    };
    let ruling = |records: Vec<_>| {
        let mut evidence = left_behind(true, None);
        evidence.remembered.push((2, records));
        nonces(&evidence).ruling
    };
    assert_eq!(ruling(vec![record(1, 1), record(1, 1)]), Ruling::Ok);
    assert_eq!(ruling(vec![record(1, 1), record(2, 2)]), Ruling::Ok);
    assert_eq!(ruling(vec![record(1, 1), record(1, 2)]), Ruling::Violation);
}

fn set_back(state: NodeState) -> History {
    let fault = Fault {
        kind: "rolled-back-disk".to_owned(),
        nodes: vec![2],
        detail: String::new(),
        from_ns: 1,
        until_ns: Some(5),
        verified: true,
        hit_leader: false,
    };
    let sample = NodeSample {
        node: 2,
        life: 2,
        at_ns: 9,
        state,
        sealed: true,
        term: 3,
        leader: None,
        committed: 0,
        applied: 0,
        digests: Vec::new(),
    };
    History {
        faults: vec![fault],
        samples: vec![sample],
        ..History::default()
    }
}

#[test]
fn a_history_tells_who_was_lost() {
    let away = |state| lost(&set_back(state));
    assert_eq!(away(NodeState::Quarantined), BTreeSet::from([2]));
    assert_eq!(away(NodeState::Down), BTreeSet::from([2]));
    assert_eq!(away(NodeState::Follower), BTreeSet::new());
    let mut killed = set_back(NodeState::Down);
    killed.faults[0].kind = "kill".to_owned();
    assert_eq!(
        lost(&killed),
        BTreeSet::new(),
        "who was only killed must come back"
    );
}

#[test]
fn who_forgot_must_not_seek_votes() {
    let ruling = |state| quarantine(&set_back(state)).unwrap().ruling;
    assert_eq!(ruling(NodeState::Quarantined), Ruling::Ok);
    assert_eq!(ruling(NodeState::Candidate), Ruling::Violation);
    assert_eq!(ruling(NodeState::Follower), Ruling::Violation);
    assert_eq!(ruling(NodeState::Down), Ruling::Ok);
    let wiped = |state| {
        let mut history = set_back(NodeState::Quarantined);
        history.faults[0].kind = "wiped-disk".to_owned();
        let mut before = history.samples[0].clone();
        (before.state, before.at_ns) = (state, 8);
        history.samples.insert(0, before);
        quarantine(&history).unwrap().ruling
    };
    assert_eq!(wiped(NodeState::Learner), Ruling::Ok, "it waits");
    assert_eq!(wiped(NodeState::Follower), Ruling::Violation);
    let mut gone = set_back(NodeState::Down);
    gone.faults[0].kind = "wiped-disk".to_owned();
    assert_eq!(quarantine(&gone).unwrap().ruling, Ruling::Violation);
    assert_eq!(quarantine(&History::default()), None);
    let mut unseen = set_back(NodeState::Quarantined);
    unseen.samples.clear();
    assert_eq!(quarantine(&unseen).unwrap().ruling, Ruling::Inconclusive);
}

/// A hundred writes a second before the fault, and after healing ten for as long as everything was to be calm; then clients worked
/// on, for as long again.
fn slow_after_healing(then: u64) -> History {
    let second = 1_000_000_000;
    let spans = [(0, 2, 100), (6, 10, 10), (10, 14, then)];
    let times = spans
        .into_iter()
        .flat_map(|(from, to, rate)| (from * rate..to * rate).map(move |at| at * second / rate));
    let operations = (0_u64..).zip(times).map(|(id, at_ns)| Operation {
        id,
        client: 1,
        node: 1,
        invoked_ns: at_ns,
        returned_ns: Some(at_ns + 1_000),
        action: Action::CreateToken {
            token: id,
            parent: None,
        },
        outcome: Outcome::Ok(Seen {
            index: Some(id + 1),
            ..Seen::default()
        }),
    });
    let mut history = set_back(NodeState::Leader);
    history.operations = operations.collect();
    history.faults[0] = Fault {
        kind: "kill".to_owned(),
        from_ns: 2 * second,
        until_ns: Some(6 * second),
        ..history.faults[0].clone()
    };
    history.samples[0].at_ns = 14 * second;
    (history.healed_ns, history.ended_ns) = (Some(6 * second), 14 * second);
    history
}

#[test]
fn a_run_that_went_on_is_judged_on_how_it_ended() {
    let text = "name = \"x\"\nabout = \"x\"\nduration = \"4s\"\ncalm = \"4s\"\n\
                [[phase]]\nat = \"1s\"\nfor = \"2s\"\nfault = \"kill\"\n";
    let scenario = Scenario::parse(text).unwrap();
    let liveness = |then| {
        let verdicts = of_history(&slow_after_healing(then), &scenario, &BTreeSet::new());
        let one = verdicts.into_iter().find(|one| one.checker == "liveness");
        one.unwrap().ruling
    };
    assert_eq!(liveness(100), Ruling::Ok);
    assert_eq!(liveness(10), Ruling::Violation);

    // The last look takes its time, and writes as well.
    let mut looked_at = slow_after_healing(100);
    looked_at.load_until_ns = Some(14_000_000_000);
    let mut last = looked_at.operations.last().cloned().unwrap();
    (last.id, last.invoked_ns) = (last.id + 1, 60_000_000_000);
    last.returned_ns = Some(60_000_001_000);
    looked_at.operations.push(last);
    let verdicts = of_history(&looked_at, &scenario, &BTreeSet::new());
    let one = verdicts.iter().find(|one| one.checker == "liveness");
    assert_eq!(one.unwrap().ruling, Ruling::Ok);
}
