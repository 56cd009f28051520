//! The same in numbers: each fault, each kind of operation, seeded bugs, what was left out, what it ran on.

use std::fmt::Write as _;

use super::text::{count, duration, duration_or_dash, escape, shortened, things};
use crate::figures::{FaultTimes, Figures, Quantiles};
use crate::run::{Run, Skipped};
use crate::sweep::MutantRow;

/// Rows of faults; the JSON has them all.
const FAULTS_MAX: usize = 200;
/// Rows of everything else that a caller gives.
const ROWS_MAX: usize = 300;
const TEXT_MAX: usize = 300;
/// A leader that took writes for longer after it was struck is told.
const LED_ON_NS: u64 = 50_000_000;

/// Opens a section with a table. Columns whose name begins with `#` hold numbers.
pub(crate) fn open(out: &mut String, title: &str, lead: &str, columns: &[&str]) {
    let _ = write!(out, "<section><h2>{title}</h2>");
    if !lead.is_empty() {
        let _ = write!(out, "<p class=\"lead\">{}</p>", escape(lead));
    }
    let _ = write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{title}\"><table><thead><tr>",
    );
    for column in columns {
        let _ = match column.strip_prefix('#') {
            Some(name) => write!(out, "<th scope=\"col\" class=\"num\">{name}</th>"),
            None => write!(out, "<th scope=\"col\">{column}</th>"),
        };
    }
    out.push_str("</tr></thead><tbody>\n");
}

pub(crate) fn close(out: &mut String) {
    out.push_str("</tbody></table></div></section>\n");
}

/// What each fault did, and below that the percentiles over all of them.
pub(crate) fn faults(out: &mut String, run: &Run, figures: &Figures) {
    let faults = &run.history.faults;
    if faults.is_empty() {
        return;
    }
    let lead = "Noticed, elected and next write count from the fault, or from the last write that the struck leader still took \
                after it; where it cost the leader, the next write is one that a later leader took. Level counts from healing until the struck nodes had applied what was committed then. \
                Noticed, elected and level are seen by sampling: up to one interval late, never early.";
    let columns = [
        "#",
        "Fault",
        "Struck",
        "#At",
        "#Lasted",
        "#Noticed",
        "#Elected",
        "#Next write",
        "#Level",
    ];
    open(out, "What each fault did", lead, &columns);
    for times in figures.faults.iter().take(FAULTS_MAX) {
        fault_row(out, run, times);
    }
    out.push_str("</tbody><tfoot>");
    if faults.len() > FAULTS_MAX {
        let more = things(
            (faults.len() - FAULTS_MAX) as u64,
            "more fault",
            "more faults",
        );
        let _ = write!(
            out,
            "<tr><td></td><td colspan=\"8\">and {more}, all in the JSON</td></tr>"
        );
    }
    let recovery = &figures.recovery;
    let all = [
        &recovery.detected,
        &recovery.elected,
        &recovery.first_ack,
        &recovery.caught_up,
    ];
    let losses = things(
        recovery.leader_losses_with_quorum,
        "leader loss",
        "leader losses",
    );
    let what = match recovery.leader_losses - recovery.leader_losses_with_quorum {
        0 => format!("over {losses}"),
        others => format!(
            "over {losses} that left a quorum; {} did not",
            count(others)
        ),
    };
    if all.iter().any(|quantiles| quantiles.count > 0) {
        percentile_row(out, "Median", &what, all, |quantiles| quantiles.p50);
        percentile_row(out, "p99", &what, all, |quantiles| quantiles.p99);
        percentile_row(out, "Longest", &what, all, |quantiles| quantiles.max);
    }
    out.push_str("</tfoot></table></div></section>\n");
}

