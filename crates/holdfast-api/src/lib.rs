//! HTTP and gRPC on one listener: TLS, limits, status mapping.
//!
//! ```text
//! connection ─ TLS ─ HTTP/1.1, HTTP/2 ─┬─ gRPC path ── grpc ──┐
//!                                      └─ anything else ─ http_front ─┴─ dispatch ── Pipeline (the node's Core)
//! ```
//! Everything a stranger sends is parsed and bounded here ([`Limits`]); behind it nothing is parsed again. What is refused is told
//! by one table (`status`), in words that name a field and never repeat what came in.

mod body;
mod connection;
mod dispatch;
mod grpc;
mod headers;
mod help;
mod http_front;
mod index;
mod json_limits;
mod limits;
mod listener;
mod render;
mod router;
mod status;
mod tls;
mod verb;

pub use dispatch::Pipeline;
pub use limits::Limits;
pub use listener::{BindError, Listener, ListenerOptions, Security};
pub use tls::{TlsError, TlsFiles};
