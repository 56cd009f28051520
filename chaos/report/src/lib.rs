//! What a run looked like: one offline HTML file, JSON and JUnit.
//!
//! No IO and no clock: a [`Run`] in, text out; the same run gives the same text, byte for byte. Everything that is shown was
//! given by the caller or follows from the history by the pure functions of [`figures`].

pub mod figures;
mod html;
mod json;
mod junit;
mod run;
mod summary;
mod sweep;

pub use html::{html, html_index};
pub use json::{ReadError, SCHEMA, json, json_complete, read};
pub use junit::{junit, junit_sweep};
pub use run::{Level, NodeInfo, Run, Skipped};
pub use summary::{Summary, Tally};
pub use sweep::{Broken, LeftOut, MutantRow, Sweep};
