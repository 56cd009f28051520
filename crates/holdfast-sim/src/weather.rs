//! The virtual network's conditions: every message's delay and loss are drawn from the seed, every directed link can be cut.
//! Delays differ from message to message, so that messages overtake each other.

use crate::dice::Dice;
use crate::trace::Trace;
use holdfast_transport::{MemoryNetwork, Passage, Verdict};
use holdfast_types::NodeId;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Conditions {
    /// Directed links through which nothing goes.
    cut: BTreeSet<(u64, u64)>,
    /// Longest delay of a message, in microseconds.
    delay_us: u64,
    /// Messages lost, of a hundred.
    loss_percent: u64,
}

/// What the weather did, counted.
#[derive(Default)]
struct Harm {
    /// Messages that a cut link swallowed.
    cut: BTreeMap<(u64, u64), u64>,
    /// Messages lost.
    lost: u64,
    /// Messages that took longer than any does in fair weather.
    late: u64,
}

/// Longest delay in good weather, microseconds.
const FAIR_DELAY_US: u64 = 3_000;

impl Default for Conditions {
    fn default() -> Self {
        Self {
            cut: BTreeSet::new(),
            delay_us: FAIR_DELAY_US,
            loss_percent: 0,
        }
    }
}

/// Sets the conditions. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Weather {
    conditions: Arc<Mutex<Conditions>>,
    harm: Arc<Mutex<Harm>>,
}

impl Weather {
    /// Makes the network ask for every message that passes.
    pub(crate) fn govern(&self, network: &MemoryNetwork, seed: u64, trace: &Trace) {
        let dice = Dice::new(seed, "network");
        let (weather, trace) = (self.clone(), trace.clone());
        network.filter(move |passage| weather.judge(passage, &dice, &trace));
    }

    fn judge(&self, passage: &Passage, dice: &Dice, trace: &Trace) -> Verdict {
        let conditions = self.conditions.lock();
        let NodeId(from) = passage.from;
        let NodeId(to) = passage.to;
        let delay_us = dice.number(50..conditions.delay_us.max(51));
        let lost = dice.number(0..100) < conditions.loss_percent;
        let cut = conditions.cut.contains(&(from, to));
        drop(conditions);
        let mut harm = self.harm.lock();
        if cut {
            *harm.cut.entry((from, to)).or_default() += 1;
        } else if lost {
            harm.lost += 1;
        } else if delay_us > FAIR_DELAY_US {
            harm.late += 1;
        }
        drop(harm);
        let what = match (passage.channel, passage.answer) {
            (Some(channel), false) => format!("{channel:?}"),
            (Some(channel), true) => format!("{channel:?} answered"),
            (None, _) => "frame".to_owned(),
        };
        let fate = match (cut, lost) {
            (true, _) => "cut",
            (_, true) => "lost",
            _ => "",
        };
        let size = passage.size;
        trace.message(&format!("{from}>{to} {what} {size} B {delay_us} us {fate}"));
        if cut || lost {
            Verdict::Lose
        } else {
            Verdict::Delay(Duration::from_micros(delay_us))
        }
    }

    /// Messages that these links swallowed so far.
    pub(crate) fn swallowed(&self, links: &[(u64, u64)]) -> u64 {
        let harm = self.harm.lock();
        links.iter().filter_map(|link| harm.cut.get(link)).sum()
    }

    /// Messages lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.harm.lock().lost
    }

    /// Messages that came late so far.
    pub(crate) fn late(&self) -> u64 {
        self.harm.lock().late
    }

    /// Cuts directed links.
    pub(crate) fn cut(&self, links: impl IntoIterator<Item = (u64, u64)>) {
        self.conditions.lock().cut.extend(links);
    }

    /// Makes messages slow.
    pub(crate) fn slow(&self, delay: Duration) {
        self.conditions.lock().delay_us = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
    }

    /// Loses messages.
    pub(crate) fn lossy(&self, percent: u64) {
        self.conditions.lock().loss_percent = percent;
    }

    /// Fair again.
    pub(crate) fn clear(&self) {
        *self.conditions.lock() = Conditions::default();
    }
}
