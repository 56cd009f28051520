//! What a rule asks of a request beside its path: parameters, wrapping, page size.

use serde_json::{Map, Value as Json};
use std::time::Duration;

/// What came with a request. The body and the query both feed the declared fields, so both are judged.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The body's members.
    pub body: &'a Map<String, Json>,
    /// The query's pairs, decoded.
    pub query: &'a [(String, String)],
    /// Asked time to live of a wrapped answer.
    pub wrap_ttl: Option<Duration>,
}

/// Names and the values that are meant; no values means every value. Names are lower-case.
pub(crate) type Parameters = Vec<(String, Vec<Json>)>;

/// What rules of one pattern ask together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Constraints {
    pub(crate) allowed: Parameters,
    pub(crate) denied: Parameters,
    pub(crate) required: Vec<String>,
    pub(crate) min_wrap_ttl: Option<Duration>,
    pub(crate) max_wrap_ttl: Option<Duration>,
    /// Largest page of a listing.
    pub(crate) pagination_limit: Option<u64>,
}

impl Constraints {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another rule of the same pattern asks: values are united, of two bounds the stricter one holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        merge_parameters(&mut self.allowed, &other.allowed);
        merge_parameters(&mut self.denied, &other.denied);
        for name in &other.required {
            if !self.required.contains(name) {
                self.required.push(name.clone());
            }
        }
        self.min_wrap_ttl = self.min_wrap_ttl.max(other.min_wrap_ttl);
        self.max_wrap_ttl = stricter(self.max_wrap_ttl, other.max_wrap_ttl);
        self.pagination_limit = stricter(self.pagination_limit, other.pagination_limit);
    }

    /// Whether a request that writes meets what is asked of its parameters.
    pub(crate) fn admits_write(&self, inputs: &Inputs<'_>) -> bool {
        self.required.iter().all(|name| has(inputs, name))
            && !given(inputs).any(|(name, value)| self.denies(&name, &value))
            && given(inputs).all(|(name, value)| self.allows(&name, &value))
    }

    /// Whether the page that a listing asks for is small enough. None at all, or one without an end, is too large.
    pub(crate) fn admits_page(&self, inputs: &Inputs<'_>) -> bool {
        let Some(most) = self.pagination_limit else {
            return true;
        };
        let mut limits = given(inputs).filter(|(name, _)| name == "limit").peekable();
        limits.peek().is_some()
            && limits.all(|(_, value)| {
                let asked = scalar(&value).and_then(|text| text.trim().parse::<u64>().ok());
                asked.is_some_and(|asked| asked >= 1 && asked <= most)
            })
    }

    /// Whether the answer is wrapped as asked.
    pub(crate) fn admits_wrapping(&self, wrap_ttl: Option<Duration>) -> bool {
        let enough = self
            .min_wrap_ttl
            .is_none_or(|least| wrap_ttl.is_some_and(|ttl| ttl >= least));
        enough
            && self
                .max_wrap_ttl
                .is_none_or(|most| wrap_ttl.is_some_and(|ttl| ttl <= most))
    }

    fn denies(&self, name: &str, value: &Json) -> bool {
        self.denied.iter().any(|(denied, values)| {
            denied == "*"
                || denied == name
                    && (values.is_empty() || parts(value).any(|part| holds(values, &part)))
        })
    }

    fn allows(&self, name: &str, value: &Json) -> bool {
        if self.allowed.is_empty() {
            return true;
        }
        match self.allowed.iter().find(|(allowed, _)| allowed == name) {
            // Every part must be allowed: a glob must not let a list through by its beginning.
            Some((_, values)) => {
                values.is_empty() || parts(value).skip(1).all(|part| holds(values, &part))
            }
            None => self.allowed.iter().any(|(allowed, _)| allowed == "*"),
        }
    }
}

fn stricter<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn merge_parameters(into: &mut Parameters, from: &Parameters) {
    for (name, values) in from {
        match into.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) if known.is_empty() || values.is_empty() => known.clear(),
            Some((_, known)) => known.extend(values.iter().cloned()),
            None => into.push((name.clone(), values.clone())),
        }
    }
}

/// Everything that was given, names in lower case.
fn given<'a>(inputs: &Inputs<'a>) -> impl Iterator<Item = (String, Json)> + use<'a> {
    let body = inputs
        .body
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.clone()));
    body.chain(
        inputs
            .query
            .iter()
            .map(|(name, value)| (name.to_lowercase(), Json::from(value.as_str()))),
    )
}

fn has(inputs: &Inputs<'_>, name: &str) -> bool {
    given(inputs).any(|(given, _)| given == *name)
}

/// The value itself, then what a handler would take it apart into: elements of a list, texts between commas. A value that
/// is not a list stands twice, so that the parts after the first are never none.
fn parts(value: &Json) -> impl Iterator<Item = Json> {
    let apart: Vec<Json> = match value {
        Json::Array(items) => items.iter().flat_map(comma_parts).collect(),
        other => comma_parts(other),
    };
    std::iter::once(value.clone()).chain(apart)
}

fn comma_parts(value: &Json) -> Vec<Json> {
    match value {
        Json::String(text) if text.contains(',') => text
            .split(',')
            .map(|part| Json::from(part.trim()))
            .collect(),
        other => vec![other.clone()],
    }
}

fn holds(values: &[Json], given: &Json) -> bool {
    values.iter().any(|value| fits(value, given))
}

