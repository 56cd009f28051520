//! What each checker says; a violation with the few operations that show it, drawn on a time axis of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use holdfast_check::{Operation, Ruling, Verdict, Violation};

use super::header::{ruling_sign, ruling_word};
use super::tables::{close, open};
use super::text::{count, duration, escape, shortened, things};
use super::timeline::N;
use super::words;
use crate::run::Run;

/// Of one checker, so many violations are shown; the JSON has the others.
const VIOLATIONS_MAX: usize = 8;
/// A minimal history is short; what is longer is cut here.
const OPERATIONS_MAX: usize = 16;
const TEXT_MAX: usize = 600;
/// Of the small drawings.
const WIDTH: f64 = 260.0;

pub(crate) fn checkers(out: &mut String, run: &Run) {
    if run.verdicts.is_empty() {
        return;
    }
    open(
        out,
        "What the checkers say",
        "",
        &["", "Checker", "#Checked", "In a sentence"],
    );
    for verdict in &run.verdicts {
        let (word, class) = ruling_word(verdict.ruling);
        let _ = writeln!(
            out,
            "<tr><td><span class=\"sign {class}\">{} {}</span></td><td><b>{}</b></td><td class=\"num\">{}</td><td class=\"text\">{}</td></tr>",
            ruling_sign(verdict.ruling),
            word.to_lowercase(),
            escape(&shortened(&verdict.checker, 80)),
            count(verdict.checked),
            escape(&shortened(&verdict.summary, TEXT_MAX)),
        );
    }
    close(out);
}

/// The violations, each on a card. They come before everything else that explains.
pub(crate) fn violations(out: &mut String, run: &Run) {
    let bad = || {
        run.verdicts
            .iter()
            .filter(|verdict| !verdict.violations.is_empty())
    };
    if bad().next().is_none() {
        return;
    }
    let found = shown_operations(run);
    out.push_str("<section><h2>What did not hold</h2>");
    for verdict in bad() {
        for violation in verdict.violations.iter().take(VIOLATIONS_MAX) {
            card(out, run, verdict, violation, &found);
        }
        let more = verdict.violations.len().saturating_sub(VIOLATIONS_MAX) as u64;
        if more > 0 {
            let _ = write!(
                out,
                "<p class=\"lead\">{} of {} in the JSON.</p>",
                things(more, "more violation", "more violations"),
                escape(&shortened(&verdict.checker, 80)),
            );
        }
    }
    out.push_str("</section>\n");
}

/// The operations that some card shows, by id.
fn shown_operations(run: &Run) -> BTreeMap<u64, &Operation> {
    let mut wanted: BTreeMap<u64, Option<&Operation>> = BTreeMap::new();
    for verdict in &run.verdicts {
        for violation in verdict.violations.iter().take(VIOLATIONS_MAX) {
            wanted.extend(
                violation
                    .operations
                    .iter()
                    .take(OPERATIONS_MAX)
                    .map(|id| (*id, None)),
            );
        }
    }
    for operation in &run.history.operations {
        if let Some(place) = wanted.get_mut(&operation.id) {
            *place = Some(operation);
        }
    }
    wanted
        .into_iter()
        .filter_map(|(id, operation)| Some((id, operation?)))
        .collect()
}

fn card(
    out: &mut String,
    run: &Run,
    verdict: &Verdict,
    violation: &Violation,
    found: &BTreeMap<u64, &Operation>,
) {
    let class = match verdict.ruling {
        Ruling::Violation => "violated",
        Ruling::Ok | Ruling::Inconclusive => "inconclusive",
    };
    let _ = write!(
        out,
        "<article class=\"violation {class}\"><h3><span class=\"checker\">{}</span> {}</h3>",
        escape(&shortened(&verdict.checker, 80)),
        escape(&shortened(&violation.what, TEXT_MAX)),
    );
    let nodes: Vec<String> = violation
        .nodes
        .iter()
        .take(12)
        .map(|id| run.node_name(*id))
        .collect();
    let mut facts = Vec::new();
    if let Some(at_ns) = violation.at_ns {
        facts.push(format!("at {}", duration(at_ns)));
    }
    if !nodes.is_empty() {
        facts.push(format!("concerns {}", nodes.join(", ")));
    }
    if !facts.is_empty() {
        let _ = write!(out, "<p class=\"muted\">{}</p>", escape(&facts.join("; ")));
    }
    let mut operations: Vec<&Operation> = violation
        .operations
        .iter()
        .take(OPERATIONS_MAX)
        .filter_map(|id| found.get(id).copied())
        .collect();
    operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    if !operations.is_empty() {
        minimal(out, run, violation, &operations);
    }
    let hidden = violation.operations.len().saturating_sub(operations.len()) as u64;
    if hidden > 0 {
        let _ = write!(
            out,
            "<p class=\"muted\">{} not shown.</p>",
            things(hidden, "further operation is", "further operations are"),
        );
    }
    out.push_str("</article>\n");
}

