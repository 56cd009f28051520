//! Path patterns: literal segments, `+` for one segment, `*` at the end for any rest.
//!
//! A path's last segment is empty when it names a directory: `a/` is `a` and an empty segment, as in the path's text.

use std::cmp::Ordering;

/// A path pattern with its rank among patterns.
///
/// The order is the specificity: of two patterns that fit a path, the greater one decides. In turn: the first wildcard
/// stands later; no `*` at the end; fewer `+`; longer; then by text, so that the order is total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As written, without a leading slash.
    text: String,
    /// Without the `*` at the end.
    body: String,
    glob: bool,
    rank: Rank,
}

/// Specificity without the text, so that patterns which differ in case only are equally specific. Greater is more specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    first_wildcard: usize,
    whole: bool,
    few_plus: std::cmp::Reverse<usize>,
    length: usize,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `*` anywhere but at the end would be taken literally, which nobody means.
    #[error("\"*\" is a wildcard only at the end of a path")]
    InnerGlob,
    /// `+*` means nothing.
    #[error("\"+*\" is not a wildcard")]
    PlusGlob,
    /// `{{…}}`.
    #[error("templates are not supported yet")]
    Template,
    /// Longer than any path.
    #[error("the path is too long")]
    TooLong,
    /// Control characters fit no path.
    #[error("the path has a control character")]
    Control,
    /// Nothing.
    #[error("the path is empty")]
    Empty,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// When it has a wildcard where none works, or could fit no path.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let (body, glob) = match text.strip_suffix('*') {
            Some(body) => (body, true),
            None => (text, false),
        };
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > holdfast_types::limits::PATH_BYTES_MAX {
            return Err(PatternError::TooLong);
        }
        if text.contains("{{") {
            return Err(PatternError::Template);
        }
        if text.chars().any(char::is_control) {
            return Err(PatternError::Control);
        }
        if body.contains('*') {
            return Err(PatternError::InnerGlob);
        }
        if glob && (body == "+" || body.ends_with("/+")) {
            return Err(PatternError::PlusGlob);
        }
        Ok(Self {
            text: text.to_owned(),
            body: body.to_owned(),
            glob,
            rank: rank(body, glob),
        })
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without the `*` at the end.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Whether it ends in `*`.
    #[must_use]
    pub const fn is_glob(&self) -> bool {
        self.glob
    }

    /// Whether it has any wildcard.
    #[must_use]
    pub const fn has_wildcard(&self) -> bool {
        self.rank.first_wildcard != usize::MAX
    }

    pub(crate) const fn rank(&self) -> Rank {
        self.rank
    }

    /// The rank that the pattern would have without a slash at its end: `a/b/` names the directory of `a/b`.
    pub(crate) fn rank_without_slash(&self) -> Rank {
        match self.body.strip_suffix('/') {
            Some(body) if !self.glob => rank(body, false),
            _ => self.rank,
        }
    }

    /// Whether it fits a path's text.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        fits(&self.body, self.glob, path)
    }

    /// Whether it could fit any path below a directory, given with its trailing slash.
    #[must_use]
    pub fn reaches_below(&self, directory: &str) -> bool {
        self.covers(directory) || {
            let mut pattern = self.body.split('/');
            let mut wanted = directory.trim_end_matches('/').split('/');
            // Segment by segment into the directory, and something more of the pattern after it.
            wanted.all(|segment| {
                pattern
                    .next()
                    .is_some_and(|part| segment_fits(part, segment))
            }) && pattern
                .next()
                .is_some_and(|rest| self.glob || !rest.is_empty())
        }
    }

    /// Whether it fits everything below a directory, given with its trailing slash.
    #[must_use]
    pub fn covers(&self, directory: &str) -> bool {
        self.glob && self.matches(directory)
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank
            .cmp(&other.rank)
            .then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether a pattern's body fits a path's text.
pub(crate) fn fits(body: &str, glob: bool, path: &str) -> bool {
    let mut rest = Some(path);
    let mut parts = body.split('/').peekable();
    while let Some(part) = parts.next() {
        let Some(text) = rest else { return false };
        if glob && parts.peek().is_none() {
            return text.starts_with(part);
        }
        let (segment, after) = match text.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (text, None),
        };
        if !segment_fits(part, segment) {
            return false;
        }
        rest = after;
    }
    rest.is_none()
}

