//! Many runs on one page: how many held, what leader losses took over all of them, and a row for each, the bad ones first.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use holdfast_check::Ruling;

use super::header::{card, failover_card, ruling_sign, ruling_word, tally_card, verdict};
use super::page;
use super::tables::{close, mutants, open, skipped};
use super::text::{count, duration, duration_or_dash, escape, shortened, things};
use crate::figures::Quantiles;
use crate::run::{MutantRow, Run, Skipped};
use crate::summary::{Summary, Tally};

/// Rows of runs; those beyond are counted. Bad runs come first, so that they are the last to be cut.
const RUNS_MAX: usize = 1500;

/// A table of runs; each row links to `STEM.html` beside it (see [`Run::stem`]).
#[must_use]
pub fn html_index(runs: &[Run]) -> String {
    let summaries: Vec<Summary> = runs.iter().map(Summary::of).collect();
    html_index_of("Sweep", &summaries, true)
}

/// The same from what is left of runs. With `linked` each row links to the run's page; without, it has none.
#[must_use]
pub fn html_index_of(title: &str, runs: &[Summary], linked: bool) -> String {
    let mut sorted: Vec<&Summary> = runs.iter().collect();
    sorted.sort_by_key(|run| {
        (
            severity(run.ruling),
            &run.scenario,
            run.level.name(),
            run.seed,
        )
    });
    let mut body = String::new();
    let ruling = ruling(runs);
    verdict(&mut body, ruling, "all runs", title, &why(runs));
    body.push_str("</header>\n<main>\n");
    key_figures(&mut body, runs);
    table(&mut body, &sorted, linked);
    mutants(&mut body, &merged_mutants(runs));
    skipped(&mut body, &merged_skipped(runs));
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

/// As bad as the worst; of nothing, nothing can be said.
fn ruling(runs: &[Summary]) -> Ruling {
    let worst = runs
        .iter()
        .map(|run| run.ruling)
        .min_by_key(|ruling| severity(*ruling));
    worst.unwrap_or(Ruling::Inconclusive)
}

fn number(runs: &[Summary], ruling: Ruling) -> u64 {
    runs.iter().filter(|run| run.ruling == ruling).count() as u64
}

fn why(runs: &[Summary]) -> String {
    let all = things(runs.len() as u64, "run", "runs");
    match ruling(runs) {
        _ if runs.is_empty() => "Nothing was run.".to_owned(),
        Ruling::Ok => format!("Nothing wrong was found in {all}."),
        Ruling::Violation | Ruling::Inconclusive => format!(
            "Of {all}, {} violated and {} inconclusive; {} held.",
            count(number(runs, Ruling::Violation)),
            count(number(runs, Ruling::Inconclusive)),
            count(number(runs, Ruling::Ok)),
        ),
    }
}

fn key_figures(out: &mut String, runs: &[Summary]) {
    out.push_str("<section aria-label=\"Key figures\"><dl class=\"key\">");
    tally_card(
        out,
        "Acknowledged writes lost",
        &Tally::sum(runs.iter().map(|run| run.lost)),
    );
    tally_card(
        out,
        "Reads staler than allowed",
        &Tally::sum(runs.iter().map(|run| run.stale)),
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

fn table(out: &mut String, runs: &[&Summary], linked: bool) {
    if runs.is_empty() {
        return;
    }
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
    for run in runs.iter().take(RUNS_MAX) {
        row(out, run, linked);
    }
    if runs.len() > RUNS_MAX {
        let more = (runs.len() - RUNS_MAX) as u64;
        let last = runs.last().map_or("", |run| ruling_word(run.ruling).0);
        let _ = write!(
            out,
            "<tr><td></td><td colspan=\"10\">and {}, the last of them {}</td></tr>",
            things(more, "more run", "more runs"),
            last.to_lowercase(),
        );
    }
    close(out);
}

fn row(out: &mut String, run: &Summary, linked: bool) {
    let (word, class) = ruling_word(run.ruling);
    let name = escape(&shortened(&run.scenario, 80)).into_owned();
    let name = if linked {
        format!("<a href=\"{}.html\">{name}</a>", escape(&run.stem))
    } else {
        name
    };
    let _ = write!(
        out,
        "<tr><td><span class=\"sign {class}\">{} {}</span></td><td><b>{name}</b>",
        ruling_sign(run.ruling),
        word.to_lowercase(),
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

/// Each seeded bug once: found if any run found it, with the fewest seeds; else with all that were tried in vain.
fn merged_mutants(runs: &[Summary]) -> Vec<MutantRow> {
    let mut rows: BTreeMap<&str, MutantRow> = BTreeMap::new();
    for mutant in runs.iter().flat_map(|run| &run.mutants) {
        let row = rows.entry(&mutant.name).or_insert_with(|| MutantRow {
            seeds: 0,
            ..mutant.clone()
        });
        match (row.killed && row.seeds > 0, mutant.killed) {
            (true, true) if mutant.seeds >= row.seeds => {}
            (_, true) => row.clone_from(mutant),
            (true, false) => {}
            (false, false) => row.seeds += mutant.seeds,
        }
    }
    rows.into_values().collect()
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

    fn mutant(name: &str, seeds: u64, killed: bool) -> MutantRow {
        MutantRow {
            name: name.to_owned(),
            checker: "durability".to_owned(),
            killed_by: killed.then(|| "durability".to_owned()),
            seeds,
            killed,
        }
    }

    fn summary(mutants: Vec<MutantRow>) -> Summary {
        Summary {
            mutants,
            ..crate::html::tests::summary()
        }
    }

    #[test]
    fn a_seeded_bug_stands_once_with_the_fewest_seeds_that_found_it() {
        let runs = [
            summary(vec![mutant("a", 9, true), mutant("b", 5, false)]),
            summary(vec![mutant("a", 4, true), mutant("b", 6, false)]),
            summary(vec![mutant("a", 90, false), mutant("c", 7, false)]),
            summary(vec![mutant("c", 3, true)]),
        ];
        let rows: Vec<_> = merged_mutants(&runs)
            .into_iter()
            .map(|row| (row.name, row.seeds, row.killed))
            .collect();
        let expected = [("a", 4, true), ("b", 11, false), ("c", 3, true)];
        assert_eq!(
            rows,
            expected.map(|(name, seeds, killed)| (name.to_owned(), seeds, killed))
        );
    }

    #[test]
    fn many_runs_are_as_bad_as_the_worst() {
        let with = |ruling| Summary {
            ruling,
            ..crate::html::tests::summary()
        };
        assert_eq!(ruling(&[]), Ruling::Inconclusive);
        assert_eq!(ruling(&[with(Ruling::Ok)]), Ruling::Ok);
        let all = [
            with(Ruling::Ok),
            with(Ruling::Violation),
            with(Ruling::Inconclusive),
        ];
        assert_eq!(ruling(&all), Ruling::Violation);
        assert!(why(&all).contains("1 violated and 1 inconclusive; 1 held"));
    }
}