fn fault_row(out: &mut String, run: &Run, times: &FaultTimes) {
    let fault = &run.history.faults[times.fault];
    let struck = struck(run, &fault.nodes);
    let _ = write!(
        out,
        "<tr><td class=\"num muted\">{}</td><td><b>{}</b>",
        times.fault + 1,
        escape(&shortened(&fault.kind, 60)),
    );
    if !fault.detail.is_empty() {
        let _ = write!(
            out,
            " <span class=\"muted\">{}</span>",
            escape(&shortened(&fault.detail, 120))
        );
    }
    if !fault.verified {
        out.push_str(" <span class=\"flag\">not seen to bite</span>");
    }
    let _ = write!(out, "</td><td>{}", escape(&struck));
    if fault.hit_leader {
        let lost = match times.leader_lost {
            true if times.led_on_ns >= LED_ON_NS => {
                format!("leader lost after {}", duration(times.led_on_ns))
            }
            true => "leader lost".to_owned(),
            false => "leader".to_owned(),
        };
        let _ = write!(out, " <span class=\"flag blue\">{lost}</span>");
    }
    let lasted = fault.until_ns.map_or_else(
        || "not healed".to_owned(),
        |until| duration(until.saturating_sub(fault.from_ns)),
    );
    let _ = write!(
        out,
        "</td><td class=\"num\">{}</td><td class=\"num\">{lasted}</td>",
        duration(fault.from_ns),
    );
    let reached = [times.detected_ns, times.elected_ns, times.first_ack_ns];
    for (place, time) in reached.into_iter().enumerate() {
        let owed = times.leader_lost || place == 2;
        time_cell(out, time, owed);
    }
    time_cell(
        out,
        times.caught_up_ns,
        fault.until_ns.is_some() && !fault.nodes.is_empty(),
    );
    out.push_str("</tr>\n");
}

fn struck(run: &Run, nodes: &[u64]) -> String {
    if nodes.len() > 2 && nodes.len() == run.nodes.len() {
        return format!("all {} nodes", nodes.len());
    }
    let names: Vec<String> = nodes.iter().take(12).map(|id| run.node_name(*id)).collect();
    names.join(", ")
}

/// A time; where it should have come and did not, that is said.
fn time_cell(out: &mut String, time: Option<u64>, owed: bool) {
    let _ = match time {
        None if owed => write!(out, "<td class=\"num bad\">never</td>"),
        time => write!(out, "<td class=\"num\">{}</td>", duration_or_dash(time)),
    };
}

fn percentile_row(
    out: &mut String,
    name: &str,
    what: &str,
    all: [&Quantiles; 4],
    pick: fn(&Quantiles) -> Option<u64>,
) {
    let _ = write!(
        out,
        "<tr><td></td><td colspan=\"4\"><b>{name}</b> <span class=\"muted\">{what}</span></td>"
    );
    for quantiles in all {
        time_cell(out, pick(quantiles), quantiles.count > 0);
    }
    out.push_str("</tr>\n");
}

/// Answers by what was asked.
pub(crate) fn operations(out: &mut String, figures: &Figures) {
    if figures.actions.is_empty() {
        return;
    }
    let columns = [
        "Asked",
        "Fresh",
        "#Times",
        "#Done",
        "#Wrong version",
        "#Denied",
        "#Sealed",
        "#Unavailable",
        "#Unknown",
        "#p50",
        "#p99",
        "#Longest",
    ];
    open(out, "What clients got", "", &columns);
    for row in &figures.actions {
        let _ = write!(
            out,
            "<tr><td><b>{}</b></td><td class=\"muted\">{}</td>",
            row.action,
            row.consistency.unwrap_or("")
        );
        let answers = [
            row.asked(),
            row.acknowledged,
            row.mismatched,
            row.denied,
            row.sealed,
            row.unavailable,
            row.unknown,
        ];
        for n in answers {
            let class = if n == 0 { "num faint" } else { "num" };
            let _ = write!(out, "<td class=\"{class}\">{}</td>", count(n));
        }
        for time in [row.latency.p50, row.latency.p99, row.latency.max] {
            let _ = write!(out, "<td class=\"num\">{}</td>", duration_or_dash(time));
        }
        out.push_str("</tr>\n");
    }
    close(out);
}

