//! gRPC on the API's own port, against a follower.

use holdfast_proto::v1::health_client::HealthClient;
use holdfast_proto::v1::kv_v2_client::KvV2Client;
use holdfast_proto::v1::seal_client::SealClient;
use holdfast_proto::v1::{
    CheckRequest, Consistency, DeleteRequest, GetRequest, ListRequest, PutRequest,
    SealStatusRequest, consistency::Want,
};
use holdfast_tests::Cluster;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tonic::{Code, Request};

type Channel = Client<HttpConnector, tonic::body::Body>;

fn channel() -> Channel {
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

fn origin(cluster: &Cluster, id: usize) -> tonic::codegen::http::Uri {
    cluster.nodes[id - 1].api.parse().expect("an address")
}

fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let token = token.parse().expect("a token is ASCII");
    request.metadata_mut().insert("x-vault-token", token);
    request
}

fn get(path: &str, want: Option<Want>) -> GetRequest {
    GetRequest {
        mount: "secret".to_owned(),
        path: path.to_owned(),
        version: 0,
        consistency: want.map(|want| Consistency { want: Some(want) }),
    }
}

fn put(path: &str, data: &str, cas: Option<u64>) -> PutRequest {
    PutRequest {
        mount: "secret".to_owned(),
        path: path.to_owned(),
        data_json: data.to_owned(),
        cas,
    }
}

#[tokio::test]
async fn health_and_seal_status_follow_the_node() {
    let mut cluster = Cluster::uninitialized(1).await;
    let mut health = HealthClient::with_origin(channel(), origin(&cluster, 1));
    let mut seal = SealClient::with_origin(channel(), origin(&cluster, 1));
    let before = health.check(CheckRequest {}).await.expect("an answer");
    let before = before.into_inner();
    assert!(!before.serving && !before.initialized && before.sealed);
    cluster.initialize(3, 2).await;
    let status = seal.status(SealStatusRequest {}).await.expect("an answer");
    let status = status.into_inner();
    assert!(status.initialized && status.sealed);
    assert_eq!((status.threshold, status.shares), (2, 3));
    cluster.unseal(1).await;
    let after = health.check(CheckRequest {}).await.expect("an answer");
    let after = after.into_inner();
    assert!(after.serving && after.has_leader && !after.standby);
    assert!(!after.version.is_empty());
    let status = seal.status(SealStatusRequest {}).await.expect("an answer");
    assert!(!status.into_inner().sealed);
}

#[tokio::test]
async fn a_secret_goes_through_one_node_and_comes_out_of_another() {
    let cluster = Cluster::ready(3).await;
    let followers = cluster.followers().await;
    let root = &cluster.keys.root_token;
    let mut here = KvV2Client::with_origin(channel(), origin(&cluster, followers[0]));
    let mut there = KvV2Client::with_origin(channel(), origin(&cluster, followers[1]));
    let first = put("app/db", r#"{"n":1.10,"user":"ada"}"#, Some(0));
    let made = here
        .put(with_token(root, first.clone()))
        .await
        .expect("put");
    let made = made.into_inner();
    assert_eq!(
        made.metadata.as_ref().map(|metadata| metadata.version),
        Some(1)
    );
    assert!(made.index > 0);
    let twice = here.put(with_token(root, first)).await.expect_err("cas");
    assert_eq!(twice.code(), Code::InvalidArgument);

    // Linearizable by default, and after the write's own index on request.
    for want in [None, Some(Want::AtLeastIndex(made.index))] {
        let read = there.get(with_token(root, get("app/db", want))).await;
        let read = read.expect("get").into_inner();
        assert_eq!(
            read.data_json.as_deref(),
            Some(r#"{"n":1.10,"user":"ada"}"#)
        );
        assert!(read.index >= made.index);
    }
    let list = ListRequest {
        mount: "secret".to_owned(),
        path: String::new(),
        after: String::new(),
        limit: 0,
        consistency: None,
    };
    let listed = there.list(with_token(root, list)).await.expect("list");
    assert_eq!(listed.into_inner().keys, ["app/"]);

    let delete = DeleteRequest {
        mount: "secret".to_owned(),
        path: "app/db".to_owned(),
        versions: Vec::new(),
    };
    there
        .delete(with_token(root, delete))
        .await
        .expect("delete");
    let gone = here.get(with_token(root, get("app/db", None))).await;
    let gone = gone
        .expect("the metadata of a deleted version")
        .into_inner();
    assert_eq!(gone.data_json, None);
    let metadata = gone.metadata.expect("metadata");
    assert!(!metadata.deletion_time.is_empty() && !metadata.destroyed);
}

#[tokio::test]
async fn both_doors_show_one_store_and_one_law() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    let mut kv = KvV2Client::with_origin(channel(), origin(&cluster, 1));
    let body = json!({ "data": { "from": "http" } });
    root.post("secret/data/shared", body).await.expect(200);
    let read = kv
        .get(with_token(&cluster.keys.root_token, get("shared", None)))
        .await;
    let text = read.expect("get").into_inner().data_json.expect("a secret");
    let read: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read, json!({ "from": "http" }));

    let absent = kv.get(with_token(&cluster.keys.root_token, get("none", None)));
    assert_eq!(absent.await.expect_err("absent").code(), Code::NotFound);
    let unknown = kv
        .get(Request::new(get("shared", None)))
        .await
        .expect_err("no token");
    assert_eq!(unknown.code(), Code::PermissionDenied);
    let climbing = put("../sys", "{}", None);
    let climbing = kv.put(with_token(&cluster.keys.root_token, climbing));
    assert_eq!(
        climbing.await.expect_err("path").code(),
        Code::InvalidArgument
    );
    let canary = put("x", "{\"canary\": ", None);
    let malformed = kv
        .put(with_token(&cluster.keys.root_token, canary))
        .await
        .expect_err("JSON");
    assert_eq!(malformed.code(), Code::InvalidArgument);
    assert!(!malformed.message().contains("canary"), "{malformed}");
}
