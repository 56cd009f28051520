//! The files of a run: history.ndjson, run.json, report.html, junit.xml, repro.json.

use crate::binary;
use crate::runner::{Facts, Keep, RunPlan, Setting, Stage};
use crate::scenario::Disk;
use anyhow::Context;
use holdfast_check::{Ruling, Verdict};
use holdfast_report::Run;
use std::collections::BTreeMap;
use std::path::Path;

/// Facts of the machine and the server.
pub(crate) fn environment(
    plan: &RunPlan,
    setting: &Setting,
) -> anyhow::Result<Vec<(String, String)>> {
    let one_line = |path: &str| {
        std::fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let shape = &plan.scenario.cluster;
    let preset = format!("{:?}", shape.preset).to_lowercase();
    let facts = [
        ("server", binary::version(&setting.binary)?),
        ("kernel", one_line("/proc/sys/kernel/osrelease")),
        ("processors", processors.to_string()),
        ("nodes", shape.nodes.to_string()),
        ("timing", preset),
        ("clients", plan.scenario.workload.clients.to_string()),
    ];
    Ok(facts.map(|(name, value)| (name.to_owned(), value)).into())
}

/// What a reader should know beside the verdicts.
pub(crate) fn notes(
    facts: &Facts,
    swept: &[String],
    stage: &Stage,
    (setting, disk): (&Setting, Disk),
) -> Vec<String> {
    let mut notes = Vec::new();
    for death in &facts.deaths {
        let why = if death.under.is_empty() {
            "nothing".to_owned()
        } else {
            death.under.join(", ")
        };
        notes.push(format!(
            "node {} ended: {}; explained by {why}",
            death.node, death.how
        ));
    }
    if !facts.slow_for.is_zero() {
        notes.push(format!(
            "service was not seen to be half as fast as before when the time after healing was over: clients worked on for {:.1} s",
            facts.slow_for.as_secs_f64()
        ));
    }
    let mut odd: BTreeMap<(u64, String), u64> = BTreeMap::new();
    for answer in &facts.odd.kept {
        *odd.entry((answer.node, answer.in_words())).or_default() += 1;
    }
    for ((node, what), times) in odd {
        notes.push(format!(
            "an answer of node {node} that is not documented: {what}, {times} times"
        ));
    }
    notes.extend(
        swept
            .iter()
            .map(|what| format!("put away what an earlier run left: {what}")),
    );
    if setting.keep == Keep::Always {
        let mut note = format!(
            "what the nodes left is kept in {}",
            stage.folder().display()
        );
        if disk == Disk::Image {
            note += ", but for their disks, which were images and are gone";
        }
        notes.push(note);
    }
    notes
}

/// Writes everything.
pub(crate) fn write(run: &Run, plan: &RunPlan, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let file = |name: &str, text: String| {
        let path = out.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    file("history.ndjson", run.history.to_ndjson())?;
    file("run.json", holdfast_report::json_complete(run))?;
    file("report.html", holdfast_report::html(run))?;
    file(
        "junit.xml",
        holdfast_report::junit(std::slice::from_ref(run)),
    )?;
    file("repro.json", serde_json::to_string_pretty(plan)? + "\n")
}

/// Keeps what the nodes printed beside the report, unless a canary may stand in it.
pub(crate) fn keep_logs(run: &Run, stage: &Stage, out: &Path) -> anyhow::Result<()> {
    let clean = |verdict: &Verdict| verdict.checker == "canaries" && verdict.ruling == Ruling::Ok;
    if !run.verdicts.iter().any(clean) {
        return Ok(());
    }
    for node in stage.cluster.nodes() {
        let to = out.join(format!("node{}.log", node.id()));
        std::fs::copy(&node.place.log, &to).with_context(|| format!("writing {}", to.display()))?;
    }
    Ok(())
}
