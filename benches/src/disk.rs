//! The disk's own rate: append 4 KiB, fdatasync, repeat.

use crate::report::Latency;
use std::io::Write;
use std::time::{Duration, Instant};

/// Appends for this long in the temporary folder, where the clusters keep their data too.
pub(crate) fn measure(span: Duration) -> anyhow::Result<Latency> {
    let mut file = tempfile::tempfile()?;
    let block = [0x5a; 4096];
    let started = Instant::now();
    let mut took = Vec::new();
    while started.elapsed() < span {
        let began = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    Ok(Latency::of(took, started.elapsed(), 0))
}
