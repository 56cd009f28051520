//! All links together: which matrices hold, what waits for its time, what goes out now. Sends through a closure, does no IO.

use crate::counters::Counters;
use crate::lane::{Fate, Lane};
use crate::matrix::{Link, Matrix};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Instant;

/// Most datagrams of one link that wait for their time; more are refused and counted.
pub(crate) const WAITING_MAX: usize = 8_192;
/// Most bytes of them.
pub(crate) const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The way of one datagram, by places of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// It belongs to a connection that its sender dialled; else to one that its receiver dialled.
    pub(crate) dialled: bool,
}

struct Waiting {
    due: Instant,
    /// Keeps what is due at the same time in order.
    turn: u64,
    passage: Passage,
    bytes: Box<[u8]>,
}

/// All links.
pub(crate) struct Switch {
    nodes: Vec<u64>,
    lanes: Vec<Lane>,
    waiting: BinaryHeap<Waiting>,
    turn: u64,
    base: Matrix,
    installed: BTreeMap<u64, Matrix>,
    next: u64,
    /// Datagrams from somewhere that is no node.
    pub(crate) strangers: u64,
}

impl Switch {
    pub(crate) fn new(nodes: Vec<u64>, seed: u64) -> Self {
        let mut lanes = Vec::with_capacity(nodes.len() * nodes.len());
        for from in &nodes {
            lanes.extend(
                nodes
                    .iter()
                    .map(|to| Lane::new(seed, Link::new(*from, *to))),
            );
        }
        Self {
            nodes,
            lanes,
            waiting: BinaryHeap::new(),
            turn: 0,
            base: Matrix::clear(),
            installed: BTreeMap::new(),
            next: 0,
            strangers: 0,
        }
    }

    /// The link of a passage.
    pub(crate) fn link(&self, passage: Passage) -> Link {
        Link::new(self.nodes[passage.from], self.nodes[passage.to])
    }

    /// The first link that leads to or from no node.
    pub(crate) fn unknown(&self, matrix: &Matrix) -> Option<Link> {
        let known = |node| self.nodes.contains(&node);
        matrix
            .iter()
            .map(|(link, _)| link)
            .find(|link| !known(link.from) || !known(link.to))
    }

    /// Changes what always holds.
    pub(crate) fn set_base(&mut self, matrix: Matrix) {
        self.base = matrix;
        self.apply();
    }

    /// Lets a matrix in, over those that hold.
    pub(crate) fn install(&mut self, matrix: Matrix) -> u64 {
        self.next += 1;
        self.installed.insert(self.next, matrix);
        self.apply();
        self.next
    }

    /// Takes a matrix out.
    pub(crate) fn heal(&mut self, number: u64) {
        self.installed.remove(&number);
        self.apply();
    }

    /// Takes every matrix out but what always holds.
    pub(crate) fn heal_all(&mut self) {
        self.installed.clear();
        self.apply();
    }

    fn apply(&mut self) {
        let all = self.installed.values().fold(self.base.clone(), Matrix::and);
        for (link, lane) in self.links().into_iter().zip(&mut self.lanes) {
            lane.rule = all.rule(link);
        }
    }

    fn links(&self) -> Vec<Link> {
        let nodes = &self.nodes;
        nodes
            .iter()
            .flat_map(|from| nodes.iter().map(move |to| Link::new(*from, *to)))
            .collect()
    }

    /// What happened on each link so far.
    pub(crate) fn counters(&self) -> BTreeMap<Link, Counters> {
        let links = self.links().into_iter().zip(&self.lanes);
        links
            .filter(|(link, _)| link.from != link.to)
            .map(|(link, lane)| (link, lane.counters))
            .collect()
    }

    fn lane(&mut self, passage: Passage) -> &mut Lane {
        &mut self.lanes[passage.from * self.nodes.len() + passage.to]
    }

    /// Takes a datagram that has come: sends it, keeps it for later, or drops it. Gives whether it is now the next one due.
    pub(crate) fn arrive(
        &mut self,
        passage: Passage,
        bytes: &mut [u8],
        now: Instant,
        send: &mut impl FnMut(Passage, &[u8]) -> bool,
    ) -> bool {
        let Fate::Goes(first, second) = self.lane(passage).decide(bytes, now) else {
            return false;
        };
        let before = self.next_due();
        for due in [Some(first), second].into_iter().flatten() {
            if due <= now {
                self.send(passage, bytes, send);
            } else {
                self.keep(passage, bytes, due);
            }
        }
        self.next_due() != before
    }

