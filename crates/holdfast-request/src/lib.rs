//! The request pipeline: route, authenticate, authorise, handle, commit; the mount table; the `sys/` routes.
//!
//! # Caller contract
//! 1. Build one [`Core`] for each node and hand it every request as an [`holdfast_contract::Incoming`].
//! 2. Call [`Core::leader_duties`] again and again while the node leads and is unsealed.

mod answer;
mod core;
mod duties;
mod evaluate;
mod first_records;
mod metrics;
mod mounts;
mod node_actions;
mod openapi;
mod pipeline;
mod sys;
mod time_text;

pub use answer::Answer;
pub use core::{Core, NodeInfo};
