//! The thread that moves datagrams: reads every socket, asks the switch, sends. Ends with its last socket closed.

use crate::matrix::Link;
use crate::switch::{Passage, Switch};
use crate::wires::Wires;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

/// Given every datagram as it was sent, before any rule. Called on the relay's thread: it must be quick, and a panic ends the relay.
pub type Wiretap = Box<dyn FnMut(Link, &[u8]) + Send>;

/// Largest UDP datagram, bytes.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// Most datagrams read from one socket before the others have their turn.
const BATCH_MAX: usize = 32;

struct Engine {
    wires: Wires<UdpSocket>,
    switch: Arc<Mutex<Switch>>,
    tap: Mutex<Option<Wiretap>>,
    /// Something is due earlier than was known.
    sooner: Notify,
}

/// Runs until `stop` is dropped. `started` is told once all sockets are read.
pub(crate) fn run(
    wires: Wires<std::net::UdpSocket>,
    switch: Arc<Mutex<Switch>>,
    tap: Option<Wiretap>,
    started: &std::sync::mpsc::Sender<io::Result<()>>,
    stop: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ready = runtime.and_then(|runtime| {
        let entered = runtime.enter();
        let wires = wires.map(UdpSocket::from_std)?;
        drop(entered);
        Ok((runtime, wires))
    });
    let (runtime, wires) = match ready {
        Ok(ready) => ready,
        Err(error) => return tell(started, Err(error)),
    };
    let engine = Arc::new(Engine {
        wires,
        switch,
        tap: Mutex::new(tap),
        sooner: Notify::new(),
    });
    tell(started, Ok(()));
    runtime.block_on(async move {
        let mut tasks = JoinSet::new();
        for place in 0..engine.wires.count() {
            tasks.spawn(read(engine.clone(), place));
        }
        tasks.spawn(depart(engine));
        // No task ends by itself: one that did has panicked, and half a relay would be a fault nobody asked for.
        tokio::select! {
            _ = stop => {}
            _ = tasks.join_next() => {}
        }
    });
}

fn tell(started: &std::sync::mpsc::Sender<io::Result<()>>, outcome: io::Result<()>) {
    // The one who started may be gone; then `stop` is dropped too.
    drop(started.send(outcome));
}

async fn read(engine: Arc<Engine>, place: usize) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    let socket = engine.wires.socket(place);
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        for _ in 0..BATCH_MAX {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, source)) => {
                    let passage = engine.wires.passage(place, source);
                    engine.arrived(passage, &mut buffer[..length]);
                }
                Err(_) => break,
            }
        }
        tokio::task::yield_now().await;
    }
}

async fn depart(engine: Arc<Engine>) {
    loop {
        let next = engine
            .switch
            .lock()
            .depart(Instant::now(), &mut engine.sender());
        let sooner = engine.sooner.notified();
        match next {
            Some(due) => tokio::select! {
                () = sooner => {}
                () = tokio::time::sleep_until(due.into()) => {}
            },
            None => sooner.await,
        }
    }
}

impl Engine {
    fn arrived(&self, passage: Option<Passage>, bytes: &mut [u8]) {
        let Some(passage) = passage else {
            self.switch.lock().strangers += 1;
            return;
        };
        if let Some(tap) = self.tap.lock().as_mut() {
            let link = self.switch.lock().link(passage);
            tap(link, bytes);
        }
        // Sent under the lock: once a cut is installed nothing passes any more.
        let sooner = self
            .switch
            .lock()
            .arrive(passage, bytes, Instant::now(), &mut self.sender());
        if sooner {
            self.sooner.notify_one();
        }
    }

    fn sender(&self) -> impl FnMut(Passage, &[u8]) -> bool + '_ {
        |passage, bytes| {
            let (socket, to) = self.wires.onward(passage);
            socket.try_send_to(bytes, to).is_ok()
        }
    }
}
