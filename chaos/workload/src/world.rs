//! What all clients of one workload share, and the one way in which an operation is carried out and written down.

use crate::answer::{Answer, Exchange};
use crate::classify::{Judged, Kind, judge};
use crate::door::{Ask, Door};
use crate::index::Index;
use crate::intent::Fresh;
use crate::marks::Marks;
use crate::odd::{self, OddAnswer, OddAnswers, Odds};
use crate::plan::Plan;
use crate::recorder::Recorder;
use crate::slots::Slots;
use crate::target::{Target, TargetNode};
use crate::tokens::Tokens;
use holdfast_check::{Action, Consistency, Outcome, Seen};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Shortest name that counts as a canary.
const CANARY_BYTES_MIN: usize = 12;
/// Bits of a value's number that count within a client.
const SEQUENCE_BITS: u32 = 24;

pub(crate) struct World {
    pub(crate) target: Target,
    pub(crate) plan: Plan,
    pub(crate) door: Door,
    pub(crate) marks: Marks,
    pub(crate) slots: Slots,
    pub(crate) tokens: Tokens,
    pub(crate) recorder: Recorder,
    /// Highest index that any answer showed.
    latest: Mutex<Option<Index>>,
    clients: AtomicU64,
    pub(crate) cubbyholes: AtomicU64,
    /// Seals and openings that were acknowledged.
    pub(crate) seals: AtomicU64,
    pub(crate) unseals: AtomicU64,
    odd: Odds,
    /// Key holders stay away until then, nanoseconds of the run.
    pub(crate) closed_until_ns: AtomicU64,
    stop: watch::Receiver<bool>,
}

/// A logical client: its number, and how many values it has made.
pub(crate) struct Client {
    pub(crate) number: u64,
    sequence: u64,
}

impl Client {
    /// A value that nobody else writes.
    pub(crate) const fn next_value(&mut self) -> u64 {
        self.sequence += 1;
        (self.number << SEQUENCE_BITS) | self.sequence
    }

    /// Whether its numbers are used up.
    pub(crate) const fn is_spent(&self) -> bool {
        self.sequence + 1 >= 1 << SEQUENCE_BITS
    }
}

/// What an operation is, for the history and for the wire.
pub(crate) struct Operation<'a> {
    pub(crate) node: &'a TargetNode,
    pub(crate) action: Action,
    pub(crate) kind: Kind,
    pub(crate) ask: Ask<'a>,
}

/// What came of an operation.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    /// The answer, where there was one.
    pub(crate) answer: Option<Answer>,
}

