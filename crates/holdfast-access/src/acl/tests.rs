//! Tests of the evaluator: examples, and the whole of it against a naive oracle.

use super::*;
use crate::policy::parse;
use proptest::prelude::*;

fn acl(texts: &[&str]) -> Acl {
    Acl::new(
        texts
            .iter()
            .map(|text| Arc::new(parse(text).unwrap()))
            .collect(),
    )
}

fn rule(path: &str, capabilities: &str) -> String {
    let quoted: Vec<String> = capabilities
        .split_whitespace()
        .map(|c| format!("{c:?}"))
        .collect();
    format!(
        "path {path:?} {{ capabilities = [{}] }}\n",
        quoted.join(", ")
    )
}

fn path(text: &str) -> CanonPath {
    CanonPath::parse(text).unwrap()
}

fn allowed(acl: &Acl, at: &str, asked: Capability) -> bool {
    let inputs = Inputs {
        body: &Map::new(),
        query: &[],
        wrap_ttl: None,
    };
    acl.check(&path(at), asked, &inputs).allowed
}

fn one(rules: &[(&str, &str)]) -> Acl {
    let text: String = rules
        .iter()
        .map(|(path, capabilities)| rule(path, capabilities))
        .collect();
    acl(&[&text])
}

#[test]
fn the_most_specific_pattern_decides_alone() {
    let acl = one(&[
        ("secret/*", "read list"),
        ("secret/a/*", "read update"),
        ("secret/a/b", "deny"),
        ("secret/+/c", "delete"),
    ]);
    assert_eq!(acl.capabilities(&path("secret/x")), ["list", "read"]);
    assert_eq!(acl.capabilities(&path("secret/a/x")), ["read", "update"]);
    assert_eq!(acl.capabilities(&path("secret/a/b")), ["deny"]);
    assert_eq!(acl.capabilities(&path("secret/z/c")), ["delete"]);
    assert_eq!(acl.capabilities(&path("other")), ["deny"]);
    assert!(!allowed(&acl, "secret/a/x", Capability::List));
}

#[test]
fn policies_unite_on_one_pattern_and_deny_takes_all() {
    let united = acl(&[
        &rule("a/*", "read"),
        &rule("a/*", "update sudo"),
        &rule("a/b/*", "delete"),
    ]);
    assert_eq!(
        united.capabilities(&path("a/x")),
        ["read", "sudo", "update"]
    );
    assert_eq!(united.capabilities(&path("a/b/x")), ["delete"]);
    assert!(united.has_sudo("a/x") && !united.has_sudo("a/b/x"));
    let denied = acl(&[&rule("a/*", "read sudo"), &rule("a/*", "deny")]);
    assert_eq!(denied.capabilities(&path("a/x")), ["deny"]);
    assert!(!allowed(&denied, "a/x", Capability::Read) && !denied.has_sudo("a/x"));
}

#[test]
fn a_directory_is_also_its_path() {
    let list = |rules: &[(&str, &str)]| allowed(&one(rules), "a/b/", Capability::List);
    assert!(list(&[("a/b", "list")]));
    assert!(list(&[("a/b/", "list")]));
    assert!(list(&[("a/b/*", "list")]));
    // A more specific denial is not slipped by with a slash.
    assert!(!list(&[("a/*", "list"), ("a/b", "deny")]));
    assert!(!list(&[("a/b/*", "list"), ("a/b", "deny")]));
    assert!(!list(&[("a/b/", "list"), ("a/b", "deny")]));
    assert!(!list(&[("a/b/", "deny"), ("a/b", "list")]));
    assert!(!list(&[("a/+", "deny"), ("a/+/", "list")]));
    assert!(!list(&[("a/*", "list"), ("a/b", "read")]));
    // What is granted within a wide denial is granted.
    assert!(list(&[("*", "deny"), ("a/b/*", "list")]));
    assert!(list(&[("a/*", "deny"), ("a/b", "list")]));
    // Listing without the slash is the same question.
    assert!(!allowed(
        &one(&[("a/*", "list"), ("a/b", "deny")]),
        "a/b",
        Capability::List
    ));
}

