//! A disk in memory, for simulations: the store's own code runs over it unchanged.
//!
//! It keeps apart what was written and what was synced, so that a crash can drop the difference; it lies, fails, fills up,
//! decays and goes back in time when told to. It reads no clock and no random numbers: what a crash takes is chosen by the
//! caller's number, how long an operation takes by the caller's function.
//!
//! Each crash begins a new life of the disk. Stores opened in an earlier life go on in a world of their own, which nobody
//! sees: what they write goes nowhere and what they were asked to make durable is never answered.
//!
//! The committer is a task that is given to the caller's spawner and waits on tokio's clock; nothing blocks. A full queue
//! refuses instead of waiting, and `LogStore::close` writes what is queued at once.

mod crash;
mod inspect;
mod knobs;
mod life;
mod log;
mod mount;
mod names;
mod state;
mod task;

pub use inspect::DurableLog;
pub use knobs::{DiskOp, Lies};

use crate::open::{OpenError, Stores, open_on};
use crate::options::Options;
use bytes::Bytes;
use crash::{Choice, Loss};
use holdfast_machine::BoxFuture;
use holdfast_types::StoreId;
use knobs::Knobs;
use life::Life;
use mount::Mount;
use parking_lot::Mutex;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where the data directory lies on it.
const ROOT: &str = "/data";

/// Called with each piece that is written.
pub type Tap = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// How long an operation takes.
pub type Latency = Arc<dyn Fn(DiskOp) -> Duration + Send + Sync>;

/// A simulated disk with one data directory. Clones share it; it outlives whatever was opened on it.
#[derive(Clone)]
pub struct MemoryDisk {
    shared: Arc<Shared>,
}

struct Shared {
    store_id: StoreId,
    knobs: Arc<Mutex<Knobs>>,
    life: Mutex<Arc<Life>>,
}

/// What a disk held at some moment.
#[derive(Clone)]
pub struct Image {
    life: Arc<Life>,
}

impl MemoryDisk {
    /// An empty disk. The data directory made on it will have this identity.
    #[must_use]
    pub fn new(store_id: StoreId) -> Self {
        let knobs = Arc::<Mutex<Knobs>>::default();
        Self {
            shared: Arc::new(Shared {
                store_id,
                life: Mutex::new(Arc::new(Life::new(Arc::clone(&knobs)))),
                knobs,
            }),
        }
    }

    /// Opens the data directory, making it at the first time. `spawn` is given the committer's task, which must run on a
    /// tokio runtime with time; ending it is a way of killing the process, after [`MemoryDisk::kill`].
    ///
    /// # Errors
    /// As [`crate::open()`]; in use while stores of this life are not dropped.
    pub fn open(
        &self,
        options: &Options,
        spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
    ) -> Result<Stores, OpenError> {
        let life = Arc::clone(&self.shared.life.lock());
        let mount = Mount::new(life, self.shared.store_id, options, Box::new(spawn));
        open_on(&mount.share(), Path::new(ROOT), options)
    }

    /// Power is lost. Of what was written and not synced a part survives that `choice` decides: 0 none of it, other numbers
    /// some beginning of it. Stores opened before are cut off.
    pub fn crash(&self, choice: u64) {
        self.begin(Loss::Power, choice);
    }

    /// The process is killed. What it had handed to the operating system survives; what the state kept in the process
    /// survives as far as `choice` decides. Stores opened before are cut off.
    pub fn kill(&self, choice: u64) {
        self.begin(Loss::Process, choice);
    }

    fn begin(&self, loss: Loss, choice: u64) {
        let mut life = self.shared.life.lock();
        let next = life.survivor(loss, &mut Choice::new(choice));
        life.end();
        *life = Arc::new(next);
    }

    /// What would be left if power were lost now and nothing unsynced survived.
    #[must_use]
    pub fn image(&self) -> Image {
        let life = self.shared.life.lock();
        let left = life.survivor(Loss::Power, &mut Choice::new(0));
        Image {
            life: Arc::new(left),
        }
    }

    /// Puts back what an image holds; everything written since is gone. Stores opened before are cut off.
    pub fn restore(&self, image: &Image) {
        let next = image.life.survivor(Loss::Power, &mut Choice::new(0));
        let mut life = self.shared.life.lock();
        life.end();
        *life = Arc::new(next);
    }

    /// Sets how long operations take; at first they take no time.
    pub fn set_latency(&self, latency: impl Fn(DiskOp) -> Duration + Send + Sync + 'static) {
        self.shared.knobs.lock().latency = Some(Arc::new(latency));
    }

    /// Makes syncs answer without syncing, until told otherwise.
    pub fn lie(&self, lies: Lies) {
        self.shared.knobs.lock().lies = lies;
    }

    /// The `nth` write from now (0: the next one) to log, state or a file fails with an I/O error. What it was to write may
    /// be found after a crash.
    pub fn fail_write(&self, nth: u64) {
        self.shared.knobs.lock().fail_in = Some(nth);
    }

    /// Takes back a failure that was ordered and has not come yet.
    pub fn fail_no_write(&self) {
        self.shared.knobs.lock().fail_in = None;
    }

    /// Makes every write fail for lack of space, until told otherwise.
    pub fn set_full(&self, full: bool) {
        self.shared.knobs.lock().full = full;
    }

    /// Flips a bit of a stored log entry; false when it is not there. Entries are served from memory while the store that
    /// wrote them is open.
    #[must_use]
    pub fn flip_log_entry(&self, index: u64) -> bool {
        self.shared.life.lock().flip_log_entry(index)
    }

    /// Makes a row of the current state unreadable; false when there is no such row.
    #[must_use]
    pub fn damage_row(&self, key: &[u8]) -> bool {
        self.shared.life.lock().damage_row(key)
    }

    /// Replaces a row of the current state behind the store's back, readably.
    pub fn forge_row(&self, key: &[u8], stored: Option<&[u8]>) {
        self.shared.life.lock().forge_row(key, stored);
    }

    /// Flips a bit in every copy of the watermark; false when there is none.
    #[must_use]
    pub fn flip_watermark(&self) -> bool {
        self.shared.life.lock().flip_watermark()
    }

    /// What the log would certainly hold after a crash.
    #[must_use]
    pub fn durable_log(&self) -> DurableLog {
        self.durable_log_within(0..u64::MAX)
    }

    /// The same, with the entries of these indexes alone.
    #[must_use]
    pub fn durable_log_within(&self, indexes: Range<u64>) -> DurableLog {
        self.shared.life.lock().durable_log(indexes)
    }

    /// The rows of the current state as they are stored, flushed or not.
    #[must_use]
    pub fn state_rows(&self) -> Vec<(Vec<u8>, Bytes)> {
        self.shared.life.lock().state_rows()
    }

    /// Shows everything that lies on the disk now, piece by piece: files, keys and values, older versions included.
    pub fn visit_bytes(&self, mut see: impl FnMut(&[u8])) {
        self.shared.life.lock().visit_bytes(&mut see);
    }

    /// From now on shows each piece as it is written. It must not call the disk.
    pub fn set_tap(&self, tap: impl Fn(&[u8]) + Send + Sync + 'static) {
        self.shared.knobs.lock().tap = Some(Arc::new(tap));
    }
}
