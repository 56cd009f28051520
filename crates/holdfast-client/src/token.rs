//! A token: wiped when dropped, printed by nothing.

use zeroize::Zeroizing;

/// A client token. It has no `Debug`, no `Display` and no `Serialize`.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes a token; white space around it (a file's last line break) is dropped.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        let given = Zeroizing::new(token.into());
        Self(Zeroizing::new(given.trim().to_owned()))
    }

    /// The token itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
