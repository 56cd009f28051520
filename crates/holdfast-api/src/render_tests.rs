//! Golden texts of what clients read.

use super::*;
use holdfast_contract::LeaseReply;

fn answer(result: Result<Reply, Refusal>) -> Answer {
    Answer {
        result,
        request_id: "id-1".to_owned(),
        mount_type: "kv".to_owned(),
        index: Some(42),
        age_ms: None,
    }
}

fn rendered(result: Result<Reply, Refusal>) -> (u16, String) {
    let response = response(answer(result));
    let status = response.status().as_u16();
    (
        status,
        String::from_utf8(response.into_body().to_vec()).unwrap(),
    )
}

#[test]
fn an_envelope_always_has_its_keys() {
    let (status, text) = rendered(Ok(Reply::json(json!({ "k": "v" }))));
    assert_eq!(status, 200);
    assert_eq!(
        text,
        r#"{"request_id":"id-1","lease_id":"","renewable":false,"lease_duration":0,"data":{"k":"v"},"wrap_info":null,"warnings":null,"auth":null,"mount_type":"kv"}"#
    );
}

#[test]
fn leases_warnings_and_numbers_come_through() {
    let number: Json = serde_json::from_str("123456789012345678901234567890.10").unwrap();
    let mut reply = Reply::json(json!({ "n": number })).warn("careful");
    reply.lease = Some(LeaseReply {
        lease_id: "l".to_owned(),
        duration_s: 60,
        renewable: true,
    });
    let (_, text) = rendered(Ok(reply));
    assert!(
        text.contains(r#""lease_id":"l","renewable":true,"lease_duration":60"#),
        "{text}"
    );
    assert!(
        text.contains(r#""n":123456789012345678901234567890.10"#),
        "{text}"
    );
    assert!(text.contains(r#""warnings":["careful"]"#), "{text}");
}

#[test]
fn nothing_to_say_is_204_and_a_warning_alone_is_200() {
    let (status, text) = rendered(Ok(Reply::none()));
    assert_eq!((status, text.as_str()), (204, ""));
    let (status, text) = rendered(Ok(Reply::none().warn("careful")));
    assert_eq!(status, 200);
    assert!(text.contains(r#""data":null"#), "{text}");
}

#[test]
fn doubled_repeats_the_data_but_never_an_envelope_key() {
    let (_, text) = rendered(Ok(Reply::doubled(
        json!({ "secret/": { "a": 1 }, "data": 2 }),
    )));
    let parsed: Map<String, Json> = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed["secret/"], parsed["data"]["secret/"]);
    assert_eq!(text.matches("\"data\":").count(), 2, "{text}");
}

#[test]
fn bare_and_text_have_no_envelope() {
    let mut reply = Reply::bare(json!({ "sealed": true }));
    reply.status = Some(503);
    assert_eq!(rendered(Ok(reply)), (503, r#"{"sealed":true}"#.to_owned()));
    let text = Reply {
        form: Form::Text,
        ..Reply::json(json!({ "text": "a 1\n", "content_type": "text/x" }))
    };
    let response = response(answer(Ok(text)));
    assert_eq!(response.headers()[CONTENT_TYPE], "text/x");
    assert_eq!(response.body().as_ref(), b"a 1\n");
}

#[test]
fn a_token_answer_has_every_member() {
    let auth = AuthReply {
        client_token: "hvs.x".to_owned(),
        accessor: "acc".to_owned(),
        policies: vec!["default".to_owned()],
        token_policies: vec!["default".to_owned()],
        metadata: Some(vec![("k".to_owned(), "v".to_owned())]),
        lease_duration_s: 3600,
        renewable: true,
        entity_id: String::new(),
        token_type: "service",
        orphan: false,
        num_uses: 0,
    };
    let (_, text) = rendered(Ok(Reply {
        auth: Some(auth),
        ..Reply::default()
    }));
    assert!(
        text.contains(r#""auth":{"client_token":"hvs.x","accessor":"acc","policies":["default"],"token_policies":["default"],"identity_policies":null,"metadata":{"k":"v"},"lease_duration":3600,"renewable":true,"entity_id":"","token_type":"service","orphan":false,"mfa_requirement":null,"num_uses":0}"#),
        "{text}"
    );
}

#[test]
fn refusals_have_their_shapes() {
    assert_eq!(
        rendered(Err(Refusal::Denied)),
        (403, r#"{"errors":["permission denied"]}"#.to_owned())
    );
    assert_eq!(
        rendered(Err(Refusal::NotFound)),
        (404, r#"{"errors":[]}"#.to_owned())
    );
    assert_eq!(
        rendered(Err(Refusal::Internal("canary"))),
        (500, r#"{"errors":["internal error"]}"#.to_owned())
    );
    let mut gone = Map::new();
    gone.insert("data".to_owned(), Json::Null);
    let (status, text) = rendered(Err(Refusal::Gone(gone)));
    assert_eq!(status, 404);
    assert!(
        text.contains(r#""data":{"data":null}"#) && text.contains(r#""request_id":"id-1""#),
        "{text}"
    );
}

#[test]
fn headers_say_how_to_go_on() {
    let ok = response(answer(Ok(Reply::json(json!({})))));
    assert_eq!(ok.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(ok.headers()["x-vault-index"], index::encode(42).as_str());
    let sealed = response(answer(Err(Refusal::Sealed)));
    assert_eq!(sealed.headers()[RETRY_AFTER], "1");
    assert!(!sealed.headers().contains_key("x-vault-index"));
    assert!(
        !response(answer(Err(Refusal::Denied)))
            .headers()
            .contains_key(RETRY_AFTER)
    );
}
