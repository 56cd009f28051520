//! One request, from its path to its answer.
//!
//! ```text
//! route → snapshot → authenticate → authorise → handle → commit
//!           ↑                                        │ conflict: evaluate afresh, a bounded number of times
//!           └────────────────────────────────────────┘
//! ```
//! - A write is first evaluated on the local state, waiting for nobody while that is not old: what it read is asserted when
//!   it is applied. Only the passing of time is not, therefore an old state will not do.
//! - A refusal is only told from a linearizable view; one that came from the local state alone is evaluated once more.
//! - What a node does by itself is asserted by nobody: that it may be done is always judged on a linearizable view. What it
//!   only tells of itself it tells without a leader too, judged by what it has, so that an outage can be looked at.
//! - A use of a counted token is committed before its answer is given, also when the answer is a refusal.

use crate::answer::Answer;
use crate::core::Core;
use crate::evaluate::{Evaluated, Request, charge, evaluate};
use holdfast_barrier::{BeginError, CommitError, Freshness, Txn};
use holdfast_contract::{Effect, Incoming, NodeAction, Refusal, Reply, Run};
use holdfast_mutant::Mutant;
use holdfast_types::limits::TXN_ATTEMPTS_MAX;
use std::time::Duration;
use tokio::time::Instant;

/// How long a read may wait for a quorum, or a write for its commit, before the client is told to retry.
const PATIENCE: Duration = Duration::from_secs(5);
/// Oldest local state that a write is first evaluated on, milliseconds. A token that ended by time alone may write for as
/// long as its records are not cleared and the state is no older than this.
const WRITE_AGE_MS_MAX: u64 = 2_000;
/// Wait before trying again after a conflict: up to this, times the number of tries.
const BACKOFF_MS_MAX: u64 = 4;

impl Core {
    /// Answers one request.
    pub async fn handle(&self, incoming: Incoming) -> Answer {
        let started = Instant::now();
        let request_id = incoming.request_id.clone();
        let operation = incoming.operation;
        let mut answer = Answer {
            result: Err(Refusal::NotFound),
            request_id,
            mount_type: String::new(),
            index: None,
            age_ms: None,
        };
        let asked = incoming.freshness;
        let mut basis = Basis::default();
        answer.result = self.run(incoming, &mut answer.mount_type, &mut basis).await;
        answer.index = basis.index;
        if asked != Freshness::Linearizable {
            answer.age_ms = basis.age_ms();
        }
        self.metrics()
            .observe(operation, &answer.result, started.elapsed());
        answer
    }

