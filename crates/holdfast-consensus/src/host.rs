//! What a node's tasks run on: in production the process's runtime, in a simulation a share of a virtual one.
//!
//! All of consensus, openraft's own tasks included, spawns through here. A task carries its host along, so that what it
//! spawns belongs to the same node; a host can hold its tasks back (a paused process) and end them (a killed one).

use holdfast_machine::BoxFuture;
use openraft_rt_tokio::TokioRuntime;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};

/// What a node's tasks run on.
pub trait Host: Send + Sync {
    /// A task of the node was spawned.
    fn adopt(&self, task: AbortHandle);

    /// Asked before each step of a task: pending, with the waker kept, while the node is held back.
    fn admit(&self, context: &mut Context<'_>) -> Poll<()>;

    /// Runs work that waits for the disk where it may block.
    fn blocking(&self, work: Box<dyn FnOnce() + Send>);

    /// Fills the buffer with bytes nobody can predict.
    fn fill(&self, buffer: &mut [u8]);
}

/// The process itself: nothing is held back, blocking work has threads of its own, entropy is the operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemHost;

impl Host for SystemHost {
    fn adopt(&self, _task: AbortHandle) {}

    fn admit(&self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        tokio::task::spawn_blocking(work);
    }

    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives entropy");
    }
}

static SYSTEM: LazyLock<Arc<dyn Host>> = LazyLock::new(|| Arc::new(SystemHost));

tokio::task_local! {
    static HOST: Arc<dyn Host>;
}

fn current() -> Arc<dyn Host> {
    HOST.try_with(Arc::clone)
        .unwrap_or_else(|_| Arc::clone(&SYSTEM))
}

/// Runs a future as part of the node on `host`: what it spawns belongs there too.
pub async fn hosted<F: Future>(host: Arc<dyn Host>, future: F) -> F::Output {
    let mut future = pin!(HOST.scope(Arc::clone(&host), future));
    poll_fn(move |context| {
        ready!(host.admit(context));
        future.as_mut().poll(context)
    })
    .await
}

/// Spawns a task on the current host.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let host = current();
    let task = tokio::spawn(hosted(Arc::clone(&host), future));
    host.adopt(task.abort_handle());
    task
}

/// A future for a `JoinSet`, on the current host.
pub(crate) fn here<F: Future + Send + 'static>(future: F) -> BoxFuture<'static, F::Output> {
    Box::pin(hosted(current(), future))
}

/// The work did not come back: it panicked, or the runtime is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thread of the node ended before its work was done")]
pub(crate) struct Lost;

/// Runs work that waits for the disk where it may block, and waits for its result.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Lost> {
    let (done, result) = oneshot::channel();
    current().blocking(Box::new(move || {
        // Whoever asked may be gone.
        let _ = done.send(work());
    }));
    result.await.map_err(|_| Lost)
}

/// Fills the buffer with the current host's entropy.
pub(crate) fn fill(buffer: &mut [u8]) {
    current().fill(buffer);
}

/// openraft's runtime: tokio's, with tasks and entropy of the current host.
#[derive(Debug)]
pub(crate) struct HostRuntime(TokioRuntime);

impl openraft::AsyncRuntime for HostRuntime {
    type JoinError = <TokioRuntime as openraft::AsyncRuntime>::JoinError;
    type JoinHandle<T: Send + 'static> = JoinHandle<T>;
    type Sleep = tokio::time::Sleep;
    type Instant = <TokioRuntime as openraft::AsyncRuntime>::Instant;
    type TimeoutError = tokio::time::error::Elapsed;
    type Timeout<R, T: Future<Output = R> + Send> = tokio::time::Timeout<T>;
    type ThreadLocalRng = HostRng;
    type Mpsc = <TokioRuntime as openraft::AsyncRuntime>::Mpsc;
    type Watch = <TokioRuntime as openraft::AsyncRuntime>::Watch;
    type Oneshot = <TokioRuntime as openraft::AsyncRuntime>::Oneshot;
    type Mutex<T: Send + 'static> = <TokioRuntime as openraft::AsyncRuntime>::Mutex<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        TokioRuntime::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        TokioRuntime::sleep_until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + Send>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + Send>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout_at(deadline, future)
    }

    fn is_panic(join_error: &Self::JoinError) -> bool {
        TokioRuntime::is_panic(join_error)
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        HostRng(current())
    }

    fn new(threads: usize) -> Self {
        Self(TokioRuntime::new(threads))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        self.0.block_on(future)
    }

    async fn spawn_blocking<F, T>(work: F) -> Result<T, io::Error>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        blocking(work).await.map_err(io::Error::other)
    }
}

/// A host's entropy as a generator.
pub(crate) struct HostRng(Arc<dyn Host>);

impl rand_core::TryRng for HostRng {
    type Error = rand_core::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(buffer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Waker;

    /// A host that can hold its tasks back.
    #[derive(Default)]
    struct Held {
        held: AtomicBool,
        waiting: Mutex<Vec<Waker>>,
        adopted: Mutex<Vec<AbortHandle>>,
    }

    impl Host for Held {
        fn adopt(&self, task: AbortHandle) {
            self.adopted.lock().push(task);
        }

        fn admit(&self, context: &mut Context<'_>) -> Poll<()> {
            if self.held.load(Ordering::SeqCst) {
                self.waiting.lock().push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        }

        fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
            work();
        }

        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[tokio::test]
    async fn what_a_task_spawns_belongs_to_its_host() {
        let host = Arc::new(Held::default());
        let outer = Arc::clone(&host);
        let tree = async {
            let inner = spawn(async {
                let mut bytes = [0; 2];
                fill(&mut bytes);
                (bytes, blocking(|| 5).await)
            });
            inner.await.unwrap()
        };
        let (bytes, worked) = hosted(outer, tree).await;
        assert_eq!((bytes, worked), ([7, 7], Ok(5)));
        assert_eq!(host.adopted.lock().len(), 1);
    }

    #[tokio::test]
    async fn a_host_holds_its_tasks_back_and_lets_them_go_on() {
        let host = Arc::new(Held::default());
        host.held.store(true, Ordering::SeqCst);
        let ran = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&ran);
        let held: Arc<dyn Host> = host.clone();
        let task = tokio::spawn(hosted(
            held,
            async move { mark.store(true, Ordering::SeqCst) },
        ));
        while host.waiting.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!ran.load(Ordering::SeqCst));
        host.held.store(false, Ordering::SeqCst);
        for waker in host.waiting.lock().drain(..) {
            waker.wake();
        }
        task.await.unwrap();
        assert!(ran.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn lost_work_is_told() {
        let lost = blocking(|| panic!("as asked")).await;
        assert_eq!(lost.map(|(): ()| ()), Err(Lost));
    }
}
