//! Throughput, latency and staleness.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::axis::{ValueAxis, latency_tick, nice_above};
use super::{N, Panel, Stack, has_ages, has_lag};
use crate::figures::{CONSISTENCIES, Figures, Interval, ReadAge};

/// Marks closer than this lie on each other; one is drawn for all of them.
const MARK_GRID: f64 = 4.0;

fn number(value: f64) -> String {
    if value >= 1e6 {
        format!("{}M", trimmed(value / 1e6))
    } else if value >= 1e3 {
        format!("{}k", trimmed(value / 1e3))
    } else {
        trimmed(value)
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0")
        .map_or_else(|| text.clone(), str::to_owned)
}

/// Seconds of an interval that lie in the run.
fn seconds(interval: &Interval, span_ns: u64) -> f64 {
    let until_ns = interval.until_ns.min(span_ns);
    (until_ns.saturating_sub(interval.from_ns) as f64 / 1e9).max(1e-9)
}

/// Acknowledged per second, and on top of it what failed.
pub(crate) fn throughput(stack: &mut Stack, figures: &Figures) {
    let span_ns = figures.span_ns;
    let rates: Vec<(f64, f64)> = figures
        .intervals
        .iter()
        .map(|interval| {
            let s = seconds(interval, span_ns);
            (interval.acknowledged as f64 / s, interval.failed as f64 / s)
        })
        .collect();
    let highest = rates
        .iter()
        .map(|(good, bad)| good + bad)
        .fold(0.0, f64::max);
    if highest <= 0.0 {
        return;
    }
    let values = ValueAxis::Linear {
        max: nice_above(highest),
    };
    let panel = stack.panel(["Throughput", "operations/s"], values, number);
    let foot = panel.top + panel.height;
    for (class, from, to) in [("acked", false, false), ("failed", true, true)] {
        let mut path = String::new();
        for (interval, (good, bad)) in figures.intervals.iter().zip(&rates) {
            let height = if to { good + bad } else { *good };
            let low = if from { panel.y(*good) } else { foot };
            if (to && *bad <= 0.0) || height <= 0.0 {
                continue;
            }
            let (left, right) = edges(stack, interval);
            let _ = write!(
                path,
                "M{} {}V{}H{}V{}z",
                N(left),
                N(low),
                N(panel.y(height)),
                N(right),
                N(low)
            );
        }
        let _ = write!(stack.plot, "<path class=\"{class}\" d=\"{path}\"/>");
        if class == "failed" {
            let _ = write!(stack.plot, "<path fill=\"url(#p-failed)\" d=\"{path}\"/>");
        }
    }
}

fn edges(stack: &Stack, interval: &Interval) -> (f64, f64) {
    (
        stack.axis.x(interval.from_ns),
        stack.axis.x(interval.until_ns),
    )
}

/// The median as a line, from there to the 99th percentile as a band, the longest as marks.
pub(crate) fn latency(stack: &mut Stack, figures: &Figures) {
    let seen = || {
        figures
            .intervals
            .iter()
            .filter(|interval| interval.latency.count > 0)
    };
    let least = seen().filter_map(|interval| interval.latency.p50).min();
    let most = seen().filter_map(|interval| interval.latency.max).max();
    let (Some(least), Some(most)) = (least, most) else {
        return;
    };
    let values = ValueAxis::decades(least as f64, most as f64);
    let panel = stack.panel(["Latency", "log scale"], values, latency_tick);
    let (mut band, mut line, mut marks) = (String::new(), String::new(), String::new());
    let mut joined = false;
    for interval in &figures.intervals {
        let latency = &interval.latency;
        let (Some(p50), Some(p99), Some(max)) = (latency.p50, latency.p99, latency.max) else {
            joined = false;
            continue;
        };
        let (left, right) = edges(stack, interval);
        let [low, high, top] = [p50, p99, max].map(|ns| panel.y(ns as f64));
        let _ = write!(
            band,
            "M{} {}V{}H{}V{}z",
            N(left),
            N(low),
            N(high),
            N(right),
            N(low)
        );
        let _ = match joined {
            true => write!(line, "V{}H{}", N(low), N(right)),
            false => write!(line, "M{} {}H{}", N(left), N(low), N(right)),
        };
        joined = true;
        if max > p99 {
            let _ = write!(marks, "M{} {}H{}", N(left), N(top), N(right));
        }
    }
    let _ = write!(
        stack.plot,
        "<path class=\"band\" d=\"{band}\"/><path class=\"max\" d=\"{marks}\"/><path class=\"p50\" d=\"{line}\"/>",
    );
}

/// How old reads were, as the nodes said and as acknowledged writes tell.
pub(crate) fn staleness(stack: &mut Stack, ages: &[ReadAge]) {
    if has_ages(ages) {
        scatter(stack, ages, ["Age of reads", "ms"], |read| read.age_ms);
    }
    if has_lag(ages) {
        scatter(stack, ages, ["Reads behind", "entries"], |read| read.lag);
    }
}

fn scatter(
    stack: &mut Stack,
    ages: &[ReadAge],
    names: [&str; 2],
    value: fn(&ReadAge) -> Option<u64>,
) {
    let most = ages.iter().filter_map(value).max().unwrap_or(0) as f64;
    let values = ValueAxis::FromZeroLog {
        max: nice_above(most.max(1.0)),
    };
    let panel = stack.panel(names, values, number);
    for (kind, consistency) in CONSISTENCIES.iter().enumerate() {
        let paths = marks(stack, &panel, ages, (kind, consistency), value);
        for (class, path) in ["few", "some", "many"].into_iter().zip(paths) {
            if !path.is_empty() {
                let _ = write!(
                    stack.plot,
                    "<path class=\"mark m{kind} {class}\" d=\"{path}\"/>"
                );
            }
        }
    }
}

/// One mark for all reads that would stand in the same place, in three weights by how many they are: where few stand anywhere,
/// one is many.
fn marks(
    stack: &Stack,
    panel: &Panel,
    ages: &[ReadAge],
    (kind, consistency): (usize, &str),
    value: fn(&ReadAge) -> Option<u64>,
) -> [String; 3] {
    let mut places: BTreeMap<(i32, i32), u64> = BTreeMap::new();
    for read in ages.iter().filter(|read| read.consistency == consistency) {
        if let Some(value) = value(read) {
            let (x, y) = (stack.axis.x(read.at_ns), panel.y(value as f64));
            *places.entry((cell(x), cell(y - panel.top))).or_default() += 1;
        }
    }
    let most = places.values().copied().max().unwrap_or(0);
    let mut paths = [const { String::new() }; 3];
    for ((x, y), reads) in places {
        // Marks of different kinds that fall together stand beside each other.
        let x = f64::from(x) * MARK_GRID + kind as f64 - 1.5;
        let y = panel.top + f64::from(y) * MARK_GRID;
        let weight = if reads * 2 > most {
            2
        } else {
            usize::from(reads * 6 > most)
        };
        paths[weight].push_str(&mark(kind, x, y));
    }
    paths
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "places in a drawing are small"
)]
fn cell(at: f64) -> i32 {
    (at / MARK_GRID).round() as i32
}

/// Each way to read has its own shape: square, cross, diamond, triangle.
pub(crate) fn mark(kind: usize, x: f64, y: f64) -> String {
    let (x1, y1) = (N(x), N(y));
    match kind {
        0 => format!("M{} {}h3.4v3.4h-3.4z", N(x - 1.7), N(y - 1.7)),
        1 => format!("M{} {y1}h4M{x1} {}v4", N(x - 2.0), N(y - 2.0)),
        2 => format!("M{x1} {}l2.6 2.6l-2.6 2.6l-2.6-2.6z", N(y - 2.6)),
        _ => format!("M{x1} {}l2.6 4.4h-5.2z", N(y - 2.6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_an_axis_are_short() {
        assert_eq!(
            [0.0, 12.5, 500.0, 2500.0, 2e6].map(number),
            ["0", "12.5", "500", "2.5k", "2M"]
        );
    }
}
