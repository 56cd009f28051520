//! All checkers of histories together, and what their verdicts come to.

use crate::{Claims, History, LivenessBounds, Ruling, Verdict};

/// Name and meaning of every checker.
pub const CHECKERS: &[(&str, &str)] = &[
    (
        "linearizability",
        "reads and writes of each secret took effect one after the other, each between question and answer",
    ),
    (
        "wgl",
        "a second algorithm finds the same for a sample of the secrets",
    ),
    (
        "durability",
        "every acknowledged write stands in the merged logs and in the reads after healing",
    ),
    (
        "duplicates",
        "nothing was applied twice, and versions have no gaps",
    ),
    (
        "cas",
        "a conditional write was acknowledged once for each version, and made the next one",
    ),
    ("stale-reads", "no read was older than it was asked to be"),
    (
        "phantoms",
        "no read showed what nobody wrote, or what was refused",
    ),
    (
        "revocation",
        "a revoked token was let in nowhere, and one that was not revoked everywhere",
    ),
    ("sealed", "a sealed node gave nothing"),
    ("digests", "nodes had equal states at equal indexes"),
    (
        "election-safety",
        "no two leaders stood in one place, and no vote was forgotten",
    ),
    (
        "log-matching",
        "logs that agree on an entry agree on all before it",
    ),
    (
        "committed-immutable",
        "what was committed is the same everywhere and stayed, and later leaders had it",
    ),
    (
        "monotonic",
        "terms and indexes of a node never went back within a life",
    ),
    (
        "liveness",
        "after healing every node took writes, all converged, and it was about as fast as before",
    ),
    ("coverage", "the run exercised what it claims"),
    (
        "canaries",
        "no secret, name, token or share stands in the clear anywhere",
    ),
    ("nonces", "no nonce was used twice under one key"),
];

/// Judges a history by every checker that needs no more than that: all but `canaries` and `nonces`, which look at bytes.
/// In the order of [`CHECKERS`].
#[must_use]
pub fn judge_all(history: &History, claims: &Claims, bounds: LivenessBounds) -> Vec<Verdict> {
    vec![
        crate::linearizability(history),
        crate::wgl(history),
        crate::durability(history),
        crate::duplicates(history),
        crate::cas(history),
        crate::stale_reads(history),
        crate::phantoms(history),
        crate::revocation(history),
        crate::sealed(history),
        crate::digests(history),
        crate::election_safety(history),
        crate::log_matching(history),
        crate::committed_immutable(history),
        crate::monotonic(history),
        crate::liveness(history, bounds),
        crate::coverage(history, claims),
    ]
}

/// What verdicts come to together: a violation outweighs everything, a doubt all that is well. No verdicts say nothing.
#[must_use]
pub fn overall(verdicts: &[Verdict]) -> Ruling {
    let any = |ruling| verdicts.iter().any(|verdict| verdict.ruling == ruling);
    if any(Ruling::Violation) {
        Ruling::Violation
    } else if any(Ruling::Inconclusive) || verdicts.is_empty() {
        Ruling::Inconclusive
    } else {
        Ruling::Ok
    }
}
