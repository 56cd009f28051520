//! RocksDB: the Raft log, the state, snapshots and the watermark.