/// Whether a given value is the one meant. Scalars are compared as the text that the fields' decoder would take them for;
/// a text may have one `*` at its beginning, its end, or both.
fn fits(meant: &Json, given: &Json) -> bool {
    let (Some(meant_text), Some(given_text)) = (scalar(meant), scalar(given)) else {
        return meant == given;
    };
    if let (Some(meant), Some(given)) = (boolean(&meant_text), boolean(&given_text)) {
        return meant == given;
    }
    if !meant.is_string() || !meant_text.contains('*') {
        return meant_text == given_text;
    }
    match (meant_text.strip_prefix('*'), meant_text.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(tail), Some(_)) => given_text.contains(tail.trim_end_matches('*')),
        (Some(tail), None) => given_text.ends_with(tail),
        (None, Some(head)) => given_text.starts_with(head),
        (None, None) => meant_text == given_text,
    }
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// What the fields' decoder takes for true and false, without the digits: those are numbers first.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn admits(constraints: &Constraints, body: Json) -> bool {
        let Json::Object(body) = body else {
            panic!("an object")
        };
        constraints.admits_write(&Inputs {
            body: &body,
            query: &[],
            wrap_ttl: None,
        })
    }

    fn parameters(value: Json) -> Parameters {
        let Json::Object(members) = value else {
            panic!("an object")
        };
        let list = |value: Json| value.as_array().unwrap().clone();
        members
            .into_iter()
            .map(|(name, values)| (name, list(values)))
            .collect()
    }

    #[test]
    fn denied_values_hide_in_no_form() {
        let some = Constraints {
            denied: parameters(json!({"role": ["admin*"], "flag": [true]})),
            ..Default::default()
        };
        for body in [
            json!({"role": "admin"}),
            json!({"Role": "admins"}),
            json!({"role": ["dev", "admin"]}),
            json!({"role": "dev, admin"}),
            json!({"role": ["dev,admin"]}),
            json!({"flag": "T"}),
            json!({"flag": true}),
        ] {
            assert!(!admits(&some, body.clone()), "{body}");
        }
        assert!(admits(
            &some,
            json!({"role": "dev", "flag": false, "other": 1})
        ));
        let query = [("role".to_owned(), "admin".to_owned())];
        assert!(!some.admits_write(&Inputs {
            body: &Map::new(),
            query: &query,
            wrap_ttl: None
        }));
        let all = Constraints {
            denied: parameters(json!({"*": []})),
            ..Default::default()
        };
        assert!(!admits(&all, json!({"x": 1})));
        assert!(admits(&all, json!({})));
    }

    #[test]
    fn allowed_values_cover_every_part() {
        let some = Constraints {
            allowed: parameters(json!({"role": ["dev*", "ops"], "ttl": []})),
            ..Default::default()
        };
        assert!(admits(&some, json!({"role": "dev-1", "ttl": 5})));
        assert!(admits(&some, json!({"role": ["dev", "ops"]})));
        for body in [
            json!({"role": "dev,admin"}),
            json!({"role": ["dev", "admin"]}),
            json!({"role": {"dev": 1}}),
            json!({"other": 1}),
        ] {
            assert!(!admits(&some, body.clone()), "{body}");
        }
        let rest = Constraints {
            allowed: parameters(json!({"role": ["dev"], "*": []})),
            ..Default::default()
        };
        assert!(admits(&rest, json!({"other": 1, "role": "dev"})));
        assert!(!admits(&rest, json!({"role": "ops"})));
    }

    #[test]
    fn required_names_must_be_given() {
        let some = Constraints {
            required: vec!["ttl".to_owned()],
            ..Default::default()
        };
        assert!(!admits(&some, json!({"x": 1})));
        assert!(admits(&some, json!({"TTL": 1})));
    }

    #[test]
    fn pages_without_an_end_are_too_large() {
        let some = Constraints {
            pagination_limit: Some(10),
            ..Default::default()
        };
        let page = |limit: &str| {
            let query = [("limit".to_owned(), limit.to_owned())];
            some.admits_page(&Inputs {
                body: &Map::new(),
                query: &query,
                wrap_ttl: None,
            })
        };
        assert!(page("10") && page("1"));
        assert!(!page("11") && !page("0") && !page("-1") && !page("x"));
        assert!(!some.admits_page(&Inputs {
            body: &Map::new(),
            query: &[],
            wrap_ttl: None
        }));
    }

    #[test]
    fn wrapping_is_asked_within_bounds() {
        let seconds = |count| Some(Duration::from_secs(count));
        let some = Constraints {
            min_wrap_ttl: seconds(5),
            max_wrap_ttl: seconds(9),
            ..Default::default()
        };
        assert!(some.admits_wrapping(seconds(5)) && some.admits_wrapping(seconds(9)));
        assert!(
            !some.admits_wrapping(None)
                && !some.admits_wrapping(seconds(4))
                && !some.admits_wrapping(seconds(10))
        );
        assert!(Constraints::default().admits_wrapping(None));
    }

    #[test]
    fn rules_of_one_pattern_are_united() {
        let mut one = Constraints {
            allowed: parameters(json!({"a": [1], "b": [1]})),
            pagination_limit: Some(5),
            ..Default::default()
        };
        one.merge(&Constraints {
            allowed: parameters(json!({"a": [2], "b": []})),
            pagination_limit: Some(9),
            ..Default::default()
        });
        assert_eq!(one.allowed, parameters(json!({"a": [1, 2], "b": []})));
        assert_eq!(one.pagination_limit, Some(5));
        assert!(!one.is_empty());
    }
}
