//! From a path and an operation to a declared route.

use crate::refusal::Refusal;
use crate::route::{Matched, Operation, Route};
use holdfast_types::CanonPath;

/// Finds the first route whose pattern fits, and its method.
///
/// # Errors
/// [`Refusal::NotFound`] when no pattern fits; [`Refusal::Unsupported`] when one does but cannot do this.
pub fn route_call(
    routes: &'static [Route],
    operation: Operation,
    path: &CanonPath,
) -> Result<Matched, Refusal> {
    let mut fits = false;
    for route in routes {
        let Some(params) = fit(route.pattern, path) else {
            continue;
        };
        fits = true;
        if let Some(method) = route
            .methods
            .iter()
            .find(|method| method.operation == operation)
        {
            return Ok(Matched {
                route,
                method,
                params,
            });
        }
    }
    Err(if fits {
        Refusal::Unsupported
    } else {
        Refusal::NotFound
    })
}

/// Parameters of a path that fits the pattern.
fn fit(pattern: &'static str, path: &CanonPath) -> Option<Vec<(&'static str, String)>> {
    let mut params = Vec::new();
    let mut rest = path.as_str();
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let Some(name) = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
        else {
            rest =
                take_segment(rest).and_then(|(segment, rest)| (segment == part).then_some(rest))?;
            continue;
        };
        if let Some(name) = name.strip_suffix('*') {
            params.push((name, rest.to_owned()));
            return Some(params);
        }
        let (segment, after) = take_segment(rest)?;
        params.push((name, segment.to_owned()));
        rest = after;
    }
    rest.is_empty().then_some(params)
}

fn take_segment(path: &str) -> Option<(&str, &str)> {
    if path.is_empty() {
        None
    } else {
        Some(path.split_once('/').unwrap_or((path, "")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
        fit(pattern, &CanonPath::parse(path).unwrap())
    }

    #[test]
    fn patterns_take_segments_and_rests() {
        assert_eq!(fits("config", "config"), Some(vec![]));
        assert_eq!(fits("config", "config/x"), None);
        assert_eq!(
            fits("acl/{name}", "acl/a"),
            Some(vec![("name", "a".to_owned())])
        );
        assert_eq!(fits("acl/{name}", "acl"), None);
        assert_eq!(
            fits("data/{path*}", "data/a/b/"),
            Some(vec![("path", "a/b".to_owned())])
        );
        assert_eq!(
            fits("data/{path*}", "data"),
            Some(vec![("path", String::new())])
        );
        assert_eq!(fits("data/{path*}", "database"), None);
        assert_eq!(fits("{path*}", ""), Some(vec![("path", String::new())]));
        assert_eq!(
            fits("mounts/{path}/tune", "mounts/a/tune"),
            Some(vec![("path", "a".to_owned())])
        );
    }
}