/// How old reads were.
pub(crate) fn staleness(out: &mut String, figures: &Figures) {
    if figures.staleness.is_empty() {
        return;
    }
    let lead = "Age is what the node said of its answer. Behind counts entries between the answer and the latest write that \
                was acknowledged before the question.";
    let columns = [
        "Reads",
        "#Answered",
        "#Age p50",
        "#Age p99",
        "#Oldest",
        "#Behind p50",
        "#Behind p99",
        "#Furthest",
    ];
    open(out, "How old reads were", lead, &columns);
    for row in &figures.staleness {
        let _ = write!(
            out,
            "<tr><td><b>{}</b></td><td class=\"num\">{}</td>",
            row.consistency,
            count(row.reads)
        );
        for ms in [row.age_ms.p50, row.age_ms.p99, row.age_ms.max] {
            let text = ms.map_or_else(|| "–".to_owned(), |ms| format!("{}\u{a0}ms", count(ms)));
            let _ = write!(out, "<td class=\"num\">{text}</td>");
        }
        for lag in [row.lag.p50, row.lag.p99, row.lag.max] {
            let _ = write!(
                out,
                "<td class=\"num\">{}</td>",
                lag.map_or_else(|| "–".to_owned(), count)
            );
        }
        out.push_str("</tr>\n");
    }
    close(out);
}

/// Seeded bugs and who found them.
pub(crate) fn mutants(out: &mut String, mutants: &[MutantRow]) {
    if mutants.is_empty() {
        return;
    }
    let killed = mutants.iter().filter(|mutant| mutant.killed).count() as u64;
    let lead = format!(
        "Bugs put in on purpose, to prove that the checkers see: {} of {} found.",
        count(killed),
        count(mutants.len() as u64),
    );
    open(
        out,
        "Seeded bugs",
        &lead,
        &["", "Bug", "To be found by", "#In seed", "#Seeds run"],
    );
    for row in mutants.iter().take(ROWS_MAX) {
        let sign = match (row.killed, row.seeds) {
            (true, _) => "<span class=\"sign held\">✓ found</span>",
            (false, 0) => "<span class=\"sign inconclusive\">? not hunted</span>",
            (false, _) => "<span class=\"sign violated\">✕ lived</span>",
        };
        let seed = row
            .seed
            .map_or_else(|| "–".to_owned(), |seed| seed.to_string());
        let _ = writeln!(
            out,
            "<tr><td>{sign}</td><td><b>{}</b></td><td>{}</td><td class=\"num\">{seed}</td><td class=\"num\">{}</td></tr>",
            escape(&shortened(&row.name, 80)),
            escape(&shortened(&row.checker, 80)),
            count(row.seeds),
        );
    }
    close(out);
}

/// What the scenario names and did not happen.
pub(crate) fn skipped(out: &mut String, skipped: &[Skipped]) {
    if skipped.is_empty() {
        return;
    }
    let lead =
        "Faults that were asked for and did not happen here: nothing on this page speaks for them.";
    open(out, "What was not tried", lead, &["Fault", "Why not"]);
    for skipped in skipped.iter().take(ROWS_MAX) {
        let _ = writeln!(
            out,
            "<tr><td><b>{}</b></td><td class=\"text\">{}</td></tr>",
            escape(&shortened(&skipped.fault, 80)),
            escape(&shortened(&skipped.reason, TEXT_MAX)),
        );
    }
    close(out);
}

/// Whatever the caller wants to be known.
pub(crate) fn notes(out: &mut String, run: &Run) {
    if !run.notes.is_empty() {
        out.push_str("<section><h2>Notes</h2><ul class=\"notes\">");
        for note in run.notes.iter().take(ROWS_MAX) {
            let _ = writeln!(out, "<li>{}</li>", escape(&shortened(note, TEXT_MAX * 4)));
        }
        out.push_str("</ul></section>\n");
    }
}

/// The members, and what they ran on.
pub(crate) fn environment(out: &mut String, run: &Run) {
    if run.environment.is_empty() && run.nodes.is_empty() {
        return;
    }
    out.push_str("<section><h2>What it ran on</h2><dl class=\"pairs\">");
    let nodes = run
        .nodes
        .iter()
        .map(|node| (run.node_name(node.id), node.detail.clone()));
    for (name, value) in run.environment.iter().cloned().chain(nodes).take(ROWS_MAX) {
        let _ = writeln!(
            out,
            "<div><dt>{}</dt><dd>{}</dd></div>",
            escape(&shortened(&name, 80)),
            escape(&shortened(&value, TEXT_MAX)),
        );
    }
    out.push_str("</dl></section>\n");
}
