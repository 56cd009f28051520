//! One unsealed node for tests, called as the request pipeline does, with a clock that the test owns.

use crate::policy::Inputs;
use crate::{
    Capability, POLICY_ROUTES, TOKEN_ROUTES, acl_of, authenticate, create_root_token_as,
    write_default_policy,
};
use futures::executor::block_on;
use holdfast_barrier::{
    Barrier, CommitError, InitOptions, Name, Surroundings, SystemSurroundings, Txn, TxnError,
};
use holdfast_contract::{
    Call, Context, Guard, Method, MountView, Operation, Refusal, Reply, Run, decode, route_call,
};
use holdfast_machine::testing::MemoryReplica;
use holdfast_machine::{Command, Replica};
use holdfast_types::{CanonPath, Class, MountId, NamespaceId};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) const NS: NamespaceId = NamespaceId::ROOT;
pub(crate) const CUBBYHOLE: MountId = MountId([7; 16]);
/// The root token of every fixture.
pub(crate) const ROOT: &str = "root-token";
pub(crate) const START_MS: u64 = 1_700_000_000_000;
const DEADLINE: Duration = Duration::from_secs(5);

struct Clock(AtomicU64);

impl Surroundings for Clock {
    fn wall_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn fill(&self, buffer: &mut [u8]) {
        SystemSurroundings.fill(buffer);
    }
}

pub(crate) struct World {
    replica: Arc<MemoryReplica>,
    clock: Arc<Clock>,
    barrier: Barrier,
}

/// What a client would see.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) error: String,
    pub(crate) reply: Reply,
}

impl Answer {
    pub(crate) fn data(&self) -> Json {
        self.reply.data.clone().map_or(Json::Null, Json::Object)
    }

    /// The token that was made or renewed.
    pub(crate) fn token(&self) -> String {
        let auth = self
            .reply
            .auth
            .as_ref()
            .unwrap_or_else(|| panic!("{}: {}", self.status, self.error));
        auth.client_token.clone()
    }

    pub(crate) fn accessor(&self) -> String {
        self.reply
            .auth
            .as_ref()
            .expect("an auth part")
            .accessor
            .clone()
    }

    pub(crate) fn policies(&self) -> Vec<String> {
        self.reply
            .auth
            .as_ref()
            .expect("an auth part")
            .policies
            .clone()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let replica = Arc::new(MemoryReplica::new());
        replica.set_time_ms(START_MS);
        let clock = Arc::new(Clock(AtomicU64::new(START_MS)));
        let barrier = Barrier::new(
            Arc::clone(&replica) as Arc<dyn Replica>,
            Arc::clone(&clock) as Arc<dyn Surroundings>,
        );
        let options = InitOptions {
            cluster_name: "test".to_owned(),
            shares: 1,
            threshold: 1,
        };
        let first = |txn: &mut Txn| {
            write_default_policy(txn, NS)?;
            create_root_token_as(txn, NS, ROOT).map_err(|_| TxnError::Corrupt("root token"))
        };
        let made = block_on(barrier.initialize(&options, DEADLINE, first)).unwrap();
        block_on(barrier.submit_share(&made.shares[0].to_hex())).unwrap();
        let world = Self {
            replica,
            clock,
            barrier,
        };
        world.wait_ms(0);
        world
    }

    /// Moves the machine's clock and this node's.
    pub(crate) fn wait_ms(&self, for_ms: u64) {
        let now_ms = self.clock.0.fetch_add(for_ms, Ordering::Relaxed) + for_ms;
        self.replica.set_time_ms(now_ms);
        self.replica
            .commit_elsewhere(Command::Tick { proposed_at_ms: 0 });
    }

    pub(crate) fn txn(&self) -> Txn {
        self.barrier.begin_local().unwrap()
    }

    pub(crate) fn try_commit(&self, txn: Txn) -> Result<(), CommitError> {
        block_on(self.barrier.commit(txn, DEADLINE)).map(drop)
    }

    pub(crate) fn commit<T>(&self, work: impl FnOnce(&mut Txn) -> T) -> T {
        let mut txn = self.txn();
        let out = work(&mut txn);
        self.try_commit(txn).unwrap();
        out
    }

