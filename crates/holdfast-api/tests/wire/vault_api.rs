//! What Vault's clients do, over HTTP.

use crate::scripted::{client, opened, product, scripted, send};
use holdfast_api::Limits;
use reqwest::Method;
use serde_json::{Value as Json, json};

fn verb(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

#[tokio::test]
async fn verbs_headers_and_bodies_reach_the_pipeline() {
    let (served, _) = scripted(Limits::default()).await;
    let client = client();
    let request = client
        .request(
            verb("LIST"),
            served.url("/v1/secret/metadata/a%20b/?after=x"),
        )
        .header("authorization", "Bearer tok")
        .header("x-vault-namespace", "/ns/")
        .header("x-holdfast-consistency", "bounded=250ms");
    let (status, headers, body) = send(request).await;
    let seen = &body["data"];
    assert_eq!(status, 200);
    assert_eq!(seen["operation"], "List");
    assert_eq!(seen["path"], "secret/metadata/a b/");
    assert_eq!(seen["query"], json!([["after", "x"]]));
    assert_eq!(
        (&seen["token"], &seen["namespace"]),
        (&json!("tok"), &json!("ns"))
    );
    assert_eq!(seen["freshness"], "BoundedMs(250)");
    assert!(seen["remote"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["content-type"], "application/json");

    let index = headers["x-vault-index"].to_str().unwrap().to_owned();
    let (_, _, body) = send(
        client
            .get(served.url("/v1/a"))
            .header("x-vault-index", index),
    )
    .await;
    assert_eq!(body["data"]["freshness"], "AtLeast(7)");

    let (_, _, body) = send(
        client
            .put(served.url("/v1/a"))
            .body(r#"{"n": 1.10, "big": 12345678901234567890123}"#),
    )
    .await;
    assert_eq!(
        body["data"]["body"].to_string(),
        r#"{"n":1.10,"big":12345678901234567890123}"#
    );
    assert_eq!(body["data"]["operation"], "Write");
    assert_eq!(body["request_id"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn odd_requests_get_the_status_that_clients_expect() {
    let (served, _) = scripted(Limits::default()).await;
    let client = client();
    for (method, path, expected) in [
        ("GET", "/", 404),
        ("GET", "/ui/", 404),
        ("GET", "/v1/absent", 404),
        ("OPTIONS", "/v1/a", 405),
        ("FOO", "/v1/a", 405),
        ("GET", "/v1/a?list=maybe", 400),
        ("GET", "/v1/a?list=true&scan=true", 400),
        ("POST", "/v1/a/", 400),
        ("GET", "/v1/a%2Fb", 400),
        ("GET", "/v1/a//b", 400),
        ("PATCH", "/v1/a", 415),
    ] {
        let (status, _, body) = send(client.request(verb(method), served.url(path))).await;
        assert_eq!(status, expected, "{method} {path}: {body}");
        assert_eq!(
            body["errors"].as_array().unwrap().is_empty(),
            expected == 404,
            "{method} {path}: {body}"
        );
    }
    let patch = client
        .patch(served.url("/v1/a"))
        .header("content-type", "application/merge-patch+json");
    assert_eq!(send(patch.body("{}")).await.0, 200);
    for body in ["[]", "{", "{\"a\":1,\"a\":2}", "null"] {
        assert_eq!(
            send(client.post(served.url("/v1/a")).body(body)).await.0,
            400,
            "{body}"
        );
    }
    let wrapped = client
        .get(served.url("/v1/a"))
        .header("x-vault-wrap-ttl", "60");
    assert_eq!(send(wrapped).await.0, 400);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let (served, _) = scripted(Limits::default()).await;
    let response = client().head(served.url("/v1/a")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let length: usize = response.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(length > 10);
    assert!(response.bytes().await.unwrap().is_empty());
}

/// From nothing to a secret read back, as an operator and a service do it.
#[tokio::test]
async fn a_secret_goes_in_and_comes_out() {
    let served = product().await;
    let client = client();
    let (status, _, body) = send(client.get(served.url("/v1/sys/health"))).await;
    assert_eq!((status, &body["initialized"]), (501, &json!(false)));
    let (status, _, body) = send(
        client
            .get(served.url("/v1/secret/data/a"))
            .header("x-vault-token", "t"),
    )
    .await;
    assert_eq!(status, 503, "{body}");

    let token = opened(&served).await;
    let ask = |method: &str, path: &str| {
        client
            .request(verb(method), served.url(path))
            .header("x-vault-token", &token)
    };

    let (status, headers, body) =
        send(ask("POST", "/v1/secret/data/a").body(r#"{"data": {"n": 1.10}}"#)).await;
    assert_eq!((status, &body["data"]["version"]), (200, &json!(1)));
    assert!(headers.contains_key("x-vault-index"));
    let (status, _, body) = send(ask("GET", "/v1/secret/data/a")).await;
    assert_eq!(
        (status, body["data"]["data"].to_string().as_str()),
        (200, r#"{"n":1.10}"#)
    );
    assert_eq!(body["mount_type"], "kv");
    let (_, _, body) = send(ask("GET", "/v1/secret/metadata?list=true")).await;
    assert_eq!(body["data"]["keys"], json!(["a"]));

    assert_eq!(send(ask("DELETE", "/v1/secret/data/a")).await.0, 204);
    let (status, _, body) = send(ask("GET", "/v1/secret/data/a")).await;
    assert_eq!((status, &body["data"]["data"]), (404, &Json::Null));
    assert_eq!(body["data"]["metadata"]["version"], 1);
    let (status, _, body) = send(ask("GET", "/v1/secret/data/none")).await;
    assert_eq!((status, body), (404, json!({ "errors": [] })));
    let (status, _, body) = send(
        client
            .get(served.url("/v1/secret/data/a"))
            .header("x-vault-token", "wrong"),
    )
    .await;
    assert_eq!(
        (status, body),
        (403, json!({ "errors": ["permission denied"] }))
    );

    let (status, _, body) = send(ask("HELP", "/v1/secret/data/a")).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        body["openapi"]["paths"].as_object().unwrap().len(),
        1,
        "{body}"
    );
    let (status, headers, _) = send(ask("GET", "/v1/sys/metrics?format=prometheus")).await;
    assert_eq!(status, 200);
    assert!(
        headers["content-type"].to_str().unwrap().contains("text"),
        "{headers:?}"
    );
}
