//! The policy language against another implementation of HCL: what it prints is read back to the same rules, and the
//! `default` policy is HCL to it too.

use hcl::{Attribute, Block, Body, Expression};
use holdfast_access::{Capability, CapabilitySet, parse_policy};
use proptest::prelude::*;

fn any_path() -> impl Strategy<Value = String> {
    let segment = "[a-zA-Z0-9 _.#/\"\\\\é-]{1,8}";
    (
        prop::collection::vec(segment, 1..4),
        prop::sample::select(vec!["", "*"]),
    )
        .prop_map(|(segments, end)| format!("p{}{end}", segments.join("/+/")))
}

fn any_capabilities() -> impl Strategy<Value = Vec<Capability>> {
    prop::collection::vec(prop::sample::select(Capability::ALL.to_vec()), 0..4)
}

fn block(path: &str, capabilities: &[Capability], more: &[Attribute]) -> Block {
    let names: Vec<Expression> = capabilities
        .iter()
        .map(|c| Expression::from(c.as_str()))
        .collect();
    Block::builder("path")
        .add_label(path)
        .add_attribute(("capabilities", Expression::from(names)))
        .add_attributes(more.to_vec())
        .build()
}

proptest! {
    #[test]
    fn reads_what_another_printer_writes(
        blocks in prop::collection::vec((any_path(), any_capabilities()), 0..6),
    ) {
        let more = [Attribute::new("min_wrapping_ttl", 5), Attribute::new("comment", "a \"b\" \\ # c")];
        let printed = blocks.iter().map(|(path, capabilities)| block(path, capabilities, &more));
        let text = hcl::to_string(&Body::builder().add_blocks(printed).build()).unwrap();
        let policy = parse_policy(&text).map_err(|why| TestCaseError::fail(format!("{why} in {text}")))?;
        prop_assert_eq!(policy.rules().len(), blocks.len());
        for (path, capabilities) in &blocks {
            let wanted = CapabilitySet::of(capabilities);
            let found = policy.rules().iter().any(|rule| rule.pattern.as_str() == path && rule.capabilities == wanted);
            prop_assert!(found, "{}", path);
        }
    }

    /// No text makes the reader panic, and no error repeats a long part of the text.
    #[test]
    fn no_text_is_too_odd(text in "[a-z{}\\[\\]\"=:,#/*\\\\$<\n 0-9é-]{0,80}") {
        if let Err(why) = parse_policy(&text) {
            prop_assert!(why.to_string().len() < 200);
        }
    }
}

#[test]
fn agrees_on_a_policy_with_everything() {
    let text = r#"
path "secret/data/+/x*" {
  capabilities        = ["create", "read"]
  allowed_parameters  = { "a" = ["x", 1], "*" = [] }
  denied_parameters   = { b = [] }
  required_parameters = ["a"]
  max_wrapping_ttl    = "1h"
  pagination_limit    = 7
}
"#;
    let body: Body = hcl::parse(text).unwrap();
    let printed = hcl::to_string(&body).unwrap();
    assert_eq!(parse_policy(text), parse_policy(&printed));
    assert!(parse_policy(text).is_ok());
}