/// From the first question to the last answer of the operations shown.
struct Window {
    from_ns: u64,
    until_ns: u64,
}

impl Window {
    fn of(operations: &[&Operation], at_ns: Option<u64>) -> Self {
        let begins = operations.iter().map(|operation| operation.invoked_ns);
        let ends = operations
            .iter()
            .map(|operation| operation.returned_ns.unwrap_or(operation.invoked_ns));
        let from_ns = begins.chain(at_ns).min().unwrap_or(0);
        let until_ns = ends.chain(at_ns).max().unwrap_or(0).max(from_ns + 1);
        Self { from_ns, until_ns }
    }

    fn x(&self, at_ns: u64) -> f64 {
        let part =
            at_ns.saturating_sub(self.from_ns) as f64 / (self.until_ns - self.from_ns) as f64;
        4.0 + part.min(1.0) * (WIDTH - 8.0)
    }
}

fn minimal(out: &mut String, run: &Run, violation: &Violation, operations: &[&Operation]) {
    let window = Window::of(operations, violation.at_ns);
    let _ = write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Operations that show it\"><table class=\"minimal\">\
         <thead><tr><th scope=\"col\" class=\"num\">Operation</th><th scope=\"col\">Client → node</th>\
         <th scope=\"col\">Asked</th><th scope=\"col\">{}, for {}</th><th scope=\"col\">Answer</th></tr></thead><tbody>",
        duration(window.from_ns),
        duration(window.until_ns - window.from_ns),
    );
    for operation in operations {
        let _ = write!(
            out,
            "<tr><td class=\"num muted\">{}</td><td>c{} → {}</td><td>{}</td><td>",
            operation.id,
            operation.client,
            escape(&run.node_name(operation.node)),
            escape(&words::asked(&operation.action)),
        );
        drawing(out, operation, &window, violation.at_ns);
        let _ = writeln!(
            out,
            "</td><td>{}</td></tr>",
            escape(&words::answered(&operation.outcome))
        );
    }
    out.push_str("</tbody></table></div>");
}

fn drawing(out: &mut String, operation: &Operation, window: &Window, at_ns: Option<u64>) {
    let left = window.x(operation.invoked_ns);
    let right = window
        .x(operation.returned_ns.unwrap_or(window.until_ns))
        .max(left + 2.0);
    let class = match (operation.returned_ns, words::is_good(&operation.outcome)) {
        (None, _) => "open",
        (Some(_), true) => "good",
        (Some(_), false) => "poor",
    };
    let took = operation.returned_ns.map_or_else(
        || "never answered".to_owned(),
        |returned| {
            format!(
                "took {}",
                duration(returned.saturating_sub(operation.invoked_ns))
            )
        },
    );
    let _ = write!(
        out,
        "<svg class=\"span\" viewBox=\"0 0 {WIDTH} 14\" width=\"{WIDTH}\" height=\"14\" role=\"img\"><title>{took}</title>\
         <path class=\"rail\" d=\"M0 7H{WIDTH}\"/><rect class=\"{class}\" x=\"{}\" y=\"3\" width=\"{}\" height=\"8\" rx=\"2\"/>",
        N(left),
        N(right - left),
    );
    if let Some(at_ns) = at_ns {
        let _ = write!(
            out,
            "<path class=\"moment\" d=\"M{} 0V14\"/>",
            N(window.x(at_ns))
        );
    }
    out.push_str("</svg>");
}
