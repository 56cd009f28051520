//! The structure of a secret without its values.

use super::data::Asked;
use holdfast_contract::{Call, Context, Object, Refusal, Reply};
use serde_json::Value as Json;

pub(super) fn read(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let depth = match call.fields.integer("depth") {
        None | Some(0) => usize::MAX,
        Some(depth) => {
            usize::try_from(depth).map_err(|_| Refusal::field("depth", "must not be negative"))?
        }
    };
    let asked = Asked::find(ctx, call)?;
    let value = asked.value(ctx, call)?;
    asked.answer("subkeys", value.map(|value| keys(value, depth)))
}

/// The same members with null for every value but an object that has members and lies above `depth`.
fn keys(object: Object, depth: usize) -> Object {
    let shown = |value| match value {
        Json::Object(inner) if depth > 1 && !inner.is_empty() => {
            Json::Object(keys(inner, depth - 1))
        }
        _ => Json::Null,
    };
    object
        .into_iter()
        .map(|(key, value)| (key, shown(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(value: Json, depth: usize) -> Json {
        let Json::Object(object) = value else {
            panic!("an object")
        };
        Json::Object(keys(object, depth))
    }

    #[test]
    fn shows_members_and_no_value() {
        let secret = json!({"a": 1, "b": {"c": "x", "d": {"e": [1]}, "f": {}}, "g": [{"h": 1}]});
        let all = json!({"a": null, "b": {"c": null, "d": {"e": null}, "f": null}, "g": null});
        assert_eq!(shown(secret.clone(), usize::MAX), all);
        assert_eq!(
            shown(secret.clone(), 1),
            json!({"a": null, "b": null, "g": null})
        );
        let two = json!({"a": null, "b": {"c": null, "d": null, "f": null}, "g": null});
        assert_eq!(shown(secret, 2), two);
    }
}
