//! The time in which faults strike: installs what is due, heals what is over, and starts again what ended by itself.

use super::faults::{Faults, Installing};
use super::progress::Progress;
use super::stage::Stage;
use crate::catalogue::{self, Cost, Group};
use crate::cluster::how_it_ended;
use crate::scenario::Scenario;
use crate::schedule::Step;
use crate::target::Standing;
use holdfast_check::{History, is_fast_again};
use holdfast_report::Skipped;
use holdfast_workload::{Recorder, Sampler};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// How often everything is looked at.
const TICK: Duration = Duration::from_millis(20);
/// How much longer clients work where the service is still slower than before.
const SLOW_MAX: Duration = Duration::from_secs(30);
/// Between two looks at whether it is.
const SLOW_LOOK: Duration = Duration::from_secs(1);
/// How long a fault waits for a leader to strike, or for others to be healed, before it is skipped.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long after its end a process that nothing struck is started again, as a supervisor does it.
const SUPERVISOR: Duration = Duration::from_millis(500);
/// A node that said within this time that it leads is taken for the leader: samples come every 20 ms, and late when it is busy.
const SAID_LATELY: Duration = Duration::from_millis(600);
/// Between two updates of the progress line.
const SHOW: Duration = Duration::from_millis(500);

/// A process that ended by itself, or otherwise than it should when it was asked to.
#[derive(Clone, Debug)]
pub(crate) struct Death {
    pub(crate) node: u64,
    pub(crate) how: String,
    /// The faults that explain it; none: nothing does.
    pub(crate) under: Vec<&'static str>,
}

/// What the time of faults gave.
#[derive(Default)]
pub(crate) struct Struck {
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) deaths: Vec<Death>,
    /// Nodes whose disks were damaged on purpose.
    pub(crate) damaged: BTreeSet<u64>,
    /// Whether somebody asked the run to end early.
    pub(crate) interrupted: bool,
    /// How much longer clients worked because the service was not seen to be about as fast as before.
    pub(crate) slow_for: Duration,
}

/// Works through a schedule.
pub(crate) struct Timeline<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) stage: &'a mut Stage,
    pub(crate) faults: &'a mut Faults,
    pub(crate) recorder: &'a Recorder,
    pub(crate) sampler: &'a Sampler,
    pub(crate) progress: &'a Progress,
    pub(crate) struck: Struck,
    pub(crate) restart_at: BTreeMap<u64, Instant>,
}

