//! Framed streams over QUIC. The dialling side gives each a connection of its own, which ends with it.

use super::codes;
use crate::frames::{FrameSink, FrameSource, Frames, StreamError};
use crate::wire::{self, FRAME_HEADER_LEN};
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_types::limits::PEER_FRAME_BYTES_MAX;
use quinn::{
    Connection, ConnectionError, ReadError, RecvStream, SendStream, StoppedError, WriteError,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Who ends the connection under a stream.
pub(super) enum Owner {
    /// The dialling side: its connection carries this stream alone.
    Dialler(Connection),
    /// The accepting side leaves the connection to the dialler.
    Acceptor,
}

/// Ends the dialler's connection when both halves are dropped, and tells the other side whether all was well.
struct Held {
    owner: Owner,
    sent_all: AtomicBool,
    read_all: AtomicBool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Owner::Dialler(connection) = &self.owner {
            let done = *self.sent_all.get_mut() && *self.read_all.get_mut();
            let code = if done { codes::DONE } else { codes::ABANDONED };
            connection.close(code, b"stream ended");
        }
    }
}

struct Sink {
    send: SendStream,
    held: Arc<Held>,
    stall: Duration,
    broken: bool,
}

struct Source {
    recv: RecvStream,
    held: Arc<Held>,
    stall: Duration,
    broken: bool,
    ended: bool,
}

/// The two halves of a stream whose first byte has been sent or read.
pub(super) fn halves(send: SendStream, recv: RecvStream, owner: Owner, stall: Duration) -> Frames {
    // Fails only on a stream that is closed, and then so does every write.
    drop(send.set_priority(super::exchange::priority(
        crate::contract::Channel::Snapshot,
    )));
    let held = Arc::new(Held {
        owner,
        sent_all: AtomicBool::new(false),
        read_all: AtomicBool::new(false),
    });
    let sink = Sink {
        send,
        held: held.clone(),
        stall,
        broken: false,
    };
    let source = Source {
        recv,
        held,
        stall,
        broken: false,
        ended: false,
    };
    (Box::new(sink), Box::new(source))
}

fn write_error(error: WriteError) -> StreamError {
    match error {
        WriteError::Stopped(code) => codes::stream_error(code),
        WriteError::ConnectionLost(error) => codes::stream_error_of_loss(&error),
        WriteError::ClosedStream | WriteError::ZeroRttRejected => StreamError::Abandoned,
    }
}

fn read_error(error: ReadError) -> StreamError {
    match error {
        ReadError::Reset(code) => codes::stream_error(code),
        ReadError::ConnectionLost(error) => codes::stream_error_of_loss(&error),
        ReadError::ClosedStream | ReadError::IllegalOrderedRead | ReadError::ZeroRttRejected => {
            StreamError::Abandoned
        }
    }
}

impl Sink {
    async fn send_inner(&mut self, frame: Bytes) -> Result<(), StreamError> {
        if frame.len() > PEER_FRAME_BYTES_MAX {
            return Err(StreamError::TooLarge);
        }
        if std::mem::replace(&mut self.broken, true) {
            return Err(StreamError::Abandoned);
        }
        let header = Bytes::copy_from_slice(&wire::frame_header(frame.len()));
        let mut left = [header, frame];
        let mut done = 0;
        while let Some(rest) = left.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let step = tokio::time::timeout(self.stall, self.send.write_chunks(rest));
            let written = step.await.map_err(|_| StreamError::Stalled)?;
            done += written.map_err(write_error)?.chunks;
        }
        self.broken = false;
        Ok(())
    }

    async fn finish_inner(mut self) -> Result<(), StreamError> {
        if self.broken {
            return Err(StreamError::Abandoned);
        }
        self.broken = true;
        self.send.finish().map_err(|_| StreamError::Abandoned)?;
        let stopped = tokio::time::timeout(self.stall, self.send.stopped()).await;
        match stopped.map_err(|_| StreamError::Stalled)? {
            Ok(None) => {}
            Ok(Some(code)) => return Err(codes::stream_error(code)),
            // The dialler ended the connection once it had everything: that came before the acknowledgement.
            Err(StoppedError::ConnectionLost(ConnectionError::ApplicationClosed(close)))
                if close.error_code == codes::DONE => {}
            Err(StoppedError::ConnectionLost(error)) => {
                return Err(codes::stream_error_of_loss(&error));
            }
            Err(StoppedError::ZeroRttRejected) => return Err(StreamError::Lost),
        }
        self.held.sent_all.store(true, Ordering::Release);
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if !self.held.sent_all.load(Ordering::Acquire) {
            // Without it quinn would end the stream as if it were complete. Fails only when it is closed already.
            drop(self.send.reset(codes::ABANDONED));
        }
    }
}

impl FrameSink for Sink {
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, Result<(), StreamError>> {
        self.send_inner(frame).boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StreamError>> {
        self.finish_inner().boxed()
    }
}

impl Source {
    async fn recv_inner(&mut self, wait: Duration) -> Result<Option<Bytes>, StreamError> {
        if self.ended {
            return Ok(None);
        }
        if std::mem::replace(&mut self.broken, true) {
            return Err(StreamError::Abandoned);
        }
        let Some(size) = self.recv_header(wait).await? else {
            self.ended = true;
            self.held.read_all.store(true, Ordering::Release);
            return Ok(None);
        };
        if size > PEER_FRAME_BYTES_MAX {
            return Err(StreamError::TooLarge);
        }
        let body = self.recv_body(size).await?;
        self.broken = false;
        Ok(Some(body))
    }

    /// The next frame's size, or `None` at the end of the stream.
    async fn recv_header(&mut self, wait: Duration) -> Result<Option<usize>, StreamError> {
        let mut header = [0; FRAME_HEADER_LEN];
        let mut filled = 0;
        while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let limit = if filled == 0 { wait } else { self.stall };
            let step = tokio::time::timeout(limit, self.recv.read(rest)).await;
            match step.map_err(|_| StreamError::Stalled)? {
                Ok(Some(count)) => filled += count,
                Ok(None) if filled == 0 => return Ok(None),
                Ok(None) => return Err(StreamError::Abandoned),
                Err(error) => return Err(read_error(error)),
            }
        }
        Ok(Some(wire::parse_size(header)))
    }

    async fn recv_body(&mut self, size: usize) -> Result<Bytes, StreamError> {
        let mut body = BytesMut::new();
        while body.len() < size {
            let step = self.recv.read_chunk(size - body.len(), true);
            let step = tokio::time::timeout(self.stall, step).await;
            match step.map_err(|_| StreamError::Stalled)? {
                Ok(Some(chunk)) if chunk.bytes.len() == size => return Ok(chunk.bytes),
                Ok(Some(chunk)) => {
                    if body.is_empty() {
                        body.reserve(size);
                    }
                    body.extend_from_slice(&chunk.bytes);
                }
                Ok(None) => return Err(StreamError::Abandoned),
                Err(error) => return Err(read_error(error)),
            }
        }
        Ok(body.freeze())
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if !self.ended {
            // Fails only when the stream is closed already.
            drop(self.recv.stop(codes::ABANDONED));
        }
    }
}

impl FrameSource for Source {
    fn recv(&mut self, wait: Duration) -> BoxFuture<'_, Result<Option<Bytes>, StreamError>> {
        self.recv_inner(wait).boxed()
    }
}
