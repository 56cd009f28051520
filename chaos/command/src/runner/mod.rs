//! One run, from the first process to the last verdict.

mod faults;
mod folder;
mod plan;
mod progress;
mod settle;
mod stage;
mod timeline;

pub use folder::Keep;
pub use plan::{RunPlan, Setting};
pub(crate) use stage::Stage;
pub(crate) use timeline::Death;

use crate::cluster::STOP_WAIT;
use crate::evidence::Evidence;
use crate::judge::judge;
use crate::output;
use crate::schedule::schedule;
use anyhow::{Context, bail};
use faults::Faults;
use folder::Folder;
use holdfast_check::{History, Ruling};
use holdfast_report::{Level, NodeInfo, Run, Skipped};
use holdfast_workload::{FinalReads, Finished, OddAnswers, Recorder, Sampler, Workload};
use progress::Progress;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use timeline::{Struck, Timeline};
use tokio::sync::watch;
use tokio::task::block_in_place;

/// Most operations of a run.
const OPERATIONS_MAX: usize = 2_000_000;
/// How often every node is asked how it is.
const SAMPLE: Duration = Duration::from_millis(20);
/// Longest last look.
const FINAL_READS: Duration = Duration::from_secs(30);

/// What is known of a run beside its history.
pub(crate) struct Facts {
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) deaths: Vec<Death>,
    /// Nodes whose disks were damaged on purpose.
    pub(crate) damaged: BTreeSet<u64>,
    /// Those of them that did not come back.
    pub(crate) lost: BTreeSet<u64>,
    /// How much longer clients worked because the service was not seen to be about as fast as before.
    pub(crate) slow_for: Duration,
    pub(crate) final_reads: FinalReads,
    /// What was not level when the time to become so was over.
    pub(crate) not_level: Option<String>,
    /// Answers that no server gives that works as documented.
    pub(crate) odd: OddAnswers,
}

