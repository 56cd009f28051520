//! The second opinion on linearizability: the search of Wing and Gong with Lowe's memory, over a model of one secret.
//!
//! It knows nothing of the order of versions: it tries every order that real time allows until one fits the answers. So it
//! agrees with `linearizability` only if both are right. Its time is exponential at worst, therefore it looks at samples and
//! gives up after a number of steps.

use crate::judge::{Judge, held_by};
use crate::keys::{Key, by_key};
use crate::{History, Operation, Outcome, Ruling, Verdict};
use std::collections::HashSet;

/// Secrets with more operations are left to the first algorithm.
const OPERATIONS_MAX: usize = 1_000;
/// Secrets looked at, spread over all of them.
const KEYS_MAX: usize = 32;
/// Steps spent on one secret; about a second.
const STEPS_MAX: u64 = 300_000;

/// Judges a sample of the secrets. Inconclusive when the search came to an end for none of them.
#[must_use]
pub fn wgl(history: &History) -> Verdict {
    let mut judge = Judge::new("wgl");
    let keys = by_key(history);
    let fitting = keys.iter().filter(|(_, key)| key.len() <= OPERATIONS_MAX);
    let keys: Vec<(&u64, &Key<'_>)> = fitting.collect();
    let stride = keys.len().div_ceil(KEYS_MAX).max(1);
    let (mut decided, mut given_up) = (0_u64, 0_u64);
    for (number, key) in keys.into_iter().step_by(stride) {
        match search(key, STEPS_MAX) {
            Ruling::Inconclusive => given_up += 1,
            Ruling::Ok => decided += 1,
            Ruling::Violation => {
                decided += 1;
                let what =
                    format!("secret {number}: no order of its operations explains the answers");
                judge.blame(held_by(what, None, &[]));
            }
        }
    }
    judge.checked(usize::try_from(decided).unwrap_or(usize::MAX));
    if decided == 0 {
        judge.doubt("no secret's operations could be put in order within the steps allowed");
    }
    judge.finish(format!(
        "an order was found for the operations of {decided} sampled secrets; {given_up} were given up"
    ))
}

/// Judges one secret within so many steps.
#[must_use]
pub fn wgl_key(history: &History, key: u64, steps: u64) -> Ruling {
    by_key(history)
        .get(&key)
        .map_or(Ruling::Ok, |key| search(key, steps))
}

/// What an operation demands of the secret and does to it.
#[derive(Clone, Copy)]
enum Step {
    Put {
        value: u64,
        cas: Option<u64>,
        told: Option<u64>,
        certain: bool,
    },
    Mismatch {
        cas: u64,
    },
    Delete,
    Read {
        value: Option<u64>,
        version: Option<u64>,
    },
}

/// A secret: its number of versions, and the value unless it is deleted.
type State = (u64, Option<u64>);

impl Step {
    fn on(self, (version, value): State) -> Option<State> {
        let stays = |fits: bool| fits.then_some((version, value));
        match self {
            Self::Put {
                value,
                cas,
                told,
                certain,
            } => {
                let matches = cas.is_none_or(|cas| cas == version);
                let fits = !certain || told.is_none_or(|told| told == version + 1);
                (matches && fits).then_some((version + 1, Some(value)))
            }
            Self::Mismatch { cas } => stays(cas != version),
            Self::Delete => Some((version, None)),
            Self::Read {
                value: shown,
                version: told,
            } => stays(
                shown == value
                    && match told {
                        Some(told) => told == version,
                        None => true,
                    },
            ),
        }
    }
}

struct Task {
    step: Step,
    invoked_ns: u64,
    end_ns: u64,
}

impl Key<'_> {
    fn len(&self) -> usize {
        self.puts.len() + self.refused.len() + self.deletes.len() + self.reads.len()
    }

    fn tasks(&self) -> Vec<Task> {
        let task = |step, op: &Operation| Task {
            step,
            invoked_ns: op.invoked_ns,
            end_ns: op.end_ns(),
        };
        let puts = self.puts.iter().map(|put| {
            let step = Step::Put {
                value: put.value,
                cas: put.cas,
                told: put.version(),
                certain: put.op.outcome != Outcome::Unknown,
            };
            task(step, put.op)
        });
        let mismatches = self.refused.iter().filter_map(|put| {
            Some(task(
                Step::Mismatch {
                    cas: put.mismatched()?,
                },
                put.op,
            ))
        });
        let deletes = self.deletes.iter().map(|op| task(Step::Delete, op));
        let reads = self.reads.iter().filter(|read| read.is_linearizable());
        let reads = reads.map(|read| {
            let step = Step::Read {
                value: read.seen.value,
                version: read.seen.version,
            };
            task(step, read.op)
        });
        puts.chain(mismatches).chain(deletes).chain(reads).collect()
    }
}