impl World {
    pub(crate) fn new(
        target: Target,
        plan: Plan,
        recorder: Recorder,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            door: Door::new(target.ca_pem.as_deref(), plan.timeout())?,
            marks: Marks::new(plan.seed),
            slots: Slots::new(plan.keys, plan.operations_per_key),
            tokens: Tokens::new(plan.tokens),
            target,
            plan,
            recorder,
            latest: Mutex::new(None),
            clients: AtomicU64::new(0),
            cubbyholes: AtomicU64::new(0),
            seals: AtomicU64::new(0),
            unseals: AtomicU64::new(0),
            odd: Odds::default(),
            closed_until_ns: AtomicU64::new(0),
            stop,
        })
    }

    /// A client under a number that none had.
    pub(crate) fn client(&self) -> Client {
        Client {
            number: self.clients.fetch_add(1, Ordering::Relaxed) + 1,
            sequence: 0,
        }
    }

    pub(crate) fn client_count(&self) -> u64 {
        self.clients.load(Ordering::Relaxed)
    }

    /// Carries an operation out and writes it down. `read` makes of an answer (and whether it is a 404) what was seen; `None` is
    /// an answer that is not understood. The whole is `None` when the record takes no more.
    pub(crate) async fn run(
        &self,
        client: &Client,
        operation: Operation<'_>,
        read: impl FnOnce(&Answer, bool) -> Option<Seen>,
    ) -> Option<Done> {
        let Operation {
            node,
            action,
            kind,
            ask,
        } = operation;
        let invocation = self.recorder.invoke(client.number, node.id, action)?;
        let invoked_ns = self.recorder.now_ns();
        let exchange = self.door.exchange(&node.url, ask).await;
        let now_ns = self.recorder.now_ns();
        let (outcome, odd) = outcome(kind, &exchange, read);
        if let (Some(not_understood), Some(answer)) = (odd, Answer::of(&exchange)) {
            self.odd.note(OddAnswer {
                node: node.id,
                asked: odd::asked(kind),
                status: answer.status,
                not_understood,
                invoked_ns,
                returned_ns: now_ns,
                operation: Some(invocation.id()),
            });
        }
        if let (Outcome::Ok(_), Some(answer)) = (&outcome, Answer::of(&exchange)) {
            self.saw_index(answer);
        }
        let certain = outcome != Outcome::Unknown || matches!(exchange, Exchange::Answered(_));
        self.recorder
            .complete(invocation, certain.then_some(now_ns), outcome.clone());
        let answer = match exchange {
            Exchange::Answered(answer) => Some(answer),
            Exchange::NotSent | Exchange::Lost => None,
        };
        Some(Done { outcome, answer })
    }

    /// Notes an answer to what no history has a word for.
    pub(crate) fn note_odd(&self, odd: OddAnswer) {
        self.odd.note(odd);
    }

    /// Answers that no working server gives here.
    pub(crate) fn odd(&self) -> OddAnswers {
        self.odd.all()
    }

    fn saw_index(&self, answer: &Answer) {
        let Some(index) = &answer.index else { return };
        let mut latest = self.latest.lock();
        if latest
            .as_ref()
            .is_none_or(|latest| latest.number < index.number)
        {
            *latest = Some(index.clone());
        }
    }

    /// A wish for freshness as the history states it, and the header that asks for it.
    pub(crate) fn freshness(&self, fresh: Fresh) -> (Consistency, Option<(&'static str, String)>) {
        const HEADER: &str = "x-holdfast-consistency";
        match fresh {
            Fresh::Linearizable => (Consistency::Linearizable, None),
            Fresh::Stale => (Consistency::Stale, Some((HEADER, "stale".to_owned()))),
            Fresh::Bounded(millis) => {
                let header = format!("bounded={millis}ms");
                (Consistency::Bounded { millis }, Some((HEADER, header)))
            }
            Fresh::AtLeast => match self.latest.lock().clone() {
                None => (Consistency::Linearizable, None),
                Some(Index { text, number }) => {
                    let asked = Consistency::AtLeast { index: number };
                    (asked, Some(("x-vault-index", text)))
                }
            },
        }
    }

    pub(crate) fn stopping(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    /// Waits, or until everything shall stop.
    pub(crate) async fn pause(&self, time: Duration) {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _stopped = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Below the mount's data or metadata.
    pub(crate) fn path(&self, part: &str, key: Option<u64>) -> String {
        let folder = format!("{}/{part}/{}", self.target.mount, self.marks.name("keys"));
        key.map_or_else(
            || folder.clone(),
            |key| format!("{folder}/{}", self.marks.key(key)),
        )
    }

    /// The secret that tokens may read.
    pub(crate) fn probe_path(&self) -> String {
        format!("{}/data/{}", self.target.mount, self.marks.name("probe"))
    }

    pub(crate) fn policy_name(&self) -> String {
        self.marks.name("policy")
    }

    /// Everything that must be found nowhere: marks, tokens, shares in each of their forms, and the mount's name if it is long
    /// enough not to be met by chance.
    pub(crate) fn canaries(&self) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = self.marks.canaries().into();
        if self.target.mount.len() >= CANARY_BYTES_MIN {
            all.push(self.target.mount.clone().into_bytes());
        }
        all.push(crate::tokens::canary(&self.target.root_token));
        all.extend(self.tokens.canaries());
        for share in &self.target.shares {
            all.extend(crate::keyholders::forms(share));
        }
        all
    }
}

/// What an exchange proves, and whether its answer is odd: with `true` when its status is fine and the rest is not understood.
fn outcome(
    kind: Kind,
    exchange: &Exchange,
    read: impl FnOnce(&Answer, bool) -> Option<Seen>,
) -> (Outcome, Option<bool>) {
    let judged = judge(kind, exchange);
    let missing = judged == Judged::Missing;
    match judged {
        Judged::Settled(outcome) => (outcome, None),
        Judged::Odd(outcome) => (outcome, Some(false)),
        Judged::Done | Judged::Missing => {
            let seen = Answer::of(exchange).and_then(|answer| read(answer, missing));
            match (seen, kind) {
                (Some(seen), _) => (Outcome::Ok(seen), None),
                (None, Kind::Read) => (Outcome::Unavailable, Some(true)),
                (None, _) => (Outcome::Unknown, Some(true)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;

    #[test]
    fn what_is_not_understood_is_odd_and_proves_nothing() {
        let exchange = |status| {
            Exchange::Answered(Answer {
                status,
                retry_after: false,
                index: None,
                age_ms: None,
                body: Json::Null,
            })
        };
        let fine = |_: &Answer, _| Some(Seen::default());
        let strange = |_: &Answer, _| None;
        let ok = Outcome::Ok(Seen::default());
        for kind in [Kind::Read, Kind::Write] {
            assert_eq!(outcome(kind, &exchange(200), fine), (ok.clone(), None));
            let (outcome, odd) = outcome(kind, &exchange(200), strange);
            assert!(!matches!(outcome, Outcome::Ok(_)) && odd == Some(true));
        }
        let (_, odd) = outcome(Kind::Read, &exchange(404), strange);
        assert_eq!(odd, Some(true));
        let (_, odd) = outcome(Kind::Read, &exchange(500), fine);
        assert_eq!(odd, Some(false));
        assert_eq!(outcome(Kind::Read, &Exchange::Lost, fine).1, None);
    }
}
