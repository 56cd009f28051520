//! Framed streams of the in-memory network: a bounded queue in each direction, over the same links as the messages.

use super::Hub;
use super::links::Passage;
use crate::contract::Refused;
use crate::frames::{FrameSink, FrameSource, Frames, StreamError};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_types::NodeId;
use holdfast_types::limits::PEER_FRAME_BYTES_MAX;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Frames in flight in one direction before the sender waits.
const FRAMES_IN_FLIGHT: usize = 4;

/// What a stream runs over.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) hub: Arc<Hub>,
    pub(super) stall: Duration,
    /// Any of them ends the stream: a removed peer, a node that closes or dies.
    pub(super) ends: Arc<[CancellationToken]>,
}

impl Line {
    async fn lost(&self) {
        futures::future::select_all(self.ends.iter().map(|end| end.cancelled().boxed())).await;
    }

    /// Runs one step of the stream, unless the line is lost first.
    async fn run<T>(
        &self,
        step: impl Future<Output = Result<T, StreamError>>,
    ) -> Result<T, StreamError> {
        tokio::select! {
            biased;
            () = self.lost() => Err(StreamError::Lost),
            done = step => done,
        }
    }
}

enum Item {
    Frame(Bytes),
    End,
}

struct Sink {
    line: Line,
    from: NodeId,
    to: NodeId,
    queue: mpsc::Sender<Item>,
    broken: bool,
}

struct Source {
    line: Line,
    queue: mpsc::Receiver<Item>,
    ended: bool,
}

/// Both ends of a stream between two nodes: the opener's halves, then the acceptor's.
pub(super) fn pair(line: Line, opener: NodeId, acceptor: NodeId) -> [Frames; 2] {
    let (there_in, there_out) = mpsc::channel(FRAMES_IN_FLIGHT);
    let (back_in, back_out) = mpsc::channel(FRAMES_IN_FLIGHT);
    let sink = |from, to, queue| Sink {
        line: line.clone(),
        from,
        to,
        queue,
        broken: false,
    };
    let source = |queue| Source {
        line: line.clone(),
        queue,
        ended: false,
    };
    [
        (
            Box::new(sink(opener, acceptor, there_in)),
            Box::new(source(back_out)),
        ),
        (
            Box::new(sink(acceptor, opener, back_in)),
            Box::new(source(there_out)),
        ),
    ]
}

impl Sink {
    async fn put(&mut self, item: Item) -> Result<(), StreamError> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(StreamError::Abandoned);
        }
        let passage = Passage {
            from: self.from,
            to: self.to,
            channel: None,
            answer: false,
            size: match &item {
                Item::Frame(frame) => frame.len(),
                Item::End => 0,
            },
        };
        let step = async {
            self.line.hub.pass(&passage).await;
            let sent = self.queue.send(item).await;
            sent.map_err(|_| StreamError::Abandoned)
        };
        let step = async {
            let timed = tokio::time::timeout(self.line.stall, step).await;
            timed.unwrap_or(Err(StreamError::Stalled))
        };
        self.line.run(step).await?;
        self.broken = false;
        Ok(())
    }
}

impl FrameSink for Sink {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, Result<(), StreamError>> {
        async move {
            if frame.len() > PEER_FRAME_BYTES_MAX {
                return Err(StreamError::TooLarge);
            }
            self.put(Item::Frame(frame)).await
        }
        .boxed()
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StreamError>> {
        async move { self.put(Item::End).await }.boxed()
    }
}

impl FrameSource for Source {
    fn recv(&mut self, wait: Duration) -> BoxFuture<'_, Result<Option<Bytes>, StreamError>> {
        async move {
            if self.ended {
                return Ok(None);
            }
            let queue = &mut self.queue;
            let step = async {
                match tokio::time::timeout(wait, queue.recv()).await {
                    Ok(Some(Item::Frame(frame))) => Ok(Some(frame)),
                    Ok(Some(Item::End)) => Ok(None),
                    Ok(None) => Err(StreamError::Abandoned),
                    Err(_) => Err(StreamError::Stalled),
                }
            };
            let frame = self.line.run(step).await?;
            self.ended = frame.is_none();
            Ok(frame)
        }
        .boxed()
    }
}

/// The halves of a stream that the other end did not take.
struct RefusedHalf(Refused);

/// A stream whose every step tells of the refusal.
pub(super) fn refused(refused: Refused) -> Frames {
    (
        Box::new(RefusedHalf(refused.clone())),
        Box::new(RefusedHalf(refused)),
    )
}

impl FrameSink for RefusedHalf {
    fn send(&mut self, _frame: Bytes) -> BoxFuture<'_, Result<(), StreamError>> {
        async { Err(StreamError::Refused(self.0.clone())) }.boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StreamError>> {
        async { Err(StreamError::Refused(self.0)) }.boxed()
    }
}

impl FrameSource for RefusedHalf {
    fn recv(&mut self, _wait: Duration) -> BoxFuture<'_, Result<Option<Bytes>, StreamError>> {
        async { Err(StreamError::Refused(self.0.clone())) }.boxed()
    }
}
