//! The serving side of one stream: a message and its answer, or a framed stream.

use super::codes;
use super::core::{Core, Peer};
use super::exchange::priority;
use super::frames::{self, Owner};
use crate::contract::{Channel, Refused};
use crate::wire::{self, MESSAGE_HEADER_LEN, Status};
use bytes::{Bytes, BytesMut};
use holdfast_types::limits::PEER_FRAME_BYTES_MAX;
use quinn::{RecvStream, SendStream, VarInt, WriteError};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer given while the transport closes may take to reach the caller.
const LAST_ANSWER_WAIT: Duration = Duration::from_secs(1);

/// Answers one message, within the caller's own deadline.
pub(super) async fn message(
    core: &Core,
    peer: &Peer,
    channel: Channel,
    mut send: SendStream,
    mut recv: RecvStream,
) {
    let mut header = [0; MESSAGE_HEADER_LEN];
    let read = tokio::time::timeout(core.settings.dial_timeout, recv.read_exact(&mut header));
    if !matches!(read.await, Ok(Ok(()))) {
        return;
    }
    let (deadline, size) = wire::parse_message_header(header);
    // Fails only on a stream that is closed, and then so does the answer.
    drop(send.set_priority(priority(channel)));
    let answering = answer(core, peer, channel, size, &mut send, recv);
    let answering = tokio::time::timeout(deadline, answering);
    match core.dead.run_until_cancelled(answering).await {
        Some(Ok(Ok(()))) => {}
        Some(Ok(Err(code))) => drop(send.reset(code)),
        Some(Err(_)) => drop(send.reset(codes::TIMED_OUT)),
        None => return,
    }
    if core.closing.is_cancelled() {
        drop(tokio::time::timeout(LAST_ANSWER_WAIT, send.stopped()).await);
    }
}

/// Runs the handler and writes its answer; the error is the code to reset the stream with.
async fn answer(
    core: &Core,
    peer: &Peer,
    channel: Channel,
    size: usize,
    send: &mut SendStream,
    mut recv: RecvStream,
) -> Result<(), VarInt> {
    if size > PEER_FRAME_BYTES_MAX {
        return write_answer(send, Status::MessageTooLarge, Bytes::new()).await;
    }
    let _room = match peer.intake.message(channel, size) {
        Ok(room) => room,
        Err(refused) => return write_refusal(send, &refused).await,
    };
    let Some(handler) = core.handler() else {
        return write_refusal(send, &Refused::new("the node is starting")).await;
    };
    let body = read_body(&mut recv, size).await?;
    let handled = handler.handle(peer.id, channel, body).await;
    drop(handler);
    match handled {
        Ok(answer) if answer.len() > PEER_FRAME_BYTES_MAX => {
            write_answer(send, Status::AnswerTooLarge, Bytes::new()).await
        }
        Ok(answer) => write_answer(send, Status::Answered, answer).await,
        Err(refused) => write_refusal(send, &refused).await,
    }
}

/// Reads a message's body to its end. In order, as its header was: quinn 0.11 loses count when a stream is read in order first
/// and then not, as `read_to_end` does, and bytes arrive twice; it then panics and takes the process with it.
async fn read_body(recv: &mut RecvStream, size: usize) -> Result<Bytes, VarInt> {
    let mut body = BytesMut::new();
    loop {
        // One more than is left, to see the end or that there is none.
        let next = recv.read_chunk(size - body.len() + 1, true).await;
        match next.map_err(|_| codes::PROTOCOL)? {
            Some(chunk) if body.len() + chunk.bytes.len() <= size => {
                body.extend_from_slice(&chunk.bytes);
            }
            None if body.len() == size => return Ok(body.freeze()),
            // It is longer than was said, or the caller left in the middle of it.
            _ => return Err(codes::PROTOCOL),
        }
    }
}

async fn write_refusal(send: &mut SendStream, refused: &Refused) -> Result<(), VarInt> {
    let reason = Bytes::copy_from_slice(refused.reason().as_bytes());
    write_answer(send, Status::Refused, reason).await
}

async fn write_answer(send: &mut SendStream, status: Status, body: Bytes) -> Result<(), VarInt> {
    let header = Bytes::copy_from_slice(&wire::answer_header(status, body.len()));
    match send.write_all_chunks(&mut [header, body]).await {
        // A caller that has left wants no answer; finishing a stopped stream tells nobody.
        Ok(()) => drop(send.finish()),
        Err(WriteError::Stopped(_) | WriteError::ConnectionLost(_)) => {}
        Err(_) => return Err(codes::PROTOCOL),
    }
    Ok(())
}

/// Hands one framed stream to the handler, until it is done, the peer removed or the transport closing.
pub(super) async fn frames(
    core: &Arc<Core>,
    peer: &Peer,
    mut send: SendStream,
    mut recv: RecvStream,
) {
    let (handler, room) = match (core.handler(), peer.intake.stream()) {
        (Some(handler), Ok(room)) => (handler, room),
        (handler, _) => {
            let code = if handler.is_some() {
                codes::BUSY
            } else {
                codes::STARTING
            };
            // Closed already: then there is nobody to tell.
            drop(send.reset(code));
            drop(recv.stop(code));
            return;
        }
    };
    let (sink, source) = frames::halves(send, recv, Owner::Acceptor, core.settings.stream_stall);
    let serving = handler.accept_stream(peer.id, sink, source);
    tokio::select! {
        () = core.closing.cancelled() => {}
        () = peer.gone.cancelled() => {}
        () = serving => {}
    }
    drop(room);
}
