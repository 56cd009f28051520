//! KV v1 as clients see it.

use crate::fixture::{Delete, List, Mounted, Patch, Read, Scan, Write};
use serde_json::{Value as Json, json};

fn mounted() -> Mounted {
    Mounted::new("kv", "1")
}

#[test]
fn gives_back_what_was_written_and_nothing_else() {
    let kv = mounted();
    let absent = kv.read("a/b");
    assert_eq!(
        (absent.status, absent.data, absent.error),
        (404, Json::Null, String::new())
    );
    let secret =
        r#"{"n": 12345678901234567890123.5e-3, "z": null, "a": {"x": ["ü"]}, "path": "p"}"#;
    let secret: Json = serde_json::from_str(secret).unwrap();
    assert!(!kv.exists("a/b"));
    assert_eq!(kv.call(Write, "a/b", secret.clone()).status, 204);
    assert!(kv.exists("a/b"));
    let answer = kv.read("a/b");
    assert_eq!(
        (answer.status, answer.data.to_string()),
        (200, secret.to_string())
    );
    let lease = answer.lease.unwrap();
    assert_eq!(
        (lease.lease_id.as_str(), lease.duration_s, lease.renewable),
        ("", 2_764_800, false)
    );

    assert_eq!(kv.call(Write, "a/b", json!({"only": 1})).status, 204);
    assert_eq!(kv.read("a/b").data, json!({"only": 1}));
    assert_eq!(kv.call(Delete, "a/b", Json::Null).status, 204);
    assert_eq!(kv.call(Delete, "a/b", Json::Null).status, 204);
    assert_eq!(kv.read("a/b").status, 404);
    assert_eq!(kv.records_below("object"), 0);
}

#[test]
fn members_named_like_list_options_are_the_client_s() {
    let kv = mounted();
    let secret = json!({"after": "x", "limit": "y", "list": true});
    assert_eq!(kv.call(Write, "a", secret.clone()).status, 204);
    assert_eq!(kv.read("a").data, secret);
}

#[test]
fn a_ttl_member_is_shown_as_the_lease() {
    let kv = mounted();
    for (secret, shown) in [
        (json!({"ttl": "1h"}), 3_600),
        (json!({"ttl": 90}), 90),
        (json!({"lease": "30"}), 30),
        (json!({"ttl": "5m", "lease": "1h"}), 300),
        (json!({"ttl": "no duration"}), 2_764_800),
        (json!({"ttl": ["1h"]}), 2_764_800),
    ] {
        kv.call(Write, "a", secret.clone());
        assert_eq!(kv.read("a").lease.unwrap().duration_s, shown, "{secret}");
    }
}

#[test]
fn refuses_empty_bodies_and_paths_that_name_no_secret() {
    let kv = mounted();
    let empty = kv.call(Write, "a", json!({}));
    assert_eq!(
        (empty.status, empty.error.as_str()),
        (400, "missing data fields")
    );
    let root = kv.call(Write, "", json!({"a": 1}));
    assert_eq!((root.status, root.error.as_str()), (400, "missing path"));
    let directory = kv.call(Write, "a/", json!({"a": 1}));
    assert_eq!(
        (directory.status, directory.error.contains("path")),
        (400, true)
    );
    assert_eq!(kv.call(Delete, "a/", Json::Null).status, 400);
    kv.call(Write, "a", json!({"a": 1}));
    assert_eq!(kv.call(Read, "a/", Json::Null).status, 404);
    assert_eq!(kv.call(Patch, "a", json!({"a": 1})).status, 405);
}

#[test]
fn lists_one_level_and_scans_all() {
    let kv = mounted();
    assert_eq!(kv.call(List, "", Json::Null).status, 404);
    for path in ["a", "a/b/c", "a-b", "a/d", "é"] {
        assert_eq!(kv.call(Write, path, json!({"a": 1})).status, 204);
    }
    assert_eq!(
        kv.call(List, "", Json::Null).keys(),
        ["a", "a-b", "a/", "é"]
    );
    assert_eq!(kv.call(List, "a", Json::Null).keys(), ["b/", "d"]);
    assert_eq!(kv.call(List, "a/b", Json::Null).keys(), ["c"]);
    assert_eq!(kv.call(List, "a/d", Json::Null).status, 404);
    assert_eq!(
        kv.call(Scan, "", Json::Null).keys(),
        ["a", "a-b", "a/b/c", "a/d", "é"]
    );
    assert_eq!(kv.call(Scan, "a/", Json::Null).keys(), ["b/c", "d"]);
    assert_eq!(kv.call(Scan, "x", Json::Null).status, 404);
}

#[test]
fn pages_cover_a_list_once() {
    let kv = mounted();
    for path in ["a", "a/b", "a-b", "c/d", "e"] {
        kv.call(Write, path, json!({"a": 1}));
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    for _ in 0..10 {
        let page = kv.call(List, &format!("?after={after}&limit=2"), Json::Null);
        if page.status == 404 {
            break;
        }
        assert!(page.keys().len() <= 2);
        seen.extend(page.keys().into_iter().map(str::to_owned));
        after.clone_from(seen.last().unwrap());
    }
    assert_eq!(seen, ["a", "a-b", "a/", "c/", "e"]);
    assert_eq!(kv.call(List, "?limit=0", Json::Null).keys().len(), 5);
    assert_eq!(
        kv.call(List, "?limit=-1&after=c/", Json::Null).keys(),
        ["e"]
    );
    assert_eq!(
        kv.call(Scan, "?limit=1&after=a-b", Json::Null).keys(),
        ["a/b"]
    );
    assert_eq!(kv.call(List, "?limit=x", Json::Null).status, 400);
}
