//! Names of policies.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// The name of a policy: `[a-z0-9][a-z0-9._-]{0,127}`, lower-cased where it enters. Reserved words are judged on this form,
/// so that no other spelling of `root` exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyName(String);

/// A text is not a policy's name. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a policy's name is 1 to 128 letters, digits, dots, dashes and underscores, beginning with a letter or digit"
)]
pub struct PolicyNameError;

impl PolicyName {
    /// Normalises and checks.
    ///
    /// # Errors
    /// When it is empty, too long or has another character.
    pub fn parse(text: &str) -> Result<Self, PolicyNameError> {
        let text = text.trim().to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let first_fits = text.bytes().next().is_some_and(plain);
        let rest_fits = text
            .bytes()
            .all(|byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-'));
        if !first_fits || !rest_fits || text.len() > NAME_BYTES_MAX {
            return Err(PolicyNameError);
        }
        Ok(Self(text))
    }

    /// The policy that grants everything. It has no text and cannot be written.
    #[must_use]
    pub fn root() -> Self {
        Self("root".to_owned())
    }

    /// The policy that tokens get unless they are made without it.
    #[must_use]
    pub fn default_policy() -> Self {
        Self("default".to_owned())
    }

    /// Whether it grants everything.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "root"
    }

    /// Whether it is the one that tokens get by default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0 == "default"
    }

    /// Whether the product gives it out by itself only: nobody may write it or assign it.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(self.as_str(), "response-wrapping" | "control-group")
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_each_name() {
        assert_eq!(PolicyName::parse("  RoOt ").unwrap(), PolicyName::root());
        assert_eq!(
            PolicyName::parse("Team-a_1.b").unwrap().as_str(),
            "team-a_1.b"
        );
        for bad in [
            "",
            " ",
            ".",
            "..",
            "../root",
            "-a",
            "_a",
            "a/b",
            "a b",
            "é",
            "ROOT\u{131}",
            "a\0",
        ] {
            assert_eq!(PolicyName::parse(bad), Err(PolicyNameError), "{bad:?}");
        }
        assert!(PolicyName::parse(&"a".repeat(128)).is_ok());
        assert!(PolicyName::parse(&"a".repeat(129)).is_err());
    }
}
