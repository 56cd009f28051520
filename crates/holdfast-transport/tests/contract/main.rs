//! The contract of a transport, run against QUIC on loopback and against the in-memory twin: a test here holds for both.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure to get that far is a failure"
)]

mod calls;
mod fabric;
mod lifecycle;
mod membership;
mod node;
mod streams;

/// One test function for each fabric.
macro_rules! for_both {
    ($($name:ident),+ $(,)?) => {
        mod quic {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name::<crate::fabric::Quic>().await;
            })+
        }
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name::<crate::fabric::Memory>().await;
            })+
        }
    };
}
pub(crate) use for_both;
