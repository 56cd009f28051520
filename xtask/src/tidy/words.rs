//! Words that do not belong: unfinished work, debugging left in, `unsafe` outside its one crate, sleeps in tests.

use super::Finding;
use super::tracked::Tracked;

/// Marks of unfinished work, in comments.
const MARKS: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];
/// Macros that must not be left in code.
const MACROS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// The only crates that may use `unsafe`: locked memory, and what stands in for libc in a faulted process.
const UNSAFE_HOMES: [&str; 2] = ["crates/holdfast-memory/", "chaos/shim/"];
/// A test waits for a condition, until a deadline that is checked this close to the pause; it never hopes that
/// time helps.
const DEADLINE_LINES_NEAR: usize = 10;

pub(crate) fn check(file: &Tracked) -> Vec<Finding> {
    let Some(source) = &file.source else {
        return marks(file, &file.text, is_contract(file));
    };
    let mut findings = marks(file, &source.comments, true);
    for (number, line) in (1..).zip(source.code.lines()) {
        for name in MACROS {
            if has_word(line, name) {
                findings.push(Finding::at(file, number, format!("`{name}` is left in")));
            }
        }
        if has_word(line, "unsafe") && !UNSAFE_HOMES.iter().any(|home| file.path.starts_with(home))
        {
            findings.push(Finding::at(
                file,
                number,
                "`unsafe` belongs to holdfast-memory and the shim alone",
            ));
        }
        if has_word(line, "sleep(") && is_test(file) && !near_deadline(&source.code, number) {
            let what = "a test that sleeps: poll a condition and check a `deadline` in the loop";
            findings.push(Finding::at(file, number, what));
        }
    }
    findings
}

fn marks(file: &Tracked, text: &str, wanted: bool) -> Vec<Finding> {
    let lines = (1..).zip(text.lines()).filter(|_| wanted);
    let hits = lines.filter_map(|(number, line)| {
        MARKS
            .iter()
            .find(|mark| has_word(line, mark))
            .map(|mark| (number, mark))
    });
    hits.map(|(number, mark)| Finding::at(file, number, format!("`{mark}`: finish it or drop it")))
        .collect()
}

fn is_contract(file: &Tracked) -> bool {
    [".toml", ".proto", ".sh"]
        .iter()
        .any(|ending| file.path.ends_with(ending))
}

fn is_test(file: &Tracked) -> bool {
    file.top() == "tests" || file.path.contains("/tests/")
}

/// True if one of the lines before this one looks at a deadline, or at the time since a start.
fn near_deadline(code: &str, number: usize) -> bool {
    let first = number.saturating_sub(DEADLINE_LINES_NEAR);
    let mut near = code.lines().take(number).skip(first);
    near.any(|line| line.contains(".elapsed()") || line.to_ascii_lowercase().contains("deadline"))
}

/// The word, not as part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |char: char| char.is_alphanumeric() || char == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let closed = !word.ends_with(part) || !after.is_some_and(part);
        closed && !before.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tracked::new(path, text))
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    #[test]
    fn unfinished_work_is_found_in_comments_and_code() {
        assert_eq!(found("crates/a/src/a.rs", "// TODO: later\n").len(), 1);
        assert_eq!(found("crates/a/src/a.rs", "fn a() { todo!() }\n").len(), 1);
        assert_eq!(found("crates/a/src/a.rs", "let x = dbg!(y);\n").len(), 1);
        assert_eq!(found("proto/a.proto", "// FIXME\n").len(), 1);
        assert!(found("crates/a/src/a.rs", "let mark = \"TODO\"; let todos = 1;\n").is_empty());
    }

    #[test]
    fn unsafe_is_found_outside_its_home() {
        let text = "fn a() { unsafe { b() } }\n";
        assert_eq!(found("crates/a/src/a.rs", text).len(), 1);
        assert!(found("crates/holdfast-memory/src/a.rs", text).is_empty());
        assert!(found("crates/a/src/a.rs", "#![deny(unsafe_code)] // unsafe\n").is_empty());
    }

    #[test]
    fn sleeping_tests_are_found() {
        let text = "async fn a() { tokio::time::sleep(SECOND).await }\n";
        assert_eq!(found("tests/tests/a.rs", text).len(), 1);
        assert_eq!(found("crates/a/tests/a.rs", text).len(), 1);
        let polls = "while !x() {\nassert!(Instant::now() < deadline);\nsleep(TICK);\n}\n";
        assert!(found("tests/src/wait.rs", polls).is_empty());
        let far = format!("let deadline = 1;\n{}sleep(TICK);\n", "x();\n".repeat(20));
        assert_eq!(found("tests/src/wait.rs", &far).len(), 1);
        assert!(found("crates/a/src/a.rs", text).is_empty());
    }
}
