//! The page is whole: well formed, escaped, bounded, and it says what the run came to.

use super::*;
use crate::figures::fixtures::{MS, get, kill, put, refused, sample};
use crate::run::{Level, NodeInfo, Skipped};
use crate::sweep::Sweep;
use holdfast_check::{
    Consistency, History, NodeState, Operation, Outcome, Ruling, Seen, Verdict, Violation,
};
use roxmltree::{Document, Node};

const HOSTILE: &str = "<script>alert('x')</script>&\"\u{1b}";

pub(crate) fn run() -> Run {
    let mut samples = Vec::new();
    for ms in (0..3000).step_by(100) {
        for node in 1..=3 {
            let state = match (node, ms) {
                (1, 1000..2000) => NodeState::Down,
                (1, 0..1000) | (2, 1600..) => NodeState::Leader,
                (2, 1400..1600) => NodeState::Candidate,
                _ => NodeState::Follower,
            };
            let term = if ms < 1600 { 1 } else { 2 };
            samples.push(sample(node, ms * MS, state, term));
        }
    }
    let mut operations: Vec<Operation> = (0..280)
        .map(|n| put(n * 10 * MS, (n * 10 + 5) * MS, n))
        .collect();
    for operation in &mut operations[101..170] {
        operation.outcome = Outcome::Unavailable;
    }
    operations.push(get(2810 * MS, 2812 * MS, Consistency::Stale, 3));
    operations.push(refused(put(2820 * MS, 2830 * MS, 1), Outcome::Unknown));
    for (id, operation) in (1..).zip(&mut operations) {
        operation.id = id;
    }
    Run {
        title: "leader kill".to_owned(),
        scenario: "leader-kill".to_owned(),
        seed: 7,
        level: Level::Proc,
        started_at: "2026-11-21T06:00:00Z".to_owned(),
        duration_ns: 3000 * MS,
        nodes: (1..=3)
            .map(|id| NodeInfo {
                id,
                name: format!("node-{id}"),
                detail: String::new(),
            })
            .collect(),
        environment: vec![("version".to_owned(), "0.1.0".to_owned())],
        history: History {
            operations,
            samples,
            faults: vec![kill(1, 1000 * MS, Some(2000 * MS), true)],
            ended_ns: 3000 * MS,
            ..History::default()
        },
        verdicts: vec![
            verdict("durability", Ruling::Ok),
            verdict("linearizability", Ruling::Ok),
        ],
        reproduce: "holdfast-chaos run --seed 7".to_owned(),
        skipped: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn summary() -> Summary {
    Summary::of(&run())
}

pub(crate) fn verdict(checker: &str, ruling: Ruling) -> Verdict {
    Verdict {
        checker: checker.to_owned(),
        ruling,
        checked: 10,
        summary: format!("{checker} in a sentence"),
        violations: Vec::new(),
    }
}

fn violated(run: &mut Run) {
    let violation = Violation {
        what: "a read saw what was no more".to_owned(),
        at_ns: Some(2810 * MS),
        operations: vec![281, 3, 999_999],
        nodes: vec![2],
    };
    run.verdicts[1] = Verdict {
        violations: vec![violation],
        ..verdict("linearizability", Ruling::Violation)
    };
}

/// The page is XML as well, but for its first line.
fn parsed(page: &str) -> Document<'_> {
    let rest = page
        .strip_prefix("<!DOCTYPE html>")
        .expect("it says that it is HTML");
    Document::parse(rest).expect("the page is well-formed")
}

fn with_class<'a>(page: &'a Document<'_>, tag: &str, class: &str) -> Vec<Node<'a, 'a>> {
    page.descendants()
        .filter(|node| node.has_tag_name(tag))
        .filter(|node| {
            node.attribute("class")
                .is_some_and(|all| all.split(' ').any(|c| c == class))
        })
        .collect()
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect()
}

fn headings(page: &Document<'_>) -> Vec<String> {
    page.descendants()
        .filter(|node| node.has_tag_name("h2"))
        .map(text)
        .collect()
}

#[test]
fn a_page_has_its_parts_in_order_and_the_verdict_first() {
    let page = html(&run());
    let page = parsed(&page);
    let first = page
        .descendants()
        .find(|node| node.has_tag_name("h1"))
        .expect("a title");
    assert!(text(first).starts_with("Held"));
    assert_eq!(
        headings(&page),
        [
            "What happened",
            "What each fault did",
            "What the checkers say",
            "What clients got",
            "How old reads were",
            "What it ran on"
        ]
    );
    assert_eq!(with_class(&page, "div", "card").len(), 6);
    assert_eq!(
        text(with_class(&page, "div", "again")[0]),
        "Run it againholdfast-chaos run --seed 7Copy"
    );
}

