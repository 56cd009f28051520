//! How long a token lives: one function each for making and renewing, on plain numbers.
//!
//! An end is always a moment, never a length, and a length of nothing is an end that has come, never one that does not come.

use super::record::{Expiry, TokenRecord};
use std::time::Duration;

/// What was asked of a new token's life; zero asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Time to live.
    pub ttl: Duration,
    /// Longest life whatever is renewed.
    pub explicit_max_ttl: Duration,
    /// What each renewal gives.
    pub period: Duration,
}

/// Lengths that the mount gives and allows, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Without a wish.
    pub default_s: u64,
    /// At most.
    pub max_s: u64,
}

/// A token's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it ends.
    pub expiry: Expiry,
    /// Seconds until then, 0 = without end.
    pub ttl_s: u64,
    /// As stored, seconds.
    pub explicit_max_ttl_s: u64,
    /// As stored, seconds.
    pub period_s: u64,
    /// What was given less than asked.
    pub warnings: Vec<String>,
}

impl Lifetime {
    /// The life of a new token. `endless` is for root tokens: without a wish they do not end.
    #[must_use]
    pub fn plan(asked: Asked, endless: bool, bounds: Bounds, created_ms: u64) -> Self {
        let mut warnings = Vec::new();
        let mut cap = |name: &str, seconds: u64| {
            if seconds > bounds.max_s {
                warnings.push(capped(name, bounds.max_s));
            }
            seconds.min(bounds.max_s)
        };
        let explicit_max_ttl_s = cap("explicit_max_ttl", whole_seconds(asked.explicit_max_ttl));
        let period_s = cap("period", whole_seconds(asked.period));
        let wished = whole_seconds(asked.ttl);
        let mut ttl_s = match (period_s, wished) {
            (0, 0) if endless => 0,
            (0, 0) => bounds.default_s.min(bounds.max_s),
            (0, wished) => cap("ttl", wished),
            (period, _) => period,
        };
        if explicit_max_ttl_s > 0 && (ttl_s == 0 || ttl_s > explicit_max_ttl_s) {
            if wished > explicit_max_ttl_s {
                warnings.push(capped("ttl", explicit_max_ttl_s));
            }
            ttl_s = explicit_max_ttl_s;
        }
        let expiry = if ttl_s == 0 && endless {
            Expiry::Never
        } else {
            Expiry::At(after(created_ms, ttl_s))
        };
        Self {
            expiry,
            ttl_s,
            explicit_max_ttl_s,
            period_s,
            warnings,
        }
    }

    /// When a token ends after a renewal, with what was given less than asked; `None` when it is past all renewing.
    /// `increment` of zero asks for what the token was made with.
    #[must_use]
    pub fn renewed(
        record: &TokenRecord,
        increment: Duration,
        bounds: Bounds,
        now_ms: u64,
    ) -> Option<(u64, Vec<String>)> {
        let mut warnings = Vec::new();
        let wished = whole_seconds(increment);
        let mut end_ms = if record.period_s > 0 {
            after(now_ms, record.period_s.min(bounds.max_s))
        } else {
            let ttl_s = match (wished, record.ttl_s) {
                (0, 0) => bounds.default_s,
                (0, made_with) => made_with,
                (wished, _) => wished,
            };
            let last_ms = after(record.created_ms, bounds.max_s);
            if wished > 0 && after(now_ms, ttl_s) > last_ms {
                warnings.push(capped(
                    "increment",
                    last_ms.saturating_sub(now_ms).div_ceil(1000),
                ));
            }
            after(now_ms, ttl_s).min(last_ms)
        };
        if record.explicit_max_ttl_s > 0 {
            let last_ms = after(record.created_ms, record.explicit_max_ttl_s);
            if end_ms > last_ms {
                warnings.push(capped(
                    "increment",
                    last_ms.saturating_sub(now_ms).div_ceil(1000),
                ));
                end_ms = last_ms;
            }
        }
        (end_ms > now_ms).then_some((end_ms, warnings))
    }
}

/// Whole seconds, rounded up: a wish for less than a second is not a wish for nothing.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

const fn after(from_ms: u64, seconds: u64) -> u64 {
    from_ms.saturating_add(seconds.saturating_mul(1000))
}

fn capped(name: &str, seconds: u64) -> String {
    format!("{name} exceeds what is allowed; it is capped to {seconds} seconds")
}

#[cfg(test)]
mod tests;
