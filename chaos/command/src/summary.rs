//! A run on a terminal: the verdict first, then why, then where to look.

use crate::losses::Losses;
use crate::table::table;
use holdfast_check::{Outcome, Ruling, Verdict};
use holdfast_report::{Run, Summary};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Violations of one checker that are told; the report has them all.
const VIOLATIONS_MAX: usize = 5;

/// A ruling as one word.
#[must_use]
pub const fn word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Ok => "PASS",
        Ruling::Violation => "VIOLATION",
        Ruling::Inconclusive => "INCONCLUSIVE",
    }
}

/// The whole summary; ends with a line break.
#[must_use]
pub fn summary(run: &Run, out: Option<&Path>) -> String {
    let mut text = format!(
        "{}  {}  seed {}\n{}\n\n",
        word(run.ruling()),
        run.scenario,
        run.seed,
        run.title
    );
    text += &verdicts(&run.verdicts);
    // A text that takes everything cannot fail, here and below.
    let _ = write!(text, "\n{}", table(2, &figures(run)));
    for note in &run.notes {
        let _ = writeln!(text, "  note: {note}");
    }
    for skipped in &run.skipped {
        let _ = writeln!(text, "  skipped: {}: {}", skipped.fault, skipped.reason);
    }
    let mut last = Vec::new();
    if let Some(out) = out {
        last.push(vec![
            "report".to_owned(),
            out.join("report.html").display().to_string(),
        ]);
    }
    last.push(vec!["again".to_owned(), run.reproduce.clone()]);
    let _ = write!(text, "\n{}", table(2, &last));
    text
}

/// What each checker says, and the first violations of those that found some.
#[must_use]
pub fn verdicts(verdicts: &[Verdict]) -> String {
    let row = |verdict: &Verdict| {
        vec![
            match verdict.ruling {
                Ruling::Ok => "ok",
                Ruling::Violation => "VIOLATION",
                Ruling::Inconclusive => "inconclusive",
            }
            .to_owned(),
            verdict.checker.clone(),
            verdict.checked.to_string(),
            verdict.summary.clone(),
        ]
    };
    let rows: Vec<_> = verdicts.iter().map(row).collect();
    let mut text = table(2, &rows);
    for verdict in verdicts {
        for violation in verdict.violations.iter().take(VIOLATIONS_MAX) {
            let _ = write!(text, "    {}: {}", verdict.checker, violation.what);
            let _ = match violation.operations.as_slice() {
                [] => writeln!(text),
                operations => writeln!(text, " (operations {operations:?})"),
            };
        }
    }
    text
}

fn figures(run: &Run) -> Vec<Vec<String>> {
    let history = &run.history;
    let mut outcomes = [0_u64; 3];
    for operation in &history.operations {
        let place = match operation.outcome {
            Outcome::Ok(_) => 0,
            Outcome::Unknown => 2,
            _ => 1,
        };
        outcomes[place] += 1;
    }
    let [done, refused, unknown] = outcomes;
    let mut faults: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for fault in &history.faults {
        let (all, bit) = faults.entry(&fault.kind).or_default();
        *all += 1;
        *bit += u64::from(fault.verified);
    }
    let faults: Vec<String> = faults
        .iter()
        .map(|(kind, (all, bit))| format!("{kind} {bit} of {all}"))
        .collect();
    let mut rows = vec![
        vec![
            "operations".to_owned(),
            format!("{done} done, {refused} refused, {unknown} unknown"),
        ],
        vec![
            "faults".to_owned(),
            if faults.is_empty() {
                "none".to_owned()
            } else {
                faults.join(", ")
            },
        ],
    ];
    rows.extend(leader_losses(run));
    rows
}

/// How long the loss of a leader was felt.
fn leader_losses(run: &Run) -> Option<Vec<String>> {
    let mut losses = Losses::default();
    losses.add(&Summary::of(run));
    Some(vec!["leader lost".to_owned(), losses.line()?])
}
