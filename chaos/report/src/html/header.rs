//! What a reader wants first: did it hold, in how many words one sentence has, and how to run it again.

use std::fmt::Write as _;

use holdfast_check::{Ruling, Verdict};

use super::text::{count, duration, escape, shortened, things};
use crate::figures::{Figures, Quantiles};
use crate::run::{Level, Run};
use crate::summary::{Summary, Tally};

/// The word for a ruling, and the class it is coloured by.
pub(crate) const fn ruling_word(ruling: Ruling) -> (&'static str, &'static str) {
    match ruling {
        Ruling::Ok => ("Held", "held"),
        Ruling::Violation => ("Violated", "violated"),
        Ruling::Inconclusive => ("Inconclusive", "inconclusive"),
    }
}

/// A sign for a ruling, so that colour is not alone.
pub(crate) const fn ruling_sign(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Ok => "✓",
        Ruling::Violation => "✕",
        Ruling::Inconclusive => "?",
    }
}

/// The same, drawn: fonts do not agree about the size of signs.
const fn ruling_path(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Ok => "M10 21l8 8L31 12",
        Ruling::Violation => "M12 12l16 16M28 12L12 28",
        Ruling::Inconclusive => "M14 15a6 6 0 1 1 9 5.2c-2 1.3-3 2.3-3 4.8M20 30v.6",
    }
}

/// The verdict, large, with what it is about and why.
pub(crate) fn verdict(out: &mut String, ruling: Ruling, eyebrow: &str, title: &str, why: &str) {
    let (word, class) = ruling_word(ruling);
    let _ = write!(
        out,
        "<header class=\"hero {class}\"><p class=\"eyebrow\">Holdfast · {eyebrow}</p>\
         <h1><span class=\"word\"><svg viewBox=\"0 0 40 40\" aria-hidden=\"true\"><circle cx=\"20\" cy=\"20\" r=\"20\"/>\
         <path d=\"{}\"/></svg>{word}</span> <span class=\"title\">{}</span></h1><p class=\"sentence\">{}</p>",
        ruling_path(ruling),
        escape(&shortened(title, 160)),
        escape(&shortened(why, 400)),
    );
}

pub(crate) fn header(out: &mut String, run: &Run, summary: &Summary) {
    let level = match run.level {
        Level::Sim => "simulation",
        Level::Proc => "real processes",
    };
    verdict(out, summary.ruling, level, &run.title, &summary.sentence);
    let _ = write!(
        out,
        "<dl class=\"facts\"><div><dt>Scenario</dt><dd>{}</dd></div><div><dt>Seed</dt><dd class=\"num\">{}</dd></div>\
         <div><dt>Nodes</dt><dd class=\"num\">{}</dd></div><div><dt>Lasted</dt><dd class=\"num\">{}</dd></div>\
         <div><dt>Began</dt><dd class=\"num\">{}</dd></div></dl>",
        escape(&shortened(&run.scenario, 80)),
        run.seed,
        run.nodes.len(),
        duration(run.duration_ns),
        escape(&shortened(&to_the_second(&run.started_at), 80)),
    );
    if !run.reproduce.is_empty() {
        let _ = write!(
            out,
            "<div class=\"again\"><span id=\"again\">Run it again</span><code tabindex=\"0\" aria-labelledby=\"again\">{}</code>\
             <button type=\"button\" hidden=\"hidden\" data-copy=\"copy\">Copy</button></div>",
            escape(&run.reproduce),
        );
    }
    out.push_str("</header>\n");
}

/// A time without its fraction of a second, which nobody reads; the JSON has it.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((second, rest)) => {
            let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{second}{zone}")
        }
        None => time.to_owned(),
    }
}

