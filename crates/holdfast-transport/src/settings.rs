//! What a transport may be told. Every number says where it comes from; [`Settings::default`] suits a LAN and a WAN alike.

use std::time::Duration;

/// Timeouts and bounds of one transport. The memory twin uses those that bound work and ignores those about packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A silent connection is dead after this long. Three seconds bring a link back 0.2–1.2 s after a partition heals, where a
    /// minute costs up to four seconds more because QUIC's retransmissions back off.
    pub idle_timeout: Duration,
    /// How often the dialling side shows that it lives: four times within [`Self::idle_timeout`].
    pub keep_alive: Duration,
    /// Longest time for one dial, with handshake and admission.
    pub dial_timeout: Duration,
    /// Pause after the first failed dial; it doubles, with jitter.
    pub backoff_min: Duration,
    /// Longest pause between dials.
    pub backoff_max: Duration,
    /// How long a call to a peer that is not connected waits for a dial in flight.
    pub connect_wait: Duration,
    /// Lets the kernel cut packets (GSO): 3.6 times the throughput on loopback. Some network cards and containers claim to have it
    /// and then fail; turn it off there.
    pub segmentation_offload: bool,
    /// How long a framed stream may stand still: long enough for a disk that is busy compacting. In memory a lost frame comes
    /// no more, so that there no stream outlasts [`Self::idle_timeout`], as none outlasts a dead connection.
    pub stream_stall: Duration,
    /// How long [`crate::Transport::close`] waits for running handlers.
    pub drain: Duration,
    /// Most messages of one peer on one channel that are answered at the same time; more are refused.
    pub inbound_calls_max: usize,
    /// Most bytes of one peer's messages held at the same time; more are refused. Messages up to
    /// [`Self::SMALL_MESSAGE_BYTES`] are not counted, so that a flood of large ones cannot starve heartbeats.
    pub inbound_bytes_max: usize,
    /// Most framed streams of one peer at the same time; more are refused.
    pub inbound_streams_max: usize,
}

impl Settings {
    /// Messages up to this size do not count against [`Self::inbound_bytes_max`].
    pub const SMALL_MESSAGE_BYTES: usize = 16 * 1024;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(3),
            keep_alive: Duration::from_millis(700),
            dial_timeout: Duration::from_secs(2),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(1),
            connect_wait: Duration::from_millis(100),
            segmentation_offload: true,
            stream_stall: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            inbound_calls_max: 512,
            inbound_bytes_max: 128 * 1024 * 1024,
            inbound_streams_max: 4,
        }
    }
}
