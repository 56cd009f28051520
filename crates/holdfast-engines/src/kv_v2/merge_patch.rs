//! JSON merge patch (RFC 7396).

use holdfast_contract::Object;
use serde_json::Value as Json;

/// Applies a patch to an object: null removes a member, an object is merged, anything else replaces.
///
/// Recursion is bounded by the patch's depth, which the edge limits.
pub(super) fn apply(target: &mut Object, patch: &Object) {
    for (key, change) in patch {
        match change {
            // Keeps the order of what remains.
            Json::Null => drop(target.shift_remove(key)),
            Json::Object(change) => {
                let member = target.entry(key.as_str()).or_insert(Json::Null);
                if !member.is_object() {
                    *member = Json::Object(Object::new());
                }
                if let Json::Object(member) = member {
                    apply(member, change);
                }
            }
            other => drop(target.insert(key.clone(), other.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The object cases of RFC 7396, appendix A.
    #[test]
    fn patches_as_the_rfc_shows() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let (Json::Object(mut object), Json::Object(patch)) = (target, patch) else {
                panic!("objects")
            };
            apply(&mut object, &patch);
            assert_eq!(Json::Object(object), result);
        }
    }
}
