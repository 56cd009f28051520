//! A text that must not be shown: a token or a share. Wiped when the last holder drops it.

use std::sync::Arc;
use zeroize::Zeroizing;

/// A secret text. It has no `Debug`, no `Display` and no `Serialize`; clones share one copy.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}
