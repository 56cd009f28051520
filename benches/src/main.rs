//! Measures Holdfast next to etcd and to the disk's own fsync rate, in one run on one machine, and prints ratios.
//!
//! `cargo xtask bench` builds everything in release mode and runs this. Load goes to processes it started itself on
//! loopback; every phase is bounded in time and the run ends by itself.

mod disk;
mod etcd;
mod failover;
mod holdfast;
mod load;
mod report;

use clap::Parser;
use std::time::Duration;

/// Benchmarks against etcd and the disk.
#[derive(Parser)]
struct Args {
    /// Seconds of each load phase.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Leader kills to measure.
    #[arg(long, default_value_t = 10)]
    kills: usize,
    /// Leave etcd out.
    #[arg(long)]
    without_etcd: bool,
    /// Write the figures as JSON to this file.
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let seconds = Duration::from_secs(args.seconds);
    let mut figures = report::Figures {
        disk: Some(disk::measure(seconds.min(Duration::from_secs(3)))?),
        ..Default::default()
    };
    report::progress("disk measured");
    figures.holdfast = holdfast::measure(seconds).await?;
    if !args.without_etcd {
        figures.etcd = etcd::measure(seconds).await?;
    }
    (figures.process, figures.failover) = failover::measure(args.kills).await?;
    report::print(&figures);
    if let Some(path) = args.json {
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}
