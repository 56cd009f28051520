//! Which policies a new token gets: never more than whoever makes it may give.

use crate::policy::PolicyName;
use holdfast_contract::Refusal;
use holdfast_types::limits::TOKEN_POLICIES_MAX;

/// What decides on a child's policies.
pub struct ChildPolicies<'a> {
    /// Policies of the parent.
    pub parent: &'a [String],
    /// Asked for; empty asks for the parent's.
    pub asked: &'a [String],
    /// `default` is not added by itself.
    pub no_default: bool,
    /// The parent has `sudo` on the path.
    pub sudo: bool,
}

/// The policies of a child, sorted, each once.
///
/// # Errors
/// [`Refusal::Invalid`] when a name is no policy's or may not be given out, or when more is asked than the parent may give.
pub fn child_policies(request: &ChildPolicies<'_>) -> Result<Vec<String>, Refusal> {
    let parent = names(request.parent)?;
    let parent_is_root = parent.iter().any(PolicyName::is_root);
    let mut given = if request.asked.is_empty() {
        parent.clone()
    } else {
        names(request.asked)?
    };
    if !request.sudo && !parent_is_root && !given.iter().all(|name| parent.contains(name)) {
        return Err(Refusal::Invalid(
            "child policies must be subset of parent".to_owned(),
        ));
    }
    if given.iter().any(PolicyName::is_root) {
        if !parent_is_root {
            let text = "root tokens may not be created without parent token being root";
            return Err(Refusal::Invalid(text.to_owned()));
        }
        // With root, nothing else adds anything.
        return Ok(vec![PolicyName::root().to_string()]);
    }
    let may_add_default =
        request.sudo || parent_is_root || parent.iter().any(PolicyName::is_default);
    if request.no_default && request.asked.is_empty() {
        given.retain(|name| !name.is_default());
    } else if !request.no_default && may_add_default {
        given.push(PolicyName::default_policy());
    }
    given.sort_unstable();
    given.dedup();
    Ok(given.iter().map(PolicyName::to_string).collect())
}

fn names(texts: &[String]) -> Result<Vec<PolicyName>, Refusal> {
    if texts.len() > TOKEN_POLICIES_MAX {
        let text = format!("has more than {TOKEN_POLICIES_MAX} names");
        return Err(Refusal::field("policies", &text));
    }
    let name = |text: &String| {
        let name =
            PolicyName::parse(text).map_err(|why| Refusal::field("policies", &why.to_string()))?;
        if name.is_internal() {
            return Err(Refusal::field(
                "policies",
                "names a policy that cannot be assigned",
            ));
        }
        Ok(name)
    };
    texts.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn child(
        parent: &[&str],
        asked: &[&str],
        no_default: bool,
        sudo: bool,
    ) -> Result<Vec<String>, String> {
        let texts = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let (parent, asked) = (texts(parent), texts(asked));
        let request = ChildPolicies {
            parent: &parent,
            asked: &asked,
            no_default,
            sudo,
        };
        child_policies(&request).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_child_gets_what_its_parent_may_give() {
        assert_eq!(
            child(&["a", "default"], &[], false, false).unwrap(),
            ["a", "default"]
        );
        assert_eq!(child(&["a", "default"], &[], true, false).unwrap(), ["a"]);
        assert_eq!(
            child(&["a", "default"], &["a"], false, false).unwrap(),
            ["a", "default"]
        );
        assert_eq!(child(&["a"], &["A "], false, false).unwrap(), ["a"]);
        assert_eq!(
            child(&["a"], &["b"], false, true).unwrap(),
            ["b", "default"]
        );
        assert_eq!(child(&["a"], &["b"], true, true).unwrap(), ["b"]);
        assert_eq!(
            child(&["root"], &["b"], false, false).unwrap(),
            ["b", "default"]
        );
        assert_eq!(child(&["root"], &[], false, false).unwrap(), ["root"]);
        assert_eq!(
            child(&["root"], &["b", "ROOT"], false, false).unwrap(),
            ["root"]
        );
        assert_eq!(
            child(&["a"], &["default"], true, true).unwrap(),
            ["default"]
        );
    }

    #[test]
    fn more_than_the_parent_has_is_refused() {
        assert!(
            child(&["a"], &["b"], false, false)
                .unwrap_err()
                .contains("subset")
        );
        assert!(
            child(&["a"], &["default"], false, false)
                .unwrap_err()
                .contains("subset")
        );
        assert!(
            child(&["a"], &["Root"], false, true)
                .unwrap_err()
                .contains("root tokens")
        );
        assert!(
            child(&["root"], &["response-wrapping"], false, true)
                .unwrap_err()
                .contains("cannot be assigned")
        );
        assert!(
            child(&["root"], &["../root"], false, true)
                .unwrap_err()
                .contains("policies")
        );
    }

    fn any_names() -> impl Strategy<Value = Vec<String>> {
        let name = prop::sample::select(vec![
            "a", "A", "b", "c", "default", "Default", "root", " ROOT", "../root", "root/",
        ]);
        prop::collection::vec(name.prop_map(str::to_owned), 0..4)
    }

    proptest! {
        #[test]
        fn never_root_from_less_and_never_more_without_sudo(
            parent in any_names(), asked in any_names(), no_default: bool, sudo: bool,
        ) {
            let lower = |names: &[String]| names.iter().map(|name| name.trim().to_lowercase()).collect::<Vec<_>>();
            let held = lower(&parent);
            let is_root = held.contains(&"root".to_owned());
            let request = ChildPolicies { parent: &parent, asked: &asked, no_default, sudo };
            if let Ok(given) = child_policies(&request) {
                prop_assert!(is_root || !given.contains(&"root".to_owned()));
                prop_assert!(is_root || sudo || given.iter().all(|name| held.contains(name)));
                prop_assert!(given.is_sorted());
                prop_assert!(given.iter().all(|name| *name == name.trim().to_lowercase() && !name.contains('/')));
            }
        }
    }
}
