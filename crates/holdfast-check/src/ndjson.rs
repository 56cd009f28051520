//! A history as lines of JSON: one event a line, with its kind, so that a person can read along and `grep` works.
//!
//! Errors name line and field and never what stands there: a file given by mistake may hold anything.

use crate::{Fault, History, NodeLog, NodeSample, Operation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Longest line that is read; a node's whole log stands on one.
const LINE_BYTES_MAX: usize = 256 << 20;

/// Why a text is no history. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NdjsonError {
    /// It is no JSON, or has not the form of an event.
    #[error("line {line}: not an event with `kind` and `event`")]
    Form {
        /// Which line.
        line: usize,
    },
    /// The event is of a kind that no history has.
    #[error("line {line}: field `kind` names no kind of event")]
    Kind {
        /// Which line.
        line: usize,
    },
    /// A field is missing or is not what it must be.
    #[error("line {line}: field `{field}` of the event is missing or not valid")]
    Field {
        /// Which line.
        line: usize,
        /// Which field, as a path; `.` is the event itself.
        field: String,
    },
    /// It is too long to be one.
    #[error("line {line}: longer than {LINE_BYTES_MAX} bytes")]
    Long {
        /// Which line.
        line: usize,
    },
}

#[derive(Serialize)]
struct Written<'a, T> {
    kind: &'static str,
    event: &'a T,
}

#[derive(Deserialize)]
struct Line<'a> {
    kind: String,
    #[serde(borrow)]
    event: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct Run {
    healed_ns: Option<u64>,
    #[serde(default)]
    load_until_ns: Option<u64>,
    ended_ns: u64,
}

impl History {
    /// Writes it, the times of the run first.
    #[must_use]
    pub fn to_ndjson(&self) -> String {
        let mut text = String::new();
        let run = Run {
            healed_ns: self.healed_ns,
            load_until_ns: self.load_until_ns,
            ended_ns: self.ended_ns,
        };
        write(&mut text, "run", [&run]);
        write(&mut text, "fault", &self.faults);
        write(&mut text, "operation", &self.operations);
        write(&mut text, "sample", &self.samples);
        write(&mut text, "log", &self.logs);
        text
    }

    /// Reads it. Kinds may be mixed; within a kind, order is kept. Empty lines are skipped.
    ///
    /// # Errors
    /// Names the first line and field that is wrong.
    pub fn from_ndjson(text: &str) -> Result<Self, NdjsonError> {
        let mut history = Self::default();
        for (at, line) in text.lines().enumerate() {
            if !line.trim().is_empty() {
                history.take(at + 1, line)?;
            }
        }
        Ok(history)
    }

    fn take(&mut self, line: usize, text: &str) -> Result<(), NdjsonError> {
        if text.len() > LINE_BYTES_MAX {
            return Err(NdjsonError::Long { line });
        }
        let Ok(Line { kind, event }) = serde_json::from_str(text) else {
            return Err(NdjsonError::Form { line });
        };
        match kind.as_str() {
            "run" => {
                let run: Run = read(line, event)?;
                self.healed_ns = run.healed_ns;
                self.load_until_ns = run.load_until_ns;
                self.ended_ns = run.ended_ns;
            }
            "fault" => self.faults.push(read::<Fault>(line, event)?),
            "operation" => self.operations.push(read::<Operation>(line, event)?),
            "sample" => self.samples.push(read::<NodeSample>(line, event)?),
            "log" => self.logs.push(read::<NodeLog>(line, event)?),
            _ => return Err(NdjsonError::Kind { line }),
        }
        Ok(())
    }
}

fn write<'a, T: Serialize + 'a>(
    text: &mut String,
    kind: &'static str,
    events: impl IntoIterator<Item = &'a T>,
) {
    for event in events {
        let line = serde_json::to_string(&Written { kind, event })
            .expect("the model has neither maps nor anything else that JSON cannot hold");
        text.push_str(&line);
        text.push('\n');
    }
}

fn read<T: DeserializeOwned>(line: usize, event: &RawValue) -> Result<T, NdjsonError> {
    let mut json = serde_json::Deserializer::from_str(event.get());
    serde_path_to_error::deserialize(&mut json).map_err(|why| {
        let inner = why.inner().to_string();
        // serde names a missing field in words, from the model; everything else it says may hold what was read.
        let missing = inner
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        let path = why.path().to_string();
        let field = match missing {
            Some(missing) if path == "." => missing.to_owned(),
            Some(missing) => format!("{path}.{missing}"),
            None => path,
        };
        NdjsonError::Field { line, field }
    })
}
