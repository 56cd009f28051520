//! The order of a secret's versions: which write made which version, from what writers were told and readers saw.
//!
//! KV v2 numbers versions 1, 2, 3, … without gaps, so that this order is the order in which the writes took effect. A write
//! of unknown fate has the version at which its value was seen, whoever saw it and however stale: what was seen happened.

use crate::judge::shown;
use crate::keys::{Key, Put, Read};
use crate::{Operation, Violation};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is wrong with an order of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// One version is said to be of two writes.
    Shared,
    /// One value stands at two versions.
    Repeated,
    /// A conditional write took effect at another version than it asked for.
    Cas,
    /// A value that nobody wrote, or whose write was refused.
    Phantom,
}

/// One version.
#[derive(Clone, Copy, Default)]
pub(crate) struct Version<'a> {
    /// The write that made it, if known.
    pub(crate) put: Option<Put<'a>>,
    /// The first to have returned of the operations that show that it was there.
    pub(crate) shown_by: Option<&'a Operation>,
}

impl<'a> Version<'a> {
    fn show(&mut self, op: &'a Operation) {
        if self
            .shown_by
            .is_none_or(|first| op.end_ns() < first.end_ns())
        {
            self.shown_by = Some(op);
        }
    }
}

/// The versions of a secret that are known.
pub(crate) struct Versions<'a> {
    pub(crate) known: BTreeMap<u64, Version<'a>>,
    /// Writes that may have happened, of which no version is known.
    pub(crate) free: Vec<Put<'a>>,
    pub(crate) flaws: Vec<(Flaw, Violation)>,
    /// Linearizable reads that fit into the order, with the version they show; 0 is "there is none".
    pub(crate) fitting: Vec<(Read<'a>, Shows)>,
    placed: HashMap<u64, u64>,
}

/// What a read shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// This version and its value.
    Live(u64),
    /// This version, deleted.
    Gone(u64),
    /// That there is none, or that it is deleted: the answer does not tell.
    Nothing,
    /// That there never was any.
    Absent,
}

impl<'a> Versions<'a> {
    pub(crate) fn of(key: &Key<'a>) -> Self {
        let mut versions = Self {
            known: BTreeMap::new(),
            free: Vec::new(),
            flaws: Vec::new(),
            fitting: Vec::new(),
            placed: HashMap::new(),
        };
        let by_value: HashMap<u64, Put<'a>> = key.puts.iter().map(|p| (p.value, *p)).collect();
        let refused: HashMap<u64, Put<'a>> = key.refused.iter().map(|p| (p.value, *p)).collect();
        for put in &key.puts {
            if let Some(version) = put.version() {
                versions.place(*put, version, put.op);
            }
        }
        for read in &key.reads {
            versions.read(*read, &by_value, &refused, key.deletes.is_empty());
        }
        let free = key.puts.iter().copied();
        versions.free = free
            .filter(|put| !versions.placed.contains_key(&put.value))
            .collect();
        versions
    }

