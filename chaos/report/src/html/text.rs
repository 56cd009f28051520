//! Words and numbers for people: escaping, lengths of time, counts.

use std::borrow::Cow;

/// Makes text safe between tags and in quoted attributes of HTML, SVG and XML. What XML cannot hold becomes U+FFFD.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || !in_xml(c);
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if in_xml(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    Cow::Owned(out)
}

fn in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Cuts long text at a character, with a sign that it was cut.
pub(crate) fn shortened(text: &str, chars_max: usize) -> Cow<'_, str> {
    if text.chars().count() <= chars_max {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    Cow::Owned(format!("{}…", kept.trim_end()))
}

/// A length of time with about three digits that matter. The space before the unit does not break.
pub(crate) fn duration(ns: u64) -> String {
    let ms = ns as f64 / 1e6;
    let s = ns / 1_000_000_000;
    match ns {
        0 => "0\u{a0}ms".to_owned(),
        1..10_000 => format!("{:.1}\u{a0}µs", ns as f64 / 1e3),
        10_000..1_000_000 => format!("{:.0}\u{a0}µs", ns as f64 / 1e3),
        1_000_000..9_950_000 => format!("{ms:.1}\u{a0}ms"),
        9_950_000..999_500_000 => format!("{ms:.0}\u{a0}ms"),
        999_500_000..59_995_000_000 => format!("{:.2}\u{a0}s", ns as f64 / 1e9),
        _ if s < 3600 => format!("{}\u{a0}min {:02}\u{a0}s", s / 60, s % 60),
        _ => format!("{}\u{a0}h {:02}\u{a0}min", s / 3600, s % 3600 / 60),
    }
}

/// The same, or a dash.
pub(crate) fn duration_or_dash(ns: Option<u64>) -> String {
    ns.map_or_else(|| "–".to_owned(), duration)
}

/// A number with its digits in threes.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A number of things, in the singular when it is one.
pub(crate) fn things(n: u64, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_means_something_to_a_browser_gets_through() {
        let text = escape("<b onclick=\"x('&')\">\u{0}\u{1b}");
        assert_eq!(
            text,
            "&lt;b onclick=&quot;x(&#39;&amp;&#39;)&quot;&gt;\u{fffd}\u{fffd}"
        );
        assert!(matches!(escape("plain – text"), Cow::Borrowed(_)));
    }

    #[test]
    fn lengths_of_time_read_well_at_every_size() {
        let plain = |ns| duration(ns).replace('\u{a0}', " ");
        assert_eq!(plain(0), "0 ms");
        assert_eq!(plain(1_500), "1.5 µs");
        assert_eq!(plain(420_000), "420 µs");
        assert_eq!(plain(4_210_000), "4.2 ms");
        assert_eq!(plain(9_960_000), "10 ms");
        assert_eq!(plain(412_400_000), "412 ms");
        assert_eq!(plain(1_240_000_000), "1.24 s");
        assert_eq!(plain(65_000_000_000), "1 min 05 s");
        assert_eq!(plain(3_780_000_000_000), "1 h 03 min");
        assert_eq!(duration_or_dash(None), "–");
    }

    #[test]
    fn counts_stand_in_threes() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
        assert_eq!(things(1, "fault", "faults"), "1\u{a0}fault");
        assert_eq!(things(0, "fault", "faults"), "0\u{a0}faults");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shortened("äöüäöü", 4), "äöü…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
