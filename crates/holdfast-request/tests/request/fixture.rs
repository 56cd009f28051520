//! An open cluster of two nodes, and short ways to ask them.

use crate::replicas::{Here, There};
use holdfast_barrier::{Barrier, Freshness, SystemSurroundings};
use holdfast_contract::{Incoming, Operation, Refusal, Reply};
use holdfast_machine::Replica;
use holdfast_machine::testing::MemoryReplica;
use holdfast_request::{Answer, Core, NodeInfo};
use holdfast_types::CanonPath;
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) use Operation::{Delete, List, Patch, Read, Write};

/// One node.
pub(crate) struct Node(pub(crate) Core);

impl Node {
    pub(crate) fn over(replica: Arc<dyn Replica>) -> Self {
        let barrier = Arc::new(Barrier::new(replica, Arc::new(SystemSurroundings)));
        let info = NodeInfo {
            version: "1.2.3".to_owned(),
            cluster_name: "tests".to_owned(),
        };
        Self(Core::new(barrier, info))
    }

    pub(crate) async fn answer(
        &self,
        token: &str,
        operation: Operation,
        path: &str,
        body: Json,
        freshness: Freshness,
    ) -> Answer {
        let Json::Object(body) = body else {
            panic!("a body is an object")
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        self.0
            .handle(Incoming {
                request_id: "a-request".to_owned(),
                operation,
                path: CanonPath::parse(path).unwrap(),
                namespace: String::new(),
                token: Some(token.to_owned()).filter(|token| !token.is_empty()),
                body,
                query: query
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                remote_addr: "127.0.0.1:9".to_owned(),
                freshness,
            })
            .await
    }

    pub(crate) async fn ask(
        &self,
        token: &str,
        operation: Operation,
        path: &str,
        body: Json,
    ) -> Result<Reply, Refusal> {
        self.answer(token, operation, path, body, Freshness::Linearizable)
            .await
            .result
    }

    /// Data of a GET.
    pub(crate) async fn data(&self, token: &str, path: &str) -> Map<String, Json> {
        shown(self.ask(token, Read, path, json!({})).await)
            .data
            .unwrap_or_default()
    }

    /// Does a POST that must succeed.
    pub(crate) async fn must(&self, token: &str, path: &str, body: Json) -> Reply {
        shown(self.ask(token, Write, path, body).await)
    }
}

/// The cluster.
pub(crate) struct World {
    pub(crate) replica: Arc<MemoryReplica>,
    pub(crate) stage: Arc<Here>,
    there_replica: Arc<There>,
    pub(crate) here: Node,
    pub(crate) there: Arc<Node>,
    pub(crate) root: String,
    pub(crate) share: String,
}

impl World {
    /// Initialised and open on both nodes, with KV v1 mounted at `kv`.
    pub(crate) async fn open() -> Self {
        let replica = Arc::new(MemoryReplica::new());
        let stage = Here::over(&replica);
        let there_replica = There::over(&replica);
        let here = Node::over(Arc::clone(&stage) as _);
        let there = Arc::new(Node::over(Arc::clone(&there_replica) as _));
        let asked = json!({ "secret_shares": 1, "secret_threshold": 1 });
        let made = here.must("", "sys/init", asked).await.data.unwrap();
        let root = made["root_token"].as_str().unwrap().to_owned();
        let share = made["keys"][0].as_str().unwrap().to_owned();
        let world = Self {
            replica,
            stage,
            there_replica,
            here,
            there,
            root,
            share,
        };
        for node in [&world.here, &world.there] {
            node.must("", "sys/unseal", json!({ "key": world.share }))
                .await;
        }
        world.mount("kv", "1").await;
        world
    }

    pub(crate) async fn mount(&self, path: &str, version: &str) {
        let body = json!({ "type": "kv", "options": { "version": version } });
        self.here
            .must(&self.root, &format!("sys/mounts/{path}"), body)
            .await;
    }

    /// Writes a policy.
    pub(crate) async fn policy(&self, node: &Node, name: &str, text: &str) {
        let path = format!("sys/policies/acl/{name}");
        node.must(&self.root, &path, json!({ "policy": text }))
            .await;
    }

    /// Makes a token with some policies beside `default`.
    pub(crate) async fn token(&self, node: &Node, asked: Json) -> String {
        let made = node.must(&self.root, "auth/token/create", asked).await;
        made.auth.unwrap().client_token
    }

    /// A token with one policy of this text.
    pub(crate) async fn token_with(&self, text: &str) -> String {
        self.policy(&self.here, "only", text).await;
        self.token(&self.here, json!({ "policies": ["only"] }))
            .await
    }

    /// Moves the machine's clock.
    pub(crate) async fn time_is(&self, now_ms: u64) {
        self.replica.set_time_ms(now_ms);
        self.there_replica.now_ms.store(now_ms, Ordering::SeqCst);
        self.there
            .must(&self.root, "kv/clock", json!({ "now": now_ms }))
            .await;
    }

    /// Stored records.
    pub(crate) fn records(&self) -> usize {
        let record = holdfast_machine::Space::Record as u8;
        let table = self.replica.table();
        table
            .rows()
            .filter(|(key, _)| key.first() == Some(&record))
            .count()
    }
}

/// What was answered, or the refusal's text.
#[track_caller]
pub(crate) fn shown(result: Result<Reply, Refusal>) -> Reply {
    result.unwrap_or_else(|refusal| panic!("refused: {refusal}"))
}

/// The refusal.
#[track_caller]
pub(crate) fn refused(result: Result<Reply, Refusal>) -> Refusal {
    match result {
        Ok(_) => panic!("it is refused"),
        Err(refusal) => refusal,
    }
}

#[track_caller]
pub(crate) fn denied(result: Result<Reply, Refusal>) {
    let refusal = refused(result);
    assert!(matches!(refusal, Refusal::Denied), "{refusal}");
}

#[track_caller]
pub(crate) fn missing(result: Result<Reply, Refusal>) {
    let refusal = refused(result);
    assert!(matches!(refusal, Refusal::NotFound), "{refusal}");
}
