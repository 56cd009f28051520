//! How both databases are tuned. Figures and their measurements: see `DESIGN.md` beside this crate.

use crate::options::Options;
use rocksdb::{
    BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, DataBlockIndexType, LogLevel,
};

fn common() -> rocksdb::Options {
    let mut db = rocksdb::Options::default();
    db.set_max_open_files(-1); // many tombstones and few files: no table is ever reopened
    db.set_max_background_jobs(2);
    db.set_compression_type(DBCompressionType::Lz4);
    db.set_paranoid_checks(true);
    db.set_log_level(LogLevel::Warn);
    db.set_keep_log_file_num(2);
    db.set_max_log_file_size(1 << 20);
    db.set_stats_dump_period_sec(0);
    db.set_max_manifest_file_size(16 << 20);
    db.set_is_fd_close_on_exec(true);
    db
}

/// The log: synced, read from its tail, purged from its front.
pub(super) fn log_options(options: &Options, cache: &Cache) -> rocksdb::Options {
    let mut db = common();
    db.create_if_missing(true);
    db.set_write_buffer_size(options.log_write_buffer_bytes);
    db.set_max_write_buffer_number(2);
    db.set_max_total_wal_size(4 * options.log_write_buffer_bytes as u64);
    // A record that is bad in the middle refuses to open; a shorter tail is judged by the watermark.
    db.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(32 << 10);
    db.set_block_based_table_factory(&table);
    db
}

/// The state: point reads with many misses, short prefix scans, no write-ahead log.
pub(super) fn state_options(options: &Options, cache: &Cache) -> rocksdb::Options {
    let mut db = common();
    db.set_write_buffer_size(options.state_write_buffer_bytes);
    db.set_max_write_buffer_number(2);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(10.0, false);
    table.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    table.set_data_block_hash_ratio(0.75);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    db.set_block_based_table_factory(&table);
    db
}
