//! A mounted engine on one unsealed node, called as the request pipeline does, with a clock that the test owns.

use futures::executor::block_on;
use holdfast_barrier::{
    Barrier, InitOptions, Name, Surroundings, SystemSurroundings, Txn, TxnError,
};
use holdfast_contract::{
    Call, Caller, Context, Effect, EngineKind, LeaseReply, Method, MountView, Operation, Refusal,
    Reply, Route, Run, decode, route_call,
};
use holdfast_engines::find;
use holdfast_machine::testing::MemoryReplica;
use holdfast_machine::{Command, Replica};
use holdfast_types::{CanonPath, MountId, NamespaceId};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use holdfast_contract::Operation::{Delete, List, Patch, Read, Scan, Write};

const DEADLINE: Duration = Duration::from_secs(5);

/// When tests begin: 2018-03-22T02:24:06.945Z.
pub(crate) const START_MS: u64 = 1_521_685_446_945;

struct TestSurroundings {
    wall_ms: AtomicU64,
}

impl Surroundings for TestSurroundings {
    fn wall_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::Relaxed)
    }

    fn fill(&self, buffer: &mut [u8]) {
        SystemSurroundings.fill(buffer);
    }
}

/// One engine, mounted and unsealed.
pub(crate) struct Mounted {
    barrier: Barrier,
    replica: Arc<MemoryReplica>,
    surroundings: Arc<TestSurroundings>,
    engine: &'static EngineKind,
    mount: MountView,
}

/// What a client would see.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null when there is none.
    pub(crate) data: Json,
    pub(crate) warnings: Vec<String>,
    pub(crate) lease: Option<LeaseReply>,
    /// Of a refusal; empty when the answer carries no errors.
    pub(crate) error: String,
}

impl Answer {
    fn of(result: Result<Reply, Refusal>) -> Self {
        let mut answer = Self {
            status: 0,
            data: Json::Null,
            warnings: Vec::new(),
            lease: None,
            error: String::new(),
        };
        match result {
            Ok(reply) => {
                let empty = reply.data.is_none() && reply.warnings.is_empty();
                answer.status = if empty { 204 } else { 200 };
                answer.data = reply.data.map_or(Json::Null, Json::Object);
                answer.warnings = reply.warnings;
                answer.lease = reply.lease;
            }
            Err(Refusal::Gone(data)) => {
                answer.status = 404;
                answer.data = Json::Object(data);
            }
            Err(Refusal::NotFound) => answer.status = 404,
            Err(refusal) => {
                answer.error = refusal.to_string();
                answer.status = match refusal {
                    Refusal::Invalid(_) => 400,
                    Refusal::Denied => 403,
                    Refusal::Unsupported => 405,
                    Refusal::Txn(TxnError::TooLarge(_)) => 413,
                    _ => 500,
                };
            }
        }
        answer
    }

    /// The keys of a list.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let keys = self.data["keys"].as_array().expect("a list has keys");
        keys.iter()
            .map(|key| key.as_str().expect("keys are texts"))
            .collect()
    }
}

impl Mounted {
    pub(crate) fn new(kind: &str, version: &str) -> Self {
        let replica = Arc::new(MemoryReplica::new());
        replica.set_time_ms(START_MS);
        let surroundings = Arc::new(TestSurroundings {
            wall_ms: AtomicU64::new(START_MS),
        });
        let barrier = Barrier::new(
            Arc::clone(&replica) as Arc<dyn Replica>,
            Arc::clone(&surroundings) as Arc<dyn Surroundings>,
        );
        let options = InitOptions {
            cluster_name: "test".to_owned(),
            shares: 1,
            threshold: 1,
        };
        let made = block_on(barrier.initialize(&options, DEADLINE, |_| Ok(())));
        let made = made.unwrap_or_else(|why| panic!("initialize: {why}"));
        for share in &made.shares {
            block_on(barrier.submit_share(&share.to_hex())).expect("the share opens the node");
        }
        let mount = MountView {
            id: MountId([7; 16]),
            path: "mounted/".to_owned(),
            options: Vec::new(),
            default_lease_s: 2_764_800,
            max_lease_s: 2_764_800,
        };
        let engine = find(kind, version).expect("the engine exists");
        Self {
            barrier,
            replica,
            surroundings,
            engine,
            mount,
        }
    }

    /// Moves the cluster's clock and this node's.
    pub(crate) fn set_time_ms(&self, now_ms: u64) {
        self.set_wall_ms(now_ms);
        self.replica.set_time_ms(now_ms);
        self.replica
            .commit_elsewhere(Command::Tick { proposed_at_ms: 0 });
    }

