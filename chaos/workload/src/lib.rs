//! Clients that use a cluster through its HTTP door while faults strike, and write down what they saw.
//!
//! [`Workload::start`] prepares a mount, lets seeded clients work on it and records every operation into a [`Recorder`].
//! Afterwards [`Finished::final_reads`] looks at everything once more. A [`Sampler`] asks the nodes how they are meanwhile.
//!
//! Rules that everything here keeps:
//! - A logical client has one operation outstanding. After an unknown outcome it is retired: its request may still be done.
//! - Nothing is sent that was not written down before, and nothing is sent twice by the layers below (`door.rs`).
//! - An outcome is never guessed to the better: what may have been done is [`Unknown`](holdfast_check::Outcome::Unknown)
//!   (`classify.rs`).
//! - The same plan gives each seat the same intentions, whatever the cluster answers (`intent.rs`).
//! - No value, name, token or share is printed, logged or kept in a history: there they are numbers.

mod answer;
mod classify;
mod door;
mod final_reads;
mod index;
mod intent;
mod keyholders;
mod kv;
mod lives;
mod marks;
mod odd;
mod plan;
mod recorder;
mod rng;
mod sample;
mod sampler;
mod seat;
mod secret;
mod setup;
mod slots;
mod target;
mod token_ops;
mod tokens;
mod workload;
mod world;

pub use final_reads::FinalReads;
pub use intent::{Fresh, Intent, Intents, RevokeHow, What};
pub use lives::Lives;
pub use odd::{OddAnswer, OddAnswers};
pub use plan::{FreshnessMix, Mix, Plan, PlanError, Sealing};
pub use recorder::{Counts, Invocation, Recorder};
pub use sampler::Sampler;
pub use secret::Secret;
pub use setup::SetupError;
pub use target::{Target, TargetNode};
pub use workload::{Finished, Stats, Workload};
