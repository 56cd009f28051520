//! Runs a log through the machine and the oracle, in batches.

use super::oracle::Oracle;
use holdfast_machine::testing::MemoryTable;
use holdfast_machine::{Batch, Command, Machine, Outcome};

pub(crate) struct Run {
    pub(crate) machine: Machine,
    pub(crate) table: MemoryTable,
    pub(crate) oracle: Oracle,
    /// What was applied, with the machine's and the oracle's answers.
    pub(crate) log: Vec<Command>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) expected: Vec<Outcome>,
}

impl Run {
    /// Position of the last transaction that had been proposed before.
    pub(crate) fn last_repeat(&self) -> Option<usize> {
        let id = |command: &Command| match command {
            Command::Transaction(txn) => Some(txn.txn_id),
            Command::Tick { .. } | Command::Checkpoint { .. } => None,
        };
        (0..self.log.len()).rev().find(|&at| {
            let this = id(&self.log[at]);
            this.is_some() && self.log[..at].iter().any(|before| id(before) == this)
        })
    }
}

/// Applies the log cut into batches of these sizes in turn, and checks after each.
pub(crate) fn apply_all(
    log: &[Command],
    cuts: &[usize],
    check: impl Fn(&Run) -> Result<(), String>,
) -> Result<Run, String> {
    let table = MemoryTable::default();
    let mut run = Run {
        machine: Machine::load(&table).map_err(|fault| fault.to_string())?,
        table,
        oracle: Oracle::default(),
        log: Vec::new(),
        outcomes: Vec::new(),
        expected: Vec::new(),
    };
    let mut rest = log;
    for cut in cuts.iter().cycle() {
        let (now, later) = rest.split_at((*cut).min(rest.len()));
        let mut batch = Batch::new();
        for command in now {
            let index = run.log.len() as u64 + 1;
            let outcome = run.machine.apply(&run.table, &mut batch, index, command);
            run.outcomes
                .push(outcome.map_err(|fault| fault.to_string())?);
            run.expected.push(run.oracle.apply(index, command));
            run.log.push(command.clone());
        }
        run.machine.save(&mut batch);
        run.table.write(&batch);
        check(&run)?;
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    Ok(run)
}
