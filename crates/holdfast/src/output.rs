//! Printing: the server's JSON as it came, or aligned tables for people.
//!
//! In tables, control characters are shown escaped, so that stored text cannot drive the reader's terminal.

use crate::failure::Failure;
use serde_json::{Map, Value as Json};
use std::io::{ErrorKind, Write};

/// Where and how answers are printed.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether answers are printed as JSON.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// A JSON value, indented.
    pub(crate) fn json(self, value: &Json) -> Result<(), Failure> {
        write_out(&format!("{value:#}\n"))
    }

    /// The server's body in JSON form; nothing when it sent none.
    pub(crate) fn body(self, body: Option<&Json>) -> Result<(), Failure> {
        body.map_or(Ok(()), |body| self.json(body))
    }

    /// Text as it is, with a line's end.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        write_out(&format!("{text}\n"))
    }

    /// What was done, for people; silent with `--json`.
    pub(crate) fn done(self, text: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { self.line(text) }
    }

    /// Rows under headings.
    pub(crate) fn table(self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        write_out(&table(headings, rows))
    }

    /// An object's members in two columns.
    pub(crate) fn pairs(self, members: &Map<String, Json>) -> Result<(), Failure> {
        let rows: Vec<Vec<String>> = members
            .iter()
            .map(|(key, value)| vec![key.clone(), shown(value)])
            .collect();
        self.table(&["Key", "Value"], &rows)
    }

    /// A heading over what follows.
    pub(crate) fn heading(self, text: &str) -> Result<(), Failure> {
        write_out(&format!("== {text} ==\n"))
    }
}

/// A remark beside the answer, on standard error.
pub(crate) fn remark(text: &str) {
    // There is nobody to tell when standard error is gone.
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// A value as people read it: text without quotes, the rest as JSON.
pub(crate) fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "n/a".to_owned(),
        Json::Array(items) if items.iter().all(Json::is_string) => {
            format!(
                "[{}]",
                items
                    .iter()
                    .filter_map(Json::as_str)
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        }
        other => other.to_string(),
    }
}

fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            // A reader that has seen enough (`| head`) is no error worth a line.
            let text = if error.kind() == ErrorKind::BrokenPipe {
                String::new()
            } else {
                format!("cannot print: {error}")
            };
            Failure::local(text)
        })
}

fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| printable(cell)).collect())
        .collect();
    let width = |column: usize| {
        let of_rows = cells
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max();
        of_rows
            .unwrap_or(0)
            .max(headings.get(column).map_or(0, |heading| heading.len()))
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let mut out = String::new();
    let mut add = |row: Vec<&str>| {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out.push_str(padded.join("    ").trim_end());
        out.push('\n');
    };
    add(headings.to_vec());
    add(widths_of(headings).iter().map(String::as_str).collect());
    for row in &cells {
        add(row.iter().map(String::as_str).collect());
    }
    out
}

fn widths_of(headings: &[&str]) -> Vec<String> {
    headings
        .iter()
        .map(|heading| "-".repeat(heading.len()))
        .collect()
}

fn printable(text: &str) -> String {
    let escape = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(escape) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| {
            if escape(c) {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = vec![
            vec!["a".to_owned(), "1".to_owned()],
            vec!["longer".to_owned(), "22".to_owned()],
        ];
        assert_eq!(
            table(&["Key", "Value"], &rows),
            "Key       Value\n---       -----\na         1\nlonger    22\n"
        );
    }

    #[test]
    fn stored_text_cannot_drive_the_terminal() {
        let text = table(&["Key"], &[vec!["\u{1b}[2Jx\u{9b}y\n".to_owned()]]);
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{9b}') && text.contains("\\u{1b}[2Jx"),
            "{text}"
        );
    }

    #[test]
    fn values_are_shown_plainly() {
        assert_eq!(shown(&serde_json::json!("a")), "a");
        assert_eq!(shown(&serde_json::json!(["a", "b"])), "[a, b]");
        assert_eq!(shown(&serde_json::json!({"a": [1]})), r#"{"a":[1]}"#);
        assert_eq!(shown(&Json::Null), "n/a");
    }
}
