//! QUIC peer links with mutual TLS and framing, and an in-memory twin.
