//! Checks a JSON body before anything is built from it: an object, not too deep, not too many values, no member twice.
//!
//! One pass over the bytes without recursion. It tells apart only what it must; whether the text is JSON at all is left to the
//! parser that runs after it. Invariant (checked by a property test against that parser): for every text that is JSON, depth,
//! values and repeated members are counted exactly. Complaints name a place, never what stands there.

use std::borrow::Cow;
use std::collections::HashSet;

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonRefusal {
    #[error("the body must be a JSON object")]
    NotAnObject,
    #[error("the body is nested deeper than {0} levels")]
    TooDeep(usize),
    #[error("the body has more than {0} values")]
    TooMany(usize),
    #[error("the body has an object with the same member twice, at byte {0}")]
    Twice(usize),
    #[error("the body has a member whose name is reserved, at byte {0}")]
    Reserved(usize),
    #[error("the body is malformed JSON, at byte {0}")]
    Malformed(usize),
}

/// Bounds of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonLimits {
    pub(crate) depth: usize,
    pub(crate) values: usize,
}

/// Names that the JSON library gives a meaning of its own: an object with one of them would be read as a number or as raw text.
const RESERVED: &str = "$serde_json::private::";

enum Level<'a> {
    Array,
    Object {
        names: HashSet<Cow<'a, str>>,
        name_next: bool,
    },
}

/// Refuses a body that is over a bound. `Ok` does not yet mean that it is JSON.
pub(crate) fn check(text: &[u8], limits: JsonLimits) -> Result<(), JsonRefusal> {
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut values = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if levels.is_empty() && !byte.is_ascii_whitespace() && (byte != b'{' || values > 0) {
            return Err(if values > 0 {
                JsonRefusal::Malformed(at)
            } else {
                JsonRefusal::NotAnObject
            });
        }
        match byte {
            b'{' | b'[' => {
                count(&mut values, limits)?;
                if levels.len() == limits.depth {
                    return Err(JsonRefusal::TooDeep(limits.depth));
                }
                levels.push(if byte == b'[' {
                    Level::Array
                } else {
                    Level::Object {
                        names: HashSet::new(),
                        name_next: true,
                    }
                });
                at += 1;
            }
            b'}' | b']' => {
                let closes = matches!(
                    (levels.pop(), byte),
                    (Some(Level::Object { .. }), b'}') | (Some(Level::Array), b']')
                );
                if !closes {
                    return Err(JsonRefusal::Malformed(at));
                }
                at += 1;
            }
            b',' => {
                if let Some(Level::Object { name_next, .. }) = levels.last_mut() {
                    *name_next = true;
                }
                at += 1;
            }
            b'"' => {
                let end = string_end(text, at).ok_or(JsonRefusal::Malformed(at))?;
                match levels.last_mut() {
                    Some(Level::Object { names, name_next }) if *name_next => {
                        *name_next = false;
                        take_name(names, text.get(at..end).unwrap_or_default(), at)?;
                    }
                    _ => count(&mut values, limits)?,
                }
                at = end;
            }
            b':' => at += 1,
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => {
                count(&mut values, limits)?;
                at = scalar_end(text, at);
            }
        }
    }
    if levels.is_empty() && values > 0 {
        Ok(())
    } else {
        Err(JsonRefusal::Malformed(text.len()))
    }
}

fn count(values: &mut usize, limits: JsonLimits) -> Result<(), JsonRefusal> {
    // The body itself is not counted.
    if *values > limits.values {
        return Err(JsonRefusal::TooMany(limits.values));
    }
    *values += 1;
    Ok(())
}

fn take_name<'a>(
    names: &mut HashSet<Cow<'a, str>>,
    quoted: &'a [u8],
    at: usize,
) -> Result<(), JsonRefusal> {
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default();
    let name = if inner.contains(&b'\\') {
        Cow::Owned(
            serde_json::from_slice::<String>(quoted).map_err(|_| JsonRefusal::Malformed(at))?,
        )
    } else {
        Cow::Borrowed(std::str::from_utf8(inner).map_err(|_| JsonRefusal::Malformed(at))?)
    };
    if name.starts_with(RESERVED) {
        return Err(JsonRefusal::Reserved(at));
    }
    if names.insert(name) {
        Ok(())
    } else {
        Err(JsonRefusal::Twice(at))
    }
}

/// Just behind the closing quote of the string that begins at `start`.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Just behind a number or word.
fn scalar_end(text: &[u8], start: usize) -> usize {
    let ends = |byte: &u8| {
        matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"') || byte.is_ascii_whitespace()
    };
    let rest = text.get(start + 1..).unwrap_or_default();
    start + 1 + rest.iter().position(ends).unwrap_or(rest.len())
}

#[cfg(test)]
#[path = "json_limits_tests.rs"]
mod tests;