impl Timeline<'_> {
    /// Until the schedule is done and its time is over; nothing is healed early, and what still holds then is left to the
    /// caller.
    pub(crate) async fn strike(
        &mut self,
        steps: Vec<Step>,
        interrupted: &mut tokio::sync::watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let ends = started + self.scenario.duration.0;
        let mut waiting: VecDeque<Step> = steps.into();
        let mut shown = started;
        while Instant::now() < ends || !waiting.is_empty() {
            if *interrupted.borrow_and_update() {
                self.struck.interrupted = true;
                return Ok(());
            }
            self.look_after().await?;
            self.faults.heal_due(self.stage, self.recorder)?;
            while let Some(step) = waiting.front() {
                let due = started + step.at.0;
                if due > Instant::now() || !self.try_install(step, due).await? {
                    break;
                }
                waiting.pop_front();
            }
            if shown.elapsed() >= SHOW {
                shown = Instant::now();
                self.show();
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(())
    }

    /// Clients work on for a while, with nothing broken.
    pub(crate) async fn calm(
        &mut self,
        lasts: Duration,
        interrupted: &mut tokio::sync::watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let ends = Instant::now() + lasts;
        let mut shown = Instant::now();
        while Instant::now() < ends && !*interrupted.borrow_and_update() {
            self.look_after().await?;
            if shown.elapsed() >= SHOW {
                shown = Instant::now();
                self.show();
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(())
    }

    /// Clients work on until the service is as fast as before, or has had [`SLOW_MAX`] more: a machine that stalls for a moment
    /// is no lasting slowdown. The run is judged on how it ends, and tells how much longer it took.
    pub(crate) async fn recover(
        &mut self,
        healed_ns: u64,
        interrupted: &mut tokio::sync::watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let since = Instant::now();
        while self.scenario.asks_for_service()
            && !self.is_fast_again(healed_ns)
            && self.struck.slow_for < SLOW_MAX
            && !*interrupted.borrow()
        {
            self.calm(SLOW_LOOK, interrupted).await?;
            self.struck.slow_for = since.elapsed();
        }
        Ok(())
    }

    fn is_fast_again(&self, healed_ns: u64) -> bool {
        let now_ns = self.recorder.now_ns();
        let so_far = History {
            operations: self.recorder.so_far(),
            samples: Vec::new(),
            faults: self.faults.history().to_vec(),
            logs: Vec::new(),
            healed_ns: Some(healed_ns),
            load_until_ns: Some(now_ns),
            ended_ns: now_ns,
        };
        // A little more than is asked in the end: until then some moments pass.
        let mut bounds = crate::judge::bounds();
        bounds.throughput_percent += 10;
        is_fast_again(&so_far, bounds)
    }

    /// Installs a step whose time has come. Gives whether it is dealt with, be it by skipping it.
    async fn try_install(&mut self, step: &Step, due: Instant) -> anyhow::Result<bool> {
        let late = Instant::now() > due + PATIENCE;
        let Some(entry) = catalogue::find(&step.fault) else {
            return Ok(self.skip(step, "unknown".to_owned()));
        };
        let standing = self.standing(entry.group);
        let chosen = standing.choose(&step.target, self.scenario.minority(), step.pick);
        let Some(nodes) = chosen else {
            return Ok(late
                && self.skip(
                    step,
                    format!("no target: {} was not to be had", step.target),
                ));
        };
        let mut broken = standing.clone();
        broken.broken.extend(&self.struck.damaged);
        if !broken.within(self.scenario.budget(), entry, &nodes) {
            return Ok(late && self.skip(step, "it would have exceeded the budget".to_owned()));
        }
        let installing = Installing {
            entry,
            step,
            breaks: standing.breaks(entry, &nodes),
            leader: standing.leader,
            nodes,
        };
        if entry.cost == Cost::Lost {
            self.struck.damaged.extend(&installing.nodes);
        }
        let badly = self
            .faults
            .install(installing, self.stage, self.recorder)
            .await?;
        for (node, how) in badly {
            let under = self.faults.explaining(node);
            self.struck.deaths.push(Death { node, how, under });
        }
        Ok(true)
    }

    fn skip(&mut self, step: &Step, reason: String) -> bool {
        self.struck.skipped.push(Skipped {
            fault: step.fault.clone(),
            reason,
        });
        true
    }

    fn standing(&self, group: Group) -> Standing {
        let down: BTreeSet<u64> = self.restart_at.keys().copied().collect();
        Standing {
            nodes: self.stage.cluster.ids(),
            regions: self.scenario.cluster.regions.clone(),
            leader: self
                .sampler
                .leader()
                .filter(|id| self.knows_itself_leading(*id)),
            struck: self.faults.struck(group).union(&down).copied().collect(),
            broken: self.faults.broken().union(&down).copied().collect(),
        }
    }

    /// Whether the node said within the last moments that it leads: an old answer may be that of a dead one.
    fn knows_itself_leading(&self, id: u64) -> bool {
        let now_ns = self.recorder.now_ns();
        self.sampler.latest().iter().any(|sample| {
            sample.node == id
                && sample.state == holdfast_check::NodeState::Leader
                && u128::from(now_ns.saturating_sub(sample.at_ns)) < SAID_LATELY.as_nanos()
        })
    }

    /// Notes processes that ended by themselves and starts them again as a supervisor would: after [`SUPERVISOR`] when no
    /// fault holds them, with the healing otherwise, never when they are lost.
    async fn look_after(&mut self) -> anyhow::Result<()> {
        let mut ended = Vec::new();
        for node in self.stage.cluster.nodes_mut() {
            if let Some(status) = node.ended() {
                ended.push((node.id(), how_it_ended(status)));
            }
        }
        for (node, how) in ended {
            if !self.faults.holds(node) && !self.struck.damaged.contains(&node) {
                self.restart_at.insert(node, Instant::now() + SUPERVISOR);
            }
            self.struck.deaths.push(Death {
                node,
                how,
                under: self.faults.explaining(node),
            });
        }
        let due: Vec<u64> = self
            .restart_at
            .iter()
            .filter_map(|(node, at)| (*at <= Instant::now()).then_some(*node))
            .collect();
        for node in due {
            self.restart_at.remove(&node);
            self.stage.cluster.start_again(node)?;
        }
        Ok(())
    }

    fn show(&self) {
        let counts = self.recorder.counts();
        let leader = self
            .sampler
            .leader()
            .map_or("nobody".to_owned(), |id| format!("n{id}"));
        let holding = self.faults.in_words();
        let holding = if holding.is_empty() {
            "-".to_owned()
        } else {
            holding
        };
        self.progress.say(&format!(
            "{} done, {} refused, {} unknown   {leader} leads   {holding}",
            counts.ok, counts.refused, counts.unknown
        ));
    }
}
