//! Settings, custom metadata and lists of KV v2 as clients see them.

use crate::fixture::{Delete, List, Mounted, Patch, START_MS, Scan, Write};
use serde_json::{Value as Json, json};

const START: &str = "2018-03-22T02:24:06.945000000Z";

fn mounted() -> Mounted {
    Mounted::new("kv", "2")
}

fn put(kv: &Mounted, path: &str) {
    assert_eq!(
        kv.call(Write, &format!("data/{path}"), json!({"data": {"v": 1}}))
            .status,
        200
    );
}

#[test]
fn the_mount_s_settings_read_as_written() {
    let kv = mounted();
    let initial = json!({
        "cas_required": false,
        "delete_version_after": "0s",
        "max_versions": 0,
        "metadata_cas_required": false,
    });
    assert_eq!(kv.read("config").data, initial);
    let settings = json!({"max_versions": "5", "delete_version_after": "3h25m19s"});
    assert_eq!(kv.call(Write, "config", settings).status, 204);
    assert_eq!(
        kv.call(Write, "config", json!({"cas_required": true}))
            .status,
        204
    );
    let written = json!({
        "cas_required": true,
        "delete_version_after": "3h25m19s",
        "max_versions": 5,
        "metadata_cas_required": false,
    });
    assert_eq!(kv.read("config").data, written);
    kv.call(Write, "config", json!({"delete_version_after": "-1s"}));
    assert_eq!(kv.read("config").data["delete_version_after"], "-1s");
    for (body, field) in [
        (json!({"max_versions": -1}), "max_versions"),
        (json!({"max_versions": 100_000}), "max_versions"),
        (
            json!({"delete_version_after": "canary"}),
            "delete_version_after",
        ),
        (json!({"cas_required": "canary"}), "cas_required"),
    ] {
        let answer = kv.call(Write, "config", body);
        assert_eq!(answer.status, 400);
        assert!(answer.error.contains(field) && !answer.error.contains("canary"));
    }
}

#[test]
fn metadata_shows_versions_and_settings() {
    let kv = mounted();
    assert_eq!(
        (kv.read("metadata/a").status, kv.read("metadata/a").data),
        (404, Json::Null)
    );
    put(&kv, "a");
    kv.set_time_ms(START_MS + 1_000);
    put(&kv, "a");
    kv.call(Delete, "data/a", Json::Null);
    kv.call(Write, "destroy/a", json!({"versions": [1]}));
    let later = "2018-03-22T02:24:07.945000000Z";
    let shown = json!({
        "cas_required": false,
        "created_time": START,
        "current_metadata_version": 0,
        "current_version": 2,
        "custom_metadata": null,
        "delete_version_after": "0s",
        "max_versions": 0,
        "metadata_cas_required": false,
        "oldest_version": 0,
        "updated_time": later,
        "versions": {
            "1": {"created_time": START, "deletion_time": "", "destroyed": true},
            "2": {"created_time": later, "deletion_time": later, "destroyed": false},
        },
    });
    assert_eq!(kv.read("metadata/a").data, shown);
}

