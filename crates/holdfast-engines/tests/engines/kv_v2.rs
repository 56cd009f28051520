//! Values and versions of KV v2 as clients see them.

use crate::fixture::{Delete, List, Mounted, Patch, START_MS, Write};
use holdfast_barrier::CommitError;
use holdfast_contract::Refusal;
use serde_json::{Value as Json, json};

const START: &str = "2018-03-22T02:24:06.945000000Z";

fn mounted() -> Mounted {
    Mounted::new("kv", "2")
}

fn put(kv: &Mounted, path: &str, value: u64) {
    let answer = kv.call(
        Write,
        &format!("data/{path}"),
        json!({"data": {"v": value}}),
    );
    assert_eq!(answer.status, 200, "{}", answer.error);
}

#[test]
fn a_write_answers_with_its_version_and_a_read_with_the_value() {
    let kv = mounted();
    assert_eq!(
        (kv.read("data/a").status, kv.read("data/a").data),
        (404, Json::Null)
    );
    assert!(!kv.exists("data/a"));
    let written = kv.call(Write, "data/a", json!({"data": {"n": 1}}));
    let version = json!({
        "created_time": START,
        "custom_metadata": null,
        "deletion_time": "",
        "destroyed": false,
        "version": 1,
    });
    assert_eq!((written.status, &written.data), (200, &version));
    let read = kv.read("data/a");
    assert_eq!(read.data, json!({"data": {"n": 1}, "metadata": version}));
    assert!(read.lease.is_none() && read.warnings.is_empty());
    assert!(kv.exists("data/a") && kv.exists("metadata/a"));
}

#[test]
fn numbers_keep_their_digits() {
    let kv = mounted();
    let text = r#"{"data":{"n":12345678901234567890123.50}}"#;
    kv.call(Write, "data/a", serde_json::from_str(text).unwrap());
    assert_eq!(
        kv.read("data/a").data["data"].to_string(),
        r#"{"n":12345678901234567890123.50}"#
    );
    kv.call(Patch, "data/a", json!({"data": {"m": 1}}));
    let patched = r#"{"n":12345678901234567890123.50,"m":1}"#;
    assert_eq!(kv.read("data/a").data["data"].to_string(), patched);
}

#[test]
fn reads_a_version_by_number() {
    let kv = mounted();
    put(&kv, "a", 1);
    put(&kv, "a", 2);
    assert_eq!(kv.read("data/a").data["data"], json!({"v": 2}));
    assert_eq!(kv.read("data/a?version=0").data["metadata"]["version"], 2);
    assert_eq!(kv.read("data/a?version=1").data["data"], json!({"v": 1}));
    assert_eq!(kv.read("data/a?version=3").status, 404);
    assert_eq!(kv.read("data/a?version=x").status, 400);
}

#[test]
fn refuses_a_write_without_data_or_without_a_place() {
    let kv = mounted();
    for operation in [Write, Patch] {
        for body in [json!({}), json!({"value": "canary"}), json!({"data": null})] {
            let answer = kv.call(operation, "data/a", body);
            assert_eq!(
                (answer.status, answer.error.as_str()),
                (400, "no data provided")
            );
        }
        let answer = kv.call(operation, "data/a", json!({"data": "canary"}));
        assert_eq!(answer.status, 400);
        assert!(answer.error.contains("data") && !answer.error.contains("canary"));
        assert_eq!(
            kv.call(operation, "data/a/", json!({"data": {}})).status,
            400
        );
        let answer = kv.call(operation, "data", json!({"data": {}}));
        assert_eq!(
            (answer.status, answer.error.as_str()),
            (400, "missing path")
        );
    }
    assert_eq!(kv.call(Write, "data/a", json!({"data": {}})).status, 200);
    assert_eq!(kv.call(List, "data", Json::Null).status, 405);
    assert_eq!(kv.read("other/a").status, 404);
}

#[test]
fn an_unknown_member_is_warned_of() {
    let kv = mounted();
    let answer = kv.call(Write, "data/a", json!({"data": {}, "odd": "canary"}));
    assert_eq!(answer.status, 200);
    assert!(answer.warnings[0].contains("odd") && !answer.warnings[0].contains("canary"));
}

