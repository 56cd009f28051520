//! Many runs on one page: how many held, what leader losses took over all of them, and a row for each, the bad ones first.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use holdfast_check::Ruling;

use super::header::{card, failover_card, ruling_sign, ruling_word, tally_card, verdict};
use super::page;
use super::tables::{close, mutants, open, skipped};
use super::text::{count, duration, duration_or_dash, escape, shortened, things};
use crate::figures::Quantiles;
use crate::run::Skipped;
use crate::summary::{Summary, Tally};
use crate::sweep::{Broken, LeftOut, Sweep};

/// Rows of runs; those beyond are counted. Bad runs come first, so that they are the last to be cut.
const ROWS_MAX: usize = 1500;

/// A page of many runs; each row links to `STEM.html` beside it (see [`Summary::stem`]).
#[must_use]
pub fn html_index(sweep: &Sweep) -> String {
    let mut body = String::new();
    let (ruling, title) = (sweep.ruling(), &sweep.title);
    verdict(&mut body, ruling, "all runs", title, &why(sweep));
    body.push_str("</header>\n<main>\n");
    key_figures(&mut body, &sweep.runs);
    table(&mut body, sweep);
    mutants(&mut body, &sweep.mutants);
    skipped(&mut body, &merged_skipped(&sweep.runs));
    body.push_str("</main>\n");
    page(&format!("{}: {title}", ruling_word(ruling).0), &body)
}

const fn severity(ruling: Ruling) -> u8 {
    match ruling {
        Ruling::Violation => 0,
        Ruling::Inconclusive => 1,
        Ruling::Ok => 2,
    }
}

fn number(runs: &[Summary], ruling: Ruling) -> u64 {
    runs.iter().filter(|run| run.ruling == ruling).count() as u64
}

fn why(sweep: &Sweep) -> String {
    let runs = &sweep.runs;
    let all = things(runs.len() as u64, "run", "runs");
    let mut why = if runs.is_empty() && sweep.broken.is_empty() {
        "Nothing was run.".to_owned()
    } else if !runs.is_empty() && number(runs, Ruling::Ok) == runs.len() as u64 {
        format!("Nothing wrong was found in {all}.")
    } else {
        format!(
            "Of {all}, {} violated and {} inconclusive; {} held.",
            count(number(runs, Ruling::Violation)),
            count(number(runs, Ruling::Inconclusive)),
            count(number(runs, Ruling::Ok)),
        )
    };
    let mut add = |number: usize, one: &str, many: &str, rest: &str| {
        if number > 0 {
            let _ = write!(why, " {} {rest}", things(number as u64, one, many));
        }
    };
    add(
        sweep.broken.len(),
        "run",
        "runs",
        "ended with an error of the harness.",
    );
    let lived = usize::try_from(sweep.lived()).unwrap_or(usize::MAX);
    let blind = "not found: the harness is blind there.";
    add(lived, "seeded bug was", "seeded bugs were", blind);
    let untried = "not tried here.";
    add(
        sweep.left_out.len(),
        "scenario was",
        "scenarios were",
        untried,
    );
    if let Some(unfinished) = &sweep.unfinished {
        let _ = write!(why, " Not all was run: {unfinished}.");
    }
    why
}

fn key_figures(out: &mut String, runs: &[Summary]) {
    let earnest = || runs.iter().filter(|run| !run.control);
    out.push_str("<section aria-label=\"Key figures\"><dl class=\"key\">");
    tally_card(
        out,
        "Acknowledged writes lost",
        &Tally::sum(earnest().map(|run| run.lost)),
    );
    tally_card(
        out,
        "Reads staler than allowed",
        &Tally::sum(earnest().map(|run| run.stale)),
    );
    let losses = runs.iter().map(|run| run.leader_losses).sum();
    let faults = runs.iter().map(|run| run.faults).sum();
    let note = format!("in {}", things(faults, "fault", "faults"));
    card(out, "Leader losses", &count(losses), &note, "");
    let acks = runs.iter().flat_map(|run| &run.first_acks_ns).copied();
    failover_card(out, &Quantiles::of_some(acks), losses);
    let longest = runs.iter().filter_map(|run| run.outage_longest_ns).max();
    let longest = longest.map_or_else(|| "none".to_owned(), duration);
    card(
        out,
        "Longest time without a write",
        &longest,
        "of all runs",
        "",
    );
    let operations = runs.iter().map(|run| run.operations).sum();
    let lasted: u64 = runs
        .iter()
        .map(|run| run.duration_ns)
        .fold(0, u64::saturating_add);
    let note = format!("in {} of runs", duration(lasted));
    card(out, "Operations", &count(operations), &note, "");
    out.push_str("</dl></section>\n");
}

