//! Revoked means revoked: once the revocation of a token or of one above it is acknowledged, no node lets the token do
//! anything that must be up to date. And a token that nobody asked to revoke keeps working, and can be revoked; the root token,
//! which asks for everything else, always works.

use crate::judge::{Judge, shown};
use crate::stale_reads::must_show_since;
use crate::{Action, Consistency, History, Operation, Outcome, Verdict};
use std::collections::BTreeMap;

/// Most ancestors followed; a history that makes tokens their own ancestors is cut here.
const DEPTH_MAX: usize = 1_000;

#[derive(Default)]
struct Token<'a> {
    parent: Option<u64>,
    created: Option<&'a Operation>,
    /// Attempts to revoke it that may have worked.
    revokes: Vec<&'a Operation>,
    /// Those that were refused as if there were no such token.
    refused: Vec<&'a Operation>,
    /// Uses, and makings of children, in order of invocation.
    uses: Vec<&'a Operation>,
}

/// Judges tokens.
#[must_use]
pub fn revocation(history: &History) -> Verdict {
    let mut judge = Judge::new("revocation");
    for op in history.operations.iter().filter(|op| refused_root(op)) {
        let what = format!(
            "the root token was refused by node {} in operation {}",
            op.node, op.id
        );
        judge.blame(shown(what, &[op]));
    }
    let tokens = tokens(history);
    for (label, token) in &tokens {
        judge.checked(token.uses.len());
        let above = lineage(*label, &tokens);
        let revokes: Vec<&Operation> = above
            .iter()
            .flat_map(|label| tokens.get(label).map_or(&[][..], |token| &token.revokes))
            .copied()
            .collect();
        check_revoked(*label, token, &revokes, &mut judge);
        check_denied(*label, token, &revokes, &mut judge);
    }
    let held = format!(
        "{} uses of tokens were let in or refused as they had to be",
        judge.total()
    );
    judge.finish(held)
}

fn tokens(history: &History) -> BTreeMap<u64, Token<'_>> {
    let mut tokens: BTreeMap<u64, Token<'_>> = BTreeMap::new();
    for op in &history.operations {
        match op.action {
            Action::CreateToken { token, parent } => {
                let made = tokens.entry(token).or_default();
                (made.parent, made.created) = (parent, Some(op));
                if let Some(parent) = parent {
                    tokens.entry(parent).or_default().uses.push(op);
                }
            }
            Action::UseToken { token, .. } => tokens.entry(token).or_default().uses.push(op),
            Action::RevokeToken { token } if op.may_have_happened() => {
                tokens.entry(token).or_default().revokes.push(op);
            }
            Action::RevokeToken { token } if op.outcome == Outcome::Denied => {
                tokens.entry(token).or_default().refused.push(op);
            }
            _ => {}
        }
    }
    tokens
}

/// Whether the root token was refused although the answer had to be up to date.
fn refused_root(op: &Operation) -> bool {
    let by_root = matches!(
        op.action,
        Action::Put { .. }
            | Action::Get { .. }
            | Action::GetVersion { .. }
            | Action::Delete { .. }
            | Action::List { .. }
            | Action::CreateToken { parent: None, .. }
    );
    by_root && op.is_linearizable() && op.outcome == Outcome::Denied
}

/// A token and all above it.
fn lineage(label: u64, tokens: &BTreeMap<u64, Token<'_>>) -> Vec<u64> {
    let above = |label: &u64| tokens.get(label).and_then(|token| token.parent);
    std::iter::successors(Some(label), above)
        .take(DEPTH_MAX)
        .collect()
}

fn check_revoked(label: u64, token: &Token<'_>, revokes: &[&Operation], judge: &mut Judge) {
    let acknowledged = || revokes.iter().filter(|revoke| revoke.is_ok());
    let first = acknowledged().min_by_key(|revoke| (revoke.end_ns(), revoke.id));
    let lowest = acknowledged()
        .filter_map(|revoke| Some((revoke.index()?, revoke)))
        .min_by_key(|(index, _)| *index);
    for used in token.uses.iter().filter(|used| used.is_ok()) {
        // What an answer must stand at, or says that it stands at.
        let least = match used.consistency() {
            Some(Consistency::AtLeast { index }) => Some(index),
            _ => None,
        };
        let stands = used.index().max(least);
        // A read shows what stands at its index; what a write rests on stood before its own.
        let sees = |index| match used.consistency() {
            Some(_) => stands >= Some(index),
            None => used.index() > Some(index),
        };
        let since_ns = used
            .consistency()
            .and_then(|asked| must_show_since(used, asked));
        let known = |first: &Operation| {
            used.is_linearizable() && first.is_before(used)
                || since_ns.is_some_and(|since_ns| first.end_ns() < since_ns)
        };
        let broken = match (first, lowest) {
            (Some(first), _) if known(first) => Some(first),
            (_, Some((index, revoke))) if sees(index) => Some(revoke),
            _ => None,
        };
        if let Some(revoke) = broken {
            let what = format!(
                "token {label} was let in by node {} in operation {} after its revocation by operation {}",
                used.node, used.id, revoke.id
            );
            judge.blame(shown(what, &[revoke, used]));
        }
    }
}

/// What was refused stays refused, and is refused only if somebody asked to revoke it: use and revocation alike.
fn check_denied(label: u64, token: &Token<'_>, revokes: &[&Operation], judge: &mut Judge) {
    let linearizable = || token.uses.iter().filter(|used| used.is_linearizable());
    let denied = || linearizable().filter(|used| used.outcome == Outcome::Denied);
    let standing = |used: &&&Operation| {
        let made = token.created.filter(|created| created.is_ok());
        made.filter(|created| created.is_before(used))
            .is_some_and(|_| !revokes.iter().any(|revoke| !used.is_before(revoke)))
    };
    for used in denied().chain(&token.refused).filter(standing) {
        let what = format!(
            "token {label} was refused by node {} in operation {}, and nobody had asked to revoke it",
            used.node, used.id
        );
        judge.blame(shown(what, &[used]));
    }
    let made = token.created;
    let after_creation = |used: &&&Operation| made.is_none_or(|made| made.is_before(used));
    let first = denied()
        .filter(after_creation)
        .min_by_key(|used| (used.end_ns(), used.id));
    let Some(first) = first else { return };
    for used in linearizable().filter(|used| used.is_ok() && first.is_before(used)) {
        let what = format!(
            "token {label} was refused in operation {} and let in again by node {} in operation {}",
            first.id, used.node, used.id
        );
        judge.blame(shown(what, &[first, used]));
    }
}
