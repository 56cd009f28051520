//! A server that does not start: the error says why, and what explains it is still there.

use anyhow::Context;
use holdfast_chaos::cli::Common;
use holdfast_chaos::runner::{self, Keep, RunPlan, Setting};
use holdfast_chaos::scenario;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Makes certificates, as far as anybody looks, and ends as soon as it is to serve.
const SERVER: &str = "#!/bin/sh\ncase $1 in\nserver) echo 'no disk for me'; exit 7 ;;\nesac\n";

async fn attempt(folder: &Path, keep: Keep) -> anyhow::Result<String> {
    let binary = folder.join("holdfast");
    fs::write(&binary, SERVER)?;
    fs::set_permissions(&binary, Permissions::from_mode(0o700))?;
    let scenario = scenario::find("leader-kill")?;
    let plan = RunPlan::new("leader-kill", scenario, Some(1), &Common::default())?;
    let setting = Setting {
        binary,
        out: folder.join("out"),
        keep,
        progress: false,
    };
    let (_asked, stop) = watch::channel(false);
    let failed = runner::run(&plan, &setting, stop).await.err();
    let failed = failed.context("it started")?;
    Ok(format!("{failed:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_says_how_it_ended_and_where_its_log_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let told = attempt(folder.path(), Keep::Broken).await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "nobody waits for a process that has ended"
    );
    assert!(
        told.starts_with("node 1 did not start; its log is "),
        "{told}"
    );
    assert!(told.contains("it ended: exit code 7"), "{told}");
    let (_, kept) = told.rsplit_once("is kept in ").unwrap();
    let kept = PathBuf::from(kept);
    let log = kept.join("node1.log");
    assert!(told.contains(log.to_str().unwrap()), "{told}");
    assert_eq!(fs::read_to_string(log).unwrap(), "no disk for me\n");
    assert!(!kept.join("packets").exists());
    fs::remove_dir_all(kept).unwrap();
    let told = attempt(folder.path(), Keep::Never).await.unwrap();
    assert!(!told.contains("is kept in"), "{told}");
}
