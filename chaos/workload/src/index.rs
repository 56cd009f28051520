//! `X-Vault-Index` as clients may read it.
//!
//! The header is base64 of `v1:<cluster>:<local index>:<replicated index>:<mac>`: a form that Vault's Go client reads too, to
//! keep the later of two. It is sent back as it came; its number is only for the history.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest value that is looked at.
const BYTES_MAX: usize = 256;

/// An index that an answer carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// As it came.
    pub(crate) text: String,
    /// What it says.
    pub(crate) number: u64,
}

impl Index {
    /// `None` for anything of another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > BYTES_MAX {
            return None;
        }
        let inner = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let mut parts = inner.split(':');
        let (version, _cluster) = (parts.next()?, parts.next()?);
        let (local, replicated) = (parts.next()?, parts.next()?);
        if version != "v1" || local != replicated {
            return None;
        }
        Some(Self {
            text: text.to_owned(),
            number: replicated.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_form_that_is_given_out() {
        let found = Index::parse(&STANDARD.encode("v1:hf:42:42:")).unwrap();
        assert_eq!(found.number, 42);
        for bad in [
            "",
            "42",
            "!!",
            &STANDARD.encode("v2:hf:4:4:"),
            &STANDARD.encode("v1:hf:4:5:"),
        ] {
            assert_eq!(Index::parse(bad), None, "{bad}");
        }
        assert_eq!(Index::parse(&"a".repeat(1_000)), None);
    }
}
