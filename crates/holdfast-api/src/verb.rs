//! From method, path and query to what is asked of which path.

use holdfast_contract::{Operation, Refusal};
use holdfast_types::CanonPath;
use http::{Method, Uri};
use url::form_urlencoded;

/// Most query parameters.
const PARAMETERS_MAX: usize = 256;

/// What a request line asks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) what: What,
    pub(crate) path: CanonPath,
    pub(crate) query: Vec<(String, String)>,
}

/// An operation, or help about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Do(Operation),
    Help,
}

/// Reads a request line.
///
/// # Errors
/// 404 for what does not lie under `/v1/`, 405 for other methods, 400 for a path or a query that cannot be.
pub(crate) fn read(method: &Method, uri: &Uri) -> Result<Asked, Refusal> {
    let rest = uri
        .path()
        .strip_prefix("/v1/")
        .filter(|rest| !rest.is_empty())
        .ok_or(Refusal::NotFound)?;
    let mut flags = Flags::default();
    let query = parameters(uri.query().unwrap_or_default(), &mut flags)?;
    let what = what(method, &flags)?;
    let path = CanonPath::parse_encoded(rest).map_err(|why| Refusal::Invalid(why.to_string()))?;
    if path.is_directory() && matches!(what, What::Do(Operation::Write | Operation::Patch)) {
        return Err(Refusal::Invalid(
            "cannot write to a path ending in '/'".to_owned(),
        ));
    }
    Ok(Asked { what, path, query })
}

#[derive(Default)]
struct Flags {
    list: Option<String>,
    scan: Option<String>,
    help: Option<String>,
}

fn parameters(query: &str, flags: &mut Flags) -> Result<Vec<(String, String)>, Refusal> {
    let mut kept = Vec::new();
    for (at, (name, value)) in form_urlencoded::parse(query.as_bytes()).enumerate() {
        if at == PARAMETERS_MAX {
            return Err(Refusal::Invalid(format!(
                "the query has more than {PARAMETERS_MAX} parameters"
            )));
        }
        match &*name {
            "list" => flags.list = Some(value.into_owned()),
            "scan" => flags.scan = Some(value.into_owned()),
            "help" => flags.help = Some(value.into_owned()),
            _ => kept.push((name.into_owned(), value.into_owned())),
        }
    }
    Ok(kept)
}

fn what(method: &Method, flags: &Flags) -> Result<What, Refusal> {
    let operation = match method.as_str() {
        "GET" | "HEAD" => Operation::Read,
        "LIST" => Operation::List,
        "SCAN" => Operation::Scan,
        "POST" | "PUT" => Operation::Write,
        "PATCH" => Operation::Patch,
        "DELETE" => Operation::Delete,
        "HELP" => return Ok(What::Help),
        _ => return Err(Refusal::Unsupported),
    };
    if !matches!(
        operation,
        Operation::Read | Operation::List | Operation::Scan
    ) {
        return Ok(What::Do(operation));
    }
    let list = operation == Operation::List || boolean("list", flags.list.as_deref())?;
    let scan = operation == Operation::Scan || boolean("scan", flags.scan.as_deref())?;
    if operation == Operation::Read && boolean("help", flags.help.as_deref())? {
        return Ok(What::Help);
    }
    match (list, scan) {
        (true, true) => Err(Refusal::Invalid(
            "list and scan cannot be asked for together".to_owned(),
        )),
        (true, false) => Ok(What::Do(Operation::List)),
        (false, true) => Ok(What::Do(Operation::Scan)),
        (false, false) => Ok(What::Do(Operation::Read)),
    }
}