fn segment_fits(part: &str, segment: &str) -> bool {
    if part == "+" {
        !segment.is_empty()
    } else {
        part == segment
    }
}

fn rank(body: &str, glob: bool) -> Rank {
    let mut first_wildcard = if glob { body.len() } else { usize::MAX };
    let mut plus = 0;
    let mut at = 0;
    for part in body.split('/') {
        if part == "+" {
            plus += 1;
            first_wildcard = first_wildcard.min(at);
        }
        at += part.len() + 1;
    }
    Rank {
        first_wildcard,
        whole: !glob,
        few_plus: std::cmp::Reverse(plus),
        length: body.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn matches_segments() {
        for (text, fit, unfit) in [
            ("a/b", vec!["a/b"], vec!["a", "a/b/", "a/bc", "a/b/c"]),
            ("a/b/", vec!["a/b/"], vec!["a/b", "a/b/c"]),
            ("a/*", vec!["a/", "a/b", "a/b/c/"], vec!["a", "ab"]),
            ("a*", vec!["a", "a/", "ab/c"], vec!["b", ""]),
            ("*", vec!["", "a", "a/b/"], vec![]),
            ("a/+", vec!["a/b"], vec!["a/", "a", "a/b/", "a/b/c"]),
            ("+/+/c", vec!["a/b/c"], vec!["a/c", "a/b/c/", "a/b/d"]),
            ("a/+/c*", vec!["a/b/c", "a/b/cd/e"], vec!["a/b/d", "a/c"]),
            ("a/+/*", vec!["a/b/", "a/b/c/d"], vec!["a/b", "a/"]),
            ("a+b/c", vec!["a+b/c"], vec!["axb/c"]),
            ("/a", vec!["a"], vec!["/a"]),
        ] {
            for path in fit {
                assert!(pattern(text).matches(path), "{text} fits {path}");
            }
            for path in unfit {
                assert!(!pattern(text).matches(path), "{text} does not fit {path}");
            }
        }
    }

    #[test]
    fn refuses_wildcards_that_do_not_work() {
        for (text, why) in [
            ("a/*/b", PatternError::InnerGlob),
            ("a/**", PatternError::InnerGlob),
            ("a/+*", PatternError::PlusGlob),
            ("+*", PatternError::PlusGlob),
            ("a/{{identity.entity.id}}", PatternError::Template),
            ("", PatternError::Empty),
            ("/", PatternError::Empty),
            ("a\nb", PatternError::Control),
        ] {
            assert_eq!(Pattern::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn orders_by_specificity() {
        let rising = [
            "*", "+/b/c", "a/+/c*", "a/*", "a/+/+", "a/+/c", "a/b/*", "a/bb*", "a/b/+", "a/b",
        ];
        for pair in rising.windows(2) {
            assert!(
                pattern(pair[0]) < pattern(pair[1]),
                "{} is below {}",
                pair[0],
                pair[1]
            );
        }
    }

    #[test]
    fn knows_what_lies_below_a_directory() {
        for (text, reaches) in [
            ("secret/*", true),
            ("*", true),
            ("sec*", true),
            ("secret/data/a", true),
            ("+/data/*", true),
            ("secret", false),
            ("secret/", false),
            ("+", false),
            ("secrets/*", false),
            ("other/secret/x", false),
        ] {
            assert_eq!(pattern(text).reaches_below("secret/"), reaches, "{text}");
        }
        assert!(pattern("secret/*").covers("secret/"));
        assert!(!pattern("secret/a*").covers("secret/"));
    }
}