    /// Records of a class.
    pub(crate) fn count(&self, class: Class) -> usize {
        if class.is_ordered() {
            return self
                .txn()
                .scan_ordered(NS, class, u64::MAX, 10_000)
                .unwrap()
                .len();
        }
        self.txn()
            .count_below(&Name::new(NS, class), 10_000)
            .unwrap()
    }

    pub(crate) fn write(&self, token: &str, path: &str, body: Json) -> Answer {
        self.call(token, Operation::Write, path, body)
    }

    pub(crate) fn read(&self, token: &str, path: &str) -> Answer {
        self.call(token, Operation::Read, path, Json::Object(Map::new()))
    }

    /// A call as the pipeline makes it, committed.
    pub(crate) fn call(&self, token: &str, operation: Operation, path: &str, body: Json) -> Answer {
        let mut txn = self.txn();
        let result = evaluate(&mut txn, token, operation, path, body);
        if result.is_ok() {
            self.try_commit(txn).unwrap();
        }
        match result {
            Ok(reply) => {
                let empty =
                    reply.data.is_none() && reply.auth.is_none() && reply.warnings.is_empty();
                let status = reply.status.unwrap_or(if empty { 204 } else { 200 });
                Answer {
                    status,
                    error: String::new(),
                    reply,
                }
            }
            Err(refusal) => {
                let status = match refusal {
                    Refusal::Invalid(_) => 400,
                    Refusal::Denied => 403,
                    Refusal::NotFound => 404,
                    Refusal::Unsupported => 405,
                    _ => 500,
                };
                Answer {
                    status,
                    error: refusal.to_string(),
                    reply: Reply::none(),
                }
            }
        }
    }

    /// Makes a child of a token.
    pub(crate) fn child(&self, token: &str, body: Json) -> String {
        self.write(token, "auth/token/create", body).token()
    }

    /// Whether a token gets in.
    pub(crate) fn lives(&self, token: &str) -> bool {
        authenticate(&mut self.txn(), NS, token).is_ok()
    }
}

/// One evaluation, without its commit.
pub(crate) fn evaluate(
    txn: &mut Txn,
    token: &str,
    operation: Operation,
    path: &str,
    body: Json,
) -> Result<Reply, Refusal> {
    let Json::Object(body) = body else {
        panic!("a body is an object")
    };
    let path = CanonPath::parse(path).unwrap();
    let (routes, rest) = match path.strip_prefix("auth/token") {
        Some(rest) => (TOKEN_ROUTES, rest),
        None => (
            POLICY_ROUTES,
            path.strip_prefix("sys").expect("a path of this crate"),
        ),
    };
    let caller = authenticate(txn, NS, token)?;
    let matched = route_call(routes, operation, &rest)?;
    let capability = match operation {
        Operation::Read => Capability::Read,
        Operation::List => Capability::List,
        Operation::Delete => Capability::Delete,
        _ => Capability::Update,
    };
    let inputs = Inputs {
        body: &body,
        query: &[],
        wrap_ttl: None,
    };
    let decision = acl_of(txn, NS, &caller.policies)?.check(&path, capability, &inputs);
    if !decision.allowed || matched.route.guard == Guard::Sudo && !decision.sudo {
        return Err(Refusal::Denied);
    }
    let (fields, warnings) = decode(matched.route, &matched.params, &[], body)?;
    let call = Call {
        operation,
        path: rest,
        params: matched.params,
        fields,
    };
    let month_s = 768 * 3600;
    let mount = MountView {
        id: CUBBYHOLE,
        path: "auth/token/".to_owned(),
        options: Vec::new(),
        default_lease_s: month_s,
        max_lease_s: month_s,
    };
    let Method {
        run: Run::InTransaction(handler),
        ..
    } = matched.method
    else {
        panic!("a handler")
    };
    let mut ctx = Context {
        txn,
        mount: &mount,
        namespace: NS,
        caller: Some(&caller),
    };
    let mut reply = handler(&mut ctx, &call)?;
    reply.warnings.splice(0..0, warnings);
    Ok(reply)
}
