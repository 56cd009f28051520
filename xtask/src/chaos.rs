//! `cargo xtask chaos`: real processes under faults. Without words it runs what CI runs.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cargo;
use crate::child::{self, Watched};
use crate::places::Places;
use crate::progress::Progress;
use crate::sim;

const PROGRAM: &str = "holdfast-chaos";
/// The library that stands between a server and its disk and clock.
const SHIM: &str = "holdfast-shim";
/// What every change must hold.
const SCENARIOS: [&str; 4] = [
    "leader-kill",
    "leader-pause",
    "power-cut-all",
    "partition-mix",
];
const DEADLINE: Duration = Duration::from_secs(5 * 60);
/// What a night may take: simulated seeds, and time for scenarios.
const NIGHTLY_SEEDS: &str = "0..20000";
const NIGHTLY_BUDGET: &str = "3h";

/// Builds and runs; `args` go to the harness.
pub(crate) fn run(places: &Places, nightly: bool, args: &[String]) -> Result<()> {
    build(places, nightly)?;
    if nightly {
        return night(places);
    }
    if args.is_empty() {
        for scenario in SCENARIOS {
            let out = places.target.join("chaos").join(scenario);
            harness(places, false, &["run", scenario, "--out"], Some(&out))?;
        }
        return Ok(());
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    harness(places, false, &args, None)
}

/// The four scenarios that every change must hold. Returns a note for the table.
pub(crate) fn ci(places: &Places, progress: &mut Progress) -> Result<String> {
    build(places, false)?;
    for scenario in SCENARIOS {
        let out = places.target.join("chaos").join(scenario);
        let mut command = Command::new(places.built(PROGRAM, false));
        command.args(["run", scenario, "--out"]).arg(&out);
        command.current_dir(&places.root);
        command.env("HOLDFAST_BIN", places.built("holdfast", false));
        let mut news = |line: &str| Some(format!("{scenario}: {}", line.trim()));
        let watched = Watched {
            command,
            log: places.log(&format!("chaos-{scenario}"))?,
            deadline: DEADLINE,
            news: &mut news,
        };
        let ended = child::watch(watched, progress)?;
        let page = out.join("report.html");
        ended.require_success(&format!("{scenario} (see {})", page.display()), 80)?;
    }
    Ok(SCENARIOS.join(", "))
}

fn build(places: &Places, release: bool) -> Result<()> {
    cargo::build(places, &["holdfast"], release)?;
    cargo::build(places, &[PROGRAM], release)?;
    cargo::build_library(places, SHIM, release)
}

fn harness(places: &Places, release: bool, args: &[&str], out: Option<&Path>) -> Result<()> {
    let status = Command::new(places.built(PROGRAM, release))
        .args(args)
        .args(out)
        .current_dir(&places.root)
        .env("HOLDFAST_BIN", places.built("holdfast", release))
        .status()
        .with_context(|| format!("cannot run {PROGRAM}"))?;
    if !status.success() {
        bail!("{PROGRAM} {}: {status}", args.join(" "));
    }
    Ok(())
}

/// Everything that takes too long for each change.
fn night(places: &Places) -> Result<()> {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let hunt = format!("--mutant all --seeds {}", sim::MUTANT_SEEDS);
    let out = places.target.join("chaos").join("nightly");
    let parts = [
        sim::run(places, &words(&format!("--seeds {NIGHTLY_SEEDS}"))),
        sim::run(places, &words("--lying-disks --seeds 0..50")),
        sim::run(places, &words(&hunt)),
        harness(
            places,
            true,
            &["sweep", "--budget", NIGHTLY_BUDGET, "--out"],
            Some(&out),
        ),
    ];
    // Each is run even when one before it failed.
    let failed: Vec<String> = parts
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    println!("reports: {}", out.display());
    Ok(())
}
