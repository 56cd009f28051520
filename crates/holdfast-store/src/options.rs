//! What a caller can tune, and the hook that hears of a storage fault.

use holdfast_machine::StorageFault;
use std::sync::Arc;

/// Called once, with the first fault, on the thread that met it. The process is expected to stop.
pub type FaultHook = Arc<dyn Fn(&StorageFault) + Send + Sync>;

/// Sizes in bytes. The defaults keep an idle node under about 40 MiB of resident memory.
#[derive(Clone)]
pub struct Options {
    /// Memtable of the log database.
    pub log_write_buffer_bytes: usize,
    /// Latest log entries kept in memory for readers; entries not yet written are kept beyond it.
    pub log_tail_bytes: usize,
    /// Entries waiting for the committer before `append` blocks.
    pub log_queue_bytes: usize,
    /// Purged entries after which the log database is compacted, so that space returns.
    pub log_reclaim_bytes: u64,
    /// Memtable of the state database.
    pub state_write_buffer_bytes: usize,
    /// Block cache of the state database.
    pub block_cache_bytes: usize,
    /// Hears of the first fault.
    pub on_fault: FaultHook,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log_write_buffer_bytes: 16 << 20,
            log_tail_bytes: 16 << 20,
            log_queue_bytes: 64 << 20,
            log_reclaim_bytes: 64 << 20,
            state_write_buffer_bytes: 16 << 20,
            block_cache_bytes: 32 << 20,
            on_fault: Arc::new(|_| {}),
        }
    }
}
