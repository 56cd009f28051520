//! Waiting on a condition, with a deadline and the last state seen.

use anyhow::Context;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(50);

/// Tries until it succeeds.
///
/// # Errors
/// With what was waited for and the last failure, when the deadline passes.
pub async fn until<T, F, Fut>(what: &str, deadline: Duration, mut attempt: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<T>>,
{
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(last) if started.elapsed() > deadline => {
                return Err(last).with_context(|| format!("waited {deadline:?} for {what}"));
            }
            Err(_) => tokio::time::sleep(PERIOD).await,
        }
    }
}
