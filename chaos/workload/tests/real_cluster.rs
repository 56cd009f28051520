//! Every workload against three server processes: what is recorded must be what a healthy cluster did.

mod history;

use history::{
    are_judged_sound, contradictions, freshness, is_well_formed, samples_make_sense, table,
};
use holdfast_check::{
    Action, Canaries, Consistency, NodeSample, NodeState, Operation, Outcome, Ruling, Seen, Verdict,
};
use holdfast_tests::{Cluster, until};
use holdfast_workload::{
    Counts, Lives, OddAnswers, Plan, Recorder, Sampler, Sealing, Secret, Target, TargetNode,
    Workload,
};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const LIMIT: usize = 200_000;
const LAST_LOOK: Duration = Duration::from_secs(30);

fn target(cluster: &Cluster, mount: &str) -> Target {
    let node = |node: &holdfast_tests::Node| TargetNode {
        id: u64::try_from(node.id).expect("a small number"),
        url: node.api.clone(),
    };
    Target {
        nodes: cluster.nodes.iter().map(node).collect(),
        ca_pem: cluster.api_ca.clone().map(String::into_bytes),
        root_token: Secret::new(cluster.keys.root_token.clone()),
        shares: cluster.keys.shares.iter().map(Secret::new).collect(),
        threshold: cluster.keys.threshold,
        mount: mount.to_owned(),
    }
}

/// Checkers that every run gives enough to judge.
const CHECKED: [&str; 5] = [
    "linearizability",
    "cas",
    "phantoms",
    "stale-reads",
    "revocation",
];
const PERIOD: Duration = Duration::from_millis(75);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_cluster_answers_everything_and_contradicts_nothing() {
    let cluster = Cluster::ready(3).await;
    let target = target(&cluster, "healthy");
    let recorder = Recorder::new(LIMIT);
    let sampler = Sampler::start(&target, &recorder, &Lives::new([1, 2, 3]), PERIOD).unwrap();
    let plan = Plan {
        seed: 11,
        operations_per_key: 200,
        timeout_ms: 20_000,
        ..Plan::default()
    };
    let work = Workload::start(target, plan, recorder.clone())
        .await
        .unwrap();
    // Until everything was done often enough, however slow the machine is.
    let deadline = Instant::now() + Duration::from_secs(120);
    while recorder.counts().ok < 3_000 || work.stats().keys <= 8 || work.stats().cubbyholes == 0 {
        assert!(Instant::now() < deadline, "{:?}", work.stats());
        tokio::time::sleep(PERIOD).await;
    }
    let finished = work.stop().await;
    let before = recorder.counts().ok;
    let before_looking = recorder.now_ns();
    let last = finished.final_reads(&BTreeSet::new(), LAST_LOOK).await;
    let stats = finished.stats();
    assert!(
        last.is_complete() && last.keys == stats.keys && last.opened == 0,
        "{last:?}"
    );
    assert!(
        recorder.counts().ok >= before + last.keys * 11,
        "they are operations as any other"
    );
    assert!(
        stats.odd == OddAnswers::default() && stats.cubbyholes > 0 && stats.keys > 8,
        "{stats:?}"
    );
    assert!(sampler.leader().is_some());
    let samples = sampler.stop().await;
    let operations = recorder.finish();
    every_key_was_read_before_it_was_written_over(&operations, before_looking, stats.keys);
    everything_was_done(&operations);
    answers_carry_what_they_must(&operations);
    is_well_formed(&operations);
    assert_eq!(contradictions(&operations), Vec::<String>::new());
    samples_make_sense(&samples);
    let fine = |sample: &NodeSample| {
        sample.state != NodeState::Down && sample.committed > 0 && sample.life == 1
    };
    assert!(samples.iter().all(fine));
    are_judged_sound(operations, samples, &CHECKED);
}

/// On all three nodes: what the faults did must be seen before a write covers it.
fn every_key_was_read_before_it_was_written_over(all: &[Operation], since_ns: u64, keys: u64) {
    for wanted in 0..keys {
        let looks = all.iter().filter(|one| one.invoked_ns >= since_ns);
        let of_key = looks.filter(|one| {
            matches!(one.action, Action::Get { key, .. } | Action::Put { key, .. } if key == wanted)
        });
        let read: BTreeSet<u64> = of_key
            .take_while(|one| matches!(one.action, Action::Get { .. }))
            .filter(|one| freshness(&one.action) == Some("linearizable") && one.is_ok())
            .map(|one| one.node)
            .collect();
        assert_eq!(read, BTreeSet::from([1, 2, 3]), "key {wanted}");
    }
}