    async fn run(
        &self,
        incoming: Incoming,
        mount_type: &mut String,
        basis: &mut Basis,
    ) -> Result<Reply, Refusal> {
        if !matches!(incoming.namespace.trim_matches('/'), "" | "root") {
            return Err(Refusal::Invalid(
                "namespaces other than root are not available yet".to_owned(),
            ));
        }
        let freshness = incoming.freshness;
        let hasty = Mutant::RevocationNotAwaited.lives()
            && incoming.path.as_str().starts_with("auth/token/revoke");
        let request = Request::route(incoming)?;
        if let Some((action, fields)) = request.open_action()? {
            "system".clone_into(mount_type);
            return self.act(action, &fields).await;
        }
        let deadline = Instant::now() + PATIENCE;
        let mut last =
            Refusal::Unavailable("others kept changing the same records; try again".to_owned());
        let mut fresh = first_freshness(&request, freshness);
        for attempt in 0..TXN_ATTEMPTS_MAX {
            let left = deadline.saturating_duration_since(Instant::now());
            let (mut txn, nothing_fresher) = self.begin_for(&request, fresh, left).await?;
            basis.began(&txn);
            let evaluated = evaluate(&mut txn, &request);
            if !nothing_fresher && must_be_fresher(&evaluated, &txn, &request, freshness) {
                fresh = Freshness::Linearizable;
                continue;
            }
            if evaluated.is_err() {
                charge(&mut txn, &request);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if hasty {
                self.commit_later(txn);
                return Ok(evaluated?.reply);
            }
            match self.barrier().commit(txn, left).await {
                Ok(committed) => {
                    // What is gone is an answer too, and stands at an index; what a node does by itself stands at none.
                    let stands = !evaluated.as_ref().is_ok_and(|done| done.action.is_some());
                    basis.index = stands.then_some(committed.index);
                    let evaluated = evaluated?;
                    *mount_type = evaluated.kind;
                    if let Some((action, fields)) = evaluated.action {
                        return self.act(action, &fields).await;
                    }
                    return Ok(evaluated.reply);
                }
                Err(CommitError::Conflict) => {
                    self.metrics().conflict();
                    fresh = Freshness::Linearizable;
                    self.back_off(attempt).await;
                }
                Err(other) => return Err(other.into()),
            }
            if Instant::now() >= deadline {
                last = Refusal::Unavailable(
                    "the write kept conflicting with others; try again".to_owned(),
                );
                break;
            }
        }
        Err(last)
    }

    /// A transaction of the asked freshness. The second value says that nothing fresher can be had, and need not be.
    async fn begin_for(
        &self,
        request: &Request,
        freshness: Freshness,
        deadline: Duration,
    ) -> Result<(Txn, bool), Refusal> {
        match self.begin(freshness, deadline).await {
            Err(Refusal::Unavailable(_)) if request.only_tells_of_the_node() => {
                Ok((self.begin(Freshness::Stale, deadline).await?, true))
            }
            begun => Ok((begun?, false)),
        }
    }

    async fn begin(&self, freshness: Freshness, deadline: Duration) -> Result<Txn, Refusal> {
        let begun = match freshness {
            Freshness::Stale => self.barrier().begin_local(),
            other => self.barrier().begin(other, deadline).await,
        };
        begun.map_err(|why| match why {
            BeginError::Uninitialized => {
                Refusal::Unavailable("Vault is not initialized".to_owned())
            }
            BeginError::Sealed => Refusal::Sealed,
            BeginError::Unavailable(holdfast_machine::Unavailable::Behind)
                if matches!(freshness, Freshness::AtLeast(_)) =>
            {
                Refusal::Behind
            }
            BeginError::Unavailable(why) => Refusal::Unavailable(why.to_string()),
            BeginError::Storage(fault) => self.fault(&fault),
        })
    }

    /// A seeded bug: answers before anything is committed.
    fn commit_later(&self, txn: Txn) {
        let barrier = self.shared_barrier();
        tokio::spawn(async move { barrier.commit(txn, PATIENCE).await.is_ok() });
    }

    async fn back_off(&self, attempt: u32) {
        let mut byte = [0];
        self.barrier().surroundings().fill(&mut byte);
        let ceiling = BACKOFF_MS_MAX * u64::from(attempt + 1);
        let wait = u64::from(byte[0]) * ceiling / u64::from(u8::MAX);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// The state that an answer rests on.
#[derive(Default)]
struct Basis {
    /// The index it reflects.
    index: Option<u64>,
    /// How old the state was at most when it was looked at, milliseconds, and when that was.
    age: Option<(u64, Instant)>,
}

impl Basis {
    fn began(&mut self, txn: &Txn) {
        self.age = txn.age_ms().map(|age_ms| (age_ms, Instant::now()));
    }

    /// How old it is at most by now, milliseconds.
    fn age_ms(&self) -> Option<u64> {
        let (age_ms, at) = self.age?;
        let since = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Some(age_ms.saturating_add(since))
    }
}

/// What the first try is evaluated on.
const fn first_freshness(request: &Request, asked: Freshness) -> Freshness {
    match (request.effect(), request.is_action()) {
        (Effect::Read, _) => asked,
        (Effect::Write, false) => Freshness::BoundedMs(WRITE_AGE_MS_MAX),
        (Effect::Write, true) => Freshness::Linearizable,
    }
}

/// Whether what was concluded may not be told from this view.
fn must_be_fresher(
    evaluated: &Result<Evaluated, Refusal>,
    txn: &Txn,
    request: &Request,
    asked: Freshness,
) -> bool {
    if txn.is_linearizable()
        || !matches!(asked, Freshness::Linearizable) && request.effect() == Effect::Read
    {
        return false;
    }
    match evaluated {
        Err(refusal) => refusal.depends_on_state(),
        // A write that found nothing to write concluded that from what it read, and nothing will assert it.
        Ok(_) => request.effect() == Effect::Write && !txn.has_writes(),
    }
}

/// How a method is run, for the open actions.
pub(crate) const fn action_of(run: Run) -> Option<NodeAction> {
    match run {
        Run::OnNode(action) => Some(action),
        Run::InTransaction(_) => None,
    }
}
