//! Judgements for made-up runs.

use holdfast_check::{Action, Operation, Outcome, Ruling, Verdict, Violation};
use holdfast_report::{MutantRow, Skipped};

pub(crate) fn verdicts(operations: &[Operation], violation: bool) -> Vec<Verdict> {
    let asked = operations.len() as u64;
    let ok = |checker: &str, checked, summary: &str| Verdict {
        checker: checker.to_owned(),
        ruling: Ruling::Ok,
        checked,
        summary: summary.to_owned(),
        violations: Vec::new(),
    };
    let mut all = vec![
        ok(
            "durability",
            asked / 2,
            "every acknowledged write is in the merged log of a quorum",
        ),
        ok(
            "linearizability",
            asked,
            "the order of versions explains every answer",
        ),
        ok(
            "staleness",
            asked / 3,
            "no answer was older than it was allowed to be",
        ),
        ok(
            "cas",
            asked / 8,
            "no write replaced a version that it did not name",
        ),
        ok(
            "revocation",
            asked / 40,
            "nothing was allowed with a token after its revocation was acknowledged",
        ),
        ok(
            "digests",
            412,
            "equal digests at equal positions on all nodes",
        ),
        ok("election-safety", 9, "one leader in each term"),
        ok("sealed", 60, "a sealed node gave nothing"),
        ok(
            "canaries",
            1_204_331,
            "no plaintext, name, token or share on disk, in logs or between nodes",
        ),
        ok(
            "liveness",
            1,
            "all nodes were level 1.2 s after healing, at 97 % of the throughput before",
        ),
    ];
    if violation {
        all[1] = violated(operations);
        all[9].ruling = Ruling::Inconclusive;
        all[9].summary = "too few operations after healing to compare throughput".to_owned();
    }
    all
}

fn violated(operations: &[Operation]) -> Verdict {
    let middle = operations.len() / 2;
    let write = operations[middle..].iter().find(|o| {
        matches!(
            (&o.action, &o.outcome),
            (Action::Put { .. }, Outcome::Ok(_))
        )
    });
    let after = write.and_then(|write| write.returned_ns).unwrap_or(0);
    let reads = operations.iter().filter(|o| o.invoked_ns > after).take(3);
    let shown: Vec<&Operation> = write.into_iter().chain(reads).collect();
    Verdict {
        checker: "linearizability".to_owned(),
        ruling: Ruling::Violation,
        checked: operations.len() as u64,
        summary: "2 reads returned a version older than one acknowledged before they were asked".to_owned(),
        violations: vec![
            Violation {
                what: "a linearizable read at node 3 returned version 11 of k4 after version 12 was acknowledged".to_owned(),
                at_ns: Some(after),
                operations: shown.iter().map(|o| o.id).collect(),
                nodes: vec![3],
            },
            Violation {
                what: "a list left out <k9>, which was there before it was asked & after".to_owned(),
                at_ns: None,
                operations: shown.iter().rev().take(2).map(|o| o.id).collect(),
                nodes: vec![],
            },
        ],
    }
}

pub(crate) fn mutants() -> Vec<MutantRow> {
    let row = |name: &str, checker: &str, seed: Option<u64>, seeds| MutantRow {
        name: name.to_owned(),
        checker: checker.to_owned(),
        killed: seed.is_some(),
        seed,
        seeds,
    };
    vec![
        row("ack-before-quorum", "durability", Some(0), 2),
        row("ack-before-sync", "durability", Some(3), 5),
        row("read-unconfirmed", "linearizability", Some(9), 11),
        row("apply-by-hash-order", "digests", Some(0), 1),
        row("dedupe-forgotten", "duplicates", None, 60),
    ]
}

pub(crate) fn skipped() -> Vec<Skipped> {
    vec![
        Skipped {
            fault: "hung disk".to_owned(),
            reason: "needs root and a loop device of its own; /dev/loop-control is missing"
                .to_owned(),
        },
        Skipped {
            fault: "clock drift".to_owned(),
            reason: "libfaketime is not installed".to_owned(),
        },
    ]
}