/// One sentence that says why the word above it is what it is.
pub(crate) fn sentence(run: &Run, figures: &Figures) -> String {
    let first = |ruling| run.verdicts.iter().find(|verdict| verdict.ruling == ruling);
    let of = |verdict: &Verdict| format!("{}: {}", verdict.checker, verdict.summary);
    match run.ruling() {
        Ruling::Ok => format!(
            "{} found nothing wrong in {} under {}.",
            things(run.verdicts.len() as u64, "checker", "checkers"),
            things(figures.operations, "operation", "operations"),
            things(run.history.faults.len() as u64, "fault", "faults"),
        ),
        Ruling::Violation => first(Ruling::Violation).map(of).unwrap_or_default(),
        Ruling::Inconclusive => first(Ruling::Inconclusive)
            .map_or_else(|| "No checker has judged this run.".to_owned(), of),
    }
}

/// The figures that people ask for first.
pub(crate) fn key_figures(out: &mut String, summary: &Summary, figures: &Figures) {
    out.push_str("<section aria-label=\"Key figures\"><dl class=\"key\">");
    tally_card(out, "Acknowledged writes lost", &summary.lost);
    tally_card(out, "Reads staler than allowed", &summary.stale);
    let recovery = &figures.recovery;
    let changes = things(figures.leader_changes.len() as u64, "change", "changes");
    let hits = things(recovery.leader_hits, "fault", "faults");
    let note = format!("by {hits} on leaders; {changes} of leader");
    card(
        out,
        "Leader losses",
        &count(recovery.leader_losses),
        &note,
        "",
    );
    failover_card(out, &recovery.first_ack, recovery.leader_losses);
    let outages = figures.outages.len() as u64;
    let longest = figures
        .outage_longest_ns()
        .map_or_else(|| "none".to_owned(), duration);
    let note = format!("{} over 250\u{a0}ms", things(outages, "window", "windows"));
    card(out, "Longest time without a write", &longest, &note, "");
    let note = format!("{} acknowledged", count(figures.acknowledged));
    card(out, "Operations", &count(figures.operations), &note, "");
    out.push_str("</dl></section>\n");
}

pub(crate) fn card(out: &mut String, name: &str, value: &str, note: &str, class: &str) {
    let _ = write!(
        out,
        "<div class=\"card {class}\"><dt>{name}</dt><dd class=\"value\">{}</dd><dd class=\"note\">{}</dd></div>",
        escape(value),
        escape(note),
    );
}

/// From the loss of a leader to the next write, of those losses that left a quorum.
pub(crate) fn failover_card(out: &mut String, first_ack: &Quantiles, losses: u64) {
    let show = |ns: Option<u64>| ns.map_or_else(|| "never".to_owned(), duration);
    let (value, note) = match first_ack.count {
        0 if losses == 0 => ("–".to_owned(), "no leader was lost".to_owned()),
        0 => ("–".to_owned(), "no loss left a quorum".to_owned()),
        n if n < losses => {
            let note = format!(
                "median; p99 {}; {n} that left a quorum",
                show(first_ack.p99)
            );
            (show(first_ack.p50), note)
        }
        _ => (
            show(first_ack.p50),
            format!("median; p99 {}", show(first_ack.p99)),
        ),
    };
    let class = if first_ack.missing > 0 { "bad" } else { "" };
    card(out, "Leader loss to next write", &value, &note, class);
}

/// Violations of one kind. What nobody judged is unknown: never zero.
pub(crate) fn tally_card(out: &mut String, name: &str, tally: &Tally) {
    let checked = format!("{} checked", count(tally.checked));
    match tally.found {
        None if tally.checked == 0 => card(out, name, "?", "not judged", "unsure"),
        None => card(
            out,
            name,
            "?",
            &format!("inconclusive; {checked}"),
            "unsure",
        ),
        Some(0) => card(out, name, "0", &checked, "good"),
        Some(found) => card(
            out,
            name,
            &count(found),
            &format!("or more; {checked}"),
            "bad",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_the_second_in_its_own_zone() {
        let told = [
            "2026-11-21T06:30:46.608657785Z",
            "2026-11-21T06:30:46.6+02:00",
            "2026-11-21T06:30:46Z",
            "",
        ];
        let expected = [
            "2026-11-21T06:30:46Z",
            "2026-11-21T06:30:46+02:00",
            "2026-11-21T06:30:46Z",
            "",
        ];
        assert_eq!(told.map(to_the_second), expected);
    }
}