fn table(out: &mut String, sweep: &Sweep) {
    if sweep.runs.is_empty() && sweep.broken.is_empty() && sweep.left_out.is_empty() {
        return;
    }
    let mut runs: Vec<&Summary> = sweep.runs.iter().collect();
    runs.sort_by_key(|run| {
        (
            severity(run.ruling),
            &run.scenario,
            run.level.name(),
            run.seed,
        )
    });
    let columns = [
        "",
        "Scenario",
        "#Seed",
        "Where",
        "#Nodes",
        "#Lasted",
        "#Operations",
        "#Faults",
        "#Leader losses",
        "#Next write, median",
        "#Longest without",
    ];
    open(out, "Runs", "", &columns);
    let mut room = ROWS_MAX;
    let violated = runs.partition_point(|run| run.ruling == Ruling::Violation);
    let (violated, others) = runs.split_at(violated);
    rows(out, &mut room, violated, |out, run| row(out, run));
    rows(out, &mut room, &sweep.broken, broken_row);
    rows(out, &mut room, others, |out, run| row(out, run));
    let all = runs.len() + sweep.broken.len();
    if all > ROWS_MAX {
        let more = (all - ROWS_MAX) as u64;
        let last = others.last().map_or_else(String::new, |run| {
            format!(
                ", the last of them {}",
                ruling_word(run.ruling).0.to_lowercase()
            )
        });
        let _ = write!(
            out,
            "<tr><td></td><td colspan=\"10\">and {}{last}</td></tr>",
            things(more, "more run", "more runs"),
        );
    }
    for left_out in sweep.left_out.iter().take(ROWS_MAX) {
        left_out_row(out, left_out);
    }
    close(out);
}

/// As many rows as there is room for.
fn rows<T>(out: &mut String, room: &mut usize, all: &[T], row: impl Fn(&mut String, &T)) {
    for one in all.iter().take(*room) {
        row(out, one);
    }
    *room = room.saturating_sub(all.len());
}

/// A run that was not done: it has no page and no figures.
fn broken_row(out: &mut String, broken: &Broken) {
    let _ = writeln!(
        out,
        "<tr class=\"broken\"><td><span class=\"sign violated\">! harness error</span></td><td><b>{}</b></td>\
         <td class=\"num\">{}</td><td>{}</td><td colspan=\"7\"></td></tr>\n\
         <tr class=\"why\"><td></td><td colspan=\"10\"><p>{}</p><code>{}</code></td></tr>",
        escape(&shortened(&broken.scenario, 80)),
        broken.seed,
        broken.level.name(),
        escape(&shortened(&broken.error, 600)),
        escape(&shortened(&broken.reproduce, 400)),
    );
}

fn left_out_row(out: &mut String, left_out: &LeftOut) {
    let _ = writeln!(
        out,
        "<tr class=\"left-out\"><td><span class=\"sign\">– not tried</span></td><td><b>{}</b></td><td></td><td>{}</td>\
         <td colspan=\"7\">{}</td></tr>",
        escape(&shortened(&left_out.scenario, 80)),
        left_out.level.name(),
        escape(&shortened(&left_out.reason, 400)),
    );
}

