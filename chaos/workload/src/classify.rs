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

    #[test]
    fn answers_prove_what_the_api_says_they_do() {
        use Outcome::{CasMismatch, Denied, Sealed, Unavailable, Unknown};
        let cas = "check-and-set parameter did not match the current version";
        let sealed = "Vault is sealed";
        for (kind, status, retry, text, expected) in [
            (Kind::Read, 200, false, "", Judged::Done),
            (Kind::Write, 204, false, "", Judged::Done),
            (Kind::Cas, 400, false, cas, Judged::Settled(CasMismatch)),
            (
                Kind::Cas,
                400,
                false,
                "no data provided",
                Judged::Odd(Unavailable),
            ),
            (Kind::Write, 400, false, cas, Judged::Odd(Unavailable)),
            (
                Kind::Revoke,
                400,
                false,
                "invalid accessor",
                Judged::Settled(Denied),
            ),
            (
                Kind::Read,
                403,
                false,
                "permission denied",
                Judged::Settled(Denied),
            ),
            (
                Kind::Write,
                403,
                false,
                "permission denied",
                Judged::Settled(Denied),
            ),
            (Kind::Read, 404, false, "", Judged::Missing),
            (Kind::Write, 404, false, "", Judged::Odd(Unavailable)),
            (
                Kind::Read,
                412,
                true,
                "behind",
                Judged::Settled(Unavailable),
            ),
            (
                Kind::Write,
                429,
                true,
                "slow down",
                Judged::Settled(Unavailable),
            ),
            (Kind::Write, 429, false, "slow down", Judged::Odd(Unknown)),
            (Kind::Read, 503, true, sealed, Judged::Settled(Sealed)),
            (Kind::Cas, 503, true, sealed, Judged::Settled(Sealed)),
            (Kind::Write, 503, false, sealed, Judged::Settled(Unknown)),
            (
                Kind::Write,
                503,
                true,
                "no leader",
                Judged::Settled(Unavailable),
            ),
            (
                Kind::Write,
                503,
                false,
                "no answer in time",
                Judged::Settled(Unknown),
            ),
            (
                Kind::Read,
                503,
                false,
                "no answer in time",
                Judged::Settled(Unavailable),
            ),
            (
                Kind::Seal,
                503,
                true,
                "only this node",
                Judged::Settled(Unknown),
            ),
            (Kind::Seal, 503, true, sealed, Judged::Settled(Unknown)),
            (
                Kind::Write,
                500,
                false,
                "internal error",
                Judged::Odd(Unknown),
            ),
            (
                Kind::Read,
                500,
                false,
                "internal error",
                Judged::Odd(Unavailable),
            ),
            (Kind::Write, 307, false, "", Judged::Odd(Unknown)),
            (Kind::Write, 502, true, "a proxy", Judged::Odd(Unknown)),
        ] {
            let found = judge(kind, &answered(status, retry, text));
            assert_eq!(found, expected, "{kind:?} {status} {retry} {text}");
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
