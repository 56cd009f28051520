//! What a caller can tune.

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
        }
    }
}
