//! Conditional writes are exact: one that was acknowledged for version `v` made version `v + 1`, and no other write did.

use crate::judge::{Judge, shown};
use crate::keys::{Put, by_key};
use crate::versions::{Flaw, Versions};
use crate::{History, Verdict};
use std::collections::BTreeMap;

/// Judges writes of secrets.
#[must_use]
pub fn cas(history: &History) -> Verdict {
    let mut judge = Judge::new("cas");
    let mut conditional = 0_usize;
    for (number, key) in by_key(history) {
        let mut won: BTreeMap<u64, Put<'_>> = BTreeMap::new();
        for put in key.puts.iter().filter(|put| put.op.is_ok()) {
            let Some(asked) = put.cas else { continue };
            conditional += 1;
            if let Some(other) = won.insert(asked, *put) {
                let what = format!(
                    "secret {number}: writes {} and {} both won version {asked}",
                    other.op.id, put.op.id
                );
                judge.blame(shown(what, &[other.op, put.op]));
            }
        }
        for (flaw, mut violation) in Versions::of(&key).flaws {
            if matches!(flaw, Flaw::Cas | Flaw::Shared) {
                violation.what = format!("secret {number}: {}", violation.what);
                judge.blame(violation);
            }
        }
    }
    judge.checked(conditional);
    judge.finish(format!(
        "{conditional} conditional writes each made the version after the one they asked for"
    ))
}
