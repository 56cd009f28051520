//! What happens to each message on its way: the rules of every directed link, and the test's own filter.

use crate::contract::Channel;
use holdfast_types::NodeId;
use std::collections::BTreeMap;
use std::time::Duration;

/// One message, answer or frame on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Who sent it.
    pub from: NodeId,
    /// Who is to receive it.
    pub to: NodeId,
    /// The channel of a message or answer; `None` for a frame of a stream.
    pub channel: Option<Channel>,
    /// True for the answer to a call.
    pub answer: bool,
    /// Its size in bytes.
    pub size: usize,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives, after the link's delay.
    Deliver,
    /// It arrives this much later still.
    Delay(Duration),
    /// It is lost.
    Lose,
}

/// The rules of one direction between two nodes.
#[derive(Default)]
pub(super) struct Link {
    pub(super) cut: bool,
    pub(super) delay: Duration,
    pub(super) lose_every: u32,
    passed: u32,
}

/// The test's own judge.
pub(super) type Filter = Box<dyn Fn(&Passage) -> Verdict + Send>;

/// All links that differ from a whole one.
#[derive(Default)]
pub(super) struct Links {
    rules: BTreeMap<(NodeId, NodeId), Link>,
    pub(super) filter: Option<Filter>,
}

impl Links {
    pub(super) fn link(&mut self, from: NodeId, to: NodeId) -> &mut Link {
        self.rules.entry((from, to)).or_default()
    }

    pub(super) fn reset(&mut self, a: NodeId, b: NodeId) {
        self.rules.remove(&(a, b));
        self.rules.remove(&(b, a));
    }

    pub(super) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.rules.get(&(from, to)).is_some_and(|link| link.cut)
    }

    pub(super) fn delay_of(&self, from: NodeId, to: NodeId) -> Duration {
        self.rules
            .get(&(from, to))
            .map_or(Duration::ZERO, |link| link.delay)
    }

    /// How long the passage takes, or `None` when it is lost.
    pub(super) fn judge(&mut self, passage: &Passage) -> Option<Duration> {
        let mut delay = Duration::ZERO;
        if let Some(link) = self.rules.get_mut(&(passage.from, passage.to)) {
            link.passed = link.passed.wrapping_add(1);
            let nth = link.lose_every > 0 && link.passed.is_multiple_of(link.lose_every);
            if link.cut || nth {
                return None;
            }
            delay = link.delay;
        }
        match self.filter.as_ref().map(|filter| filter(passage)) {
            None | Some(Verdict::Deliver) => Some(delay),
            Some(Verdict::Delay(more)) => Some(delay + more),
            Some(Verdict::Lose) => None,
        }
    }
}