#[test]
fn check_and_set_holds_writes_to_the_version_they_saw() {
    let kv = mounted();
    let write = |cas: Json| {
        kv.call(
            Write,
            "data/a",
            json!({"data": {"v": 1}, "options": {"cas": cas}}),
        )
    };
    const MISMATCH: &str = "check-and-set parameter did not match the current version";
    assert_eq!(write(json!(1)).error, MISMATCH);
    assert_eq!(write(json!(0)).status, 200);
    assert_eq!(
        (write(json!(0)).status, write(json!(0)).error.as_str()),
        (400, MISMATCH)
    );
    assert_eq!(write(json!("1")).status, 200);
    assert_eq!(write(json!(-1)).error, MISMATCH);
    for odd in [json!(null), json!("x"), json!(1.5), json!([2])] {
        assert_eq!(write(odd).error, "error parsing check-and-set parameter");
    }
    assert_eq!(kv.read("data/a").data["metadata"]["version"], 2);
}

#[test]
fn check_and_set_can_be_required_by_mount_or_secret() {
    const REQUIRED: &str = "check-and-set parameter required for this call";
    let bare = json!({"data": {"v": 1}});
    let kv = mounted();
    kv.call(Write, "config", json!({"cas_required": true}));
    for operation in [Write, Patch] {
        put_with_cas(&kv, "a", if operation == Write { 0 } else { 1 });
        let answer = kv.call(operation, "data/a", bare.clone());
        assert_eq!((answer.status, answer.error.as_str()), (400, REQUIRED));
    }
    kv.call(Write, "config", json!({"cas_required": false}));
    kv.call(Write, "metadata/b", json!({"cas_required": true}));
    assert_eq!(kv.call(Write, "data/b", bare.clone()).error, REQUIRED);
    put_with_cas(&kv, "b", 0);
    assert_eq!(kv.call(Write, "data/a", bare).status, 200);
}

fn put_with_cas(kv: &Mounted, path: &str, cas: u64) {
    let body = json!({"data": {"v": 1}, "options": {"cas": cas}});
    assert_eq!(kv.call(Write, &format!("data/{path}"), body).status, 200);
}

#[test]
fn two_writes_at_once_conflict() {
    let kv = mounted();
    put(&kv, "a", 1);
    for (operation, path, body) in [
        (Write, "data/a", json!({"data": {"v": 3}})),
        (Patch, "data/a", json!({"data": {"v": 3}})),
        (Delete, "data/a", json!({})),
        (Write, "metadata/a", json!({"max_versions": 3})),
        (Write, "destroy/a", json!({"versions": [1]})),
        (Delete, "metadata/a", json!({})),
    ] {
        let result = kv.race(operation, path, body, || put(&kv, "a", 2));
        assert!(
            matches!(result, Err(Refusal::Commit(CommitError::Conflict))),
            "{path}"
        );
    }
    let requires = || drop(kv.call(Write, "config", json!({"cas_required": true})));
    let result = kv.race(Write, "data/a", json!({"data": {}}), requires);
    assert!(
        matches!(result, Err(Refusal::Commit(CommitError::Conflict))),
        "the rule changed"
    );
}

#[test]
fn a_patch_merges_into_the_latest_version() {
    let kv = mounted();
    let patch = |body: Json| kv.call(Patch, "data/a", body);
    assert_eq!(patch(json!({"data": {"a": 1}})).status, 404);
    kv.call(
        Write,
        "data/a",
        json!({"data": {"a": 1, "b": {"c": 2, "d": 3}, "e": [1]}}),
    );
    let answer = patch(json!({"data": {"a": null, "b": {"c": 4}, "e": [2]}}));
    assert_eq!((answer.status, &answer.data["version"]), (200, &json!(2)));
    let merged = json!({"b": {"c": 4, "d": 3}, "e": [2]});
    assert_eq!(kv.read("data/a").data["data"], merged);
    let stale = patch(json!({"data": {}, "options": {"cas": 1}}));
    assert_eq!(
        stale.error,
        "check-and-set parameter did not match the current version"
    );
    assert_eq!(
        patch(json!({"data": {}, "options": {"cas": 2}})).status,
        200
    );

    kv.call(Delete, "data/a", Json::Null);
    let gone = patch(json!({"data": {"a": 1}}));
    assert_eq!((gone.status, &gone.data["version"]), (404, &json!(3)));
    kv.call(Write, "metadata/empty", json!({"max_versions": 1}));
    assert_eq!(
        kv.call(Patch, "data/empty", json!({"data": {}})).status,
        404
    );
}

