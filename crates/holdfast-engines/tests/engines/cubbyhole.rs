//! Cubbyhole as clients see it.

use crate::fixture::{Delete, List, Mounted, Read, Scan, Write};
use holdfast_engines::cubbyhole::of_token;
use holdfast_types::NamespaceId;
use serde_json::{Value as Json, json};

#[test]
fn a_token_sees_its_own_and_no_other() {
    let hole = Mounted::new("cubbyhole", "");
    assert_eq!(
        hole.call_as("a", Write, "x/y", json!({"v": "a"})).status,
        204
    );
    assert_eq!(
        hole.call_as("b", Write, "x/y", json!({"v": "b"})).status,
        204
    );
    assert_eq!(
        hole.call_as("a", Read, "x/y", Json::Null).data,
        json!({"v": "a"})
    );
    assert_eq!(
        hole.call_as("b", Read, "x/y", Json::Null).data,
        json!({"v": "b"})
    );
    assert!(hole.call_as("a", Read, "x/y", Json::Null).lease.is_none());
    assert_eq!(hole.call_as("c", Read, "x/y", Json::Null).status, 404);
    assert_eq!(hole.call_as("c", Read, "a/x/y", Json::Null).status, 404);
    assert_eq!(hole.call_as("c", List, "", Json::Null).status, 404);
    assert_eq!(hole.call_as("a", List, "", Json::Null).keys(), ["x/"]);
    assert_eq!(hole.call_as("a", Delete, "x/y", Json::Null).status, 204);
    assert_eq!(hole.call_as("a", Read, "x/y", Json::Null).status, 404);
    assert_eq!(hole.call_as("b", Read, "x/y", Json::Null).status, 200);
    assert_eq!(hole.call_as("b", Scan, "", Json::Null).status, 405);
}

#[test]
fn refuses_tokens_without_a_place_and_empty_bodies() {
    let hole = Mounted::new("cubbyhole", "");
    for operation in [Read, Write, Delete, List] {
        let answer = hole.call_as("", operation, "x", json!({"v": 1}));
        assert_eq!(answer.status, 400, "{operation:?}");
        assert!(answer.error.contains("service tokens"));
    }
    assert_eq!(hole.call_as("a", Write, "x", json!({})).status, 400);
    assert_eq!(hole.call_as("a", Write, "x/", json!({"v": 1})).status, 400);
    assert_eq!(hole.call_as("a", Write, "", json!({"v": 1})).status, 400);
}

#[test]
fn the_end_of_a_token_takes_all_it_kept() {
    let hole = Mounted::new("cubbyhole", "");
    for path in ["x", "x/y", "z"] {
        hole.call_as("a", Write, path, json!({"v": 1}));
        hole.call_as("b", Write, path, json!({"v": 1}));
    }
    assert_eq!(
        hole.delete_below(&of_token(NamespaceId::ROOT, hole.mount_id(), "a")),
        3
    );
    assert_eq!(hole.call_as("a", List, "", Json::Null).status, 404);
    assert_eq!(
        hole.call_as("b", List, "", Json::Null).keys(),
        ["x", "x/", "z"]
    );
}