fn everything_was_done(operations: &[Operation]) {
    let table = table(operations);
    for kind in [
        "put",
        "cas",
        "get",
        "get version",
        "delete",
        "list",
        "create token",
        "use token",
        "revoke token",
    ] {
        assert!(
            table.get(&(kind, "ok")).is_some_and(|count| *count >= 3),
            "{kind}: {table:?}"
        );
    }
    assert!(table.contains_key(&("cas", "mismatch")), "{table:?}");
    assert!(table.contains_key(&("use token", "denied")), "{table:?}");
    assert!(table.contains_key(&("create token", "denied")), "{table:?}");
    assert!(
        !table
            .keys()
            .any(|(_, outcome)| ["unknown", "sealed"].contains(outcome)),
        "{table:?}"
    );
    let fresh: BTreeSet<&str> = operations
        .iter()
        .filter_map(|one| freshness(&one.action))
        .collect();
    assert_eq!(fresh.len(), 4, "{fresh:?}");
    let nodes: BTreeSet<u64> = operations.iter().map(|one| one.node).collect();
    assert_eq!(nodes, BTreeSet::from([1, 2, 3]));
}

fn answers_carry_what_they_must(operations: &[Operation]) {
    let mut aged = [0, 0];
    for one in operations {
        let Outcome::Ok(seen) = &one.outcome else {
            continue;
        };
        // A 404 tells no index.
        let absent = match one.action {
            Action::Get { .. } => seen.value.is_none(),
            Action::List { .. } => seen.keys.is_empty(),
            _ => false,
        };
        assert!(seen.index.is_some() || absent, "without an index: {one:?}");
        // A node does not know the age of its state in its first seconds.
        match freshness(&one.action) {
            None | Some("linearizable") => assert_eq!(seen.age_ms, None, "{one:?}"),
            Some(_) => aged[usize::from(seen.age_ms.is_some())] += 1,
        }
    }
    assert!(aged[1] > aged[0], "{aged:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_holders_close_the_cluster_and_open_it_again() {
    let cluster = Cluster::ready_with_tls(3).await;
    let recorder = Recorder::new(LIMIT);
    let plan = Plan {
        seed: 12,
        clients: 6,
        timeout_ms: 20_000,
        sealing: Some(Sealing {
            every_ms: 600,
            closed_ms: 200,
        }),
        ..Plan::default()
    };
    let mut work = Workload::start(
        target(&cluster, "sealing-canary-mount"),
        plan,
        recorder.clone(),
    )
    .await
    .unwrap();
    let canaries = work.canaries().len();
    work.begin_sealing();
    until(
        "two seals and as many openings of every node",
        Duration::from_secs(30),
        || async {
            let stats = work.stats();
            if stats.seals >= 2 && stats.unseals >= 6 {
                Ok(())
            } else {
                Err(stats)
            }
        },
    )
    .await;
    work.end_sealing().await;
    let (closed, closed_ns) = (work.stats().seals, recorder.now_ns());
    // Longer than sealing ever waits: whoever still seals, does so by then.
    let later = closed_ns + 2_000_000_000;
    let open = |counts: Counts| counts.last_write_ns > later;
    counted("writes for longer than sealing pauses", &recorder, open).await;
    let finished = work.stop().await;
    assert_eq!(finished.stats().seals, closed, "sealing has ended");
    assert!(
        finished.canaries().len() > canaries,
        "new tokens are canaries"
    );
    let last = finished.final_reads(&BTreeSet::new(), LAST_LOOK).await;
    let operations = recorder.finish();
    let table = table(&operations);
    assert!(last.is_complete(), "{last:?} {table:?}");
    assert!(
        finished.stats().odd == OddAnswers::default(),
        "{:?}",
        finished.stats()
    );
    for seen in [
        ("seal", "ok"),
        ("unseal", "ok"),
        ("get", "sealed"),
        ("put", "sealed"),
    ] {
        assert!(table.contains_key(&seen), "{seen:?}: {table:?}");
    }
    is_well_formed(&operations);
    assert_eq!(contradictions(&operations), Vec::<String>::new());
    are_judged_sound(operations, Vec::new(), &CHECKED);
    let found = scanned(&cluster, &finished.canaries());
    assert_eq!(found.ruling, Ruling::Ok, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_leader_leaves_honest_outcomes_and_is_opened_when_it_is_back() {
    let mut cluster = Cluster::ready(3).await;
    let target = target(&cluster, "killed");
    let recorder = Recorder::new(LIMIT);
    let lives = Lives::new([1, 2, 3]);
    let sampler = Sampler::start(&target, &recorder, &lives, PERIOD).unwrap();
    let plan = Plan {
        seed: 13,
        ..Plan::default()
    };
    let work = Workload::start(target, plan, recorder.clone())
        .await
        .unwrap();
    let leader = cluster.leader().await;
    counted("some answers", &recorder, |counts| counts.ok > 200).await;
    let victim = u64::try_from(leader).unwrap();
    cluster.node(leader).kill();
    let killed_ns = recorder.now_ns();
    let later = |counts: Counts| counts.last_write_ns > killed_ns;
    counted("a write after the leader's death", &recorder, later).await;
    assert_eq!(lives.bump(victim), 2);
    cluster.node(leader).start();
    until(
        "key holders to open it",
        Duration::from_secs(20),
        || async {
            let stats = work.stats();
            if stats.unseals > 0 {
                Ok(())
            } else {
                Err(stats)
            }
        },
    )
    .await;
    let finished = work.stop().await;
    let last = finished.final_reads(&BTreeSet::new(), LAST_LOOK).await;
    let samples = sampler.stop().await;
    let operations = recorder.finish();
    let table = table(&operations);
    assert!(last.is_complete(), "{last:?} {table:?}");
    assert!(
        finished.stats().odd == OddAnswers::default(),
        "{:?}",
        finished.stats()
    );
    let refused = |one: &Operation| {
        one.node == victim && one.outcome == Outcome::Unavailable && one.invoked_ns > killed_ns
    };
    assert!(operations.iter().any(refused), "{table:?}");
    is_well_formed(&operations);
    assert_eq!(contradictions(&operations), Vec::<String>::new());
    samples_make_sense(&samples);
    let of_victim = |wanted: fn(&NodeSample) -> bool| {
        samples.iter().any(|one| one.node == victim && wanted(one))
    };
    assert!(of_victim(|one| one.state == NodeState::Down));
    assert!(of_victim(
        |one| one.life == 2 && one.state != NodeState::Down
    ));
    are_judged_sound(operations, samples, &CHECKED);
}

async fn counted(what: &str, recorder: &Recorder, enough: impl Fn(Counts) -> bool) {
    until(what, Duration::from_secs(20), || async {
        let counts = recorder.counts();
        if enough(counts) { Ok(()) } else { Err(counts) }
    })
    .await;
}

/// Looks for canaries in everything that the nodes wrote.
fn scanned(cluster: &Cluster, canaries: &[Vec<u8>]) -> Verdict {
    let mut scan = Canaries::new(canaries).expect("canaries are long enough");
    let mut folders = vec![cluster.folder().join("data")];
    let mut files: Vec<PathBuf> = cluster.nodes.iter().map(|node| node.log.clone()).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    for path in files {
        // A file that the store has removed meanwhile leaks nothing.
        if let Ok(bytes) = std::fs::read(&path) {
            scan.scan(&path.to_string_lossy(), &bytes);
        }
    }
    scan.verdict()
}

#[test]
fn a_planted_lie_is_a_contradiction() {
    let operation = |id: u64, action: Action, version| Operation {
        id,
        client: id,
        node: 1,
        invoked_ns: id * 10,
        returned_ns: Some(id * 10 + 5),
        action,
        outcome: Outcome::Ok(Seen {
            version,
            ..Seen::default()
        }),
    };
    let consistency = Consistency::Linearizable;
    let put = |id, cas, version| {
        operation(
            id,
            Action::Put {
                key: 1,
                value: id,
                cas,
            },
            Some(version),
        )
    };
    let get = |id, version| {
        operation(
            id,
            Action::Get {
                key: 1,
                consistency,
            },
            Some(version),
        )
    };
    let revoke = operation(3, Action::RevokeToken { token: 7 }, None);
    let used = |id| {
        operation(
            id,
            Action::UseToken {
                token: 7,
                consistency,
            },
            None,
        )
    };
    assert!(contradictions(&[put(1, None, 1), used(2), revoke.clone(), get(4, 1)]).is_empty());
    for lie in [
        vec![put(1, None, 1), put(2, None, 1)],
        vec![put(1, None, 1), put(2, Some(0), 2)],
        vec![put(1, None, 2), get(2, 1)],
        vec![revoke, used(4)],
    ] {
        assert_eq!(contradictions(&lie).len(), 1, "{lie:?}");
    }
}
