//! What the listener bears. Every figure bounds something that a stranger could otherwise make grow.

use holdfast_types::limits::{BODY_BYTES_MAX, REQUEST_TIME_MS_MAX};
use std::time::Duration;

/// Limits of one listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Most connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Most requests evaluated at once.
    pub requests: usize,
    /// As many more for `sys/health`, `sys/seal-status`, `sys/unseal`, `sys/init` and `sys/leader`, so that a flood of others
    /// hides neither a node's state nor the way to open it.
    pub reserved_requests: usize,
    /// How long a request may wait for its turn before it is answered 503.
    pub queue_time: Duration,
    /// Largest body; more is answered 413.
    pub body_bytes: usize,
    /// Most bytes of all bodies in memory; more is answered 503.
    pub body_bytes_total: usize,
    /// Longest silence while a body arrives.
    pub body_silence: Duration,
    /// Longest time of one request, from its head to its answer.
    pub request_time: Duration,
    /// Longest time for a TLS handshake, and for the first byte of a plain connection.
    pub handshake_time: Duration,
    /// Longest time for a request's head; also how long an idle connection is kept. Longer than the 90 s for which common
    /// clients keep one, so that the server never closes what a client is about to use.
    pub head_time: Duration,
    /// Largest head.
    pub head_bytes: u32,
    /// Most headers.
    pub headers: usize,
    /// Most requests at once on one HTTP/2 connection.
    pub streams: u32,
    /// How long requests may finish once the listener is asked to stop.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            requests: 1024,
            reserved_requests: 32,
            queue_time: Duration::from_secs(2),
            body_bytes: BODY_BYTES_MAX,
            body_bytes_total: 8 * BODY_BYTES_MAX,
            body_silence: Duration::from_secs(15),
            request_time: Duration::from_millis(REQUEST_TIME_MS_MAX),
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(100),
            head_bytes: 64 * 1024,
            headers: 100,
            streams: 256,
            drain_time: Duration::from_secs(10),
        }
    }
}