/// Runs a plan and writes its files.
///
/// # Errors
/// When the harness cannot do it, or was told to end. However it ends, nothing is left running.
pub async fn run(
    plan: &RunPlan,
    setting: &Setting,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Run> {
    let folder = Folder::make(setting.keep)?;
    let interrupted = stop.clone();
    let done = run_in(folder.path(), plan, setting, stop).await;
    done.map_err(|error| folder.explain(error, *interrupted.borrow()))
}

async fn run_in(
    folder: &Path,
    plan: &RunPlan,
    setting: &Setting,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Run> {
    let started_at = OffsetDateTime::now_utc();
    let progress = Progress::new(
        setting.progress,
        format!("{} seed {}", plan.scenario.name, plan.seed),
    );
    progress.say("starting the cluster");
    // What a harness left that died hard would be in the way.
    let swept = block_in_place(holdfast_nemesis::sweep);
    let mut stage = Stage::set(&plan.scenario, plan.seed, folder, &setting.binary)?;
    let (mut history, mut facts, canaries) = work(plan, &mut stage, &progress, stop).await?;
    progress.say("reading what the nodes left behind");
    for (node, how) in stage.cluster.stop_all(STOP_WAIT).await {
        // Everything is healed: nothing explains it.
        let under = Vec::new();
        facts.deaths.push(Death { node, how, under });
    }
    let evidence = Evidence::gather(&mut stage, &facts.damaged, &canaries)?;
    history.logs = evidence.logs();
    evidence.add_digests(&mut history.samples, &facts.damaged);
    progress.say("judging");
    let verdicts = judge(&plan.scenario, &history, &facts, &evidence);
    let nodes = stage.cluster.nodes().iter();
    let run = Run {
        title: plan.scenario.about.clone(),
        scenario: plan.scenario.name.clone(),
        seed: plan.seed,
        level: Level::Proc,
        started_at: started_at.format(&Rfc3339).context("writing a time")?,
        duration_ns: history.ended_ns,
        nodes: nodes
            .map(|node| NodeInfo {
                id: node.id(),
                name: format!("n{}", node.id()),
                detail: match plan.scenario.cluster.regions.of(node.id()) {
                    Some(region) => format!("{region}, {}", node.place.api),
                    None => node.place.api.clone(),
                },
            })
            .collect(),
        environment: output::environment(plan, setting)?,
        history,
        verdicts,
        reproduce: plan.command.clone(),
        skipped: facts.skipped.clone(),
        notes: output::notes(
            &facts,
            &swept,
            &stage,
            (setting, plan.scenario.cluster.disk),
        ),
    };
    output::write(&run, plan, &setting.out)?;
    if run.ruling() != Ruling::Ok {
        output::keep_logs(&run, &stage, &setting.out)?;
    }
    Ok(run)
}

/// The part with a running cluster. Gives the history without logs.
async fn work(
    plan: &RunPlan,
    stage: &mut Stage,
    progress: &Progress,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<(History, Facts, Vec<Vec<u8>>)> {
    let scenario = &plan.scenario;
    tokio::select! {
        up = stage.cluster.bring_up() => up?,
        _asked = stop.wait_for(|stop| *stop) => bail!("interrupted"),
    }
    progress.say("preparing clients");
    let recorder = Recorder::new(OPERATIONS_MAX);
    let target = stage.cluster.target();
    let sampler = Sampler::start(&target, &recorder, &stage.cluster.lives, SAMPLE)?;
    let mut workload = Workload::start(target, scenario.workload.clone(), recorder.clone()).await?;

    let mut faults = Faults::default();
    let mut timeline = Timeline {
        scenario,
        stage,
        faults: &mut faults,
        recorder: &recorder,
        sampler: &sampler,
        progress,
        struck: Struck::default(),
        restart_at: BTreeMap::new(),
    };
    timeline.calm(scenario.warmup.0, &mut stop).await?;
    timeline.stage.take_snapshots_for(scenario)?;
    workload.begin_sealing();
    let struck = timeline
        .strike(schedule(scenario, plan.seed), &mut stop)
        .await;
    // Whatever went wrong, nothing stays broken.
    progress.say("healing");
    let healed = timeline.faults.heal_all(timeline.stage, &recorder);
    workload.end_sealing().await;
    struck?;
    healed?;
    let healed_ns = recorder.now_ns();
    timeline.calm(scenario.calm.0, &mut stop).await?;
    timeline.recover(healed_ns, &mut stop).await?;
    let Timeline { struck, .. } = timeline;
    if struck.interrupted || *stop.borrow() {
        bail!("interrupted");
    }
    progress.say("looking at everything once more");
    let load_until_ns = recorder.now_ns();
    let finished = workload.stop().await;
    let lost = settle::lost(&sampler, &struck.damaged).await;
    // Opens what is sealed, and notes that it does.
    let final_reads = look(&finished, &lost, &mut stop).await?;
    let not_level = settle::level(&sampler, &lost).await;
    let samples = sampler.stop().await;
    let history = History {
        operations: recorder.finish(),
        samples,
        faults: faults.into_history(),
        logs: Vec::new(),
        healed_ns: Some(healed_ns),
        load_until_ns: Some(load_until_ns),
        ended_ns: recorder.now_ns(),
    };
    let facts = Facts {
        skipped: struck.skipped,
        deaths: struck.deaths,
        damaged: struck.damaged,
        slow_for: struck.slow_for,
        lost,
        final_reads,
        not_level,
        odd: finished.stats().odd,
    };
    Ok((history, facts, finished.canaries()))
}

async fn look(
    finished: &Finished,
    lost: &BTreeSet<u64>,
    stop: &mut watch::Receiver<bool>,
) -> anyhow::Result<FinalReads> {
    tokio::select! {
        reads = finished.final_reads(lost, FINAL_READS) => Ok(reads),
        _asked = stop.wait_for(|stop| *stop) => bail!("interrupted"),
    }
}
