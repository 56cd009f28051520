//! What an exchange proves. Pure, and one table: every verdict of a checker stands on it.
//!
//! A refusal proves that nothing was done only where the server says so: by a status that is given before anything is
//! committed (400, 403, 404, 405, 412, 413, 415, 429), or by `Retry-After` beside a 503. A read does nothing, so that it is
//! never in doubt.

use crate::answer::{Answer, Exchange};
use holdfast_check::Outcome;

/// What kind of thing was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Changes nothing; 404 is an answer.
    Read,
    /// Changes something.
    Write,
    /// A write with a version that must match.
    Cas,
    /// The end of a token: 400 says that an accessor names none.
    Revoke,
    /// Seals the cluster. A node closes itself even when it cannot close the others, and then answers 503 with
    /// `Retry-After` too: that promises nothing here.
    Seal,
}

/// What it proves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It was done, and the answer's body says what was seen.
    Done,
    /// A read found nothing, or something deleted.
    Missing,
    /// Nothing more can be learned.
    Settled(Outcome),
    /// The same, and no server that works as documented answers so to what is asked here.
    Odd(Outcome),
}

const CAS_TEXT: &str = "check-and-set parameter did not match";
const SEALED_TEXT: &str = "Vault is sealed";

/// Judges.
pub(crate) fn judge(kind: Kind, exchange: &Exchange) -> Judged {
    let doubt = match kind {
        Kind::Read => Outcome::Unavailable,
        Kind::Write | Kind::Cas | Kind::Revoke | Kind::Seal => Outcome::Unknown,
    };
    match exchange {
        Exchange::NotSent => Judged::Settled(Outcome::Unavailable),
        Exchange::Lost => Judged::Settled(doubt),
        Exchange::Answered(answer) => judge_answer(kind, answer, doubt),
    }
}

fn judge_answer(kind: Kind, answer: &Answer, doubt: Outcome) -> Judged {
    match (answer.status, kind) {
        (200 | 204, _) => Judged::Done,
        (400, Kind::Cas) if answer.says(CAS_TEXT) => Judged::Settled(Outcome::CasMismatch),
        (400, Kind::Revoke) | (403, _) => Judged::Settled(Outcome::Denied),
        (404, Kind::Read) => Judged::Missing,
        (400 | 404 | 405 | 413 | 415, _) => Judged::Odd(Outcome::Unavailable),
        (503, Kind::Seal) => Judged::Settled(doubt),
        (503, _) if answer.retry_after && answer.says(SEALED_TEXT) => {
            Judged::Settled(Outcome::Sealed)
        }
        (412 | 429 | 503, _) if answer.retry_after => Judged::Settled(Outcome::Unavailable),
        (503, _) => Judged::Settled(doubt),
        _ => Judged::Odd(doubt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answered(status: u16, retry_after: bool, text: &str) -> Exchange {
        Exchange::Answered(Answer {
            status,
            retry_after,
            index: None,
            age_ms: None,
            body: json!({ "errors": [text] }),
        })
    }

    const ALL: [Kind; 5] = [Kind::Read, Kind::Write, Kind::Cas, Kind::Revoke, Kind::Seal];
    const WRITES: [Kind; 4] = [Kind::Write, Kind::Cas, Kind::Revoke, Kind::Seal];

    #[test]
    fn without_an_answer_only_what_was_never_sent_is_certain() {
        for kind in ALL {
            assert_eq!(
                judge(kind, &Exchange::NotSent),
                Judged::Settled(Outcome::Unavailable)
            );
        }
        for kind in WRITES {
            assert_eq!(
                judge(kind, &Exchange::Lost),
                Judged::Settled(Outcome::Unknown),
                "{kind:?}"
            );
        }
        assert_eq!(
            judge(Kind::Read, &Exchange::Lost),
            Judged::Settled(Outcome::Unavailable)
        );
    }

    const CAS: &str = "check-and-set parameter did not match the current version";
    const CLOSED: &str = "Vault is sealed";

    fn settled(outcome: Outcome) -> Judged {
        Judged::Settled(outcome)
    }

    fn odd(outcome: Outcome) -> Judged {
        Judged::Odd(outcome)
    }

    #[test]
    fn plain_answers_prove_what_the_api_says_they_do() {
        use Kind::{Cas, Read, Revoke, Write};
        use Outcome::{CasMismatch, Denied, Unavailable, Unknown};
        for (kind, status, text, expected) in [
            (Read, 200, "", Judged::Done),
            (Write, 204, "", Judged::Done),
            (Cas, 400, CAS, settled(CasMismatch)),
            (Cas, 400, "no data provided", odd(Unavailable)),
            (Write, 400, CAS, odd(Unavailable)),
            (Revoke, 400, "invalid accessor", settled(Denied)),
            (Read, 403, "permission denied", settled(Denied)),
            (Write, 403, "permission denied", settled(Denied)),
            (Read, 404, "", Judged::Missing),
            (Write, 404, "", odd(Unavailable)),
            (Write, 429, "slow down", odd(Unknown)),
            (Write, 503, CLOSED, settled(Unknown)),
            (Write, 503, "no answer in time", settled(Unknown)),
            (Read, 503, "no answer in time", settled(Unavailable)),
            (Write, 500, "internal error", odd(Unknown)),
            (Read, 500, "internal error", odd(Unavailable)),
            (Write, 307, "", odd(Unknown)),
        ] {
            let found = judge(kind, &answered(status, false, text));
            assert_eq!(found, expected, "{kind:?} {status} {text}");
        }
    }

    #[test]
    fn an_answer_that_allows_another_try_did_nothing_but_for_a_seal() {
        use Kind::{Cas, Read, Seal, Write};
        use Outcome::{Sealed, Unavailable, Unknown};
        for (kind, status, text, expected) in [
            (Read, 412, "behind", settled(Unavailable)),
            (Write, 429, "slow down", settled(Unavailable)),
            (Write, 503, "no leader", settled(Unavailable)),
            (Read, 503, CLOSED, settled(Sealed)),
            (Cas, 503, CLOSED, settled(Sealed)),
            (Seal, 503, "only this node", settled(Unknown)),
            (Seal, 503, CLOSED, settled(Unknown)),
            (Write, 502, "a proxy", odd(Unknown)),
        ] {
            let found = judge(kind, &answered(status, true, text));
            assert_eq!(found, expected, "{kind:?} {status} {text}");
        }
    }

    #[test]
    fn no_server_fault_makes_a_write_certain() {
        for kind in WRITES {
            for status in (500..600).chain(300..400) {
                let found = judge(kind, &answered(status, false, "x"));
                let unknown = [
                    Judged::Settled(Outcome::Unknown),
                    Judged::Odd(Outcome::Unknown),
                ];
                assert!(unknown.contains(&found), "{kind:?} {status} {found:?}");
            }
        }
    }
}
