//! Whole-system tests: real processes on loopback, driven through public doors only.
//!
//! The library is the harness; the tests are in `tests/`. Nothing here knows the server's insides: a cluster is made from
//! configuration files and the `holdfast` binary, and spoken to over HTTP.

mod clients;
mod cluster;
mod http;
mod node;
mod wait;

pub use clients::{client_program, must_succeed};
pub use cluster::{Cluster, Keys};
pub use http::{Http, Response};
pub use node::{Node, binary, free_tcp_port, free_udp_port};
pub use wait::{eventually, until};
