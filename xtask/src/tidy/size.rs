//! Files stay short: over 500 lines warns, over 800 fails; `lib.rs` holds documentation and re-exports, `main.rs`
//! starts the program. Inline tests are not counted.

use super::Finding;
use super::tracked::Tracked;

const WARN_LINES: usize = 500;
const LINES_MAX: usize = 800;
const LIB_LINES_MAX: usize = 100;
const MAIN_LINES_MAX: usize = 60;

pub(crate) fn check(file: &Tracked) -> Option<Finding> {
    let lines = file.source.as_ref()?.lines_outside_tests();
    let max = match file.name() {
        "lib.rs" => LIB_LINES_MAX,
        "main.rs" => MAIN_LINES_MAX,
        _ => LINES_MAX,
    };
    if lines > max {
        let what = format!("{lines} lines outside tests, {max} at most: split it by idea");
        return Some(Finding::error(&file.path, what));
    }
    let long = lines > WARN_LINES;
    long.then(|| {
        Finding::warning(
            &file.path,
            format!("{lines} lines outside tests: split it soon"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, lines: usize) -> Tracked {
        Tracked::new(format!("crates/a/src/{name}"), "fn a() {}\n".repeat(lines))
    }

    #[test]
    fn each_limit_bites_one_line_past_it() {
        for (name, max) in [("lib.rs", LIB_LINES_MAX), ("main.rs", MAIN_LINES_MAX)] {
            assert_eq!(check(&file(name, max)), None);
            assert!(!check(&file(name, max + 1)).unwrap().warning);
        }
        assert_eq!(check(&file("a.rs", WARN_LINES)), None);
        assert!(check(&file("a.rs", WARN_LINES + 1)).unwrap().warning);
        assert!(check(&file("a.rs", LINES_MAX)).unwrap().warning);
        assert!(!check(&file("a.rs", LINES_MAX + 1)).unwrap().warning);
    }

    #[test]
    fn inline_tests_and_other_files_are_exempt() {
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "fn a() {}\n".repeat(900)
        );
        assert_eq!(check(&Tracked::new("crates/a/src/a.rs", tests)), None);
        assert_eq!(check(&Tracked::new("Cargo.lock", "\n".repeat(3000))), None);
    }
}