#[test]
fn a_deleted_version_answers_404_with_its_metadata_until_brought_back() {
    let kv = mounted();
    put(&kv, "a", 1);
    assert_eq!(kv.call(Delete, "data/a", Json::Null).status, 204);
    let gone = kv.read("data/a");
    assert_eq!((gone.status, &gone.data["data"]), (404, &Json::Null));
    assert!(gone.data.as_object().unwrap().contains_key("data"));
    assert_eq!(gone.data["metadata"]["deletion_time"], START);
    assert_eq!(gone.data["metadata"]["destroyed"], false);
    assert_eq!(kv.call(Delete, "data/a", Json::Null).status, 204);
    assert_eq!(
        kv.call(Write, "undelete/a", json!({"versions": [1]}))
            .status,
        204
    );
    assert_eq!(
        (
            kv.read("data/a").status,
            kv.read("data/a").data["data"]["v"].clone()
        ),
        (200, json!(1))
    );
    assert_eq!(kv.call(Delete, "data/absent", Json::Null).status, 204);
}

#[test]
fn a_deletion_holds_at_once_even_when_this_node_s_clock_is_ahead() {
    let kv = mounted();
    kv.set_wall_ms(START_MS + 60_000);
    put(&kv, "a", 1);
    let created = kv.read("data/a").data["metadata"]["created_time"].clone();
    assert_eq!(
        created, "2018-03-22T02:24:08.945000000Z",
        "held to two seconds"
    );
    kv.call(Delete, "data/a", Json::Null);
    assert_eq!(kv.read("data/a").status, 404);
}

#[test]
fn versions_are_deleted_and_destroyed_by_number() {
    let kv = mounted();
    for value in 1..=3 {
        put(&kv, "a", value);
    }
    assert_eq!(
        kv.call(Write, "delete/a", json!({"versions": "1, 3,9"}))
            .status,
        204
    );
    assert_eq!(kv.read("data/a?version=1").status, 404);
    assert_eq!(kv.read("data/a?version=2").status, 200);
    assert_eq!(kv.records_below("data"), 3);
    assert_eq!(
        kv.call(Write, "destroy/a", json!({"versions": [1, 2, 2, 9]}))
            .status,
        204
    );
    assert_eq!(kv.records_below("data"), 1);
    assert_eq!(
        kv.call(Write, "undelete/a", json!({"versions": [1, 2, 3]}))
            .status,
        204
    );
    let destroyed = kv.read("data/a?version=2");
    assert_eq!(
        (destroyed.status, &destroyed.data["data"]),
        (404, &Json::Null)
    );
    assert_eq!(destroyed.data["metadata"]["destroyed"], true);
    let first = kv.read("data/a?version=1").data["metadata"].clone();
    assert_eq!(
        (&first["destroyed"], &first["deletion_time"]),
        (&json!(true), &json!(START))
    );
    assert_eq!(kv.read("data/a").data["data"], json!({"v": 3}));
    for route in ["delete", "undelete", "destroy"] {
        let path = format!("{route}/a");
        let none = kv.call(Write, &path, json!({}));
        assert_eq!(
            (none.status, none.error.as_str()),
            (400, "No version number provided")
        );
        assert_eq!(kv.call(Write, &path, json!({"versions": []})).status, 400);
        assert_eq!(kv.call(Write, &path, json!({"versions": [-1]})).status, 400);
        assert_eq!(
            kv.call(Write, &format!("{route}/absent"), json!({"versions": [1]}))
                .status,
            204
        );
    }
}

#[test]
fn the_oldest_versions_go_first_and_for_good() {
    let kv = mounted();
    for value in 1..=12 {
        put(&kv, "a", value);
    }
    assert_eq!(kv.records_below("data"), 10);
    assert_eq!(
        (
            kv.read("data/a?version=2").status,
            kv.read("data/a?version=3").status
        ),
        (404, 200)
    );
    let metadata = kv.read("metadata/a").data;
    assert_eq!(
        (&metadata["oldest_version"], &metadata["current_version"]),
        (&json!(3), &json!(12))
    );

    kv.call(Write, "config", json!({"max_versions": 2}));
    put(&kv, "a", 13);
    assert_eq!(kv.records_below("data"), 2);
    kv.call(Write, "metadata/a", json!({"max_versions": 4}));
    for value in 14..=20 {
        put(&kv, "a", value);
    }
    assert_eq!(kv.records_below("data"), 4, "the greater setting holds");
}

#[test]
fn secrets_below_a_secret_are_other_secrets() {
    let kv = mounted();
    put(&kv, "a", 1);
    put(&kv, "a/1", 2);
    put(&kv, "a/1/1", 3);
    assert_eq!(kv.call(Delete, "metadata/a", Json::Null).status, 204);
    assert_eq!(kv.read("data/a").status, 404);
    assert_eq!(kv.read("data/a/1").data["data"], json!({"v": 2}));
    assert_eq!(kv.read("data/a/1/1").data["data"], json!({"v": 3}));
    assert_eq!(kv.records_below("data"), 2);
}

