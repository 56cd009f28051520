//! A run as JSON, for programs: with a schema's version, the run, and the figures that follow from it.

use holdfast_check::History;
use serde::{Deserialize, Serialize};

use crate::figures::Figures;
use crate::run::Run;

/// Of what [`json`] writes. Rises when a field goes or changes its meaning, not when one comes.
pub const SCHEMA: u32 = 2;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    ruling: holdfast_check::Ruling,
    /// Whether the history is all there, so that it can be judged and shown again.
    complete: bool,
    run: &'a Run,
    figures: Figures,
}

#[derive(Deserialize)]
struct Stored {
    schema: u32,
    complete: bool,
    run: Run,
}

/// Why stored JSON is not a run.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON, or not of this shape.
    #[error("read a run from JSON")]
    Shape(#[from] serde_json::Error),
    /// It is of another version of the schema.
    #[error("schema {0} is not {SCHEMA}")]
    Schema(u32),
    /// It was written by [`json`], which leaves most of the history out.
    #[error("the history is not complete: only figures were kept")]
    Incomplete,
}

/// Figures, verdicts and faults, without operations, samples and logs: small whatever the run's size.
#[must_use]
pub fn json(run: &Run) -> String {
    let history = History {
        operations: Vec::new(),
        samples: Vec::new(),
        logs: Vec::new(),
        faults: run.history.faults.clone(),
        ..run.history
    };
    // Named one by one, so that the history is not copied first.
    let small = Run {
        title: run.title.clone(),
        scenario: run.scenario.clone(),
        started_at: run.started_at.clone(),
        nodes: run.nodes.clone(),
        environment: run.environment.clone(),
        history,
        verdicts: run.verdicts.clone(),
        reproduce: run.reproduce.clone(),
        skipped: run.skipped.clone(),
        notes: run.notes.clone(),
        ..*run
    };
    write(&small, Figures::of(run), false)
}

/// The same with the whole history: what [`read`] takes back.
#[must_use]
pub fn json_complete(run: &Run) -> String {
    write(run, Figures::of(run), true)
}

/// Takes back what [`json_complete`] wrote.
///
/// # Errors
/// When it is not of this shape or version, or was written by [`json`].
pub fn read(text: &str) -> Result<Run, ReadError> {
    let stored: Stored = serde_json::from_str(text)?;
    if stored.schema != SCHEMA {
        return Err(ReadError::Schema(stored.schema));
    }
    if !stored.complete {
        return Err(ReadError::Incomplete);
    }
    Ok(stored.run)
}

fn write(run: &Run, figures: Figures, complete: bool) -> String {
    let document = Document {
        schema: SCHEMA,
        ruling: run.ruling(),
        complete,
        run,
        figures,
    };
    serde_json::to_string(&document).expect("every map in a run has text for its keys")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::tests::run;

    #[test]
    fn what_is_written_complete_comes_back_the_same() {
        let run = run();
        assert_eq!(read(&json_complete(&run)).expect("it is complete"), run);
    }

    #[test]
    fn the_small_one_has_figures_and_faults_but_no_operations() {
        let text = json(&run());
        let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(
            (&value["schema"], &value["ruling"]),
            (&SCHEMA.into(), &"Ok".into())
        );
        assert_eq!(value["run"]["history"]["operations"], serde_json::json!([]));
        assert_eq!(value["run"]["history"]["samples"], serde_json::json!([]));
        assert_eq!(value["run"]["history"]["faults"][0]["kind"], "kill");
        assert_eq!(value["run"]["level"], "proc");
        assert_eq!(value["figures"]["operations"], 282);
        assert_eq!(value["figures"]["recovery"]["leader_losses"], 1);
        assert_eq!(value["figures"]["recovery"]["elected"]["p50"], 600_000_000);
        assert_eq!(value["figures"]["outages"][0]["until_ns"], 1_705_000_000);
    }

    #[test]
    fn figures_alone_are_not_taken_for_a_run() {
        assert!(matches!(read(&json(&run())), Err(ReadError::Incomplete)));
        let newer = json_complete(&run()).replacen("\"schema\":2", "\"schema\":3", 1);
        assert!(matches!(read(&newer), Err(ReadError::Schema(3))));
        assert!(matches!(read("{}"), Err(ReadError::Shape(_))));
    }
}
