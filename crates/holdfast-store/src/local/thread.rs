//! The thread that runs the log's committer in a server.

use crate::disk::Driver;
use crate::fault::Faults;
use crate::log::{Committer, Op, Queue};
use holdfast_machine::StorageFault;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

struct CommitterThread(Option<JoinHandle<()>>);

pub(super) fn start(committer: Committer) -> io::Result<Box<dyn Driver>> {
    let named = std::thread::Builder::new().name("log-committer".to_owned());
    let thread = named.spawn(move || run(committer))?;
    Ok(Box::new(CommitterThread(Some(thread))))
}

impl Driver for CommitterThread {
    fn close(&mut self) {
        if let Some(thread) = self.0.take() {
            let _panicked = thread.join();
        }
    }
}

fn run(mut committer: Committer) {
    let queue = Arc::clone(committer.queue());
    let _guard = Guard {
        queue: Arc::clone(&queue),
        faults: Arc::clone(committer.faults()),
    };
    while let Some(ops) = queue.take() {
        let begun = Instant::now();
        let written = committer.write(&ops);
        committer.answer(ops, &written, begun.elapsed());
    }
}

/// Should a callback panic, what waits is answered and the node stops instead of hanging.
struct Guard {
    queue: Arc<Queue>,
    faults: Arc<Faults>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.queue.close();
        if !std::thread::panicking() {
            return;
        }
        let fault = StorageFault("the log's committer panicked".to_owned());
        let fault = self.faults.raise(fault);
        while let Some(ops) = self.queue.take() {
            for op in ops {
                if let Op::Append { done, .. } | Op::Vote { done, .. } = op {
                    done(Err(fault.clone()));
                }
            }
        }
    }
}