#[test]
fn versions_end_when_the_cluster_s_clock_says_so() {
    let kv = mounted();
    kv.call(Write, "config", json!({"delete_version_after": "1h"}));
    put(&kv, "mount", 1);
    kv.call(
        Write,
        "metadata/shorter",
        json!({"delete_version_after": "1500ms"}),
    );
    put(&kv, "shorter", 1);
    let longer = kv.call(
        Write,
        "metadata/longer",
        json!({"delete_version_after": "2h"}),
    );
    assert_eq!((longer.status, longer.warnings.len()), (200, 1));
    put(&kv, "longer", 1);
    let shown = |path: &str| kv.read(path).data["metadata"]["deletion_time"].clone();
    assert_eq!(shown("data/mount"), "2018-03-22T03:24:06.945000000Z");
    assert_eq!(shown("data/longer"), "2018-03-22T03:24:06.945000000Z");
    assert_eq!(shown("data/shorter"), "2018-03-22T02:24:08.445000000Z");

    kv.set_wall_ms(START_MS + 10_000_000);
    assert_eq!(
        kv.read("data/shorter").status,
        200,
        "only the cluster's clock counts"
    );
    kv.set_time_ms(START_MS + 1_499);
    assert_eq!(kv.read("data/shorter").status, 200);
    kv.set_time_ms(START_MS + 1_500);
    assert_eq!(
        (kv.read("data/shorter").status, kv.read("data/mount").status),
        (404, 200)
    );
    let patched = kv.call(Patch, "data/shorter", json!({"data": {}}));
    assert_eq!(patched.status, 404);
    kv.call(Write, "undelete/shorter", json!({"versions": [1]}));
    assert_eq!(
        (kv.read("data/shorter").status, shown("data/shorter")),
        (200, json!(""))
    );
}

#[test]
fn a_mount_can_turn_timed_deletion_off() {
    let kv = mounted();
    kv.call(Write, "metadata/a", json!({"delete_version_after": 10}));
    kv.call(Write, "config", json!({"delete_version_after": "-1s"}));
    put(&kv, "a", 1);
    assert_eq!(kv.read("data/a").data["metadata"]["deletion_time"], "");
    kv.call(Write, "config", json!({"delete_version_after": "0"}));
    put(&kv, "a", 2);
    assert_eq!(
        kv.read("data/a").data["metadata"]["deletion_time"],
        "2018-03-22T02:24:16.945000000Z"
    );
}

#[test]
fn subkeys_show_structure_and_no_value() {
    let kv = mounted();
    kv.call(
        Write,
        "data/a",
        json!({"data": {"x": {"y": "canary"}, "z": 1}}),
    );
    let answer = kv.read("subkeys/a");
    assert_eq!(answer.data["subkeys"], json!({"x": {"y": null}, "z": null}));
    assert_eq!(answer.data["metadata"]["version"], 1);
    assert_eq!(
        kv.read("subkeys/a?depth=1").data["subkeys"],
        json!({"x": null, "z": null})
    );
    put(&kv, "a", 2);
    assert_eq!(
        kv.read("subkeys/a?version=1&depth=0").data["subkeys"]["z"],
        Json::Null
    );
    assert_eq!(kv.read("subkeys/a").data["subkeys"], json!({"v": null}));
    assert_eq!(kv.read("subkeys/a?depth=-1").status, 400);
    assert_eq!(kv.read("subkeys/absent").status, 404);
    kv.call(Delete, "data/a", Json::Null);
    let gone = kv.read("subkeys/a");
    assert_eq!(
        (
            gone.status,
            &gone.data["subkeys"],
            &gone.data["metadata"]["version"]
        ),
        (404, &Json::Null, &json!(2))
    );
}

#[test]
fn a_value_too_large_for_a_record_is_refused() {
    let kv = mounted();
    let canary = "c".repeat(holdfast_types::limits::RECORD_PLAINTEXT_BYTES_MAX);
    let answer = kv.call(Write, "data/a", json!({"data": {"v": canary}}));
    assert_eq!(
        (answer.status, answer.error.as_str()),
        (413, "value is too large")
    );
    assert_eq!(
        (kv.read("data/a").status, kv.records_below("meta")),
        (404, 0)
    );
}