#[test]
fn denials_hold_for_every_spelling() {
    let acl = one(&[
        ("secret/*", "read"),
        ("secret/foo*", "deny"),
        ("secret/Foobar", "read"),
        ("secret/é", "deny"),
    ]);
    for denied in [
        "secret/foo",
        "secret/FOO",
        "secret/Foobaz",
        "secret/fOO/x",
        "secret/É",
    ] {
        assert!(!allowed(&acl, denied, Capability::Read), "{denied}");
    }
    assert!(allowed(&acl, "secret/Foobar", Capability::Read));
    assert!(allowed(&acl, "secret/other", Capability::Read));
    // As specific, but spelled like the path: the denial is for the other.
    let two = one(&[("s/Foo", "read"), ("s/foo", "deny")]);
    assert!(allowed(&two, "s/Foo", Capability::Read) && !allowed(&two, "s/FOO", Capability::Read));
}

#[test]
fn constraints_of_all_deciding_rules_hold() {
    let with =
        |more: &str| format!("path \"a\" {{ capabilities = [\"update\", \"read\"] {more} }}");
    let acl = acl(&[
        &with("denied_parameters = { x = [] }"),
        &with("required_parameters = [\"y\"]"),
    ]);
    let ask = |body: Json, asked| {
        let Json::Object(body) = body else {
            panic!("an object")
        };
        acl.check(
            &path("a"),
            asked,
            &Inputs {
                body: &body,
                query: &[],
                wrap_ttl: None,
            },
        )
        .allowed
    };
    assert!(ask(json!({"y": 1}), Capability::Update));
    assert!(!ask(json!({"y": 1, "x": 1}), Capability::Update));
    assert!(!ask(json!({}), Capability::Update));
    assert!(ask(json!({}), Capability::Read));
}

#[test]
fn sees_what_lies_below_a_mount() {
    assert!(Acl::root().sees_below("secret/"));
    for (rules, seen) in [
        (vec![("secret/data/a", "read")], true),
        (vec![("*", "read")], true),
        (vec![("*", "read"), ("secret/*", "deny")], false),
        (
            vec![("*", "read"), ("secret/*", "deny"), ("secret/a", "read")],
            true,
        ),
        (vec![("secret/a", "deny")], false),
        (vec![("secret", "read"), ("other/*", "read")], false),
        (vec![("+/data/*", "read")], true),
        (vec![], false),
    ] {
        assert_eq!(one(&rules).sees_below("secret/"), seen, "{rules:?}");
    }
}

#[test]
fn shows_the_resultant_rights() {
    let shown = one(&[
        ("a", "read"),
        ("b/*", "list read"),
        ("+/c", "deny"),
        ("a", "update"),
    ])
    .resultant();
    let expected = json!({"root": false,
        "exact_paths": {"a": {"capabilities": ["read", "update"]}},
        "glob_paths": {"+/c": {"capabilities": ["deny"]}, "b/": {"capabilities": ["list", "read"]}}});
    assert_eq!(shown, expected);
    assert_eq!(Acl::root().resultant()["root"], true);
}

/// The rules restated without shared code: text for text, every pair compared.
mod oracle {
    use std::cmp::Ordering;

    #[derive(Clone, Debug)]
    pub(super) struct Rule {
        pub(super) pattern: String,
        pub(super) deny: bool,
        pub(super) bits: u8,
    }

    fn fits(pattern: &[u8], path: &[u8], at_segment_start: bool) -> bool {
        match pattern {
            [] => path.is_empty(),
            [b'*'] => true,
            [b'+'] if at_segment_start => !path.is_empty() && !path.contains(&b'/'),
            [b'+', b'/', rest @ ..] if at_segment_start => {
                let Some(slash) = path.iter().position(|byte| *byte == b'/') else {
                    return false;
                };
                slash > 0 && fits(rest, &path[slash + 1..], true)
            }
            [first, rest @ ..] => {
                path.first() == Some(first) && fits(rest, &path[1..], *first == b'/')
            }
        }
    }

    fn pluses(pattern: &str) -> usize {
        pattern.split('/').filter(|part| *part == "+").count()
    }

    fn first_wildcard(pattern: &str) -> usize {
        let with_slashes = format!("/{pattern}/");
        let plus = with_slashes.find("/+/").unwrap_or(usize::MAX);
        plus.min(pattern.find('*').unwrap_or(usize::MAX))
    }

    fn specificity(one: &str, other: &str) -> Ordering {
        first_wildcard(one)
            .cmp(&first_wildcard(other))
            .then(other.ends_with('*').cmp(&one.ends_with('*')))
            .then(pluses(other).cmp(&pluses(one)))
            .then(one.len().cmp(&other.len()))
    }

