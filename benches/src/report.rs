//! Figures and how they are shown.

use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

/// Numbers of clients that are measured.
pub(crate) const CLIENTS: [usize; 4] = [1, 16, 64, 256];

/// Rate and latency of one phase.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Latency {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) failed: u64,
}

impl Latency {
    pub(crate) fn of(mut took: Vec<Duration>, span: Duration, failed: u64) -> Self {
        took.sort_unstable();
        let at = |percent: usize| {
            let index = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(index)
                .map_or(0.0, |value| value.as_secs_f64() * 1000.0)
        };
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let per_second = took.len() as f64 / span.as_secs_f64();
        Self {
            per_second,
            p50_ms: at(50),
            p99_ms: at(99),
            failed,
        }
    }
}

/// One system's phases, by name (`write`, `read`) and number of clients.
pub(crate) type Phases = BTreeMap<(&'static str, usize), Latency>;

/// Everything measured.
#[derive(Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) disk: Option<Latency>,
    #[serde(serialize_with = "phases")]
    pub(crate) holdfast: Phases,
    #[serde(serialize_with = "phases")]
    pub(crate) etcd: Phases,
    pub(crate) process: Process,
    pub(crate) failover: Vec<f64>,
}

/// Figures of a process.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Process {
    /// Resident memory of an idle node, MiB, the largest of three.
    pub(crate) idle_mib: f64,
    /// Process start to the first answer of `sys/health`, milliseconds, median.
    pub(crate) start_ms: f64,
}

fn phases<S: serde::Serializer>(phases: &Phases, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        phases
            .iter()
            .map(|((name, clients), latency)| (format!("{name}/{clients}"), latency)),
    )
}

#[expect(clippy::print_stderr, reason = "progress of a command")]
pub(crate) fn progress(what: &str) {
    eprintln!("  {what}");
}

/// The tables.
pub(crate) fn print(figures: &Figures) {
    let mut out = std::io::stdout().lock();
    let _closed = write_tables(&mut out, figures);
}

fn write_tables(out: &mut impl Write, figures: &Figures) -> std::io::Result<()> {
    let disk = figures.disk.unwrap_or_default();
    writeln!(
        out,
        "\ndisk: {:.0} fdatasync/s, p50 {:.3} ms, p99 {:.3} ms (4 KiB appends, one at a time)\n",
        disk.per_second, disk.p50_ms, disk.p99_ms
    )?;
    writeln!(
        out,
        "{:<6} {:>8} {:>12} {:>9} {:>9} {:>7} {:>12} {:>9} {:>9} {:>7} {:>7} {:>10}",
        "",
        "clients",
        "holdfast/s",
        "p50 ms",
        "p99 ms",
        "failed",
        "etcd/s",
        "p50 ms",
        "p99 ms",
        "failed",
        "ratio",
        "× fsync/s"
    )?;
    for ((name, clients), ours) in &figures.holdfast {
        let theirs = figures
            .etcd
            .get(&(*name, *clients))
            .copied()
            .unwrap_or_default();
        let ratio = if theirs.per_second > 0.0 {
            format!("{:.2}", ours.per_second / theirs.per_second)
        } else {
            "-".to_owned()
        };
        let syncs = if *name == "write" && disk.per_second > 0.0 {
            format!("{:.2}", ours.per_second / disk.per_second)
        } else {
            "-".to_owned()
        };
        writeln!(
            out,
            "{name:<6} {clients:>8} {:>12.0} {:>9.2} {:>9.2} {:>7} {:>12.0} {:>9.2} {:>9.2} {:>7} {ratio:>7} {syncs:>10}",
            ours.per_second,
            ours.p50_ms,
            ours.p99_ms,
            ours.failed,
            theirs.per_second,
            theirs.p50_ms,
            theirs.p99_ms,
            theirs.failed
        )?;
    }
    write_single_figures(out, figures)
}

fn write_single_figures(out: &mut impl Write, figures: &Figures) -> std::io::Result<()> {
    let mut failover = figures.failover.clone();
    failover.sort_unstable_by(f64::total_cmp);
    let median = failover
        .get(failover.len() / 2)
        .copied()
        .unwrap_or_default();
    let worst = failover.last().copied().unwrap_or_default();
    writeln!(
        out,
        "\nresident memory of an idle node: {:.1} MiB",
        figures.process.idle_mib
    )?;
    writeln!(
        out,
        "process start to the first answer: {:.0} ms",
        figures.process.start_ms
    )?;
    writeln!(
        out,
        "leader kill to the first acknowledged write: median {median:.0} ms, worst {worst:.0} ms of {}",
        failover.len()
    )
}
