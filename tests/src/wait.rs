//! Waiting on conditions, with a deadline and the last state seen.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(20);

/// Waits until the probe gives a value. Panics at the deadline with what was waited for and the last state seen.
///
/// # Panics
/// When the deadline passes.
pub async fn until<T, S, F, Fut>(what: &str, deadline: Duration, mut probe: F) -> T
where
    S: Debug,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, S>>,
{
    let started = Instant::now();
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        match probe().await {
            Ok(value) => return value,
            Err(state) if started.elapsed() > deadline => {
                panic!("waited {deadline:?} for {what}; last seen: {state:?}")
            }
            Err(_) => {}
        }
    }
}

/// Waits until the probe says yes, for at most fifteen seconds.
///
/// # Panics
/// When the deadline passes.
pub async fn eventually<F, Fut>(what: &str, mut probe: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    until(what, Duration::from_secs(15), || {
        let probed = probe();
        async move { if probed.await { Ok(()) } else { Err("not yet") } }
    })
    .await;
}
