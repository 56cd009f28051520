//! Many seeds, on several threads, with progress.

use crate::show;
use anyhow::{Result, bail};
use holdfast_mutant::Mutant;
use holdfast_sim::{Options, Outcome, Trouble, heard, run};
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Seeds from which on everything that can happen has to happen somewhere.
const SEEDS_TELLING: u64 = 100;

/// What a sweep came to.
#[derive(Default)]
pub(crate) struct Total {
    pub(crate) seeds: u64,
    pub(crate) steps: u64,
    pub(crate) leaders: u64,
    pub(crate) operations: u64,
    pub(crate) answered: u64,
    pub(crate) virtual_ns: u64,
    pub(crate) took: Duration,
    /// How often each thing happened that runs are there for.
    pub(crate) exercised: BTreeMap<&'static str, u64>,
    /// Runs in which something did not hold.
    pub(crate) failed: Vec<Failed>,
    /// Seed and trace, in order.
    pub(crate) traces: Vec<(u64, String)>,
}

/// A run in which something did not hold.
pub(crate) struct Failed {
    pub(crate) seed: u64,
    pub(crate) trouble: Trouble,
    pub(crate) outcome: Box<Outcome>,
}

/// Runs the seeds; `enough` ends the sweep early.
///
/// # Errors
/// When a run panicked; its seed is named.
pub(crate) fn sweep(
    seeds: Range<u64>,
    jobs: u64,
    options: Options,
    enough: impl Fn(&Outcome) -> bool,
) -> Result<Total> {
    let began = Instant::now();
    let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    let mut total = Total::default();
    let mut panicked = None;
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (sender, next, stop, end) = (sender.clone(), &next, &stop, seeds.end);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let outcome = heard(|| run(seed, options));
                    if sender.send((seed, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut progress = Progress::new(seeds.end - seeds.start);
        for (seed, outcome) in receiver {
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(words) => {
                    panicked = Some((seed, words));
                    stop.store(true, Ordering::Relaxed);
                    continue;
                }
            };
            if enough(&outcome) {
                stop.store(true, Ordering::Relaxed);
            }
            total.add(outcome);
            progress.show(&total);
        }
        progress.end();
    });
    total.took = began.elapsed();
    total.traces.sort_unstable();
    total.failed.sort_unstable_by_key(|failed| failed.seed);
    match panicked {
        Some((seed, words)) => {
            let mutant = Mutant::ALL.iter().find(|mutant| mutant.lives());
            let again = show::replay(seed, options, mutant.map(|mutant| mutant.name()));
            bail!("seed {seed} panicked: {words}; run: {again}")
        }
        None => Ok(total),
    }
}

impl Total {
    /// What did not happen once although so many seeds ought to bring it; such a sweep proves less than it claims.
    pub(crate) fn missed(&self) -> Vec<&'static str> {
        if self.seeds < SEEDS_TELLING {
            return Vec::new();
        }
        let never = self.exercised.iter().filter(|(_, times)| **times == 0);
        let mut missed: Vec<&'static str> = never.map(|(what, _)| *what).collect();
        if self.leaders <= self.seeds {
            missed.push("change of the leader");
        }
        missed
    }

    /// Counts a run.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.steps += outcome.steps;
        self.leaders += outcome.leaders;
        self.operations += outcome.operations;
        self.answered += outcome.answered;
        self.virtual_ns += outcome.took_ns;
        for (what, times) in &outcome.exercised {
            *self.exercised.entry(what).or_default() += times;
        }
        self.traces.push((outcome.seed, outcome.trace.clone()));
        if let Some(trouble) = outcome.first_trouble() {
            self.failed.push(Failed {
                seed: outcome.seed,
                trouble,
                outcome: Box::new(outcome),
            });
        }
    }
}

/// A line that is written over, on a terminal; one now and then elsewhere.
struct Progress {
    all: u64,
    began: Instant,
    shown: Instant,
    every: Duration,
    terminal: bool,
}

/// What is shown while a sweep runs.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn progress(total: &Total, all: u64, took: Duration) -> String {
    format!(
        "{:>6} of {all} seeds, {:.1} a second, {:.1} virtual hours, {} failed",
        total.seeds,
        total.seeds as f64 / took.as_secs_f64().max(0.1),
        total.virtual_ns as f64 / 3.6e12,
        total.failed.len()
    )
}

impl Progress {
    fn new(all: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let every = Duration::from_secs(if terminal { 1 } else { 20 });
        let now = Instant::now();
        Self {
            all,
            began: now,
            shown: now,
            every,
            terminal,
        }
    }

    fn show(&mut self, total: &Total) {
        if self.shown.elapsed() < self.every {
            return;
        }
        self.shown = Instant::now();
        let line = progress(total, self.all, self.began.elapsed());
        let (start, end) = if self.terminal {
            ("\r", "")
        } else {
            ("", "\n")
        };
        let mut out = std::io::stderr().lock();
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(out, "{start}{line}{end}").and_then(|()| out.flush());
    }

    fn end(&self) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r{:78}\r", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_in_which_something_never_happened_says_so() {
        let with = |seeds, leaders, seals| Total {
            seeds,
            leaders,
            exercised: BTreeMap::from([("seal", seals), ("kill", 9)]),
            ..Total::default()
        };
        assert!(with(SEEDS_TELLING, 300, 1).missed().is_empty());
        assert_eq!(with(SEEDS_TELLING, 300, 0).missed(), ["seal"]);
        assert_eq!(
            with(SEEDS_TELLING, 100, 1).missed(),
            ["change of the leader"]
        );
        assert!(with(SEEDS_TELLING - 1, 0, 0).missed().is_empty());
    }

    #[test]
    fn a_slow_sweep_shows_its_speed() {
        let total = Total {
            seeds: 9,
            virtual_ns: 5_400_000_000_000,
            ..Total::default()
        };
        assert_eq!(
            progress(&total, 300, Duration::from_secs(15)),
            "     9 of 300 seeds, 0.6 a second, 1.5 virtual hours, 0 failed"
        );
    }
}