    fn keep(&mut self, passage: Passage, bytes: &[u8], due: Instant) {
        let lane = self.lane(passage);
        let full =
            lane.waiting >= WAITING_MAX || lane.waiting_bytes + bytes.len() > WAITING_BYTES_MAX;
        if full {
            lane.counters.overflowed += 1;
            return;
        }
        lane.waiting += 1;
        lane.waiting_bytes += bytes.len();
        let waiting = u64::try_from(lane.waiting).unwrap_or(u64::MAX);
        lane.counters.waiting_most = lane.counters.waiting_most.max(waiting);
        self.turn += 1;
        self.waiting.push(Waiting {
            due,
            turn: self.turn,
            passage,
            bytes: bytes.into(),
        });
    }

    fn send(
        &mut self,
        passage: Passage,
        bytes: &[u8],
        send: &mut impl FnMut(Passage, &[u8]) -> bool,
    ) {
        let counters = &mut self.lane(passage).counters;
        if send(passage, bytes) {
            counters.forwarded += 1;
        } else {
            counters.undeliverable += 1;
        }
    }

    /// Sends what is due. What has come to a cut on its way is stopped there.
    pub(crate) fn depart(
        &mut self,
        now: Instant,
        send: &mut impl FnMut(Passage, &[u8]) -> bool,
    ) -> Option<Instant> {
        while self.next_due().is_some_and(|due| due <= now) {
            let Some(waiting) = self.waiting.pop() else {
                break;
            };
            let lane = self.lane(waiting.passage);
            lane.waiting -= 1;
            lane.waiting_bytes -= waiting.bytes.len();
            if lane.rule.cut {
                lane.counters.cut += 1;
            } else {
                self.send(waiting.passage, &waiting.bytes, send);
            }
        }
        self.next_due()
    }

    fn next_due(&self) -> Option<Instant> {
        self.waiting.peek().map(|waiting| waiting.due)
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives its greatest: the earliest is that.
        (other.due, other.turn).cmp(&(self.due, self.turn))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.turn == other.turn
    }
}

impl Eq for Waiting {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;
    use std::time::Duration;

    const THERE: Passage = Passage {
        from: 0,
        to: 1,
        dialled: true,
    };

    fn late() -> Switch {
        let mut switch = Switch::new(vec![1, 2], 1);
        let rule = Rule::delayed(Duration::from_millis(10));
        switch.install(Matrix::clear().with(Link::new(1, 2), rule));
        switch
    }

    #[test]
    fn what_waits_goes_in_order_at_its_time() {
        let mut switch = late();
        let now = Instant::now();
        let mut sent = Vec::new();
        for byte in 0..20 {
            switch.arrive(THERE, &mut [byte], now, &mut |_, _| panic!("too early"));
        }
        let later = now + Duration::from_millis(10);
        let next = switch.depart(later, &mut |_, bytes| {
            sent.push(bytes[0]);
            true
        });
        assert_eq!(next, None);
        assert_eq!(sent, (0..20).collect::<Vec<u8>>());
    }

    #[test]
    fn a_cut_stops_what_is_under_way() {
        let mut switch = late();
        let now = Instant::now();
        switch.arrive(THERE, &mut [1], now, &mut |_, _| true);
        switch.install(Matrix::clear().with(Link::new(1, 2), Rule::CUT));
        let later = now + Duration::from_secs(1);
        switch.depart(later, &mut |_, _| panic!("it passed a cut"));
        assert_eq!(switch.counters()[&Link::new(1, 2)].cut, 1);
    }

    #[test]
    fn a_full_queue_refuses_and_counts() {
        let mut switch = late();
        let now = Instant::now();
        for _ in 0..WAITING_MAX + 5 {
            switch.arrive(THERE, &mut [1], now, &mut |_, _| true);
        }
        let counters = switch.counters()[&Link::new(1, 2)];
        assert_eq!(counters.overflowed, 5);
        assert_eq!(counters.waiting_most, u64::try_from(WAITING_MAX).unwrap());
        let mut sent = 0;
        switch.depart(now + Duration::from_secs(1), &mut |_, _| {
            sent += 1;
            true
        });
        assert_eq!(sent, WAITING_MAX);
    }

    #[test]
    fn healing_one_matrix_leaves_the_others() {
        let mut switch = late();
        let cut = switch.install(Matrix::clear().with(Link::new(1, 2), Rule::CUT));
        assert!(switch.lane(THERE).rule.cut);
        switch.heal(cut);
        assert_eq!(
            switch.lane(THERE).rule,
            Rule::delayed(Duration::from_millis(10))
        );
        switch.heal_all();
        assert!(switch.lane(THERE).rule.is_clear());
    }
}
