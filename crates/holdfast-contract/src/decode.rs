//! Untyped inputs to the typed fields that a route declares.
//!
//! Errors name the field and what it should be, never what it was.

use crate::call::Fields;
use crate::field::{Field, FieldKind, Place, Value};
use crate::refusal::Refusal;
use crate::route::{Body, Route};
use holdfast_types::parse_duration;
use serde_json::{Map, Value as Json};

/// Decodes path parameters, query and body. Members that the route does not declare become its payload, or a warning that
/// names them. The second value holds the warnings.
///
/// # Errors
/// [`Refusal::Invalid`] that names the first field that is missing or has another type than declared.
pub fn decode(
    route: &'static Route,
    params: &[(&'static str, String)],
    query: &[(String, String)],
    mut body: Map<String, Json>,
) -> Result<(Fields, Vec<String>), Refusal> {
    let mut values = Vec::new();
    for field in route.fields {
        let raw = match field.place {
            Place::Path => params
                .iter()
                .find(|(name, _)| *name == field.name)
                .map(|(_, text)| Json::from(text.as_str())),
            Place::Input => body
                .shift_remove(field.name)
                .or_else(|| from_query(query, field)),
            Place::Query => from_query(query, field),
        };
        match raw {
            Some(raw) if !raw.is_null() && !no_duration(field, &raw) => {
                values.push((field.name, typed(field, raw)?));
            }
            _ if field.required => return Err(Refusal::field(field.name, "is required")),
            _ => {}
        }
    }
    let mut warnings = Vec::new();
    let payload = match route.body {
        Body::Payload => body,
        Body::Declared => {
            if !body.is_empty() {
                let names: Vec<&str> = body.keys().take(8).map(String::as_str).collect();
                let names: Vec<String> = names
                    .iter()
                    .map(|name| name.chars().take(64).collect())
                    .collect();
                warnings.push(format!(
                    "Endpoint ignored these unrecognized parameters: [{}]",
                    names.join(" ")
                ));
            }
            Map::new()
        }
    };
    Ok((Fields::new(values, payload), warnings))
}

/// All values of a repeated query parameter as a list, one alone as text.
fn from_query(query: &[(String, String)], field: &Field) -> Option<Json> {
    let mut found: Vec<&str> = query
        .iter()
        .filter(|(name, _)| name == field.name)
        .map(|(_, value)| value.as_str())
        .collect();
    match found.len() {
        0 => None,
        1 => found.pop().map(Json::from),
        _ => Some(Json::from(found)),
    }
}

/// Vault's Go client sends every duration of a mount, those that nobody set as an empty text.
fn no_duration(field: &Field, raw: &Json) -> bool {
    field.kind == FieldKind::Duration && raw.as_str() == Some("")
}

fn typed(field: &Field, raw: Json) -> Result<Value, Refusal> {
    let wrong = || Refusal::field(field.name, &format!("must be {}", field.kind.describe()));
    let value = match field.kind {
        FieldKind::Text => text(&raw).map(Value::Text),
        FieldKind::Integer => integer(&raw).map(Value::Integer),
        FieldKind::Boolean => boolean(&raw).map(Value::Boolean),
        FieldKind::Duration => text(&raw)
            .and_then(|text| parse_duration(&text).ok())
            .map(Value::Duration),
        FieldKind::TextList => text_list(&raw).map(Value::TextList),
        FieldKind::IntegerList => integer_list(&raw).map(Value::IntegerList),
        FieldKind::TextMap => text_map(raw).map(Value::TextMap),
        FieldKind::Object => raw.is_object().then_some(Value::Json(raw)),
        FieldKind::Any => Some(Value::Json(raw)),
    };
    value.ok_or_else(wrong)
}

fn text(raw: &Json) -> Option<String> {
    match raw {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn integer(raw: &Json) -> Option<i64> {
    match raw {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn boolean(raw: &Json) -> Option<bool> {
    match raw {
        Json::Bool(flag) => Some(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Json::String(text) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn split_commas(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn text_list(raw: &Json) -> Option<Vec<String>> {
    match raw {
        Json::Array(items) => items.iter().map(text).collect(),
        Json::String(joined) => Some(split_commas(joined).map(str::to_owned).collect()),
        other => text(other).map(|one| vec![one]),
    }
}

fn integer_list(raw: &Json) -> Option<Vec<i64>> {
    match raw {
        Json::Array(items) => items.iter().map(integer).collect(),
        Json::String(joined) => split_commas(joined).map(|part| part.parse().ok()).collect(),
        other => integer(other).map(|one| vec![one]),
    }
}

fn text_map(raw: Json) -> Option<Vec<(String, String)>> {
    let Json::Object(members) = raw else {
        return None;
    };
    members
        .into_iter()
        .map(|(key, value)| text(&value).map(|value| (key, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Guard;
    use serde_json::json;

    static ROUTE: Route = Route {
        pattern: "x/{name}",
        summary: "",
        fields: &[
            Field::new("name", FieldKind::Text, "").in_path(),
            Field::new("ttl", FieldKind::Duration, ""),
            Field::new("versions", FieldKind::IntegerList, ""),
            Field::new("policies", FieldKind::TextList, "").required(),
            Field::new("meta", FieldKind::TextMap, ""),
            Field::new("renewable", FieldKind::Boolean, ""),
        ],
        body: Body::Declared,
        guard: Guard::Token,
        exists: None,
        methods: &[],
    };

    fn run(body: Json) -> Result<(Fields, Vec<String>), Refusal> {
        let Json::Object(body) = body else {
            panic!("an object")
        };
        decode(
            &ROUTE,
            &[("name", "n".to_owned())],
            &[("ttl".to_owned(), "5m".to_owned())],
            body,
        )
    }

    #[test]
    fn takes_the_forms_that_clients_send() {
        let (fields, warnings) = run(json!({
            "policies": "a, b", "versions": ["1", 2], "meta": {"k": 1}, "renewable": "false", "odd": 1
        }))
        .map_err(|refusal| refusal.to_string())
        .unwrap();
        assert_eq!(fields.text("name"), Some("n"));
        assert_eq!(fields.duration("ttl").unwrap().as_secs(), 300);
        assert_eq!(fields.texts("policies").unwrap(), ["a", "b"]);
        assert_eq!(fields.integers("versions").unwrap(), [1, 2]);
        assert_eq!(
            fields.text_map("meta").unwrap(),
            [("k".to_owned(), "1".to_owned())]
        );
        assert_eq!(fields.boolean("renewable"), Some(false));
        assert_eq!(
            warnings,
            ["Endpoint ignored these unrecognized parameters: [odd]"]
        );
    }

    #[test]
    fn an_empty_duration_is_none() {
        let (fields, warnings) = run(json!({ "policies": [], "ttl": "" }))
            .map_err(|refusal| refusal.to_string())
            .unwrap();
        assert!(fields.duration("ttl").is_none() && warnings.is_empty());
    }

    #[test]
    fn names_the_field_and_never_the_value() {
        for (body, field) in [
            (json!({}), "policies"),
            (json!({"policies": {"canary": 1}}), "policies"),
            (json!({"policies": [], "versions": "canary"}), "versions"),
            (json!({"policies": [], "meta": {"k": ["canary"]}}), "meta"),
            (json!({"policies": [], "renewable": "canary"}), "renewable"),
            (json!({"policies": [], "ttl": "canary"}), "ttl"),
        ] {
            let Err(refusal) = run(body) else {
                panic!("{field} is refused")
            };
            let text = refusal.to_string();
            assert!(text.contains(field) && !text.contains("canary"), "{text}");
        }
    }
}
