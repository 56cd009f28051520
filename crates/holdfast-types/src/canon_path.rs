//! The one path type. Parsed once at the edge; router, policy, audit and storage never see another form.
//!
//! Rules: percent-decoded once; UTF-8 in NFC-safe form; no empty segment, `.` or `..`, backslash, NUL, control character or
//! encoded slash; no segment ends in a dot or a space; at most [`PATH_BYTES_MAX`] bytes and [`PATH_SEGMENTS_MAX`] segments.
//! A trailing slash marks a directory and is kept as a flag. `Display` parses back to the same value.

use crate::limits::{PATH_BYTES_MAX, PATH_SEGMENTS_MAX};
use std::fmt;

/// A path in canonical form, without a leading slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonPath {
    text: String,
    directory: bool,
}

/// Why a path was refused. Never carries the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// More than 4096 bytes.
    #[error("path is longer than 4096 bytes")]
    TooLong,
    /// More than 64 segments.
    #[error("path has more than 64 segments")]
    TooDeep,
    /// Two slashes in a row, or a leading one.
    #[error("path has an empty segment")]
    EmptySegment,
    /// `.` or `..`.
    #[error("path has a relative segment")]
    RelativeSegment,
    /// A character that no path may hold.
    #[error("path has a control character, a backslash or an encoded slash")]
    ForbiddenCharacter,
    /// Not UTF-8, or a percent sign without two hexadecimal digits.
    #[error("path is not valid UTF-8 with percent encoding")]
    Encoding,
    /// A segment ends in a dot or a space.
    #[error("path has a segment that ends in a dot or a space")]
    TrailingDotOrSpace,
}

impl CanonPath {
    /// Parses the percent-encoded path of a URL, after `/v1/`.
    ///
    /// # Errors
    /// When one of the rules above does not hold.
    pub fn parse_encoded(raw: &str) -> Result<Self, PathError> {
        if raw.len() > PATH_BYTES_MAX * 3 {
            return Err(PathError::TooLong);
        }
        let mut decoded = Vec::with_capacity(raw.len());
        let mut bytes = raw.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                decoded.push(byte);
                continue;
            }
            let mut digit = || {
                bytes
                    .next()
                    .and_then(|d| char::from(d).to_digit(16))
                    .ok_or(PathError::Encoding)
            };
            let value = digit()? * 16 + digit()?;
            let value = u8::try_from(value).map_err(|_| PathError::Encoding)?;
            if value == b'/' {
                return Err(PathError::ForbiddenCharacter);
            }
            decoded.push(value);
        }
        Self::parse(&String::from_utf8(decoded).map_err(|_| PathError::Encoding)?)
    }

    /// Parses a decoded path.
    ///
    /// # Errors
    /// When one of the rules above does not hold.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        let (body, directory) = match text.strip_suffix('/') {
            Some(body) => (body, true),
            None => (text, false),
        };
        if body.is_empty() {
            return if directory {
                Err(PathError::EmptySegment)
            } else {
                Ok(Self {
                    text: String::new(),
                    directory,
                })
            };
        }
        let mut count = 0;
        for segment in body.split('/') {
            count += 1;
            check_segment(segment)?;
        }
        if count > PATH_SEGMENTS_MAX {
            return Err(PathError::TooDeep);
        }
        Ok(Self {
            text: body.to_owned(),
            directory,
        })
    }

    /// The path without a trailing slash; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it was written with a trailing slash.
    #[must_use]
    pub const fn is_directory(&self) -> bool {
        self.directory
    }

    /// The segments, in order; none for the empty path.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').filter(|segment| !segment.is_empty())
    }

    /// The same path marked as a directory (what LIST asks for).
    #[must_use]
    pub fn into_directory(mut self) -> Self {
        self.directory = !self.text.is_empty();
        self
    }

    /// What follows `prefix` (whole segments), with the directory mark kept.
    #[must_use]
    pub fn strip_prefix(&self, prefix: &str) -> Option<Self> {
        let rest = self.text.strip_prefix(prefix)?;
        let rest = if prefix.is_empty() || rest.is_empty() {
            rest
        } else {
            rest.strip_prefix('/')?
        };
        Some(Self {
            text: rest.to_owned(),
            directory: self.directory && !rest.is_empty(),
        })
    }
}

fn check_segment(segment: &str) -> Result<(), PathError> {
    match segment {
        "" => return Err(PathError::EmptySegment),
        "." | ".." => return Err(PathError::RelativeSegment),
        _ => {}
    }
    if segment
        .chars()
        .any(|c| c.is_control() || c == '\\' || is_invisible(c))
    {
        return Err(PathError::ForbiddenCharacter);
    }
    if segment.ends_with(['.', ' ']) {
        return Err(PathError::TrailingDotOrSpace);
    }
    Ok(())
}

/// Characters that print as nothing or reorder text: two paths must not look alike and differ.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}

impl fmt::Display for CanonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if self.directory {
            f.write_str("/")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_the_directory_mark_apart() {
        let path = CanonPath::parse("secret/data/a/").unwrap();
        assert!(path.is_directory());
        assert_eq!(path.as_str(), "secret/data/a");
        assert_eq!(path.to_string(), "secret/data/a/");
        assert_eq!(path.strip_prefix("secret").unwrap().to_string(), "data/a/");
        assert_eq!(path.strip_prefix("sec"), None);
    }

    #[test]
    fn decodes_once_and_refuses_tricks() {
        assert_eq!(
            CanonPath::parse_encoded("a%20b/c").unwrap().as_str(),
            "a b/c"
        );
        assert_eq!(CanonPath::parse_encoded("a%252e").unwrap().as_str(), "a%2e");
        for (bad, why) in [
            ("a//b", PathError::EmptySegment),
            ("/a", PathError::EmptySegment),
            ("a/../b", PathError::RelativeSegment),
            ("a/%2e%2e/b", PathError::RelativeSegment),
            ("a%2fb", PathError::ForbiddenCharacter),
            ("a%00b", PathError::ForbiddenCharacter),
            ("a\\b", PathError::ForbiddenCharacter),
            ("a%zz", PathError::Encoding),
            ("a%ff", PathError::Encoding),
            ("a.", PathError::TrailingDotOrSpace),
            ("a%20/b", PathError::TrailingDotOrSpace),
        ] {
            assert_eq!(CanonPath::parse_encoded(bad), Err(why), "{bad}");
        }
        assert_eq!(CanonPath::parse(&"a".repeat(5000)), Err(PathError::TooLong));
        assert_eq!(
            CanonPath::parse(&vec!["a"; 65].join("/")),
            Err(PathError::TooDeep)
        );
    }

    proptest! {
        #[test]
        fn display_parses_back(text in "\\PC{0,40}") {
            if let Ok(path) = CanonPath::parse(&text) {
                prop_assert_eq!(CanonPath::parse(&path.to_string()), Ok(path));
            }
        }
    }
}
