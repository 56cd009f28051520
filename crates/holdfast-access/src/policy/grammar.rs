//! From a policy's text to its rules.

use super::capability::{Capability, CapabilitySet};
use super::constraints::{Constraints, Parameters};
use super::pattern::{self, Pattern, PatternError};
use super::syntax::{self, Node, SyntaxError};
use holdfast_types::limits::{POLICY_PATHS_MAX, POLICY_TEXT_BYTES_MAX};
use holdfast_types::parse_duration;
use serde_json::Value as Json;
use std::time::Duration;

/// What a policy grants, most specific rules first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<Rule>,
}

impl Policy {
    /// The rules, most specific first; several may have one pattern.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// What is granted where one pattern decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where.
    pub pattern: Pattern,
    /// What.
    pub capabilities: CapabilitySet,
    /// The pattern's body in lower case, of rules that deny: they hold for every spelling.
    pub(crate) folded: Option<String>,
    pub(crate) constraints: Option<Box<Constraints>>,
}

impl Rule {
    fn new(pattern: Pattern, capabilities: CapabilitySet, constraints: Constraints) -> Self {
        let folded = capabilities
            .has(Capability::Deny)
            .then(|| pattern.body().to_lowercase());
        let constraints = (!constraints.is_empty()).then(|| Box::new(constraints));
        Self {
            pattern,
            capabilities,
            folded,
            constraints,
        }
    }

    /// Whether it denies a path, given in lower case, however the pattern is spelled.
    pub(crate) fn fits_folded(&self, folded_path: &str) -> bool {
        let fits = |body: &String| pattern::fits(body, self.pattern.is_glob(), folded_path);
        self.folded.as_ref().is_some_and(fits)
    }
}

/// Why a text is no policy. Names keys and places, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Over the limit.
    #[error("a policy is at most {} KiB", POLICY_TEXT_BYTES_MAX / 1024)]
    TooLarge,
    /// Over the limit.
    #[error("a policy has at most {POLICY_PATHS_MAX} path blocks")]
    TooManyPaths,
    /// Not in the language.
    #[error("line {line}, column {column}: {what}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong or was expected.
        what: &'static str,
    },
    /// A key that policies do not have, or that is not supported.
    #[error("{place}: unknown key \"{key}\"")]
    UnknownKey {
        /// Which block.
        place: Place,
        /// The key, cut to 64 characters.
        key: String,
    },
    /// A key that stands twice in one block.
    #[error("{place}: \"{key}\" is given twice")]
    Twice {
        /// Which block.
        place: Place,
        /// The key.
        key: &'static str,
    },
    /// A value of another type.
    #[error("{place}: \"{key}\" must be {expected}")]
    Type {
        /// Which block.
        place: Place,
        /// The key.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A path that is no pattern.
    #[error("{0}: {1}")]
    Pattern(Place, PatternError),
    /// Not one of the capabilities.
    #[error(
        "{0}: a capability must be one of create, read, update, patch, delete, list, scan, sudo, subscribe, recover or deny"
    )]
    Capability(Place),
    /// Not one of the shorthands.
    #[error("{0}: \"policy\" must be one of read, write, sudo or deny")]
    Shorthand(Place),
}

/// A block of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Outside all path blocks.
    Top,
    /// The n-th path block, from 1.
    Path(usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Top => f.write_str("policy"),
            Self::Path(number) => write!(f, "path block {number}"),
        }
    }
}

impl From<SyntaxError> for PolicyError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax {
            line: error.line,
            column: error.column,
            what: error.what,
        }
    }
}

/// Reads a policy in HCL or JSON.
///
/// # Errors
/// When the text is too large, is not in the language, or has a key, capability or path that does not exist.
pub fn parse(text: &str) -> Result<Policy, PolicyError> {
    if text.len() > POLICY_TEXT_BYTES_MAX {
        return Err(PolicyError::TooLarge);
    }
    let mut rules = Vec::new();
    for (key, value) in syntax::read(text)? {
        match key.as_str() {
            "path" => paths(value, &mut rules)?,
            // Policies may name themselves; the name they are stored under is what counts.
            "name" => {}
            _ => return Err(unknown(Place::Top, &key)),
        }
    }
    rules.sort_by(|one: &Rule, other| other.pattern.cmp(&one.pattern));
    Ok(Policy { rules })
}

fn unknown(place: Place, key: &str) -> PolicyError {
    PolicyError::UnknownKey {
        place,
        key: key.chars().filter(|c| !c.is_control()).take(64).collect(),
    }
}

fn paths(value: Node, rules: &mut Vec<Rule>) -> Result<(), PolicyError> {
    let wrong = PolicyError::Type {
        place: Place::Top,
        key: "path",
        expected: "blocks by path",
    };
    let blocks = match value {
        Node::Object(blocks) => blocks,
        Node::List(lists) => {
            let mut blocks = Vec::new();
            for list in lists {
                let Node::Object(some) = list else {
                    return Err(wrong);
                };
                blocks.extend(some);
            }
            blocks
        }
        _ => return Err(wrong),
    };
    for (path, block) in blocks {
        if rules.len() == POLICY_PATHS_MAX {
            return Err(PolicyError::TooManyPaths);
        }
        let place = Place::Path(rules.len() + 1);
        let pattern = Pattern::parse(&path).map_err(|why| PolicyError::Pattern(place, why))?;
        let Node::Object(members) = block else {
            return Err(PolicyError::Type {
                place,
                key: "path",
                expected: "a block",
            });
        };
        rules.push(rule(place, pattern, members)?);
    }
    Ok(())
}