fn row(out: &mut String, run: &Summary) {
    let (word, class) = ruling_word(run.ruling);
    let _ = write!(
        out,
        "<tr><td><span class=\"sign {class}\">{} {}</span></td><td><b><a href=\"{}.html\">{}</a></b>{}",
        ruling_sign(run.ruling),
        word.to_lowercase(),
        escape(&run.stem),
        escape(&shortened(&run.scenario, 80)),
        if run.control {
            " <span class=\"flag blue\">control</span>"
        } else {
            ""
        },
    );
    let first_ack = Quantiles::of_some(run.first_acks_ns.iter().copied());
    let never = first_ack.count > 0 && first_ack.p50.is_none();
    let _ = write!(
        out,
        "</td><td class=\"num\">{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td>\
         <td class=\"num\">{}</td><td class=\"num\">{}</td>",
        run.seed,
        run.level.name(),
        run.nodes,
        duration(run.duration_ns),
        count(run.operations),
        count(run.faults),
        count(run.leader_losses),
    );
    let next = if never {
        "never".to_owned()
    } else {
        duration_or_dash(first_ack.p50)
    };
    let _ = writeln!(
        out,
        "<td class=\"num{}\">{next}</td><td class=\"num\">{}</td></tr>",
        if never { " bad" } else { "" },
        duration_or_dash(run.outage_longest_ns),
    );
    if run.ruling != Ruling::Ok {
        let _ = writeln!(
            out,
            "<tr class=\"why\"><td></td><td colspan=\"10\"><p>{}</p><code>{}</code></td></tr>",
            escape(&shortened(&run.sentence, 240)),
            escape(&shortened(&run.reproduce, 400)),
        );
    }
}

/// Each reason once.
fn merged_skipped(runs: &[Summary]) -> Vec<Skipped> {
    let mut rows: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for skipped in runs.iter().flat_map(|run| &run.skipped) {
        *rows.entry((&skipped.fault, &skipped.reason)).or_default() += 1;
    }
    rows.into_iter()
        .map(|((fault, reason), times)| Skipped {
            fault: fault.to_owned(),
            reason: format!("{reason} (in {})", things(times, "run", "runs")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::tests::{broken, left_out, mutant, sweep};

    #[test]
    fn what_was_not_done_is_told_first_and_row_by_row() {
        use Ruling::{Inconclusive, Ok, Violation};
        let mut sweep = sweep(&[Ok, Violation, Inconclusive]);
        assert!(why(&sweep).contains("1 violated and 1 inconclusive; 1 held."));
        sweep.broken.push(broken("node 1 to answer: <it> ended"));
        sweep.left_out.push(left_out("no loop devices"));
        sweep.mutants = vec![mutant("a", Some(4)), mutant("b", None)];
        let page = html_index(&sweep);
        for sentence in [
            "1\u{a0}run ended with an error of the harness.",
            "1\u{a0}seeded bug was not found: the harness is blind there.",
            "1\u{a0}scenario was not tried here.",
            "1 of 2 found",
        ] {
            assert!(page.contains(sentence), "{sentence}");
        }
        let places = [
            "✕ violated</span>",
            "! harness error</span>",
            "? inconclusive</span>",
            "✓ held</span>",
            "– not tried</span>",
            "✕ lived</span>",
        ]
        .map(|sign| page.find(sign).unwrap_or_else(|| panic!("{sign}")));
        assert!(places.is_sorted(), "{places:?}");
        assert!(page.contains("node 1 to answer: &lt;it&gt; ended"));
        assert!(page.contains("no loop devices"));
    }

    #[test]
    fn what_a_control_lost_on_purpose_is_not_counted() {
        let mut run = crate::html::tests::run();
        run.verdicts[0].checker = "control".to_owned();
        run.verdicts.truncate(1);
        let mut sweep = sweep(&[Ruling::Ok]);
        let cards = |sweep: &Sweep| {
            let mut out = String::new();
            key_figures(&mut out, &sweep.runs);
            out.split("Leader losses").next().map(str::to_owned)
        };
        let before = cards(&sweep);
        sweep.runs.push(Summary::of(&run));
        assert_eq!(cards(&sweep), before);
        assert!(html_index(&sweep).contains(">control</span>"));
    }

    #[test]
    fn a_sweep_of_which_nothing_could_be_done_is_no_success() {
        let mut sweep = sweep(&[]);
        assert_eq!(why(&sweep), "Nothing was run.");
        sweep.broken = vec![broken("no port is free"); ROWS_MAX + 5];
        let page = html_index(&sweep);
        assert!(page.contains("Inconclusive: Sweep"));
        assert!(page.contains("and 5\u{a0}more runs"));
    }
}
