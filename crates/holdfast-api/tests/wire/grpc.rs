//! gRPC on the same port, through the same pipeline.

use crate::scripted::{client, opened, product, send};
use holdfast_proto::v1::health_client::HealthClient;
use holdfast_proto::v1::kv_v2_client::KvV2Client;
use holdfast_proto::v1::seal_client::SealClient;
use holdfast_proto::v1::{
    CheckRequest, Consistency, DeleteRequest, GetRequest, ListRequest, PutRequest,
    SealStatusRequest, consistency::Want,
};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value as Json;
use tonic::{Code, Request};

type Channel = Client<HttpConnector, tonic::body::Body>;

fn channel() -> Channel {
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("x-vault-token", token.parse().unwrap());
    request
}

#[tokio::test]
async fn health_and_seal_need_no_token() {
    let served = product().await;
    let origin: http::Uri = served.url("").parse().unwrap();
    let mut health = HealthClient::with_origin(channel(), origin.clone());
    let mut seal = SealClient::with_origin(channel(), origin);
    let before = health.check(CheckRequest {}).await.unwrap().into_inner();
    assert!(!before.serving && !before.initialized);
    opened(&served).await;
    let after = health.check(CheckRequest {}).await.unwrap().into_inner();
    assert!(after.serving && after.initialized && !after.sealed);
    let status = seal
        .status(SealStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert!(!status.sealed);
    assert_eq!((status.threshold, status.shares), (1, 1));
}

#[tokio::test]
async fn a_secret_goes_in_and_comes_out() {
    let served = product().await;
    let token = opened(&served).await;
    let mut kv = KvV2Client::with_origin(channel(), served.url("").parse().unwrap());
    let (mount, path) = ("secret".to_owned(), "app/db".to_owned());
    let put = PutRequest {
        mount: mount.clone(),
        path: path.clone(),
        data_json: r#"{"n":1.10}"#.to_owned(),
        cas: Some(0),
    };
    let written = kv
        .put(with_token(&token, put.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(written.metadata.unwrap().version, 1);
    assert!(written.index > 0);
    let stale_cas = kv.put(with_token(&token, put)).await.unwrap_err();
    assert_eq!(stale_cas.code(), Code::InvalidArgument);
    assert!(stale_cas.message().contains("check-and-set"), "{stale_cas}");

    let get = GetRequest {
        mount: mount.clone(),
        path: path.clone(),
        version: 0,
        consistency: Some(Consistency {
            want: Some(Want::AtLeastIndex(written.index)),
        }),
    };
    let got = kv
        .get(with_token(&token, get.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got.data_json.as_deref(), Some(r#"{"n":1.10}"#));

    let list = ListRequest {
        mount: mount.clone(),
        ..ListRequest::default()
    };
    assert_eq!(
        kv.list(with_token(&token, list))
            .await
            .unwrap()
            .into_inner()
            .keys,
        ["app/"]
    );

    let delete = DeleteRequest {
        mount: mount.clone(),
        path: path.clone(),
        versions: vec![1],
    };
    kv.delete(with_token(&token, delete)).await.unwrap();
    let deleted = kv
        .get(with_token(&token, get.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(deleted.data_json, None);
    assert!(!deleted.metadata.unwrap().deletion_time.is_empty());
    let absent = GetRequest {
        path: "none".to_owned(),
        ..get
    };
    assert_eq!(
        kv.get(with_token(&token, absent)).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn refusals_come_from_the_one_table() {
    let served = product().await;
    let token = opened(&served).await;
    let mut kv = KvV2Client::with_origin(channel(), served.url("").parse().unwrap());
    let get = |mount: &str, path: &str| GetRequest {
        mount: mount.to_owned(),
        path: path.to_owned(),
        ..GetRequest::default()
    };
    let denied = kv
        .get(with_token("wrong", get("secret", "a")))
        .await
        .unwrap_err();
    assert_eq!(
        (denied.code(), denied.message()),
        (Code::PermissionDenied, "permission denied")
    );
    for (mount, path) in [
        ("secret", "a/../../b"),
        ("secret/..", "a"),
        ("", "a"),
        ("secret", ""),
    ] {
        let refused = kv
            .get(with_token(&token, get(mount, path)))
            .await
            .unwrap_err();
        assert_eq!(
            refused.code(),
            Code::InvalidArgument,
            "{mount} {path}: {refused}"
        );
    }
    let put = |text: &str| PutRequest {
        mount: "secret".to_owned(),
        path: "a".to_owned(),
        data_json: text.to_owned(),
        cas: None,
    };
    for text in ["canary", "[]", r#"{"canary":1,"canary":2}"#] {
        let refused = kv.put(with_token(&token, put(text))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(
            refused.message().contains("data_json") && !refused.message().contains("canary"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let served = product().await;
    let request = client()
        .post(served.url("/holdfast.v1.Nothing/Do"))
        .header("content-type", "application/grpc")
        .body("");
    let (status, headers, body) = send(request).await;
    assert_eq!((status, body), (200, Json::String(String::new())));
    assert_eq!(headers["grpc-status"], "12");
}