/// Keys of a path block.
const KEYS: [&str; 9] = [
    "capabilities",
    "policy",
    "allowed_parameters",
    "denied_parameters",
    "required_parameters",
    "min_wrapping_ttl",
    "max_wrapping_ttl",
    "pagination_limit",
    "comment",
];

fn rule(place: Place, pattern: Pattern, members: Vec<(String, Node)>) -> Result<Rule, PolicyError> {
    let mut capabilities = CapabilitySet::default();
    let mut constraints = Constraints::default();
    let mut seen: Vec<&'static str> = Vec::new();
    for (name, value) in members {
        let key = KEYS
            .into_iter()
            .find(|key| *key == name)
            .ok_or_else(|| unknown(place, &name))?;
        if seen.contains(&key) {
            return Err(PolicyError::Twice { place, key });
        }
        seen.push(key);
        let at = At { place, key };
        match key {
            "capabilities" => capabilities = capabilities.union(at.capabilities(value)?),
            "policy" => capabilities = capabilities.union(at.shorthand(value)?),
            "allowed_parameters" => constraints.allowed = at.parameters(value)?,
            "denied_parameters" => constraints.denied = at.parameters(value)?,
            "required_parameters" => {
                let names = at.texts(value)?;
                constraints.required = names.iter().map(|name| name.to_lowercase()).collect();
            }
            "min_wrapping_ttl" => constraints.min_wrap_ttl = at.duration(value)?,
            "max_wrapping_ttl" => constraints.max_wrap_ttl = at.duration(value)?,
            "pagination_limit" => constraints.pagination_limit = at.count(value)?,
            _ => {}
        }
    }
    let bounds = constraints.min_wrap_ttl.zip(constraints.max_wrap_ttl);
    if bounds.is_some_and(|(least, most)| least > most) {
        let expected = "at least \"min_wrapping_ttl\"";
        return Err(PolicyError::Type {
            place,
            key: "max_wrapping_ttl",
            expected,
        });
    }
    Ok(Rule::new(pattern, capabilities, constraints))
}

/// Where a value stands, for errors.
#[derive(Clone, Copy)]
struct At {
    place: Place,
    key: &'static str,
}

impl At {
    const fn wrong(self, expected: &'static str) -> PolicyError {
        PolicyError::Type {
            place: self.place,
            key: self.key,
            expected,
        }
    }

    fn texts(self, value: Node) -> Result<Vec<String>, PolicyError> {
        let Node::List(items) = value else {
            return Err(self.wrong("a list of texts"));
        };
        let text = |item| match item {
            Node::Text(text) => Ok(text),
            _ => Err(self.wrong("a list of texts")),
        };
        items.into_iter().map(text).collect()
    }

    fn capabilities(self, value: Node) -> Result<CapabilitySet, PolicyError> {
        let mut set = CapabilitySet::default();
        for name in self.texts(value)? {
            set.insert(Capability::parse(&name).ok_or(PolicyError::Capability(self.place))?);
        }
        Ok(set)
    }

    fn shorthand(self, value: Node) -> Result<CapabilitySet, PolicyError> {
        use Capability::{Create, Delete, Deny, List, Patch, Read, Sudo, Update};
        let Node::Text(text) = value else {
            return Err(self.wrong("a text"));
        };
        let granted: &[Capability] = match text.as_str() {
            "deny" => &[Deny],
            "read" => &[Read, List],
            "write" => &[Create, Read, Update, Delete, List, Patch],
            "sudo" => &[Create, Read, Update, Delete, List, Patch, Sudo],
            _ => return Err(PolicyError::Shorthand(self.place)),
        };
        Ok(CapabilitySet::of(granted))
    }

    fn parameters(self, value: Node) -> Result<Parameters, PolicyError> {
        let wrong = || self.wrong("an object whose values are lists");
        let Node::Object(members) = value else {
            return Err(wrong());
        };
        let mut parameters = Parameters::new();
        for (name, values) in members {
            let Node::List(values) = values else {
                return Err(wrong());
            };
            let name = name.to_lowercase();
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(self.wrong("an object that names each parameter once"));
            }
            let values = values.into_iter().map(json).collect::<Option<_>>();
            parameters.push((name, values.ok_or_else(wrong)?));
        }
        Ok(parameters)
    }

    fn duration(self, value: Node) -> Result<Option<Duration>, PolicyError> {
        let (Node::Text(text) | Node::Number(text)) = value else {
            return Err(self.wrong("a duration"));
        };
        let duration = parse_duration(&text).map_err(|_| self.wrong("a duration"))?;
        Ok((!duration.is_zero()).then_some(duration))
    }

    fn count(self, value: Node) -> Result<Option<u64>, PolicyError> {
        let wrong = self.wrong("a whole number of at least 1");
        let Node::Number(text) = value else {
            return Err(wrong);
        };
        let count = text.parse().ok().filter(|count| *count > 0);
        count.map_or(Err(wrong), |count| Ok(Some(count)))
    }
}

fn json(node: Node) -> Option<Json> {
    Some(match node {
        Node::Text(text) => Json::from(text),
        Node::Number(text) => Json::Number(text.parse().ok()?),
        Node::Boolean(flag) => Json::from(flag),
        Node::Null => Json::Null,
        Node::List(items) => Json::Array(items.into_iter().map(json).collect::<Option<_>>()?),
        Node::Object(members) => {
            let member = |(key, value)| json(value).map(|value| (key, value));
            Json::Object(members.into_iter().map(member).collect::<Option<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests;