#[test]
fn the_timeline_shows_lanes_faults_charts_and_times_without_a_write() {
    let page = html(&run());
    let page = parsed(&page);
    let plot = with_class(&page, "svg", "plot")[0];
    assert!(plot.children().any(|node| node.has_tag_name("title")));
    assert!(plot.children().any(|node| node.has_tag_name("desc")));
    let titles: Vec<String> = plot
        .descendants()
        .filter(|node| node.has_tag_name("title"))
        .map(text)
        .collect();
    let has = |part: &str| {
        titles
            .iter()
            .any(|title| title.replace('\u{a0}', " ").contains(part))
    };
    assert!(
        has("node-1: leader, term 1, from 0 ms for 1.00 s"),
        "{titles:?}"
    );
    assert!(has("node-1: down, from 1.00 s for 1.00 s"));
    assert!(has("node-2: candidate"));
    assert!(has("1 kill on node-1 (the leader), at 1.00 s for 1.00 s"));
    assert!(
        has("no acknowledged write for 695 ms, from 1.01 s"),
        "{titles:?}"
    );
    for (tag, class, least) in [
        ("rect", "leader", 2),
        ("rect", "down", 1),
        ("rect", "fault", 2),
        ("path", "outage", 1),
        ("path", "acked", 1),
        ("path", "failed", 1),
        ("path", "p50", 1),
        ("path", "m3", 1),
    ] {
        assert!(
            with_class(&page, tag, class).len() >= least,
            "{tag}.{class}"
        );
    }
}

#[test]
fn everything_in_the_plot_stays_in_its_frame() {
    let page = html(&run());
    let page = parsed(&page);
    let plot = with_class(&page, "svg", "plot")[0];
    for rect in plot.descendants().filter(|node| node.has_tag_name("rect")) {
        let number = |name| {
            rect.attribute(name)
                .map_or(0.0, |v| v.parse::<f64>().expect("a number"))
        };
        assert!(number("x") >= 0.0 && number("width") > 0.0, "{rect:?}");
        assert!(
            number("x") + number("width") <= timeline::axis::WIDTH,
            "{rect:?}"
        );
    }
}

#[test]
fn the_table_of_faults_tells_times_and_percentiles() {
    let page = html(&run());
    let page = parsed(&page);
    let rows: Vec<String> = page
        .descendants()
        .filter(|node| node.has_tag_name("tr"))
        .map(|row| {
            row.children()
                .map(text)
                .collect::<Vec<_>>()
                .join("|")
                .replace('\u{a0}', " ")
        })
        .collect();
    let has = |part: &str| {
        assert!(
            rows.iter().any(|row| row.contains(part)),
            "{part}: {rows:#?}"
        )
    };
    has("|kill|node-1 leader lost|1.00 s|1.00 s|400 ms|600 ms|705 ms|");
    has("Median over 1 leader loss|400 ms|600 ms|705 ms");
}

#[test]
fn a_violation_comes_before_the_timeline_with_the_operations_that_show_it() {
    let mut run = run();
    violated(&mut run);
    let page = html(&run);
    let page = parsed(&page);
    assert_eq!(headings(&page)[..2], ["What did not hold", "What happened"]);
    let card = text(with_class(&page, "article", "violation")[0]).replace('\u{a0}', " ");
    assert!(card.contains("a read saw what was no more"), "{card}");
    assert!(
        card.contains("get k1, stale") && card.contains("put k1 = 2"),
        "{card}"
    );
    assert!(card.contains("1 further operation is not shown"), "{card}");
    assert_eq!(with_class(&page, "svg", "span").len(), 2);
    let lost = text(with_class(&page, "div", "bad")[0]);
    assert!(lost.starts_with("Reads staler than allowed1"), "{lost}");
}

#[test]
fn what_nobody_judged_does_not_look_like_success() {
    let mut run = run();
    run.verdicts.clear();
    let page = html(&run);
    assert!(page.contains("No checker has judged this run."));
    assert_eq!(with_class(&parsed(&page), "div", "unsure").len(), 2);
}

#[test]
fn an_empty_history_still_makes_a_page() {
    let empty = Run {
        history: History::default(),
        duration_ns: 0,
        nodes: Vec::new(),
        ..run()
    };
    parsed(&html(&empty));
    let unsampled = Run {
        history: History::default(),
        ..run()
    };
    assert!(html(&unsampled).contains("never sampled"));
    parsed(&html_index(&Sweep::default()));
}

