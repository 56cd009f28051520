//! The calling side of one message: a stream of its own, because streams are cheap and never wait for one another.

use super::codes;
use crate::contract::{CallError, Channel, Part, Refused};
use crate::wire::{self, ANSWER_HEADER_LEN, Status};
use bytes::Bytes;
use holdfast_types::NodeId;
use holdfast_types::limits::PEER_FRAME_BYTES_MAX;
use quinn::{Connection, ReadError, ReadToEndError, WriteError};
use std::time::Duration;

/// Which of two streams that could send now does so first.
pub(super) fn priority(channel: Channel) -> i32 {
    match channel {
        Channel::Heartbeat => 10,
        Channel::Log | Channel::Forward => 0,
        Channel::Snapshot => -10,
    }
}

/// Sends one message and reads its answer. The caller bounds its time by `deadline`, which the peer is told.
pub(super) async fn exchange(
    connection: &Connection,
    to: NodeId,
    channel: Channel,
    body: Bytes,
    deadline: Duration,
) -> Result<Bytes, CallError> {
    let opened = connection.open_bi().await;
    let (mut send, mut recv) = opened.map_err(|_| CallError::Unreachable(to))?;
    // Fails only on a stream that is closed, and then so does the write.
    drop(send.set_priority(priority(channel)));
    let header = wire::message_header(channel, deadline, body.len());
    let header = Bytes::copy_from_slice(&header);
    match send.write_all_chunks(&mut [header, body]).await {
        Ok(()) => drop(send.finish()),
        // A peer that refuses does not read on; its answer says why.
        Err(WriteError::Stopped(_)) => {}
        Err(_) => return Err(CallError::Lost(to)),
    }
    let answer = recv.read_to_end(ANSWER_HEADER_LEN + PEER_FRAME_BYTES_MAX);
    let answer = match answer.await {
        Ok(answer) => Bytes::from(answer),
        Err(ReadToEndError::TooLong) => {
            return Err(CallError::TooLarge { what: Part::Answer });
        }
        Err(ReadToEndError::Read(ReadError::Reset(codes::TIMED_OUT))) => {
            return Err(CallError::Timeout(to));
        }
        Err(ReadToEndError::Read(_)) => return Err(CallError::Lost(to)),
    };
    read_answer(to, &answer)
}

fn read_answer(to: NodeId, answer: &Bytes) -> Result<Bytes, CallError> {
    // Cut short: the peer's handler died while it worked.
    let status = wire::parse_answer(answer).ok_or(CallError::Lost(to))?;
    let body = answer.slice(ANSWER_HEADER_LEN..);
    match status {
        Status::Answered => Ok(body),
        Status::Refused => Err(CallError::Refused(Refused::new(
            String::from_utf8_lossy(&body).into_owned(),
        ))),
        Status::MessageTooLarge => Err(CallError::TooLarge {
            what: Part::Message,
        }),
        Status::AnswerTooLarge => Err(CallError::TooLarge { what: Part::Answer }),
    }
}
