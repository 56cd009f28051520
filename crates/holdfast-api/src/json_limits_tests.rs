//! Tests of the JSON bounds.

use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value as Json};

const LOOSE: JsonLimits = JsonLimits {
    depth: 64,
    values: 100_000,
};

fn refusal(text: &str) -> Option<JsonRefusal> {
    check(text.as_bytes(), LOOSE).err()
}

#[test]
fn takes_objects_only() {
    assert_eq!(
        refusal(r#" {"a": [1, -2.5e3, true, null, "x{[\"", {}]} "#),
        None
    );
    for not in ["[]", "1", "\"a\"", "null", "x{}"] {
        assert_eq!(refusal(not), Some(JsonRefusal::NotAnObject), "{not}");
    }
    for bad in [
        "{",
        "{\"a",
        "{]",
        "{}}",
        "{} {}",
        "{\"a\": [}",
        "",
        " ",
        r#"{"a\"#,
    ] {
        assert!(
            matches!(refusal(bad), Some(JsonRefusal::Malformed(_))),
            "{bad}"
        );
    }
}

#[test]
fn bounds_depth_and_count() {
    let nested = |levels: usize| {
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    };
    assert_eq!(refusal(&nested(64)), None);
    assert_eq!(refusal(&nested(65)), Some(JsonRefusal::TooDeep(64)));
    let many = |count: usize| format!("{{\"a\":[{}]}}", vec!["0"; count - 1].join(","));
    assert_eq!(refusal(&many(100_000)), None);
    assert_eq!(refusal(&many(100_001)), Some(JsonRefusal::TooMany(100_000)));
    // A deep bomb is refused at the bound, without reading on.
    assert_eq!(
        refusal(&"{\"a\":".repeat(1_000_000)),
        Some(JsonRefusal::TooDeep(64))
    );
}

#[test]
fn refuses_a_member_twice_however_it_is_spelled() {
    assert_eq!(refusal(r#"{"a":1,"b":{"a":2}}"#), None);
    assert_eq!(refusal(r#"{"a":1,"a":2}"#), Some(JsonRefusal::Twice(7)));
    assert_eq!(
        refusal(r#"{"a":1,"\u0061":2}"#),
        Some(JsonRefusal::Twice(7))
    );
    assert_eq!(
        refusal(r#"{"x":[{"a":1,"a":2}]}"#),
        Some(JsonRefusal::Twice(13))
    );
}

#[test]
fn refuses_names_with_a_meaning_to_the_parser() {
    for name in [
        "$serde_json::private::Number",
        "$serde_json::private::RawValue",
        "\\u0024serde_json::private::RawValue",
    ] {
        let body = format!(r#"{{"a":{{"{name}":"[[[[]]]]"}}}}"#);
        assert_eq!(refusal(&body), Some(JsonRefusal::Reserved(6)), "{name}");
    }
}

/// The same figures from the parsed tree.
fn figures(value: &Json) -> (usize, usize) {
    let of = |children: Vec<&Json>| {
        let (mut depth, mut count) = (0, children.len());
        for child in children {
            let (below, within) = figures(child);
            depth = depth.max(below);
            count += within;
        }
        (depth + 1, count)
    };
    match value {
        Json::Array(items) => of(items.iter().collect()),
        Json::Object(members) => of(members.values().collect()),
        _ => (0, 0),
    }
}

fn tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[\\PC\"\\\\{}\\[\\],:\n]{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::btree_map("[a-c\"\\\\{}:]{0,3}", inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn counts_what_the_parser_sees(value in tree(), pretty: bool) {
        let mut body = Map::new();
        body.insert("body".to_owned(), value);
        let body = Json::Object(body);
        let text = if pretty { serde_json::to_vec_pretty(&body) } else { serde_json::to_vec(&body) }.unwrap();
        let (depth, values) = figures(&body);
        prop_assert_eq!(check(&text, JsonLimits { depth, values }), Ok(()));
        prop_assert_eq!(check(&text, JsonLimits { depth: depth - 1, values }), Err(JsonRefusal::TooDeep(depth - 1)));
        if values > 0 {
            let tight = JsonLimits { depth, values: values - 1 };
            prop_assert_eq!(check(&text, tight), Err(JsonRefusal::TooMany(values - 1)));
        }
    }

    #[test]
    fn never_panics_and_passes_nothing_over_bounds(text in prop::collection::vec(
        prop::sample::select(b"{}[]\",:\\ a1$u0".to_vec()), 0..200,
    )) {
        let tight = JsonLimits { depth: 3, values: 8 };
        if check(&text, tight).is_ok() && let Ok(value) = serde_json::from_slice::<Json>(&text) {
            let (depth, values) = figures(&value);
            prop_assert!(value.is_object() && depth <= 3 && values <= 8);
        }
    }
}
