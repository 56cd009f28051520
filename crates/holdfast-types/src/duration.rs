//! Durations as clients write them (`90`, `"90"`, `"1h30m"`, `"1.5d"`) and as they read them (`1h30m0s`).

use std::fmt::Write as _;
use std::time::Duration;

/// Why a text is not a duration. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No number where one is needed, or a unit that is not one of ns, us, ms, s, m, h, d.
    #[error("a duration is seconds or numbers with units ns, us, ms, s, m, h or d")]
    Malformed,
    /// Negative.
    #[error("a duration must not be negative")]
    Negative,
    /// More than 100 years.
    #[error("a duration must not exceed 100 years")]
    TooLong,
}

const NANOS_MAX: u128 = 100 * 365 * 24 * 3600 * 1_000_000_000;

/// Parses bare seconds or numbers with units, fractions allowed.
///
/// # Errors
/// When the text is malformed, negative or longer than 100 years.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(DurationError::Malformed);
    }
    if text.starts_with('-') {
        return Err(DurationError::Negative);
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let unit_len = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        let scale: u128 = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "" if tail.is_empty() && nanos == 0 => 1_000_000_000,
            _ => return Err(DurationError::Malformed),
        };
        nanos = nanos
            .checked_add(scaled(number, scale)?)
            .ok_or(DurationError::TooLong)?;
        if nanos > NANOS_MAX {
            return Err(DurationError::TooLong);
        }
        rest = tail;
    }
    let seconds = u64::try_from(nanos / 1_000_000_000).map_err(|_| DurationError::TooLong)?;
    let below = u32::try_from(nanos % 1_000_000_000).map_err(|_| DurationError::TooLong)?;
    Ok(Duration::new(seconds, below))
}

fn scaled(number: &str, scale: u128) -> Result<u128, DurationError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || fraction.len() > 18 {
        return Err(DurationError::Malformed);
    }
    if whole.len() > 20 {
        return Err(DurationError::TooLong);
    }
    let parse = |digits: &str| {
        if digits.is_empty() {
            Ok(0)
        } else {
            digits.parse::<u128>()
        }
    };
    let whole = parse(whole).map_err(|_| DurationError::Malformed)?;
    let part = parse(fraction).map_err(|_| DurationError::Malformed)?;
    let divisor = 10u128.pow(u32::try_from(fraction.len()).map_err(|_| DurationError::Malformed)?);
    let whole = whole.checked_mul(scale).ok_or(DurationError::TooLong)?;
    Ok(whole + part * scale / divisor)
}

/// The Go form: `0s`, `1.5s`, `3h25m19s`.
#[must_use]
pub fn format_go_duration(duration: Duration) -> String {
    let mut out = String::new();
    let seconds = duration.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        let _infallible = write!(out, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _infallible = write!(out, "{minutes}m");
    }
    let _infallible = write!(out, "{rest}");
    if duration.subsec_nanos() > 0 {
        let fraction = format!("{:09}", duration.subsec_nanos());
        out.push('.');
        out.push_str(fraction.trim_end_matches('0'));
    }
    out.push('s');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_write() {
        for (text, millis) in [
            ("0", 0),
            ("90", 90_000),
            ("1h30m", 5_400_000),
            ("1.5d", 129_600_000),
            ("250ms", 250),
            ("768h", 2_764_800_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_is_not_a_duration() {
        for bad in ["", "h", "1x", "1h30", "1..5s", "."] {
            assert_eq!(parse_duration(bad), Err(DurationError::Malformed), "{bad}");
        }
        assert_eq!(parse_duration("-1s"), Err(DurationError::Negative));
        assert_eq!(parse_duration("9999999d"), Err(DurationError::TooLong));
        assert_eq!(
            parse_duration("99999999999999999999999"),
            Err(DurationError::TooLong)
        );
    }

    #[test]
    fn prints_the_go_form() {
        for (millis, text) in [
            (0, "0s"),
            (1500, "1.5s"),
            (12_319_000, "3h25m19s"),
            (60_000, "1m0s"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(format_go_duration(Duration::from_millis(millis)), text);
        }
    }
}
