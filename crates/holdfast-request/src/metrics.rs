//! Figures of one node, in the text form that Prometheus reads.

use holdfast_barrier::Barrier;
use holdfast_contract::{Form, Operation, Refusal, Reply};
use holdfast_machine::Role;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use serde_json::json;
use std::time::Duration;

/// Upper bounds of the latency buckets, seconds.
const LATENCY_S: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    operation: &'static str,
    outcome: &'static str,
}

/// What is counted. Labels are fixed words: no path, name or token ever becomes one.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    latency: Histogram,
    conflicts: Counter,
    sealed: Gauge,
    leads: Gauge,
    has_leader: Gauge,
    term: Gauge,
    committed: Gauge,
    applied: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut made = Self {
            registry: Registry::with_prefix("holdfast"),
            requests: Family::default(),
            latency: Histogram::new(LATENCY_S),
            conflicts: Counter::default(),
            sealed: Gauge::default(),
            leads: Gauge::default(),
            has_leader: Gauge::default(),
            term: Gauge::default(),
            committed: Gauge::default(),
            applied: Gauge::default(),
        };
        let registry = &mut made.registry;
        registry.register("requests", "Requests answered", made.requests.clone());
        registry.register_with_unit(
            "request",
            "Time to answer",
            Unit::Seconds,
            made.latency.clone(),
        );
        registry.register(
            "conflicts",
            "Evaluations repeated because the state changed",
            made.conflicts.clone(),
        );
        registry.register(
            "sealed",
            "1 while this node holds no keys",
            made.sealed.clone(),
        );
        registry.register("raft_leads", "1 while this node leads", made.leads.clone());
        registry.register(
            "raft_has_leader",
            "1 while this node knows a leader",
            made.has_leader.clone(),
        );
        registry.register("raft_term", "Current term", made.term.clone());
        registry.register(
            "raft_committed_index",
            "Last index known committed",
            made.committed.clone(),
        );
        registry.register(
            "raft_applied_index",
            "Last index applied",
            made.applied.clone(),
        );
        made
    }

    pub(crate) fn observe(
        &self,
        operation: Operation,
        result: &Result<Reply, Refusal>,
        took: Duration,
    ) {
        let operation = match operation {
            Operation::Read => "read",
            Operation::List => "list",
            Operation::Scan => "scan",
            Operation::Write => "write",
            Operation::Patch => "patch",
            Operation::Delete => "delete",
        };
        let outcome = match result {
            Ok(_) => "ok",
            Err(Refusal::Denied) => "denied",
            Err(Refusal::Sealed) => "sealed",
            Err(Refusal::Unavailable(_) | Refusal::Behind | Refusal::Commit(_)) => "unavailable",
            Err(Refusal::Internal(_) | Refusal::Txn(_)) => "internal",
            Err(_) => "refused",
        };
        self.requests
            .get_or_create(&Asked { operation, outcome })
            .inc();
        self.latency.observe(took.as_secs_f64());
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }

    /// The figures as they are now.
    pub(crate) fn reply(&self, barrier: &Barrier) -> Reply {
        let status = barrier.replica().status();
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.sealed.set(i64::from(barrier.is_sealed()));
        self.leads.set(i64::from(status.role == Role::Leader));
        self.has_leader.set(i64::from(status.leader.is_some()));
        self.term.set(gauge(status.term));
        self.committed.set(gauge(status.committed));
        self.applied.set(gauge(status.applied));
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Reply {
            form: Form::Text,
            ..Reply::json(json!({ "text": text, "content_type": content_type }))
        }
    }
}
