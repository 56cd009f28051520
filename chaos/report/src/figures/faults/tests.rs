//! Times of faults, from hand-made runs whose answers are known.

use super::*;
use crate::figures::fixtures::{MS, kill, put, refused, sample};
use NodeState::{Candidate, Down, Follower, Leader};
use holdfast_check::{LogRecord, NodeLog, Payload};

fn at(node: u64, ms: u64, state: NodeState, term: u64) -> NodeSample {
    sample(node, ms * MS, state, term)
}

/// Node 1 leads term 1, is killed at 1000 ms, comes back at 2000; node 2 leads term 2 from 1600 on.
fn leader_kill() -> History {
    let mut samples = vec![
        at(1, 900, Leader, 1),
        at(2, 900, Follower, 1),
        at(3, 900, Follower, 1),
    ];
    samples.extend([
        at(1, 1100, Down, 0),
        at(2, 1100, Follower, 1),
        at(3, 1100, Follower, 1),
    ]);
    samples.extend([
        at(1, 1400, Down, 0),
        at(2, 1400, Candidate, 2),
        at(3, 1400, Follower, 1),
    ]);
    samples.extend([
        at(1, 1600, Down, 0),
        at(2, 1600, Leader, 2),
        at(3, 1600, Follower, 2),
    ]);
    samples.extend([
        at(1, 2100, Follower, 2),
        at(2, 2100, Leader, 2),
        at(1, 2300, Follower, 2),
    ]);
    for sample in &mut samples {
        (sample.committed, sample.applied) = (50, 50);
    }
    samples[12].applied = 40;
    History {
        operations: vec![
            put(980 * MS, 1001 * MS, 49),
            put(1002 * MS, 1003 * MS, 50),
            refused(put(1100 * MS, 1150 * MS, 0), Outcome::Unavailable),
            put(1150 * MS, 1550 * MS, 52),
            put(1600 * MS, 1650 * MS, 53),
        ],
        samples,
        faults: vec![kill(1, 1000 * MS, Some(2000 * MS), true)],
        ended_ns: 3000 * MS,
        ..History::default()
    }
}

fn ms(value: Option<u64>) -> Option<u64> {
    value.map(|ns| ns / MS)
}

fn log(records: &[(u64, u64)]) -> NodeLog {
    let record = |&(index, term)| LogRecord {
        index,
        term,
        leader: term,
        hash: String::new(),
        payload: Payload::Blank,
    };
    NodeLog {
        node: 2,
        purged: 0,
        committed: 60,
        records: records.iter().map(record).collect(),
    }
}

#[test]
fn a_killed_leader_is_noticed_replaced_and_caught_up() {
    let times = &fault_times(&leader_kill())[0];
    assert!(times.leader_lost);
    assert_eq!(ms(times.detected_ns), Some(400));
    assert_eq!(ms(times.elected_ns), Some(600));
    assert_eq!(
        ms(times.caught_up_ns),
        Some(300),
        "from healing, when applied reached committed"
    );
}

#[test]
fn an_answer_of_the_old_leader_is_not_the_first_of_the_new_one() {
    let mut history = leader_kill();
    // Without logs: what came before anybody noticed is the old leader's.
    assert_eq!(ms(fault_times(&history)[0].first_ack_ns), Some(550));
    // With logs: by the term in which the entry was made.
    history.logs = vec![log(&[(49, 1), (50, 1), (52, 1), (53, 2)])];
    let times = &fault_times(&history)[0];
    assert_eq!(
        (times.led_on_ns / MS, ms(times.first_ack_ns)),
        (150, Some(500)),
        "the old leader took a write asked for 150 ms after the fault"
    );
    assert_eq!(
        (ms(times.detected_ns), ms(times.elected_ns)),
        (Some(250), Some(450))
    );
    // One that was under way when the fault came, and for which a later leader answers, proves nothing.
    history.operations[3].invoked_ns = 990 * MS;
    let times = &fault_times(&history)[0];
    assert_eq!(
        (times.led_on_ns / MS, ms(times.first_ack_ns)),
        (2, Some(648))
    );
    history.logs = vec![log(&[(49, 1), (50, 2)])];
    assert_eq!(ms(fault_times(&history)[0].first_ack_ns), Some(3));
}

#[test]
fn what_never_came_is_none() {
    let mut history = leader_kill();
    history.operations.truncate(3);
    history.samples.truncate(9);
    let times = &fault_times(&history)[0];
    assert!(times.leader_lost);
    assert_eq!(
        (times.elected_ns, times.first_ack_ns, times.caught_up_ns),
        (None, None, None)
    );
}

#[test]
fn a_leader_that_returns_in_time_was_not_lost() {
    let mut history = leader_kill();
    history.samples = vec![
        at(1, 900, Leader, 1),
        at(2, 900, Follower, 1),
        at(2, 1100, Follower, 1),
    ];
    history
        .samples
        .extend([at(1, 2100, Leader, 1), at(2, 2700, Candidate, 2)]);
    let times = &fault_times(&history)[0];
    assert!(!times.leader_lost);
    assert_eq!((times.detected_ns, times.elected_ns), (None, None));
    assert_eq!(
        ms(times.first_ack_ns),
        Some(3),
        "then the next write counts"
    );
}

#[test]
fn one_that_knew_no_leader_before_notices_nothing_new() {
    let mut history = leader_kill();
    for sample in history
        .samples
        .iter_mut()
        .filter(|s| s.node == 3 && s.at_ns < 1500 * MS)
    {
        sample.leader = None;
    }
    assert_eq!(ms(fault_times(&history)[0].detected_ns), Some(400));
    history.samples[5].at_ns = 1090 * MS;
    history.samples[2].leader = Some(1);
    assert_eq!(ms(fault_times(&history)[0].detected_ns), Some(90));
}

#[test]
fn a_later_loss_is_not_owed_to_an_earlier_fault() {
    let mut history = leader_kill();
    history
        .faults
        .insert(0, kill(1, 500 * MS, Some(600 * MS), true));
    let unseen = &fault_times(&history)[0];
    assert!(!unseen.leader_lost, "nobody was seen to lead before it");
    history.samples.insert(0, at(1, 400, Leader, 1));
    history
        .samples
        .retain(|sample| sample.at_ns < 600 * MS || sample.at_ns > 1000 * MS);
    let times = fault_times(&history);
    assert!(!times[0].leader_lost && times[1].leader_lost);
    history.faults.truncate(1);
    assert!(
        fault_times(&history)[0].leader_lost,
        "alone it would have been"
    );
}

#[test]
fn a_fault_beside_the_leader_has_no_election() {
    let mut history = leader_kill();
    history.faults = vec![kill(3, 1000 * MS, None, false)];
    let times = &fault_times(&history)[0];
    assert_eq!(
        (times.detected_ns, times.elected_ns, times.caught_up_ns),
        (None, None, None)
    );
    assert_eq!(ms(times.first_ack_ns), Some(3));
}