fn boolean(name: &str, value: Option<&str>) -> Result<bool, Refusal> {
    match value {
        None | Some("" | "0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some(_) => Err(Refusal::field(name, "must be a boolean")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(method: &str, uri: &str) -> Result<Asked, Refusal> {
        read(
            &Method::from_bytes(method.as_bytes()).unwrap(),
            &uri.parse().unwrap(),
        )
    }

    fn operation(method: &str, uri: &str) -> What {
        ask(method, uri).unwrap().what
    }

    #[test]
    fn methods_and_flags_name_operations() {
        for (method, uri, expected) in [
            ("GET", "/v1/a", Operation::Read),
            ("HEAD", "/v1/a", Operation::Read),
            ("GET", "/v1/a?list=true", Operation::List),
            ("GET", "/v1/a?list=", Operation::Read),
            ("GET", "/v1/a?list=false&scan=1", Operation::Scan),
            ("LIST", "/v1/a/", Operation::List),
            ("SCAN", "/v1/a", Operation::Scan),
            ("POST", "/v1/a?list=true", Operation::Write),
            ("PUT", "/v1/a", Operation::Write),
            ("PATCH", "/v1/a", Operation::Patch),
            ("DELETE", "/v1/a/", Operation::Delete),
        ] {
            assert_eq!(operation(method, uri), What::Do(expected), "{method} {uri}");
        }
        assert_eq!(operation("HELP", "/v1/a"), What::Help);
        assert_eq!(operation("GET", "/v1/a?help=1"), What::Help);
        for method in ["OPTIONS", "TRACE", "CONNECT", "FOO"] {
            assert!(
                matches!(ask(method, "/v1/a"), Err(Refusal::Unsupported)),
                "{method}"
            );
        }
    }

    #[test]
    fn bad_questions_are_refused_without_their_values() {
        for (method, uri, part) in [
            ("GET", "/v1/a?list=true&scan=true", "together"),
            ("LIST", "/v1/a?scan=true", "together"),
            ("GET", "/v1/a?list=canary", "\"list\""),
            ("POST", "/v1/canary/", "ending in '/'"),
            ("PATCH", "/v1/canary/", "ending in '/'"),
            ("GET", "/v1/canary//b", "empty segment"),
            ("GET", "/v1/canary/%2e%2e/b", "relative"),
            ("GET", "/v1/canary/../b", "relative"),
            ("GET", "/v1/canary%00", "control character"),
        ] {
            let Err(Refusal::Invalid(text)) = ask(method, uri) else {
                panic!("{method} {uri}")
            };
            assert!(text.contains(part) && !text.contains("canary"), "{text}");
        }
        for uri in ["/", "/ui/", "/v1", "/v1/", "/v2/a", "/v1a/b"] {
            assert!(matches!(ask("GET", uri), Err(Refusal::NotFound)), "{uri}");
        }
    }

    #[test]
    fn the_query_is_decoded_and_loses_its_flags() {
        let asked = ask("GET", "/v1/a%20b?list=true&after=x%2Fy&limit=3&help=").unwrap();
        assert_eq!(asked.path.as_str(), "a b");
        let expected = [
            ("after".to_owned(), "x/y".to_owned()),
            ("limit".to_owned(), "3".to_owned()),
        ];
        assert_eq!(asked.query, expected);
        assert!(ask("GET", &format!("/v1/a?{}", "b&".repeat(257))).is_err());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_canonical(
            method in prop::sample::select(vec!["GET", "LIST", "SCAN", "POST", "PATCH", "DELETE", "HEAD", "HELP"]),
            path in "[a-z./%25A-F0-9]{0,24}",
            query in "[a-z=&%0-9]{0,24}",
        ) {
            let Ok(uri) = format!("/v1/{path}?{query}").parse::<Uri>() else { return Ok(()) };
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            if let Ok(asked) = read(&method, &uri) {
                let text = asked.path.to_string();
                prop_assert_eq!(CanonPath::parse(&text).unwrap(), asked.path);
                prop_assert!(!text.split('/').any(|segment| segment == ".." || segment == "."));
                prop_assert!(asked.query.iter().all(|(name, _)| !["list", "scan", "help"].contains(&name.as_str())));
            }
        }
    }
}
