//! Running something until it is done or somebody presses Ctrl-C. The first time it heals and ends; the second time it is
//! dropped where it stands, which ends its processes and undoes its mounts all the same.

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Runs a future on this thread: the processes it starts end with the thread that started them.
pub(super) fn until_interrupted<T, F, Fut>(work: F) -> anyhow::Result<T>
where
    F: FnOnce(watch::Receiver<bool>) -> Fut,
    Fut: Future<Output = anyhow::Result<T>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting a runtime")?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (stop, stopped) = watch::channel(false);
        let work = work(stopped);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _asked = interrupt.recv() => {}
                _asked = terminate.recv() => {}
            }
            if stop.send_replace(true) {
                bail!("interrupted twice");
            }
        }
    })
}
