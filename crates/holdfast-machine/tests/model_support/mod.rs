//! Parts of the model test: what is done (`plan`), what should come of it (`oracle`), doing it (`run`), and what must hold.

pub(crate) mod invariants;
pub(crate) mod oracle;
pub(crate) mod plan;
pub(crate) mod run;
