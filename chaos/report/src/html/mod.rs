//! A run as one page that needs nothing else: no network, no fonts, no script to be complete.
//!
//! The page is well-formed XML as well as HTML. Everything from a run is escaped; everything that grows with a run is capped.

mod checkers;
mod header;
mod index;
mod tables;
mod text;
mod timeline;
mod words;

use std::fmt::Write as _;

pub(crate) use header::sentence;
pub use index::html_index;
pub(crate) use text::escape;

use crate::figures::Figures;
use crate::run::Run;
use crate::summary::Summary;

const STYLE: &str = include_str!("style.css");
/// Hover and copying only; the page is complete without it. Must hold no `&` and no `<`.
const SCRIPT: &str = include_str!("script.js");

/// The page of one run.
#[must_use]
pub fn html(run: &Run) -> String {
    let figures = Figures::of(run);
    let mut body = String::new();
    let summary = Summary::with(run, &figures);
    header::header(&mut body, run, &summary);
    body.push_str("<main>\n");
    header::key_figures(&mut body, &summary, &figures);
    checkers::violations(&mut body, run);
    timeline::timeline(&mut body, run, &figures);
    tables::faults(&mut body, run, &figures);
    checkers::checkers(&mut body, run);
    tables::operations(&mut body, &figures);
    tables::staleness(&mut body, &figures);
    tables::skipped(&mut body, &run.skipped);
    tables::notes(&mut body, run);
    tables::environment(&mut body, run);
    body.push_str("</main>\n");
    let (word, _) = header::ruling_word(summary.ruling);
    page(
        &format!("{word}: {} · seed {}", run.scenario, run.seed),
        &body,
    )
}

/// A whole document around a body.
fn page(title: &str, body: &str) -> String {
    let mut out = String::with_capacity(body.len() + STYLE.len() + 1024);
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <meta name=\"color-scheme\" content=\"light dark\"/><title>{}</title>\n<style>\n{STYLE}</style></head>\n\
         <body>\n{body}<script>\n{SCRIPT}</script></body></html>\n",
        escape(title),
    );
    out
}

#[cfg(test)]
pub(crate) mod tests;
