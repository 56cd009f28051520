//! The bytes that frame messages on a QUIC stream. Pure; pinned by golden bytes below, because two versions of the product
//! talk to each other during an upgrade. The application protocol's name carries the version: an incompatible change
//! gets a new [`ALPN`].
//!
//! Every stream opens with one byte that says what it is:
//!
//! ```text
//! greeting   0x00, boot (8)                            answered by: boot (8)
//! message    channel (1–4), deadline ms (4), size (4), body     by: status (1), size (4), body
//! frames     0x05, then any number of: size (4), body           by: the same, without the first byte
//! ```
//!
//! All numbers are big-endian.

use crate::contract::Channel;
use holdfast_types::limits::PEER_FRAME_BYTES_MAX;
use std::time::Duration;

/// The protocol's name in the TLS handshake; both sides must offer it.
pub(crate) const ALPN: &[u8] = b"holdfast-peer/1";

/// Bytes of a greeting after its kind, and of its answer.
pub(crate) const BOOT_LEN: usize = 8;
/// Bytes of a message's header after its kind.
pub(crate) const MESSAGE_HEADER_LEN: usize = 8;
/// Bytes of an answer's header.
pub(crate) const ANSWER_HEADER_LEN: usize = 5;
/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER_LEN: usize = 4;

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first stream of a connection, by which the acceptor admits the dialler.
    Greeting,
    /// One message and its answer.
    Message(Channel),
    /// A framed stream.
    Frames,
}

impl Kind {
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Greeting => 0,
            Self::Message(Channel::Heartbeat) => 1,
            Self::Message(Channel::Log) => 2,
            Self::Message(Channel::Forward) => 3,
            Self::Message(Channel::Snapshot) => 4,
            Self::Frames => 5,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Greeting,
            1 => Self::Message(Channel::Heartbeat),
            2 => Self::Message(Channel::Log),
            3 => Self::Message(Channel::Forward),
            4 => Self::Message(Channel::Snapshot),
            5 => Self::Frames,
            _ => return None,
        })
    }
}

/// How a call ended at the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The body is the handler's answer.
    Answered,
    /// The body is the reason.
    Refused,
    /// The message is larger than a frame may be.
    MessageTooLarge,
    /// The handler's answer is larger than a frame may be.
    AnswerTooLarge,
}

impl Status {
    fn to_byte(self) -> u8 {
        match self {
            Self::Answered => 0,
            Self::Refused => 1,
            Self::MessageTooLarge => 2,
            Self::AnswerTooLarge => 3,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Answered,
            1 => Self::Refused,
            2 => Self::MessageTooLarge,
            3 => Self::AnswerTooLarge,
            _ => return None,
        })
    }
}

/// A greeting, with the number that a process drew when it started.
pub(crate) fn greeting(boot: u64) -> [u8; 1 + BOOT_LEN] {
    let mut out = [0; 1 + BOOT_LEN];
    out[0] = Kind::Greeting.to_byte();
    out[1..].copy_from_slice(&boot.to_be_bytes());
    out
}

/// A message's header with its kind. `size` is at most [`PEER_FRAME_BYTES_MAX`].
pub(crate) fn message_header(
    channel: Channel,
    deadline: Duration,
    size: usize,
) -> [u8; 1 + MESSAGE_HEADER_LEN] {
    // Rounded up: the peer's clock for it starts later and must not ring earlier.
    let deadline = deadline.as_nanos().div_ceil(1_000_000);
    let deadline = u32::try_from(deadline).unwrap_or(u32::MAX);
    let mut out = [0; 1 + MESSAGE_HEADER_LEN];
    out[0] = Kind::Message(channel).to_byte();
    out[1..5].copy_from_slice(&deadline.to_be_bytes());
    out[5..].copy_from_slice(&size_bytes(size));
    out
}

/// A message's deadline and size. The size is the peer's claim, not yet checked.
pub(crate) fn parse_message_header(header: [u8; MESSAGE_HEADER_LEN]) -> (Duration, usize) {
    let [d0, d1, d2, d3, s0, s1, s2, s3] = header;
    let deadline = Duration::from_millis(u32::from_be_bytes([d0, d1, d2, d3]).into());
    (deadline, parse_size([s0, s1, s2, s3]))
}

/// An answer's header. `size` is at most [`PEER_FRAME_BYTES_MAX`].
pub(crate) fn answer_header(status: Status, size: usize) -> [u8; ANSWER_HEADER_LEN] {
    let mut out = [0; ANSWER_HEADER_LEN];
    out[0] = status.to_byte();
    out[1..].copy_from_slice(&size_bytes(size));
    out
}

/// An answer's status, if the whole answer is as long as its header says.
pub(crate) fn parse_answer(answer: &[u8]) -> Option<Status> {
    let (header, body) = answer.split_first_chunk::<ANSWER_HEADER_LEN>()?;
    let [status, s0, s1, s2, s3] = *header;
    (parse_size([s0, s1, s2, s3]) == body.len())
        .then(|| Status::from_byte(status))
        .flatten()
}

/// A frame's header. `size` is at most [`PEER_FRAME_BYTES_MAX`].
pub(crate) fn frame_header(size: usize) -> [u8; FRAME_HEADER_LEN] {
    size_bytes(size)
}

/// A frame's size. It is the peer's claim, not yet checked.
pub(crate) fn parse_size(header: [u8; FRAME_HEADER_LEN]) -> usize {
    usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX)
}

fn size_bytes(size: usize) -> [u8; 4] {
    debug_assert!(size <= PEER_FRAME_BYTES_MAX);
    u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes()
}

const _: () = assert!(
    PEER_FRAME_BYTES_MAX < u32::MAX as usize,
    "a frame's size fits its four bytes"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        assert_eq!(ALPN, b"holdfast-peer/1");
        assert_eq!(greeting(0x0102_0304_0506_0708), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(
            message_header(Channel::Log, Duration::from_micros(1_499_001), 0x0001_0203),
            [2, 0, 0, 0x05, 0xdc, 0, 1, 2, 3]
        );
        assert_eq!(answer_header(Status::Refused, 5), [1, 0, 0, 0, 5]);
        assert_eq!(frame_header(PEER_FRAME_BYTES_MAX), [1, 0, 0, 0]);
    }

    #[test]
    fn kinds_and_headers_round_trip() {
        let mut known = 0;
        for byte in 0..=u8::MAX {
            if let Some(kind) = Kind::from_byte(byte) {
                assert_eq!(kind.to_byte(), byte);
                known += 1;
            }
        }
        assert_eq!(known, Channel::ALL.len() + 2);
        let header = message_header(Channel::Forward, Duration::MAX, 7);
        let (deadline, size) = parse_message_header(header[1..].try_into().unwrap());
        assert_eq!((deadline.as_millis(), size), (u128::from(u32::MAX), 7));
    }

    #[test]
    fn an_answer_cut_short_or_of_unknown_status_is_none() {
        let mut answer = answer_header(Status::Answered, 3).to_vec();
        answer.extend_from_slice(b"abc");
        assert_eq!(parse_answer(&answer), Some(Status::Answered));
        assert_eq!(parse_answer(&answer[..7]), None);
        assert_eq!(parse_answer(&answer[..4]), None);
        assert_eq!(parse_answer(&[]), None);
        answer[0] = 9;
        assert_eq!(parse_answer(&answer), None);
    }
}
