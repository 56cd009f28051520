//! What a set of policies allows on a path.
//!
//! One evaluator answers for every operation. Of all rules that fit a path, those of the most specific pattern decide, all of
//! them together: their capabilities are united, and `deny` among them takes everything.
//!
//! - A rule that denies holds for every spelling of its path in upper and lower case; a rule as specific that is spelled
//!   like the path comes before it.
//! - A directory `a/b/` is also the path `a/b`: both are judged, and the more specific answer decides. A denial loses only
//!   to a grant that is strictly more specific than it, the trailing slash not counted.

use crate::policy::{Capability, CapabilitySet, Inputs, Policy, PolicyName, Rule, StoredPolicy};
use crate::policy::{Constraints, Rank};
use holdfast_barrier::Txn;
use holdfast_contract::Refusal;
use holdfast_types::{CanonPath, NamespaceId};
use serde_json::{Map, Value as Json, json};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a caller may do.
pub struct Acl {
    root: bool,
    policies: Vec<Arc<Policy>>,
    /// Whether any rule denies, so that spellings matter.
    denials: bool,
}

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The capability is granted, and the request meets what the rules ask of it.
    pub allowed: bool,
    /// The path is granted `sudo`.
    pub sudo: bool,
}

/// The rules that decide on a path's text.
struct Winners<'a> {
    rules: Vec<&'a Rule>,
    /// Spelled like the path.
    exact: bool,
}

impl<'a> Winners<'a> {
    fn capabilities(&self) -> CapabilitySet {
        let union = |set: CapabilitySet, rule: &&Rule| set.union(rule.capabilities);
        self.rules.iter().fold(CapabilitySet::default(), union)
    }

    fn rank(&self) -> Option<Rank> {
        self.rules.first().map(|rule| rule.pattern.rank())
    }

    /// Takes a fitting rule in if it decides too, or decides alone.
    fn add(&mut self, rule: &'a Rule, exact: bool) {
        let key = |rule: &'a Rule, exact| (rule.pattern.rank(), exact, rule.pattern.as_str());
        let order = self.rules.first().map_or(Ordering::Greater, |first| {
            key(rule, exact).cmp(&key(first, self.exact))
        });
        match order {
            Ordering::Less => {}
            Ordering::Equal => self.rules.push(rule),
            Ordering::Greater => {
                *self = Self {
                    rules: vec![rule],
                    exact,
                }
            }
        }
    }

    fn constraints(&self) -> Option<Constraints> {
        let mut asked = self
            .rules
            .iter()
            .filter_map(|rule| rule.constraints.as_deref());
        let mut all = asked.next()?.clone();
        asked.for_each(|more| all.merge(more));
        Some(all)
    }
}

impl Acl {
    /// The rights that some policies give together.
    #[must_use]
    pub fn new(policies: Vec<Arc<Policy>>) -> Self {
        let denies = |policy: &Arc<Policy>| policy.rules().iter().any(|rule| rule.folded.is_some());
        let denials = policies.iter().any(denies);
        Self {
            root: false,
            policies,
            denials,
        }
    }

    /// The rights of the `root` policy: everything.
    #[must_use]
    pub const fn root() -> Self {
        Self {
            root: true,
            policies: Vec::new(),
            denials: false,
        }
    }

