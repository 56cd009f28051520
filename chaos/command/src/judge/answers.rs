//! Judges answers that no server gives that works as documented: they prove that something was damaged, or never finished.
//!
//! An answer that is not what was asked for is always a violation. One by which a node says that it failed inside (5xx, never
//! 503) is one too, unless a fault of its disk, its memory or its descriptors held this node meanwhile. Healing gives flipped
//! or rolled back bytes not back: such a fault goes on until the end, and that the node comes back all the same is asked by
//! `recovery`.

use crate::catalogue::{self, Cost};
use holdfast_check::{Fault, Judge, Verdict, Violation};
use holdfast_workload::{OddAnswer, OddAnswers};

/// Judges. `asked` is how many operations there were.
pub(super) fn answers(
    odd: &OddAnswers,
    faults: &[Fault],
    healed_ns: Option<u64>,
    asked: usize,
) -> Verdict {
    let mut judge = Judge::new("answers");
    judge.checked(asked);
    for answer in &odd.kept {
        if !is_excused(answer, faults, healed_ns) {
            judge.blame(Violation {
                what: format!("node {} answered {}", answer.node, answer.in_words()),
                at_ns: Some(answer.returned_ns),
                operations: answer.operation.into_iter().collect(),
                nodes: vec![answer.node],
            });
        }
    }
    if odd.missed > 0 {
        judge.doubt(format!(
            "{} odd answers were too many to be kept",
            odd.missed
        ));
    }
    judge.finish(match odd.kept.len() {
        0 => "every answer was one that the API has".to_owned(),
        excused => format!("{excused} answers told of a fault that held their node"),
    })
}

fn is_excused(answer: &OddAnswer, faults: &[Fault], healed_ns: Option<u64>) -> bool {
    let failed_inside = !answer.not_understood && answer.status >= 500;
    failed_inside && faults.iter().any(|fault| excuses(fault, answer, healed_ns))
}

/// Whether a fault may make a node fail inside, and held it while it answered.
fn excuses(fault: &Fault, answer: &OddAnswer, healed_ns: Option<u64>) -> bool {
    let Some(entry) = catalogue::find(&fault.kind).filter(|entry| entry.fails_inside()) else {
        return false;
    };
    let until_ns = if entry.cost == Cost::Lost {
        u64::MAX
    } else {
        fault.until_ns.or(healed_ns).unwrap_or(u64::MAX)
    };
    fault.nodes.contains(&answer.node)
        && answer.invoked_ns <= until_ns
        && answer.returned_ns >= fault.from_ns
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_check::Ruling;

    const HEALED_NS: u64 = 100;

    fn answer(node: u64, status: u16, not_understood: bool, at_ns: u64) -> OddAnswers {
        OddAnswers {
            kept: vec![OddAnswer {
                node,
                asked: "read",
                status,
                not_understood,
                invoked_ns: at_ns,
                returned_ns: at_ns + 2,
                operation: Some(7),
            }],
            missed: 0,
        }
    }

    fn fault(kind: &str) -> Fault {
        Fault {
            kind: kind.to_owned(),
            nodes: vec![2],
            detail: String::new(),
            from_ns: 10,
            until_ns: Some(20),
            verified: true,
            hit_leader: false,
        }
    }

    fn ruling(odd: &OddAnswers, kind: &str) -> Ruling {
        answers(odd, &[fault(kind)], Some(HEALED_NS), 9).ruling
    }

    #[test]
    fn what_is_not_understood_is_never_excused() {
        for status in [200, 404, 500] {
            let odd = answer(2, status, true, 15);
            let found = answers(&odd, &[fault("io-error")], Some(HEALED_NS), 9);
            assert_eq!(found.ruling, Ruling::Violation);
            assert_eq!(found.violations[0].operations, [7]);
        }
        assert_eq!(
            ruling(&answer(2, 400, false, 15), "io-error"),
            Ruling::Violation
        );
    }

    #[test]
    fn a_failure_inside_is_excused_while_its_cause_holds_the_node() {
        for (node, at_ns, kind, expected) in [
            (2, 15, "io-error", Ruling::Ok),
            (2, 15, "fd-exhaustion", Ruling::Ok),
            (2, 15, "memory-pressure", Ruling::Ok),
            (2, 9, "io-error", Ruling::Ok),
            (2, 20, "io-error", Ruling::Ok),
            (2, 2, "io-error", Ruling::Violation),
            (2, 21, "io-error", Ruling::Violation),
            (1, 15, "io-error", Ruling::Violation),
            (2, 15, "kill", Ruling::Violation),
            (2, 15, "isolate", Ruling::Violation),
            (2, HEALED_NS + 1, "io-error", Ruling::Violation),
            (2, HEALED_NS + 1, "bit-flip", Ruling::Ok),
        ] {
            let found = ruling(&answer(node, 500, false, at_ns), kind);
            assert_eq!(found, expected, "n{node} at {at_ns} under {kind}");
        }
    }

    #[test]
    fn nothing_odd_is_well_and_too_much_cannot_be_judged() {
        let mut odd = OddAnswers::default();
        assert_eq!(ruling(&odd, "kill"), Ruling::Ok);
        odd.missed = 1;
        assert_eq!(ruling(&odd, "kill"), Ruling::Inconclusive);
    }
}