#[test]
fn nothing_in_a_run_can_become_markup() {
    let mut run = run();
    violated(&mut run);
    let hostile = || HOSTILE.to_owned();
    (run.title, run.scenario, run.started_at, run.reproduce) =
        (hostile(), hostile(), hostile(), hostile());
    run.nodes[0] = NodeInfo {
        id: 1,
        name: hostile(),
        detail: hostile(),
    };
    run.environment.push((hostile(), hostile()));
    run.history.faults[0].kind = hostile();
    run.history.faults[0].detail = hostile();
    for verdict in &mut run.verdicts {
        (verdict.checker, verdict.summary) = (hostile(), hostile());
        verdict
            .violations
            .iter_mut()
            .for_each(|violation| violation.what = hostile());
    }
    run.skipped.push(Skipped {
        fault: hostile(),
        reason: hostile(),
    });
    run.notes.push(hostile());
    let mut sweep = Sweep {
        title: hostile(),
        runs: vec![Summary::of(&run)],
        broken: vec![crate::sweep::tests::broken(HOSTILE)],
        left_out: vec![crate::sweep::tests::left_out(HOSTILE)],
        mutants: vec![crate::sweep::tests::mutant(HOSTILE, None)],
        unfinished: Some(hostile()),
    };
    (sweep.broken[0].scenario, sweep.broken[0].reproduce) = (hostile(), hostile());
    (sweep.left_out[0].scenario, sweep.mutants[0].checker) = (hostile(), hostile());
    for page in [html(&run), html_index(&sweep)] {
        assert!(!page.contains("<script>alert"), "it got through");
        let page = parsed(&page);
        assert!(
            page.descendants()
                .filter(|node| node.has_tag_name("script"))
                .count()
                <= 2
        );
    }
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let page = html(&run());
    for sign in [
        "http://", "https://", "@import", "src=", "<link", "url(h", "url(/",
    ] {
        assert!(!page.contains(sign), "{sign}");
    }
}

#[test]
fn a_large_run_makes_a_page_of_bounded_size() {
    let mut run = run();
    violated(&mut run);
    run.duration_ns = 3_600_000 * MS;
    let step = run.duration_ns / 100_000;
    run.history.operations = (0..100_000)
        .map(|n| {
            let seen = Seen {
                age_ms: Some(n * 7919 % 5000),
                index: Some(n / 3),
                ..Seen::default()
            };
            let read = get(
                n * step,
                n * step + n * 7907 % (300 * MS),
                Consistency::Stale,
                1,
            );
            let read = Operation {
                id: n,
                outcome: Outcome::Ok(seen),
                ..read
            };
            if n % 3 == 0 {
                Operation {
                    id: n,
                    ..put(n * step, n * step + MS, n)
                }
            } else {
                read
            }
        })
        .collect();
    let states = [
        NodeState::Follower,
        NodeState::Candidate,
        NodeState::Leader,
        NodeState::Down,
    ];
    run.history.samples = (0..70_000)
        .map(|n| {
            sample(
                n % 7,
                n * (run.duration_ns / 70_000),
                states[(n / 7 % 4) as usize],
                n,
            )
        })
        .collect();
    run.history.faults = (0..2000)
        .map(|n| {
            let mut fault = kill(
                n % 7,
                n * 1000 * MS,
                Some((n * 1000 + 900) * MS),
                n % 2 == 0,
            );
            fault.nodes = (0..7).collect();
            fault.detail = "x".repeat(5000);
            fault
        })
        .collect();
    let page = html(&run);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    parsed(&page);
}

#[test]
fn an_index_links_to_pages_and_puts_the_bad_ones_first() {
    let good = run();
    let mut bad = Run { seed: 99, ..run() };
    violated(&mut bad);
    let page = html_index(&Sweep {
        runs: [good, bad].iter().map(Summary::of).collect(),
        ..Sweep::default()
    });
    let page = parsed(&page);
    let links: Vec<&str> = page
        .descendants()
        .filter(|node| node.has_tag_name("a"))
        .filter_map(|node| node.attribute("href"))
        .collect();
    assert_eq!(
        links,
        ["proc-leader-kill-99.html", "proc-leader-kill-7.html"]
    );
    let title = page
        .descendants()
        .find(|node| node.has_tag_name("h1"))
        .expect("a title");
    assert!(text(title).starts_with("Violated"));
}

#[test]
fn an_index_of_a_sweep_is_bounded() {
    let runs: Vec<Summary> = (0..20_000)
        .map(|seed| Summary { seed, ..summary() })
        .take(4000)
        .collect();
    let page = html_index(&Sweep {
        runs,
        ..Sweep::default()
    });
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert!(page.contains("more runs"));
}