/// Invocations and returns in order of time, as a list from which entries are lifted and put back.
struct Entries {
    /// Task, and whether it is its return. Place 0 is the head.
    entries: Vec<(usize, bool)>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Where each task's return stands; 0 when it has none.
    returns: Vec<usize>,
}

impl Entries {
    fn of(tasks: &[Task]) -> Self {
        let mut events: Vec<(u64, bool, usize)> = Vec::new();
        for (number, task) in tasks.iter().enumerate() {
            events.push((task.invoked_ns, false, number));
            if task.end_ns != u64::MAX {
                events.push((task.end_ns, true, number));
            }
        }
        // At equal times invocations come first: such operations overlap.
        events.sort_unstable();
        let mut returns = vec![0; tasks.len()];
        let mut entries = vec![(usize::MAX, false)];
        for (_, is_return, task) in events {
            if is_return {
                returns[task] = entries.len();
            }
            entries.push((task, is_return));
        }
        let end = entries.len();
        Self {
            next: (1..=end + 1).collect(),
            previous: (0..=end + 1).map(|at| at.saturating_sub(1)).collect(),
            entries,
            returns,
        }
    }

    fn first(&self) -> Option<usize> {
        Some(self.next[0]).filter(|at| *at < self.entries.len())
    }

    fn after(&self, at: usize) -> Option<usize> {
        Some(self.next[at]).filter(|at| *at < self.entries.len())
    }

    fn unlink(&mut self, at: usize) {
        let (before, after) = (self.previous[at], self.next[at]);
        self.next[before] = after;
        self.previous[after] = before;
    }

    fn relink(&mut self, at: usize) {
        let (before, after) = (self.previous[at], self.next[at]);
        self.next[before] = at;
        self.previous[after] = at;
    }

    fn lift(&mut self, at: usize) {
        self.unlink(at);
        let returned = self.returns[self.entries[at].0];
        if returned != 0 {
            self.unlink(returned);
        }
    }

    fn put_back(&mut self, at: usize) {
        let returned = self.returns[self.entries[at].0];
        if returned != 0 {
            self.relink(returned);
        }
        self.relink(at);
    }
}

fn search(key: &Key<'_>, steps_max: u64) -> Ruling {
    let tasks = key.tasks();
    let mut entries = Entries::of(&tasks);
    let is_certain = |task: usize| tasks[task].end_ns != u64::MAX;
    let mut left = (0..tasks.len()).filter(|task| is_certain(*task)).count();
    let marks: Vec<u128> = (0..crate::judge::count(tasks.len())).map(mark).collect();
    let mut seen: HashSet<(u128, State)> = HashSet::new();
    let mut taken: Vec<(usize, State)> = Vec::new();
    let (mut state, mut done): (State, u128) = ((0, None), 0);
    let mut at = entries.first();
    for _ in 0..steps_max {
        if left == 0 {
            return Ruling::Ok;
        }
        let open = at.filter(|at| !entries.entries[*at].1);
        if let Some(here) = open {
            let task = entries.entries[here].0;
            let fits = tasks[task].step.on(state);
            if let Some(after) = fits.filter(|after| seen.insert((done ^ marks[task], *after))) {
                taken.push((here, state));
                entries.lift(here);
                left -= usize::from(is_certain(task));
                (state, done) = (after, done ^ marks[task]);
                at = entries.first();
            } else {
                at = entries.after(here);
            }
            continue;
        }
        // The return of something not yet done, or the end: the last choice was wrong.
        let Some((here, before)) = taken.pop() else {
            return Ruling::Violation;
        };
        let task = entries.entries[here].0;
        (state, done) = (before, done ^ marks[task]);
        left += usize::from(is_certain(task));
        entries.put_back(here);
        at = entries.after(here);
    }
    Ruling::Inconclusive
}

/// A number for each task, so that the sum of any set of them is its own.
fn mark(task: u64) -> u128 {
    let half = |salt: u64| {
        let mut z = (task + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(salt);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    u128::from(half(0)) << 64 | u128::from(half(0x5851_f42d_4c95_7f2d))
}