    /// Whether everything is allowed.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.root
    }

    /// Whether a request may go on. For LIST and SCAN the path is taken as a directory.
    #[must_use]
    pub fn check(&self, path: &CanonPath, asked: Capability, inputs: &Inputs<'_>) -> Decision {
        if self.root {
            return Decision {
                allowed: true,
                sudo: true,
            };
        }
        let listing = matches!(asked, Capability::List | Capability::Scan);
        let winners = self.winners(path, listing);
        let granted = winners.capabilities();
        if granted.denies() {
            return Decision::default();
        }
        let mut allowed = granted.has(asked);
        if let Some(constraints) = winners.constraints() {
            let writes = matches!(
                asked,
                Capability::Create | Capability::Update | Capability::Patch
            );
            allowed &= constraints.admits_wrapping(inputs.wrap_ttl)
                && (!writes || constraints.admits_write(inputs))
                && (!listing || constraints.admits_page(inputs));
        }
        Decision {
            allowed,
            sudo: granted.has(Capability::Sudo),
        }
    }

    /// Names of what may be done on a path, sorted: `["root"]` for everything, `["deny"]` for nothing.
    #[must_use]
    pub fn capabilities(&self, path: &CanonPath) -> Vec<&'static str> {
        if self.root {
            vec!["root"]
        } else {
            self.winners(path, false).capabilities().names()
        }
    }

    /// Whether `sudo` is granted on a path.
    #[must_use]
    pub fn has_sudo(&self, path: &str) -> bool {
        let granted = || self.winners_of(path).capabilities();
        self.root || !granted().denies() && granted().has(Capability::Sudo)
    }

    /// Whether anything at all is granted on any path below a directory, given with its trailing slash.
    #[must_use]
    pub fn sees_below(&self, directory: &str) -> bool {
        if self.root {
            return true;
        }
        let rules = || self.policies.iter().flat_map(|policy| policy.rules());
        let inside =
            |rule: &Rule| !rule.pattern.covers(directory) && rule.pattern.reaches_below(directory);
        if rules().any(|rule| !rule.capabilities.denies() && inside(rule)) {
            return true;
        }
        // Of the rules that hold for all of it, the most specific ones decide.
        let covering = || rules().filter(|rule| rule.pattern.covers(directory));
        let Some(best) = covering().map(|rule| &rule.pattern).max() else {
            return false;
        };
        let deciding = covering().filter(|rule| rule.pattern == *best);
        let union = |set: CapabilitySet, rule: &Rule| set.union(rule.capabilities);
        !deciding.fold(CapabilitySet::default(), union).denies()
    }

    /// What `sys/internal/ui/resultant-acl` shows: capabilities by path, and by prefix or pattern.
    #[must_use]
    pub fn resultant(&self) -> Json {
        let mut exact: BTreeMap<&str, CapabilitySet> = BTreeMap::new();
        let mut glob: BTreeMap<&str, CapabilitySet> = BTreeMap::new();
        for rule in self.policies.iter().flat_map(|policy| policy.rules()) {
            let (map, path) = if rule.pattern.has_wildcard() {
                (&mut glob, rule.pattern.body())
            } else {
                (&mut exact, rule.pattern.as_str())
            };
            let set = map.entry(path).or_default();
            *set = set.union(rule.capabilities);
        }
        let shown = |map: BTreeMap<&str, CapabilitySet>| -> Map<String, Json> {
            let entry = |(path, set): (&str, CapabilitySet)| {
                (path.to_owned(), json!({ "capabilities": set.names() }))
            };
            map.into_iter().map(entry).collect()
        };
        json!({ "root": self.root, "exact_paths": shown(exact), "glob_paths": shown(glob) })
    }

    /// The rules that decide on a path; as a directory also on the path without its slash.
    fn winners(&self, path: &CanonPath, listing: bool) -> Winners<'_> {
        let plain = path.as_str();
        if plain.is_empty() || !(listing || path.is_directory()) {
            return self.winners_of(plain);
        }
        let as_directory = self.winners_of(&format!("{plain}/"));
        let as_path = self.winners_of(plain);
        let one = as_directory
            .rules
            .first()
            .map(|rule| rule.pattern.rank_without_slash());
        let other = as_path
            .rules
            .first()
            .map(|rule| rule.pattern.rank_without_slash());
        match other.cmp(&one) {
            Ordering::Greater => as_path,
            Ordering::Equal if as_path.capabilities().has(Capability::Deny) => as_path,
            Ordering::Equal | Ordering::Less => as_directory,
        }
    }

    fn winners_of(&self, path: &str) -> Winners<'_> {
        let folded_path = if self.denials {
            path.to_lowercase()
        } else {
            String::new()
        };
        let mut best = Winners {
            rules: Vec::new(),
            exact: false,
        };
        for policy in &self.policies {
            for rule in policy.rules() {
                // The most specific rules of a policy come first.
                if best.rank().is_some_and(|rank| rule.pattern.rank() < rank) {
                    break;
                }
                let exact = rule.pattern.matches(path);
                if exact || self.denials && rule.fits_folded(&folded_path) {
                    best.add(rule, exact);
                }
            }
        }
        best
    }
}

/// The rights that named policies give together. A name without a policy gives nothing.
///
/// # Errors
/// When the state cannot be read, or a policy was written by other software and cannot be understood: it might deny.
pub fn acl_of(txn: &mut Txn, namespace: NamespaceId, names: &[String]) -> Result<Acl, Refusal> {
    if names.iter().any(|name| name == "root") {
        return Ok(Acl::root());
    }
    let mut policies = Vec::with_capacity(names.len());
    for name in names {
        let Ok(name) = PolicyName::parse(name) else {
            continue;
        };
        if let Some(stored) = crate::policy::load(txn, namespace, &name)? {
            let policy = StoredPolicy::policy(&stored).ok_or(Refusal::Internal("policy"))?;
            policies.push(Arc::clone(policy));
        }
    }
    Ok(Acl::new(policies))
}

#[cfg(test)]
mod tests;
