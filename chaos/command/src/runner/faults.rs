//! The faults of a run: which hold now, which held when, and whether they were seen to bite.

use super::stage::Stage;
use crate::catalogue::{self, Entry, Group};
use crate::inject::{Hold, inject};
use crate::schedule::Step;
use holdfast_check::Fault;
use holdfast_workload::Recorder;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A process may be on its way out when the fault is healed that sent it there.
const AFTERMATH: Duration = Duration::from_secs(5);

/// All faults of a run.
#[derive(Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    history: Vec<Fault>,
    /// When which node was healed of what.
    healed: Vec<(Instant, u64, &'static str)>,
}

/// A fault that holds.
struct Active {
    /// Its place in the history.
    place: usize,
    name: &'static str,
    group: Group,
    nodes: Vec<u64>,
    breaks: BTreeSet<u64>,
    until: Instant,
    hold: Hold,
}

/// A fault about to strike.
pub(crate) struct Installing<'a> {
    pub(crate) entry: &'static Entry,
    pub(crate) step: &'a Step,
    pub(crate) nodes: Vec<u64>,
    pub(crate) breaks: BTreeSet<u64>,
    pub(crate) leader: Option<u64>,
}

impl Faults {
    /// Lets a fault strike and notes whether it bites. Gives the processes that were asked to end and did not end well, and how.
    ///
    /// # Errors
    /// When the injector fails: then the harness is broken, not the cluster.
    pub(crate) async fn install(
        &mut self,
        installing: Installing<'_>,
        stage: &mut Stage,
        recorder: &Recorder,
    ) -> anyhow::Result<Vec<(u64, String)>> {
        let from_ns = recorder.now_ns();
        let Installing {
            entry,
            step,
            nodes,
            breaks,
            leader,
        } = installing;
        let done = inject(step, &nodes, stage).await?;
        self.history.push(Fault {
            kind: entry.name.to_owned(),
            hit_leader: leader.is_some_and(|leader| nodes.contains(&leader)),
            nodes: nodes.clone(),
            detail: done.detail,
            from_ns,
            until_ns: None,
            verified: done.bites,
        });
        self.active.push(Active {
            place: self.history.len() - 1,
            name: entry.name,
            group: entry.group,
            nodes,
            breaks,
            until: Instant::now() + step.lasts.0,
            hold: done.hold,
        });
        Ok(done.badly)
    }

    /// Heals what has lasted long enough.
    ///
    /// # Errors
    /// When something cannot be healed.
    pub(crate) fn heal_due(
        &mut self,
        stage: &mut Stage,
        recorder: &Recorder,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        let due = self
            .active
            .extract_if(.., |active| active.until <= now)
            .collect();
        self.heal(due, stage, recorder)
    }

    /// Heals everything that holds.
    ///
    /// # Errors
    /// When something cannot be healed; the others are healed all the same.
    pub(crate) fn heal_all(
        &mut self,
        stage: &mut Stage,
        recorder: &Recorder,
    ) -> anyhow::Result<()> {
        let all = std::mem::take(&mut self.active);
        self.heal(all, stage, recorder)
    }

    fn heal(
        &mut self,
        due: Vec<Active>,
        stage: &mut Stage,
        recorder: &Recorder,
    ) -> anyhow::Result<()> {
        let mut failed = Ok(());
        for active in due {
            let now = Instant::now();
            self.healed
                .extend(active.nodes.iter().map(|node| (now, *node, active.name)));
            let healed = active.hold.heal(&active.nodes, stage);
            if let Some(fault) = self.history.get_mut(active.place) {
                fault.until_ns = Some(recorder.now_ns());
                match &healed {
                    Ok(healed) => {
                        fault.verified |= healed.bit;
                        if !healed.detail.is_empty() {
                            fault.detail.clone_from(&healed.detail);
                        }
                    }
                    Err(error) => fault.detail = format!("{}; not healed: {error:#}", fault.detail),
                }
            }
            failed = failed.and(healed.map(drop));
        }
        failed
    }

    /// The nodes that another fault of a group may not strike: those that one of the group holds, and those that are broken.
    pub(crate) fn struck(&self, group: Group) -> BTreeSet<u64> {
        let holds = |active: &&Active| active.group == group || !active.breaks.is_empty();
        let holding = self.active.iter().filter(holds);
        holding
            .flat_map(|active| active.nodes.iter().copied())
            .collect()
    }

    /// The nodes that count as broken.
    pub(crate) fn broken(&self) -> BTreeSet<u64> {
        self.active
            .iter()
            .flat_map(|active| active.breaks.iter().copied())
            .collect()
    }

    /// The faults that explain why a process ended by itself: those that hold it, and those that held it a moment ago.
    pub(crate) fn explaining(&self, node: u64) -> Vec<&'static str> {
        let holding = self
            .active
            .iter()
            .filter(|active| active.nodes.contains(&node));
        let held = self
            .healed
            .iter()
            .filter(|(at, held, _)| *held == node && at.elapsed() < AFTERMATH);
        let names = holding
            .map(|active| active.name)
            .chain(held.map(|(_, _, name)| *name));
        names
            .filter(|name| catalogue::find(name).is_some_and(|entry| entry.ends))
            .collect()
    }

    /// Whether a fault holds a node.
    pub(crate) fn holds(&self, node: u64) -> bool {
        self.active
            .iter()
            .any(|active| active.nodes.contains(&node))
    }

    /// What holds now.
    pub(crate) fn in_words(&self) -> String {
        let word = |active: &Active| {
            let nodes: Vec<String> = active.nodes.iter().map(|id| format!("n{id}")).collect();
            format!("{} {}", active.name, nodes.join("+"))
        };
        self.active.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// Every fault so far.
    pub(crate) fn history(&self) -> &[Fault] {
        &self.history
    }

    /// Every fault there was.
    pub(crate) fn into_history(self) -> Vec<Fault> {
        self.history
    }
}
