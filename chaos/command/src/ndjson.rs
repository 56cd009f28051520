//! A history as lines of JSON: one event a line, in the order in which they were noted, each with its kind.

use holdfast_check::{Fault, History, NodeLog, NodeSample, Operation};
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "event", rename_all = "lowercase")]
enum Line<T = Operation, S = NodeSample, F = Fault, L = NodeLog> {
    Run {
        healed_ns: Option<u64>,
        ended_ns: u64,
    },
    Fault(F),
    Operation(T),
    Sample(S),
    Log(L),
}

type Borrowed<'a> = Line<&'a Operation, &'a NodeSample, &'a Fault, &'a NodeLog>;

/// Why a text is no history.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {source}")]
pub struct ReadError {
    line: usize,
    source: serde_json::Error,
}

/// Writes a history.
///
/// # Errors
/// Never for a history that a run made.
pub fn write(history: &History) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    let mut line = |line: Borrowed<'_>| -> Result<(), serde_json::Error> {
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
        Ok(())
    };
    line(Line::Run {
        healed_ns: history.healed_ns,
        ended_ns: history.ended_ns,
    })?;
    history
        .faults
        .iter()
        .try_for_each(|fault| line(Line::Fault(fault)))?;
    history
        .operations
        .iter()
        .try_for_each(|operation| line(Line::Operation(operation)))?;
    history
        .samples
        .iter()
        .try_for_each(|sample| line(Line::Sample(sample)))?;
    history
        .logs
        .iter()
        .try_for_each(|log| line(Line::Log(log)))?;
    Ok(text)
}

/// Reads a history.
///
/// # Errors
/// Names the first line that is none of it.
pub fn read(text: &str) -> Result<History, ReadError> {
    let mut history = History::default();
    for (place, line) in text.lines().enumerate() {
        let line: Line = serde_json::from_str(line).map_err(|source| ReadError {
            line: place + 1,
            source,
        })?;
        match line {
            Line::Run {
                healed_ns,
                ended_ns,
            } => {
                history.healed_ns = healed_ns;
                history.ended_ns = ended_ns;
            }
            Line::Fault(fault) => history.faults.push(fault),
            Line::Operation(operation) => history.operations.push(operation),
            Line::Sample(sample) => history.samples.push(sample),
            Line::Log(log) => history.logs.push(log),
        }
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_check::{Action, LogRecord, NodeState, Outcome, Payload};

    #[test]
    fn a_history_survives() {
        let history = History {
            operations: vec![Operation {
                id: 1,
                client: 2,
                node: 3,
                invoked_ns: 4,
                returned_ns: None,
                action: Action::Put {
                    key: 1,
                    value: 2,
                    cas: Some(0),
                },
                outcome: Outcome::Unknown,
            }],
            samples: vec![NodeSample {
                node: 1,
                life: 2,
                at_ns: 3,
                state: NodeState::Leader,
                sealed: false,
                term: 4,
                leader: Some(1),
                committed: 5,
                applied: 5,
                digests: vec![(1, "ab".to_owned())],
            }],
            faults: vec![Fault {
                kind: "kill".to_owned(),
                nodes: vec![1],
                detail: String::new(),
                from_ns: 1,
                until_ns: Some(2),
                verified: true,
                hit_leader: false,
            }],
            logs: vec![NodeLog {
                node: 1,
                purged: 0,
                committed: 1,
                records: vec![LogRecord {
                    index: 1,
                    term: 1,
                    leader: 1,
                    hash: "00".to_owned(),
                    payload: Payload::Transaction {
                        id: "aa".to_owned(),
                        writes: 2,
                    },
                }],
            }],
            healed_ns: Some(7),
            ended_ns: 9,
        };
        let text = write(&history).unwrap();
        assert_eq!(text.lines().count(), 5);
        assert_eq!(read(&text).unwrap(), history);
        assert!(read("{}\n").unwrap_err().to_string().starts_with("line 1"));
    }
}
