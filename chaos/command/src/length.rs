//! Lengths of time as scenarios write them: `"3s"`, `"500ms"`, `"1m30s"`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time; written with units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub Duration);

impl Length {
    /// So many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// In milliseconds, rounded down; more than fits counts as the most that does.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        holdfast_types::parse_duration(text)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

impl fmt::Display for Length {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match (millis / 60_000, millis % 60_000) {
            (0, rest) if rest % 1_000 == 0 => write!(out, "{}s", rest / 1_000),
            (0, rest) => write!(out, "{rest}ms"),
            (minutes, 0) => write!(out, "{minutes}m"),
            (minutes, rest) if rest % 1_000 == 0 => write!(out, "{minutes}m{}s", rest / 1_000),
            (_, _) => write!(out, "{millis}ms"),
        }
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints() {
        for text in ["500ms", "3s", "1m", "1m30s"] {
            assert_eq!(text.parse::<Length>().unwrap().to_string(), text);
        }
        assert!("soon".parse::<Length>().is_err());
    }
}
