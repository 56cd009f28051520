//! KV v2 against a deliberately plain model of version semantics: after every operation, every version of every secret,
//! its metadata, the list and the number of stored values must agree.

use crate::fixture::{Answer, Delete, List, Mounted, Patch, START_MS, Write};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

const PATHS: [&str; 3] = ["a", "a/1", "b"];

#[derive(Clone, Debug)]
enum Cas {
    Absent,
    Exactly(u64),
    Current,
}

#[derive(Clone, Debug)]
enum Op {
    Put(&'static str, Map<String, Json>, Cas),
    Patch(&'static str, Map<String, Json>, Cas),
    DeleteLatest(&'static str),
    Delete(&'static str, Vec<u64>),
    Undelete(&'static str, Vec<u64>),
    Destroy(&'static str, Vec<u64>),
    Remove(&'static str),
    Settings(&'static str, Settings),
    Configure(Settings),
    Wait(u64),
}

#[derive(Clone, Debug, Default)]
struct Settings {
    max_versions: u64,
    cas_required: bool,
    delete_after_s: u64,
}

impl Settings {
    fn body(&self) -> Json {
        json!({
            "max_versions": self.max_versions,
            "cas_required": self.cas_required,
            "delete_version_after": self.delete_after_s,
        })
    }
}

#[derive(Default)]
struct Version {
    value: Map<String, Json>,
    created_ms: u64,
    ends_ms: Option<u64>,
    deleted: bool,
    destroyed: bool,
}

#[derive(Default)]
struct Secret {
    current: u64,
    versions: BTreeMap<u64, Version>,
    settings: Settings,
}

struct Model {
    now_ms: u64,
    settings: Settings,
    secrets: BTreeMap<&'static str, Secret>,
}

impl Version {
    fn readable(&self, now_ms: u64) -> bool {
        !self.destroyed && !self.deleted && self.ends_ms.is_none_or(|ends| now_ms < ends)
    }
}

impl Model {
    /// The status that a client should see.
    fn apply(&mut self, op: &Op) -> u16 {
        let now_ms = self.now_ms;
        match op {
            Op::Put(path, value, cas) => {
                if !self.cas_allows(path, cas) {
                    return 400;
                }
                self.add(path, value.clone());
                200
            }
            Op::Patch(path, patch, cas) => self.patch(path, patch, cas),
            Op::DeleteLatest(path) => {
                let latest = self.secrets.get(path).map_or(0, |secret| secret.current);
                self.each(path, &[latest], |version| {
                    version.deleted |= version.readable(now_ms)
                });
                204
            }
            Op::Delete(path, numbers) => {
                self.each(path, numbers, |version| {
                    version.deleted |= version.readable(now_ms)
                });
                204
            }
            Op::Undelete(path, numbers) => {
                self.each(path, numbers, |version| {
                    if !version.destroyed {
                        version.deleted = false;
                        version.ends_ms = None;
                    }
                });
                204
            }
            Op::Destroy(path, numbers) => {
                self.each(path, numbers, |version| version.destroyed = true);
                204
            }
            Op::Remove(path) => {
                self.secrets.remove(path);
                204
            }
            Op::Settings(path, settings) => {
                self.secrets.entry(path).or_default().settings = settings.clone();
                let mount = &self.settings;
                let overruled = mount.cas_required && !settings.cas_required;
                let longer =
                    mount.delete_after_s > 0 && settings.delete_after_s > mount.delete_after_s;
                if overruled || longer { 200 } else { 204 }
            }
            Op::Configure(settings) => {
                self.settings = settings.clone();
                204
            }
            Op::Wait(ms) => {
                self.now_ms += ms;
                204
            }
        }
    }

    fn patch(&mut self, path: &'static str, patch: &Map<String, Json>, cas: &Cas) -> u16 {
        let Some(secret) = self.secrets.get(path) else {
            return 404;
        };
        if !self.cas_allows(path, cas) {
            return 400;
        }
        let latest = secret.versions.get(&secret.current);
        let Some(latest) = latest.filter(|latest| latest.readable(self.now_ms)) else {
            return 404;
        };
        let mut value = latest.value.clone();
        for (key, change) in patch {
            if change.is_null() {
                value.remove(key);
            } else {
                value.insert(key.clone(), change.clone());
            }
        }
        self.add(path, value);
        200
    }

    fn cas_allows(&self, path: &str, cas: &Cas) -> bool {
        let secret = self.secrets.get(path);
        let current = secret.map_or(0, |secret| secret.current);
        match cas {
            Cas::Absent => {
                !self.settings.cas_required
                    && !secret.is_some_and(|secret| secret.settings.cas_required)
            }
            Cas::Exactly(number) => *number == current,
            Cas::Current => true,
        }
    }

    fn add(&mut self, path: &'static str, value: Map<String, Json>) {
        let secret = self.secrets.entry(path).or_default();
        let after = [self.settings.delete_after_s, secret.settings.delete_after_s];
        let after = after.into_iter().filter(|seconds| *seconds > 0).min();
        let keep = match self.settings.max_versions.max(secret.settings.max_versions) {
            0 => 10,
            keep => keep,
        };
        secret.current += 1;
        let version = Version {
            value,
            created_ms: self.now_ms,
            ends_ms: after.map(|seconds| self.now_ms + seconds * 1_000),
            ..Version::default()
        };
        secret.versions.insert(secret.current, version);
        let current = secret.current;
        secret.versions.retain(|number, _| number + keep > current);
    }

    fn each(&mut self, path: &str, numbers: &[u64], change: impl Fn(&mut Version)) {
        let Some(secret) = self.secrets.get_mut(path) else {
            return;
        };
        for number in numbers {
            if let Some(version) = secret.versions.get_mut(number) {
                change(version);
            }
        }
    }
}

/// Does the operation through the engine.
fn run(kv: &Mounted, model: &Model, op: &Op) -> Answer {
    let data = |path: &str, data: &Map<String, Json>, cas: &Cas| {
        let options = match cas {
            Cas::Absent => json!({}),
            Cas::Exactly(number) => json!({"cas": number}),
            Cas::Current => {
                json!({"cas": model.secrets.get(path).map_or(0, |secret| secret.current)})
            }
        };
        (
            format!("data/{path}"),
            json!({"data": data, "options": options}),
        )
    };
    let versions = |route: &str, path: &str, numbers: &[u64]| {
        kv.call(
            Write,
            &format!("{route}/{path}"),
            json!({"versions": numbers}),
        )
    };
    match op {
        Op::Put(path, value, cas) => {
            let (path, body) = data(path, value, cas);
            kv.call(Write, &path, body)
        }
        Op::Patch(path, patch, cas) => {
            let (path, body) = data(path, patch, cas);
            kv.call(Patch, &path, body)
        }
        Op::DeleteLatest(path) => kv.call(Delete, &format!("data/{path}"), Json::Null),
        Op::Delete(path, numbers) => versions("delete", path, numbers),
        Op::Undelete(path, numbers) => versions("undelete", path, numbers),
        Op::Destroy(path, numbers) => versions("destroy", path, numbers),
        Op::Remove(path) => kv.call(Delete, &format!("metadata/{path}"), Json::Null),
        Op::Settings(path, settings) => {
            kv.call(Write, &format!("metadata/{path}"), settings.body())
        }
        Op::Configure(settings) => {
            let mut body = settings.body();
            body["delete_version_after"] = Json::from(format!("{}s", settings.delete_after_s));
            kv.call(Write, "config", body)
        }
        Op::Wait(ms) => {
            kv.set_time_ms(model.now_ms + ms);
            kv.call(Write, "config", json!({}))
        }
    }
}

/// Every version that the model knows, and those around them, read as it says.
fn invariant_versions_read_alike(kv: &Mounted, model: &Model) {
    for path in PATHS {
        let secret = model.secrets.get(path);
        let current = secret.map_or(0, |secret| secret.current);
        for asked in 0..=current + 1 {
            let answer = kv.read(&format!("data/{path}?version={asked}"));
            let number = if asked == 0 { current } else { asked };
            let version = secret.and_then(|secret| secret.versions.get(&number));
            let Some(version) = version else {
                assert_eq!(
                    (answer.status, answer.data),
                    (404, Json::Null),
                    "{path} {asked}"
                );
                continue;
            };
            let metadata = &answer.data["metadata"];
            assert_eq!(metadata["version"], number, "{path} {asked}");
            assert_eq!(metadata["destroyed"], version.destroyed, "{path} {asked}");
            let ends = version.deleted || version.ends_ms.is_some();
            assert_eq!(metadata["deletion_time"] != "", ends, "{path} {asked}");
            let (status, value) = if version.readable(model.now_ms) {
                (200, Json::Object(version.value.clone()))
            } else {
                (404, Json::Null)
            };
            assert_eq!(
                (answer.status, &answer.data["data"]),
                (status, &value),
                "{path} {asked}"
            );
        }
    }
}

fn invariant_metadata_agrees(kv: &Mounted, model: &Model) {
    for path in PATHS {
        let answer = kv.read(&format!("metadata/{path}"));
        let Some(secret) = model.secrets.get(path) else {
            assert_eq!(answer.status, 404, "{path}");
            continue;
        };
        assert_eq!(answer.data["current_version"], secret.current, "{path}");
        assert_eq!(
            answer.data["max_versions"], secret.settings.max_versions,
            "{path}"
        );
        let versions = answer.data["versions"]
            .as_object()
            .expect("versions are an object");
        let shown: Vec<String> = versions.keys().cloned().collect();
        let expected: Vec<String> = secret.versions.keys().map(u64::to_string).collect();
        assert_eq!(shown, expected, "{path}");
    }
}

fn invariant_lists_agree(kv: &Mounted, model: &Model) {
    let mut expected: Vec<String> = Vec::new();
    for path in model.secrets.keys() {
        expected.push(
            path.split_once('/')
                .map_or((*path).to_owned(), |(top, _)| format!("{top}/")),
        );
    }
    expected.sort();
    let answer = kv.call(List, "metadata", Json::Null);
    if expected.is_empty() {
        assert_eq!(answer.status, 404);
    } else {
        assert_eq!(answer.keys(), expected);
    }
}

/// A value stands exactly as long as its version is listed and not destroyed.
fn invariant_no_value_is_left_behind(kv: &Mounted, model: &Model) {
    let versions = model
        .secrets
        .values()
        .flat_map(|secret| secret.versions.values());
    let standing = versions.filter(|version| !version.destroyed).count();
    assert_eq!(kv.records_below("data"), standing);
    assert_eq!(kv.records_below("meta"), model.secrets.len());
    let oldest = model
        .secrets
        .values()
        .flat_map(|secret| secret.versions.values());
    assert!(
        oldest
            .map(|version| version.created_ms)
            .all(|created| created <= model.now_ms)
    );
}

fn path() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&PATHS[..])
}

fn numbers() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0u64..5, 1..4)
}

fn cas() -> impl Strategy<Value = Cas> {
    prop_oneof![
        3 => Just(Cas::Absent),
        2 => Just(Cas::Current),
        1 => (0u64..4).prop_map(Cas::Exactly),
    ]
}

fn object(nulls: bool) -> impl Strategy<Value = Map<String, Json>> {
    let value = prop_oneof![
        (0u64..9).prop_map(Json::from),
        Just(if nulls { Json::Null } else { json!("text") }),
    ];
    prop::collection::btree_map(prop::sample::select(&["x", "y", "z"][..]), value, 0..3).prop_map(
        |map| {
            map.into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()
        },
    )
}

fn settings() -> impl Strategy<Value = Settings> {
    (
        0u64..5,
        prop::bool::weighted(0.3),
        prop_oneof![2 => Just(0u64), 1 => 1u64..5],
    )
        .prop_map(|(max_versions, cas_required, delete_after_s)| Settings {
            max_versions,
            cas_required,
            delete_after_s,
        })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (path(), object(false), cas()).prop_map(|(path, value, cas)| Op::Put(path, value, cas)),
        4 => (path(), object(true), cas()).prop_map(|(path, patch, cas)| Op::Patch(path, patch, cas)),
        2 => path().prop_map(Op::DeleteLatest),
        2 => (path(), numbers()).prop_map(|(path, numbers)| Op::Delete(path, numbers)),
        2 => (path(), numbers()).prop_map(|(path, numbers)| Op::Undelete(path, numbers)),
        2 => (path(), numbers()).prop_map(|(path, numbers)| Op::Destroy(path, numbers)),
        1 => path().prop_map(Op::Remove),
        1 => (path(), settings()).prop_map(|(path, settings)| Op::Settings(path, settings)),
        1 => settings().prop_map(Op::Configure),
        3 => (0u64..3_000).prop_map(Op::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(ops in prop::collection::vec(op(), 1..40)) {
        let kv = Mounted::new("kv", "2");
        kv.set_time_ms(START_MS);
        let mut model =
            Model { now_ms: START_MS, settings: Settings::default(), secrets: BTreeMap::new() };
        for op in &ops {
            let answer = run(&kv, &model, op);
            let status = model.apply(op);
            prop_assert_eq!(answer.status, status, "{:?}: {}", op, answer.error);
            invariant_versions_read_alike(&kv, &model);
            invariant_metadata_agrees(&kv, &model);
            invariant_lists_agree(&kv, &model);
            invariant_no_value_is_left_behind(&kv, &model);
        }
    }
}