#[test]
fn metadata_can_stand_without_versions() {
    let kv = mounted();
    assert_eq!(kv.call(Write, "metadata/a", json!({})).status, 204);
    assert_eq!(kv.read("metadata/a").status, 404, "no setting, no secret");
    let settings = json!({"max_versions": 3, "cas_required": true, "delete_version_after": 90});
    assert_eq!(kv.call(Write, "metadata/a", settings).status, 204);
    let shown = kv.read("metadata/a").data;
    assert_eq!(
        (&shown["max_versions"], &shown["cas_required"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(
        (&shown["delete_version_after"], &shown["versions"]),
        (&json!("1m30s"), &json!({}))
    );
    assert_eq!(
        (&shown["current_version"], &shown["created_time"]),
        (&json!(0), &json!(START))
    );
    assert_eq!(kv.read("data/a").status, 404);
    assert!(kv.exists("data/a"));
    assert_eq!(
        kv.call(Write, "metadata/a/", json!({"max_versions": 3}))
            .status,
        400
    );
    assert_eq!(
        kv.call(Write, "metadata", json!({"max_versions": 3}))
            .status,
        400
    );
    assert_eq!(
        kv.call(Write, "metadata/a", json!({"delete_version_after": "-1s"}))
            .status,
        400
    );
}

#[test]
fn a_false_that_the_mount_overrules_is_warned_of() {
    let kv = mounted();
    kv.call(Write, "config", json!({"cas_required": true}));
    let answer = kv.call(Write, "metadata/a", json!({"cas_required": false}));
    assert_eq!((answer.status, answer.warnings.len()), (200, 1));
    assert!(answer.warnings[0].contains("cas_required"));
}

#[test]
fn custom_metadata_is_replaced_by_post_and_merged_by_patch() {
    let kv = mounted();
    assert_eq!(
        kv.call(Patch, "metadata/a", json!({"custom_metadata": {}}))
            .status,
        404
    );
    put(&kv, "a");
    kv.call(
        Write,
        "metadata/a",
        json!({"custom_metadata": {"owner": "x", "tier": 1}}),
    );
    let shown = |path: &str| kv.read(path).data["custom_metadata"].clone();
    assert_eq!(shown("metadata/a"), json!({"owner": "x", "tier": "1"}));
    assert_eq!(
        kv.read("data/a").data["metadata"]["custom_metadata"]["owner"],
        "x"
    );
    let patch =
        json!({"custom_metadata": {"owner": null, "tier": "2", "new": "y", "absent": null}});
    assert_eq!(kv.call(Patch, "metadata/a", patch).status, 204);
    assert_eq!(shown("metadata/a"), json!({"tier": "2", "new": "y"}));
    kv.call(Patch, "metadata/a", json!({"max_versions": 7}));
    assert_eq!(shown("metadata/a"), json!({"tier": "2", "new": "y"}));
    assert_eq!(kv.read("metadata/a").data["max_versions"], 7);
    kv.call(
        Write,
        "metadata/a",
        json!({"custom_metadata": {"only": "z"}}),
    );
    assert_eq!(shown("metadata/a"), json!({"only": "z"}));
    kv.call(Write, "metadata/a", json!({"custom_metadata": {}}));
    assert_eq!(shown("metadata/a"), Json::Null);
}

#[test]
fn custom_metadata_has_limits_and_refusals_show_none_of_it() {
    let kv = mounted();
    put(&kv, "a");
    let pairs = |count: usize| -> Json {
        let pairs = (0..count).map(|i| (format!("canary{i}"), json!("v")));
        json!({"custom_metadata": pairs.collect::<serde_json::Map<_, _>>()})
    };
    let one = |key: &str, value: Json| json!({"custom_metadata": {key: value}});
    for operation in [Write, Patch] {
        for bad in [
            pairs(65),
            one("", json!("canary")),
            one(&"canary".repeat(22), json!("v")),
            one("canary", json!("")),
            one("canary", json!("canary".repeat(86))),
            one("canary", json!("canary\n")),
            one("canary", json!(["canary"])),
            json!({"custom_metadata": "canary"}),
        ] {
            let answer = kv.call(operation, "metadata/a", bad);
            assert_eq!(answer.status, 400);
            assert!(answer.error.contains("custom_metadata"), "{}", answer.error);
            assert!(!answer.error.contains("canary"), "{}", answer.error);
        }
        assert_eq!(kv.call(operation, "metadata/a", pairs(64)).status, 204);
    }
    kv.call(Write, "metadata/a", pairs(64));
    assert_eq!(
        kv.call(Patch, "metadata/a", one("one-more", json!("v")))
            .status,
        400
    );
    let limits = json!({"custom_metadata": {"k".repeat(128): "v".repeat(512)}});
    assert_eq!(kv.call(Write, "metadata/a", limits).status, 204);
    assert_eq!(
        kv.call(Write, "metadata/b", one("k", json!(null))).status,
        400
    );
}

#[test]
fn metadata_has_its_own_check_and_set() {
    let kv = mounted();
    let write = |path: &str, cas: u64| {
        kv.call(Write, path, json!({"max_versions": 3, "metadata_cas": cas}))
    };
    assert_eq!(
        write("metadata/a", 1).error,
        "metadata_cas must be 0 when creating new metadata"
    );
    assert_eq!(write("metadata/a", 0).status, 204);
    assert_eq!(kv.read("metadata/a").data["current_metadata_version"], 1);
    let stale = write("metadata/a", 0);
    assert_eq!(stale.status, 400);
    assert_eq!(
        stale.error,
        "metadata check-and-set parameter does not match the current version"
    );
    assert_eq!(write("metadata/a", 1).status, 204);
    put(&kv, "a");
    assert_eq!(kv.read("metadata/a").data["current_metadata_version"], 2);

    kv.call(Write, "config", json!({"metadata_cas_required": true}));
    for operation in [Write, Patch] {
        let bare = kv.call(operation, "metadata/a", json!({"max_versions": 3}));
        assert_eq!(
            bare.error,
            "metadata check-and-set parameter required for this call"
        );
    }
    kv.call(Write, "config", json!({"metadata_cas_required": false}));
    kv.call(Write, "metadata/a", json!({"metadata_cas_required": true}));
    assert_eq!(
        kv.call(Write, "metadata/a", json!({"max_versions": 3}))
            .status,
        400
    );
    assert_eq!(write("metadata/a", 3).status, 204);
}

#[test]
fn removing_a_secret_leaves_nothing_and_numbers_begin_again() {
    let kv = mounted();
    put(&kv, "a");
    put(&kv, "a");
    kv.call(Write, "destroy/a", json!({"versions": [1]}));
    assert_eq!(kv.call(Delete, "metadata/a", Json::Null).status, 204);
    assert_eq!(kv.call(Delete, "metadata/a", Json::Null).status, 204);
    assert_eq!((kv.records_below("meta"), kv.records_below("data")), (0, 0));
    assert_eq!(kv.read("data/a").status, 404);
    put(&kv, "a");
    assert_eq!(kv.read("data/a").data["metadata"]["version"], 1);
}

#[test]
fn lists_and_scans_secrets() {
    let kv = mounted();
    assert_eq!(kv.call(List, "metadata", Json::Null).status, 404);
    for path in ["a", "a/b/c", "a-b", "z/1"] {
        put(&kv, path);
    }
    kv.call(Delete, "data/a", Json::Null);
    assert_eq!(
        kv.call(List, "metadata/", Json::Null).keys(),
        ["a", "a-b", "a/", "z/"]
    );
    assert_eq!(kv.call(List, "metadata/a", Json::Null).keys(), ["b/"]);
    assert_eq!(
        kv.call(List, "metadata/?limit=1&after=a", Json::Null)
            .keys(),
        ["a-b"]
    );
    assert_eq!(
        kv.call(Scan, "metadata", Json::Null).keys(),
        ["a", "a-b", "a/b/c", "z/1"]
    );
    assert_eq!(kv.call(List, "metadata/a-b", Json::Null).status, 404);
}

#[test]
fn detailed_lists_carry_the_metadata_of_each_secret() {
    let kv = mounted();
    assert_eq!(kv.call(List, "detailed-metadata", Json::Null).status, 404);
    for path in ["d/a", "d/b/c"] {
        put(&kv, path);
    }
    kv.call(
        Write,
        "metadata/d/a",
        json!({"custom_metadata": {"k": "v"}}),
    );
    let list = kv.call(List, "detailed-metadata/d", Json::Null);
    assert_eq!(list.keys(), ["a", "b/"]);
    let details = list.data["key_info"].as_object().unwrap();
    assert_eq!(
        (details.len(), &details["a"]),
        (1, &kv.read("metadata/d/a").data)
    );
    let scan = kv.call(Scan, "detailed-metadata", Json::Null);
    assert_eq!(scan.keys(), ["d/a", "d/b/c"]);
    assert_eq!(
        scan.data["key_info"]["d/b/c"],
        kv.read("metadata/d/b/c").data
    );
}