    /// Bits granted and whether denied, with the deciding pattern.
    fn on_text<'a>(rules: &'a [Rule], path: &str) -> Option<(&'a str, bool, u8)> {
        let exact = |rule: &Rule| fits(rule.pattern.as_bytes(), path.as_bytes(), true);
        let folded = |rule: &Rule| {
            let pattern = rule.pattern.to_lowercase();
            rule.deny && fits(pattern.as_bytes(), path.to_lowercase().as_bytes(), true)
        };
        let best = rules
            .iter()
            .filter(|rule| exact(rule) || folded(rule))
            .max_by(|one, other| {
                specificity(&one.pattern, &other.pattern)
                    .then(exact(one).cmp(&exact(other)))
                    .then(one.pattern.cmp(&other.pattern))
            })?;
        let deciding = || {
            rules
                .iter()
                .filter(|rule| rule.pattern == best.pattern && exact(rule) == exact(best))
        };
        let bits = deciding().fold(0, |bits, rule| bits | rule.bits);
        Some((&best.pattern, deciding().any(|rule| rule.deny), bits))
    }

    pub(super) fn granted(rules: &[Rule], path: &str) -> u8 {
        let grant = |(_, deny, bits): (&str, bool, u8)| if deny { 0 } else { bits };
        let Some(plain) = path.strip_suffix('/') else {
            return on_text(rules, path).map_or(0, grant);
        };
        let (Some(directory), Some(file)) = (on_text(rules, path), on_text(rules, plain)) else {
            return on_text(rules, path)
                .or(on_text(rules, plain))
                .map_or(0, grant);
        };
        let trimmed = directory.0.strip_suffix('/').unwrap_or(directory.0);
        match specificity(file.0.strip_suffix('/').unwrap_or(file.0), trimmed) {
            Ordering::Greater => grant(file),
            Ordering::Equal if file.1 => 0,
            Ordering::Equal | Ordering::Less => grant(directory),
        }
    }
}

const BITS: [Capability; 3] = [Capability::Read, Capability::List, Capability::Update];

fn any_pattern() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "A", "b", "ab", "+", "+"]);
    let end = prop::sample::select(vec!["", "", "/", "*", "/*", "a*"]);
    (prop::collection::vec(segment, 0..4), end)
        .prop_map(|(segments, end)| format!("{}{end}", segments.join("/")))
        .prop_filter("a pattern", |text| {
            crate::policy::Pattern::parse(text).is_ok() && !text.starts_with('/')
        })
}

fn any_rule() -> impl Strategy<Value = oracle::Rule> {
    (any_pattern(), prop::bool::weighted(0.3), 0..8u8).prop_map(|(pattern, deny, bits)| {
        oracle::Rule {
            pattern,
            deny,
            bits,
        }
    })
}

fn any_path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "A", "b", "ab", "aB", "+"]);
    (
        prop::collection::vec(segment, 1..5),
        prop::sample::select(vec!["", "/"]),
    )
        .prop_map(|(parts, end)| parts.join("/") + end)
}

fn text_of(rule_: &oracle::Rule) -> String {
    let held = BITS
        .iter()
        .enumerate()
        .filter(|(i, _)| rule_.bits >> i & 1 == 1);
    let mut names: Vec<&str> = held.map(|(_, capability)| capability.as_str()).collect();
    if rule_.deny {
        names.push("deny");
    }
    rule(&rule_.pattern, &names.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn agrees_with_the_oracle(
        policies in prop::collection::vec(prop::collection::vec(any_rule(), 0..5), 1..4),
        at in any_path(),
    ) {
        let texts: Vec<String> = policies.iter().map(|rules| rules.iter().map(text_of).collect()).collect();
        let acl = acl(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let rules: Vec<oracle::Rule> = policies.concat();
        let granted = oracle::granted(&rules, &at);
        for (i, asked) in BITS.into_iter().enumerate() {
            if asked == Capability::List && !at.ends_with('/') {
                continue;
            }
            prop_assert_eq!(allowed(&acl, &at, asked), granted >> i & 1 == 1, "{:?}", asked);
        }
    }

    /// Whatever is granted below a directory makes the directory seen.
    #[test]
    fn what_is_granted_is_seen(rules in prop::collection::vec(any_rule(), 0..6), below in any_path()) {
        let text: String = rules.iter().map(text_of).collect();
        let acl = acl(&[&text]);
        let at = format!("a/{below}");
        if acl.capabilities(&path(&at)) != ["deny"] {
            prop_assert!(acl.sees_below("a/"));
        }
    }
}
