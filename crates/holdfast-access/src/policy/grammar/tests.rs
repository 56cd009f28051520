//! Tests of reading policies.

use super::*;
use serde_json::json;

#[test]
fn reads_hcl_and_json_to_the_same_rules() {
    let hcl = r#"
        name = "ignored"
        path "secret/data/*" {
          capabilities = ["create", "read"]
          allowed_parameters = { "Role" = ["a", 1, true], "*" = [] }
          denied_parameters { zone = [] }
          required_parameters = ["TTL"]
          min_wrapping_ttl = "1m"
          max_wrapping_ttl = 90
          pagination_limit = 10
          comment = "for the team"
        }
        path "secret/data/x" { policy = "deny" }
    "#;
    let json = r#"{"name": "ignored", "path": [{"secret/data/*": {"capabilities": ["create", "read"],
        "allowed_parameters": {"Role": ["a", 1, true], "*": []}, "denied_parameters": {"zone": []},
        "required_parameters": ["TTL"], "min_wrapping_ttl": "1m", "max_wrapping_ttl": 90,
        "pagination_limit": 10, "comment": "for the team"}}, {"secret/data/x": {"policy": "deny"}}]}"#;
    let policy = parse(hcl).unwrap();
    assert_eq!(policy, parse(json).unwrap());
    let [deny, data] = policy.rules() else {
        panic!("two rules")
    };
    assert_eq!(deny.pattern.as_str(), "secret/data/x");
    assert!(deny.capabilities.denies() && deny.constraints.is_none());
    assert_eq!(data.capabilities.names(), ["create", "read"]);
    let constraints = data.constraints.as_deref().unwrap();
    assert_eq!(
        constraints.allowed[0],
        ("role".to_owned(), vec![json!("a"), json!(1), json!(true)])
    );
    assert_eq!(constraints.required, ["ttl"]);
    assert_eq!(constraints.min_wrap_ttl, Some(Duration::from_secs(60)));
    assert_eq!(constraints.max_wrap_ttl, Some(Duration::from_secs(90)));
    assert_eq!(constraints.pagination_limit, Some(10));
}

#[test]
fn nothing_written_is_dropped() {
    let policy = parse(r#"{"path": {"a": {"policy": "deny"}, "a": {"policy": "read"}}}"#).unwrap();
    assert_eq!(policy.rules().len(), 2);
    assert!(parse("").unwrap().rules().is_empty());
}

#[test]
fn names_the_place_and_key_and_never_a_value() {
    for (text, shown) in [
        (
            "path \"a\" {}\npaths \"b\" {}",
            "policy: unknown key \"paths\"",
        ),
        (
            "path \"a\" {}\npath \"b\" { capability = [\"read\"] }",
            "path block 2: unknown key \"capability\"",
        ),
        (
            "path \"a\" { policy = \"read\" policy = \"read\" }",
            "path block 1: \"policy\" is given twice",
        ),
        (
            "path \"a\" { policy = \"canary\" }",
            "path block 1: \"policy\" must be one of read, write, sudo or deny",
        ),
        (
            "path \"a\" { capabilities = \"canary\" }",
            "path block 1: \"capabilities\" must be a list of texts",
        ),
        (
            "path \"a\" { pagination_limit = 0 }",
            "path block 1: \"pagination_limit\" must be a whole number of at least 1",
        ),
        (
            "path \"a\" { allowed_parameters = { a = \"canary\" } }",
            "path block 1: \"allowed_parameters\" must be an object whose values are lists",
        ),
        (
            "path \"a\" { min_wrapping_ttl = 9 max_wrapping_ttl = 1 }",
            "path block 1: \"max_wrapping_ttl\" must be at least \"min_wrapping_ttl\"",
        ),
        (
            "path \"canary/*/b\" {}",
            "path block 1: \"*\" is a wildcard only at the end of a path",
        ),
        (
            "path = \"canary\"",
            "policy: \"path\" must be blocks by path",
        ),
        (
            "path \"canary\" = 1",
            "path block 1: \"path\" must be a block",
        ),
        (
            "canary canary",
            "line 1, column 8: expected \"=\", \":\" or \"{\"",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert_eq!(error, shown);
    }
    let error = parse("path \"a\" { capabilities = [\"canary\"] }")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("path block 1: a capability must be one of") && !error.contains("canary")
    );
}

#[test]
fn sizes_are_bounded() {
    let large = "#".repeat(POLICY_TEXT_BYTES_MAX + 1);
    assert_eq!(parse(&large), Err(PolicyError::TooLarge));
    let many = (0..=POLICY_PATHS_MAX).fold(String::new(), |text, i| {
        text + &format!("path \"{i}\" {{}}\n")
    });
    assert_eq!(parse(&many), Err(PolicyError::TooManyPaths));
}
