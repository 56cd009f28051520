//! Older versions of a secret stay as they were written, until as many newer ones stand as a secret keeps.

use crate::judge::{Judge, shown};
use crate::keys::{Key, OldRead, Put};
use crate::{Consistency, Operation};

/// As many versions as a secret keeps by default; what is older may be gone.
const KEPT: u64 = 10;

/// Judges reads of older versions.
pub(crate) fn check_older(number: u64, key: &Key<'_>, judge: &mut Judge) {
    for read in &key.older {
        let told = |put: &&Put<'_>| put.version() == Some(read.version);
        let Some(put) = key.puts.iter().find(told) else {
            check_untold(number, key, read, judge);
            continue;
        };
        match read.seen.value {
            Some(value) if value != put.value => {
                let what = format!(
                    "secret {number}: version {} was written by operation {} and reads as another value in operation {}",
                    read.version, put.op.id, read.op.id
                );
                judge.blame(shown(what, &[put.op, read.op]));
            }
            None if must_stand(key, put, read) => {
                let what = format!(
                    "secret {number}: version {} of acknowledged write {} is lost: operation {} read nothing",
                    read.version, put.op.id, read.op.id
                );
                judge.blame(shown(what, &[put.op, read.op]));
            }
            _ => {}
        }
    }
}

/// A version that nobody was told of is of a write of unknown fate.
fn check_untold(number: u64, key: &Key<'_>, read: &OldRead<'_>, judge: &mut Judge) {
    let Some(value) = read.seen.value else {
        return;
    };
    let untold = |put: &Put<'_>| put.value == value && put.version().is_none();
    if !key.puts.iter().any(untold) {
        let what = format!(
            "secret {number}: operation {} read a value as version {} that no write of unknown fate wrote",
            read.op.id, read.version
        );
        judge.blame(shown(what, &[read.op]));
    }
}

/// Whether nothing explains that an acknowledged version is not there.
fn must_stand(key: &Key<'_>, put: &Put<'_>, read: &OldRead<'_>) -> bool {
    let fresh = match read.consistency {
        Consistency::Linearizable => put.op.is_before(read.op),
        _ => false,
    };
    let newer = |other: &&Put<'_>| other.version() > Some(read.version);
    let highest = key.puts.iter().filter_map(Put::version).max();
    // Writes of unknown fate may have made versions that nobody told of.
    let untold = key.puts.iter().filter(|put| put.version().is_none());
    let highest = highest.unwrap_or(0) + crate::judge::count(untold.count());
    let next = key.puts.iter().filter(newer);
    let next_ns = next.map(|next| next.op.end_ns()).min();
    fresh
        && highest < read.version + KEPT
        && !key
            .deletes
            .iter()
            .any(|op| may_have_struck(op, put, next_ns))
}

/// Whether a delete may have taken effect while a version was the latest.
fn may_have_struck(delete: &Operation, put: &Put<'_>, next_ns: Option<u64>) -> bool {
    !delete.is_before(put.op) && next_ns.is_none_or(|next_ns| delete.invoked_ns <= next_ns)
}
