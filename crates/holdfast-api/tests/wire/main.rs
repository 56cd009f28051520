//! The listener on real sockets, over a scripted pipeline and over the product's own.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its servers should stop there"
)]

mod bounds;
mod grpc;
mod scripted;
mod tls;
mod vault_api;