    /// The highest version that is known to have been there.
    pub(crate) fn last(&self) -> u64 {
        self.known.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// How many versions up to the last have no write.
    pub(crate) fn unexplained(&self) -> u64 {
        let explained = self.known.values().filter(|v| v.put.is_some()).count();
        self.last().saturating_sub(crate::judge::count(explained))
    }

    /// The version that a value stands at.
    pub(crate) fn of_value(&self, value: u64) -> Option<u64> {
        self.placed.get(&value).copied()
    }

    fn flaw(&mut self, flaw: Flaw, what: String, operations: &[&Operation]) {
        self.flaws.push((flaw, shown(what, operations)));
    }

    /// Notes that a write made a version, as an operation shows. Whether that fits.
    fn place(&mut self, put: Put<'a>, number: u64, by: &'a Operation) -> bool {
        let before = self.placed.get(&put.value).copied();
        if let Some(before) = before.filter(|before| *before != number) {
            let what = format!(
                "the value of write {} stands at version {number} and at version {before}: it was written twice",
                put.op.id
            );
            self.flaw(Flaw::Repeated, what, &[put.op, by]);
            return false;
        }
        if number == 0
            || put
                .cas
                .is_some_and(|cas| cas.checked_add(1) != Some(number))
        {
            let what = format!(
                "write {} was to happen only at version {} and made version {number}",
                put.op.id,
                put.cas.unwrap_or(0)
            );
            self.flaw(Flaw::Cas, what, &[put.op, by]);
            return false;
        }
        let version = self.known.entry(number).or_default();
        version.show(by);
        match version.put {
            Some(other) if other.op.id != put.op.id => {
                let what = format!(
                    "version {number} is of write {} and of write {}: one of them is lost",
                    other.op.id, put.op.id
                );
                self.flaw(Flaw::Shared, what, &[other.op, put.op, by]);
                false
            }
            _ => {
                version.put = Some(put);
                self.placed.insert(put.value, number);
                true
            }
        }
    }

    fn read(
        &mut self,
        read: Read<'a>,
        by_value: &HashMap<u64, Put<'a>>,
        refused: &HashMap<u64, Put<'a>>,
        never_deleted: bool,
    ) {
        let op = read.op;
        let shows = match (read.seen.value, read.seen.version) {
            (None, None) if never_deleted => Shows::Absent,
            (None, None) => Shows::Nothing,
            (None, Some(0)) => Shows::Absent,
            (None, Some(number)) => {
                self.known.entry(number).or_default().show(op);
                Shows::Gone(number)
            }
            (Some(value), number) => {
                let Some(put) = by_value.get(&value) else {
                    if read.is_linearizable() {
                        self.phantom(op, refused.get(&value));
                    }
                    return;
                };
                let Some(number) = number.or_else(|| self.of_value(value)) else {
                    return;
                };
                if !self.place(*put, number, op) {
                    return;
                }
                Shows::Live(number)
            }
        };
        if read.is_linearizable() {
            self.fitting.push((read, shows));
        }
    }

    fn phantom(&mut self, op: &'a Operation, refused: Option<&Put<'a>>) {
        match refused {
            None => {
                let what = format!("read {} showed a value that nobody wrote there", op.id);
                self.flaw(Flaw::Phantom, what, &[op]);
            }
            Some(put) => {
                let what = format!(
                    "read {} showed the value of write {}, which was refused",
                    op.id, put.op.id
                );
                self.flaw(Flaw::Phantom, what, &[put.op, op]);
            }
        }
    }
}

/// Matches versions that have no write with writes of unknown fate. `latest` tells when a version must have begun at the
/// latest. The first version that nothing can have made.
pub(crate) fn first_unexplained(
    versions: &Versions<'_>,
    latest: impl Fn(u64) -> u64,
) -> Option<u64> {
    let first = || (1..=versions.last()).find(|n| !is_explained(versions, *n));
    if versions.unexplained() > crate::judge::count(versions.free.len()) {
        return first();
    }
    // A conditional write fits one version only, so that it is always used there first; of the others the earliest, which
    // leaves the most for later versions.
    let mut conditional: BTreeSet<(u64, u64, u64)> = BTreeSet::new();
    let mut any: Vec<u64> = Vec::new();
    for put in &versions.free {
        match put.cas {
            Some(cas) => {
                conditional.insert((cas.saturating_add(1), put.op.invoked_ns, put.op.id));
            }
            None => any.push(put.op.invoked_ns),
        }
    }
    any.sort_unstable();
    let mut any = any.into_iter().peekable();
    for number in (1..=versions.last()).filter(|n| !is_explained(versions, *n)) {
        let latest = latest(number);
        let fits = (number, 0, 0)..=(number, latest, u64::MAX);
        if conditional.range(fits).next().is_some() {
            continue;
        }
        if any.next_if(|invoked| *invoked <= latest).is_none() {
            return Some(number);
        }
    }
    None
}

fn is_explained(versions: &Versions<'_>, number: u64) -> bool {
    versions.known.get(&number).is_some_and(|v| v.put.is_some())
}
