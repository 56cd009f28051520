//! Many runs on one page: how many held, what leader losses took over all of them, and a row for each, the bad ones first.

use std::fmt::Write as _;

use super::header::{ruling_sign, ruling_word, sentence};
use super::page;
use super::text::{count, duration_or_dash, escape, things};
use crate::figures::Figures;
use crate::run::Run;

/// A table of runs; each row links to `STEM.html` beside it (see [`Run::stem`]).
#[must_use]
pub fn html_index(runs: &[Run]) -> String {
    let mut body = String::from("<main>\n<table><tbody>");
    for run in runs {
        let figures = Figures::of(run);
        let (word, class) = ruling_word(run.ruling());
        let _ = write!(
            body,
            "<tr class=\"{class}\"><td>{} {word}</td><td><a href=\"{}.html\">{}</a></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            ruling_sign(run.ruling()),
            run.stem(),
            escape(&run.scenario),
            count(figures.operations),
            duration_or_dash(figures.recovery.first_ack.p50),
            escape(&sentence(run, &figures)),
        );
    }
    body.push_str("</tbody></table></main>\n");
    page(&things(runs.len() as u64, "run", "runs"), &body)
}
