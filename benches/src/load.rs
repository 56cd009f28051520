//! Closed-loop load: a number of clients, each with one request under way.

use crate::report::Latency;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Runs `clients` loops for a time. The operation gets the client's number and a counter that never repeats, and says whether
/// it was answered as it should be.
pub(crate) async fn run<F, Fut>(clients: usize, span: Duration, operation: F) -> Latency
where
    F: Fn(usize, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = bool> + Send,
{
    let operation = Arc::new(operation);
    let counter = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let loops: Vec<_> = (0..clients)
        .map(|client| {
            let (operation, counter) = (Arc::clone(&operation), Arc::clone(&counter));
            tokio::spawn(async move {
                let (mut took, mut failed) = (Vec::new(), 0u64);
                while started.elapsed() < span {
                    let began = Instant::now();
                    if operation(client, counter.fetch_add(1, Ordering::Relaxed)).await {
                        took.push(began.elapsed());
                    } else {
                        failed += 1;
                    }
                }
                (took, failed)
            })
        })
        .collect();
    let (mut took, mut failed) = (Vec::new(), 0);
    for handle in loops {
        if let Ok((more, errors)) = handle.await {
            took.extend(more);
            failed += errors;
        }
    }
    Latency::of(took, started.elapsed(), failed)
}
