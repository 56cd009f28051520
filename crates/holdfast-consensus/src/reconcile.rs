//! What log and state say of one another when a node starts.
//!
//! An entry is applied when a quorum has it on disk, and this node need not be of that quorum: its state may reach the disk
//! before its log does. A crash in between leaves a state that is ahead. openraft closes a gap by itself; but where a former
//! leader's entry still stands at an index that the state has passed with another one, it takes the log for corrupt and the
//! node could never start again. What was applied was committed, so that entry and all after it were not, and never will be.

use crate::codec;
use crate::raft_types::LogId;
use holdfast_store::{LogStore, StateStore};

/// Removes the end of the log that what was applied has replaced, if there is such an end.
///
/// # Errors
/// When the log holds a *later* entry in the place of an applied one, which no crash explains, or the log cannot be read or
/// written. The text is for operators.
pub(crate) fn reconcile(log: &LogStore, state: &StateStore) -> Result<(), String> {
    let Some(applied) = state.applied().log_id else {
        return Ok(());
    };
    let applied = codec::to_log_id_bytes(&applied).map_err(|error| error.to_string())?;
    let Some(logged) = entry_at(log, applied.index)? else {
        return Ok(());
    };
    if logged == applied {
        return Ok(());
    }
    if logged > applied {
        return Err(format!(
            "entry {applied} was applied, and the log holds {logged} in its place: one of them is corrupt"
        ));
    }
    tracing::warn!(%applied, %logged, "the log ends with entries that were never committed: they are removed");
    log.truncate_after(applied.index.checked_sub(1))
        .map_err(|fault| fault.to_string())
}

fn entry_at(log: &LogStore, index: u64) -> Result<Option<LogId>, String> {
    let found = log.read(index, index.saturating_add(1), usize::MAX);
    let found = found.map_err(|fault| fault.to_string())?.pop();
    let id = found.map(|(_, bytes)| codec::to_entry_bytes(bytes).map(|entry| entry.log_id));
    id.transpose().map_err(|error| error.to_string())
}
