//! A node whose disk is used and cut off at random, and the judgement whether what it had acknowledged is there.

use super::random::Random;
use super::simulated::{Answers, Simulated, append_later, vote_later};
use super::{applied, purged, put};
use bytes::Bytes;
use holdfast_store::{LogBounds, Payload, Stores};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// The log as its owner knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Model {
    first: u64,
    entries: BTreeMap<u64, Bytes>,
    vote: Option<Bytes>,
}

impl Model {
    fn of(stores: &Stores) -> Self {
        let LogBounds { purged, .. } = stores.log.bounds();
        let entries = stores.log.read(0, u64::MAX, usize::MAX).unwrap();
        Self {
            first: purged.map_or(0, |purged| purged.index + 1),
            entries: entries.into_iter().collect(),
            vote: stores.log.vote(),
        }
    }

    fn end(&self) -> u64 {
        let last = self.entries.keys().next_back();
        last.map_or(self.first, |last| last + 1)
    }
}

/// A node that is used and crashes, and what each moment of its log was.
struct Subject {
    simulated: Simulated,
    random: Random,
    stores: Stores,
    /// After each operation since the disk was opened.
    moments: Vec<Model>,
    /// Operations that are answered once durable, by the moment that they make.
    asked: Vec<(usize, Answers)>,
    flushed: u64,
}

impl Subject {
    fn new(seed: u64) -> Self {
        let simulated = Simulated::new(1);
        let times = Mutex::new(Random(seed));
        simulated
            .disk
            .set_latency(move |_| Duration::from_micros(times.lock().unwrap().below(3000)));
        let stores = simulated.open();
        Self {
            moments: vec![Model::of(&stores)],
            stores,
            simulated,
            random: Random(seed),
            asked: Vec::new(),
            flushed: 0,
        }
    }

    fn now(&self) -> Model {
        self.moments.last().unwrap().clone()
    }

    fn step(&mut self) {
        let mut now = self.now();
        let log = &self.stores.log;
        match self.random.below(10) {
            0..4 => {
                let count = 1 + self.random.below(3);
                let stamp = self.random.next().to_be_bytes().to_vec();
                let new = (now.end()..now.end() + count).map(|i| (i, stamp.clone().into()));
                let new: Vec<(u64, Bytes)> = new.collect();
                now.entries.extend(new.clone());
                self.asked
                    .push((self.moments.len(), append_later(log, new)));
            }
            4 => {
                let vote = Bytes::copy_from_slice(&self.random.next().to_be_bytes());
                now.vote = Some(vote.clone());
                self.asked.push((self.moments.len(), vote_later(log, vote)));
            }
            5 => {
                let keep = now.first + self.random.below(now.end() - now.first + 1);
                now.entries.split_off(&keep);
                log.truncate_after(keep.checked_sub(1)).unwrap();
            }
            6 => {
                let next = self.stores.state.applied();
                let next = next.log_id.map_or(0, |_| next.position.index + 1);
                // As in Raft, the entry at 0 writes nothing.
                let entry = match next {
                    0 => applied(0, Payload::Blank),
                    _ => put(next, b"x"),
                };
                self.stores.state.apply(vec![entry]).unwrap();
            }
            7 if self.stores.state.applied().log_id.is_some() => {
                self.flushed = self.stores.state.build_snapshot().unwrap().header().index;
                if self.flushed >= now.first {
                    log.purge(purged(self.flushed)).unwrap();
                    now.first = self.flushed + 1;
                    now.entries = now.entries.split_off(&now.first);
                }
            }
            _ => {
                let time = Duration::from_micros(self.random.below(4000));
                self.simulated.pass(time);
                return;
            }
        }
        assert_eq!(Model::of(&self.stores), now, "readable at once");
        self.moments.push(now);
    }

    /// Crashes and opens again: whether everything that was acknowledged is there.
    fn survives(&mut self, cut: impl FnOnce(&Simulated, u64)) -> Result<(), String> {
        let answered = self
            .asked
            .iter()
            .filter(|(_, answer)| match answer.try_recv() {
                Ok(result) => result.is_ok(),
                Err(_) => false,
            });
        let acknowledged = answered.map(|(moment, _)| *moment).max().unwrap_or(0);
        let promised = self.stores.log.batches().promised;
        cut(&self.simulated, self.random.next());
        self.simulated.settle();
        let late = self
            .asked
            .iter()
            .any(|(_, answer)| answer.try_recv().is_ok());
        assert!(!late, "answered in a life that was over");
        self.stores = self.simulated.open();
        if let Some(why) = &self.stores.quarantine {
            return Err(why.to_string());
        }
        let batch = self.stores.log.batches().found;
        if batch < promised {
            return Err(format!("batch {promised} was promised, {batch} is found"));
        }
        let found = Model::of(&self.stores);
        if !self.moments[acknowledged..].contains(&found) {
            return Err(format!(
                "{found:?} after {acknowledged} moments were certain"
            ));
        }
        assert!(self.stores.state.applied().position.index >= self.flushed);
        self.stores.state.verify_digest().unwrap();
        self.moments = vec![found];
        self.asked.clear();
        Ok(())
    }
}

/// Four lives of a node on a disk that was prepared, each ended by a crash, a kill or a step back in time.
pub(crate) fn run(seed: u64, prepare: impl Fn(&Simulated)) -> Result<(), String> {
    let mut subject = Subject::new(seed);
    prepare(&subject.simulated);
    for _life in 0..4 {
        for _step in 0..30 {
            subject.step();
        }
        subject.survives(|simulated, choice| match choice % 8 {
            0 => simulated.disk.kill(choice),
            1 => simulated.disk.crash(0),
            2 => simulated.disk.restore(&simulated.disk.image()),
            _ => simulated.disk.crash(choice),
        })?;
    }
    Ok(())
}
