//! A disk in memory and the virtual time it needs.

use super::options;
use bytes::Bytes;
use holdfast_machine::StorageFault;
use holdfast_store::memory::MemoryDisk;
use holdfast_store::{LogStore, OpenError, Options, Stores};
use holdfast_types::StoreId;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Simulated {
    pub(crate) disk: MemoryDisk,
    runtime: Runtime,
}

/// Where the answers to an operation arrive.
pub(crate) type Answers = mpsc::Receiver<Result<(), StorageFault>>;

impl Simulated {
    pub(crate) fn new(id: u8) -> Self {
        let mut runtime = Builder::new_current_thread();
        Self {
            disk: MemoryDisk::new(StoreId([id; 16])),
            runtime: runtime.enable_time().start_paused(true).build().unwrap(),
        }
    }

    pub(crate) fn open_with(&self, options: &Options) -> Result<Stores, OpenError> {
        let runtime = self.runtime.handle().clone();
        self.disk.open(options, move |task| {
            runtime.spawn(task);
        })
    }

    pub(crate) fn open(&self) -> Stores {
        self.open_with(&options()).unwrap()
    }

    /// Lets virtual time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.runtime.block_on(async {
            // Nobody waits: the clock is virtual and jumps.
            let _elapsed = tokio::time::timeout(time, std::future::pending::<()>()).await;
        });
    }

    /// Lets everything that was asked for be done.
    pub(crate) fn settle(&self) {
        self.pass(Duration::from_secs(60));
    }
}

pub(crate) fn append_later(log: &LogStore, entries: Vec<(u64, Bytes)>) -> Answers {
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |result| sender.send(result).unwrap_or_default());
    log.append(entries, done).unwrap();
    receiver
}

pub(crate) fn vote_later(log: &LogStore, vote: Bytes) -> Answers {
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |result| sender.send(result).unwrap_or_default());
    log.save_vote(vote, done).unwrap();
    receiver
}

/// A store that keeps no entries in memory and whose faults are counted.
pub(crate) fn counted(simulated: &Simulated) -> (Stores, Arc<AtomicUsize>) {
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let untailed = Options {
        log_tail_bytes: 0,
        ..options()
    };
    let stores = simulated.open_with(&untailed).unwrap();
    stores.log.on_fault(Box::new(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    (stores, told)
}