    /// Moves this node's clock alone.
    pub(crate) fn set_wall_ms(&self, now_ms: u64) {
        self.surroundings.wall_ms.store(now_ms, Ordering::Relaxed);
    }

    pub(crate) fn call(&self, operation: Operation, path: &str, body: Json) -> Answer {
        self.call_as("token-a", operation, path, body)
    }

    pub(crate) fn read(&self, path: &str) -> Answer {
        self.call(Read, path, Json::Null)
    }

    /// Calls as the token with this keyed hash, with a path that may carry a query.
    pub(crate) fn call_as(
        &self,
        token_key: &str,
        operation: Operation,
        path: &str,
        body: Json,
    ) -> Answer {
        Answer::of(self.evaluate(token_key, operation, path, body, || ()))
    }

    /// As [`Mounted::call`], and something happens between evaluation and commit.
    pub(crate) fn race(
        &self,
        operation: Operation,
        path: &str,
        body: Json,
        meanwhile: impl FnOnce(),
    ) -> Result<(), Refusal> {
        self.evaluate("token-a", operation, path, body, meanwhile)
            .map(|_| ())
    }

    fn evaluate(
        &self,
        token_key: &str,
        operation: Operation,
        path: &str,
        body: Json,
        meanwhile: impl FnOnce(),
    ) -> Result<Reply, Refusal> {
        let routed = route(self.engine, operation, path, body)?;
        let mut txn = self.barrier.begin_local().expect("the node is open");
        let caller = caller(token_key);
        let mut ctx = self.context(&mut txn, &caller);
        let Run::InTransaction(handler) = routed.method.run else {
            panic!("engines do not act on nodes")
        };
        let mut reply = handler(&mut ctx, &routed.call)?;
        reply.warnings.extend(routed.warnings);
        meanwhile();
        if routed.method.effect == Effect::Read {
            assert!(!txn.has_writes(), "a read writes nothing");
        } else {
            block_on(self.barrier.commit(txn, DEADLINE))?;
        }
        Ok(reply)
    }

    /// Whether a write to the path is an update for policy, not a creation.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let Ok(routed) = route(self.engine, Write, path, Json::Null) else {
            panic!("the path takes a write")
        };
        let exists = routed
            .route
            .exists
            .expect("the route tells creation from update");
        let mut txn = self.barrier.begin_local().expect("the node is open");
        let caller = caller("token-a");
        let mut ctx = self.context(&mut txn, &caller);
        exists(&mut ctx, &routed.call).unwrap_or_else(|why| panic!("existence: {why}"))
    }

    /// How many records stand below a segment of the mount.
    pub(crate) fn records_below(&self, segment: &str) -> usize {
        let mut txn = self.barrier.begin_local().expect("the node is open");
        let caller = caller("token-a");
        let name = self.context(&mut txn, &caller).root().with(segment);
        txn.count_below(&name, 10_000)
            .expect("the table in memory is sound")
    }

    /// Removes what lies below a name, as the end of a token does.
    pub(crate) fn delete_below(&self, name: &Name) -> usize {
        let mut txn = self.barrier.begin_local().expect("the node is open");
        let count = txn
            .delete_below(name, 100)
            .expect("the table in memory is sound");
        block_on(self.barrier.commit(txn, DEADLINE)).expect("nobody else writes");
        count
    }

    pub(crate) const fn mount_id(&self) -> MountId {
        self.mount.id
    }

    fn context<'a>(&'a self, txn: &'a mut Txn, caller: &'a Caller) -> Context<'a> {
        Context {
            txn,
            mount: &self.mount,
            namespace: NamespaceId::ROOT,
            caller: Some(caller),
        }
    }
}

struct Routed {
    route: &'static Route,
    method: &'static Method,
    call: Call,
    warnings: Vec<String>,
}

fn route(
    engine: &'static EngineKind,
    operation: Operation,
    path: &str,
    body: Json,
) -> Result<Routed, Refusal> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: Vec<(String, String)> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let path = CanonPath::parse(path).expect("the test's path is canonical");
    let path = match operation {
        List | Scan => path.into_directory(),
        _ => path,
    };
    let body = match body {
        Json::Object(body) => body,
        _ => Map::new(),
    };
    let matched = route_call(engine.routes, operation, &path)?;
    let (fields, warnings) = decode(matched.route, &matched.params, &query, body)?;
    let call = Call {
        operation,
        path,
        params: matched.params,
        fields,
    };
    Ok(Routed {
        route: matched.route,
        method: matched.method,
        call,
        warnings,
    })
}

fn caller(token_key: &str) -> Caller {
    Caller {
        token: String::new().into(),
        token_key: token_key.to_owned(),
        accessor: String::new(),
        policies: Vec::new(),
        display_name: String::new(),
        entity_id: String::new(),
    }
}
