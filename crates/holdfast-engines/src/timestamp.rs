//! Moments as clients read them: RFC 3339 in UTC, always with nine digits, so that they sort as text.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const FORM: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]Z");

/// Milliseconds since the Unix epoch as text. What lies past the year 9999 is shown as its end.
pub(crate) fn rfc3339(ms: u64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(FORM).ok())
        .unwrap_or_else(|| "9999-12-31T23:59:59.999999999Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_utc_with_nine_digits() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(rfc3339(1_521_685_446_945), "2018-03-22T02:24:06.945000000Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59.999999999Z");
    }
}
