//! What a reader wants first: did it hold, in how many words one sentence has, and how to run it again.

use std::fmt::Write as _;

use holdfast_check::{Ruling, Verdict};

use super::text::{count, duration, escape, things};
use crate::figures::{Figures, Quantiles};
use crate::run::{Level, Run};

/// Checkers whose violations are lost acknowledged writes.
const LOSS: [&str; 1] = ["durability"];
/// Checkers whose violations are reads older than they were allowed to be.
const STALE: [&str; 3] = ["linearizability", "staleness", "stale-reads"];

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

pub(crate) fn header(out: &mut String, run: &Run, figures: &Figures) {
    let (word, class) = ruling_word(run.ruling());
    let level = match run.level {
        Level::Sim => "simulation",
        Level::Proc => "real processes",
    };
    let _ = write!(
        out,
        "<header class=\"hero {class}\"><p class=\"eyebrow\">Holdfast <span>·</span> {level}</p>\
         <h1><span class=\"word\"><span class=\"sign\" aria-hidden=\"true\">{}</span>{word}</span> \
         <span class=\"title\">{}</span></h1><p class=\"sentence\">{}</p>",
        ruling_sign(run.ruling()),
        escape(&run.title),
        escape(&sentence(run, figures)),
    );
    let _ = write!(
        out,
        "<dl class=\"facts\"><div><dt>Scenario</dt><dd>{}</dd></div><div><dt>Seed</dt><dd class=\"num\">{}</dd></div>\
         <div><dt>Nodes</dt><dd class=\"num\">{}</dd></div><div><dt>Lasted</dt><dd class=\"num\">{}</dd></div>\
         <div><dt>Began</dt><dd class=\"num\">{}</dd></div></dl>",
        escape(&run.scenario),
        run.seed,
        run.nodes.len(),
        duration(run.duration_ns),
        escape(&run.started_at),
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
        Ruling::Inconclusive => first(Ruling::Inconclusive).map(of).unwrap_or_else(|| {
            let lived = run.mutants.iter().filter(|mutant| !mutant.killed).count() as u64;
            if lived == 0 {
                return "No checker has judged this run.".to_owned();
            }
            let what = things(lived, "seeded bug was", "seeded bugs were");
            format!("{what} not found: the harness is blind there.")
        }),
    }
}

/// The figures that people ask for first.
pub(crate) fn key_figures(out: &mut String, run: &Run, figures: &Figures) {
    out.push_str("<section aria-label=\"Key figures\"><dl class=\"key\">");
    let lost = violations(&run.verdicts, &LOSS);
    card(
        out,
        "Acknowledged writes lost",
        &lost.value,
        &lost.note,
        lost.class,
    );
    let stale = violations(&run.verdicts, &STALE);
    card(
        out,
        "Reads staler than allowed",
        &stale.value,
        &stale.note,
        stale.class,
    );
    let recovery = &figures.recovery;
    let changes = things(figures.leader_changes.len() as u64, "change", "changes");
    let note = format!(
        "of {} on it; {changes} of leader",
        things(recovery.leader_hits, "fault", "faults")
    );
    card(
        out,
        "Leader losses",
        &count(recovery.leader_losses),
        &note,
        "",
    );
    let (value, note) = failover(&recovery.first_ack);
    card(
        out,
        "Leader loss to next write",
        &value,
        &note,
        never(&recovery.first_ack),
    );
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

fn card(out: &mut String, name: &str, value: &str, note: &str, class: &str) {
    let _ = write!(
        out,
        "<div class=\"card {class}\"><dt>{name}</dt><dd class=\"value\">{}</dd><dd class=\"note\">{}</dd></div>",
        escape(value),
        escape(note),
    );
}

fn failover(first_ack: &Quantiles) -> (String, String) {
    if first_ack.count == 0 {
        return ("–".to_owned(), "no leader was lost".to_owned());
    }
    let show = |ns: Option<u64>| ns.map_or_else(|| "never".to_owned(), duration);
    (
        show(first_ack.p50),
        format!("median; p99 {}", show(first_ack.p99)),
    )
}

const fn never(quantiles: &Quantiles) -> &'static str {
    if quantiles.missing > 0 { "bad" } else { "" }
}

struct Count {
    value: String,
    note: String,
    class: &'static str,
}

/// How many violations these checkers found. Checkers that did not judge, or could not, make it unknown: never zero.
fn violations(verdicts: &[Verdict], checkers: &[&str]) -> Count {
    let named: Vec<&Verdict> = verdicts
        .iter()
        .filter(|v| checkers.contains(&v.checker.as_str()))
        .collect();
    let found: usize = named
        .iter()
        .filter(|verdict| verdict.ruling == Ruling::Violation)
        .map(|verdict| verdict.violations.len().max(1))
        .sum();
    let checked = count(named.iter().map(|verdict| verdict.checked).sum());
    if found > 0 {
        let value = format!("{} or more", count(found as u64));
        return Count {
            value,
            note: format!("{checked} checked"),
            class: "bad",
        };
    }
    if named.is_empty() {
        return Count {
            value: "?".to_owned(),
            note: "not judged".to_owned(),
            class: "unsure",
        };
    }
    if named
        .iter()
        .any(|verdict| verdict.ruling == Ruling::Inconclusive)
    {
        let note = format!("inconclusive; {checked} checked");
        return Count {
            value: "?".to_owned(),
            note,
            class: "unsure",
        };
    }
    Count {
        value: "0".to_owned(),
        note: format!("{checked} checked"),
        class: "good",
    }
}
