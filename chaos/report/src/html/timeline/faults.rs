//! The bands at the head of the timeline: faults, each with its number and name, and the times without a write.

use std::fmt::Write as _;

use holdfast_check::Fault;

use super::axis::{WIDTH, moment};
use super::{N, Stack};
use crate::figures::Figures;
use crate::html::text::{duration, escape, shortened};
use crate::run::Run;

/// With more faults than this their lines would hide the charts.
pub(crate) const LINES_MAX: usize = 80;
/// Faults drawn; the table and the JSON name the others.
pub(crate) const FAULTS_MAX: usize = 200;
/// Under each other.
const ROWS_MAX: usize = 5;
const ROW_HEIGHT: f64 = 18.0;
/// Of the small letters, on average; a little generous.
const LETTER: f64 = 6.4;
const LABEL_CHARS_MAX: usize = 22;

/// Where a bar and its label stand.
struct Place {
    row: usize,
    /// Where the label begins, and the label; none where there is no room.
    label: Option<(f64, String)>,
    inside: bool,
}

/// Rows filled from the left: each holds how far it is taken.
struct Rows {
    taken: Vec<f64>,
}

impl Rows {
    /// The first row with room for all that wants to stand there; a new one while there may be more.
    fn fit(&mut self, from: f64, until: f64) -> Option<usize> {
        if let Some(row) = self.taken.iter().position(|taken| taken + 5.0 <= from) {
            self.taken[row] = until;
            return Some(row);
        }
        if self.taken.len() < ROWS_MAX && until <= WIDTH {
            self.taken.push(until);
            return Some(self.taken.len() - 1);
        }
        None
    }

    /// The row that is free soonest; bars may then overlap.
    fn force(&mut self, until: f64) -> usize {
        let mut best = 0;
        for row in 1..self.taken.len() {
            if self.taken[row] < self.taken[best] {
                best = row;
            }
        }
        match self.taken.get_mut(best) {
            Some(taken) => *taken = taken.max(until),
            None => self.taken.push(until),
        }
        best
    }

    fn place(&mut self, (left, right): (f64, f64), labels: [String; 2]) -> Place {
        for label in labels {
            let width = label.chars().count() as f64 * LETTER;
            if right - left >= width + 8.0 {
                if let Some(row) = self.fit(left, right) {
                    return Place {
                        row,
                        label: Some((left + 4.0, label)),
                        inside: true,
                    };
                }
            }
            if right + 4.0 + width <= WIDTH {
                if let Some(row) = self.fit(left, right + 4.0 + width) {
                    return Place {
                        row,
                        label: Some((right + 4.0, label)),
                        inside: false,
                    };
                }
            } else if let Some(row) = self.fit(left - 4.0 - width, right) {
                return Place {
                    row,
                    label: Some((left - 4.0 - width, label)),
                    inside: false,
                };
            }
        }
        let row = self.fit(left, right).unwrap_or_else(|| self.force(right));
        Place {
            row,
            label: None,
            inside: false,
        }
    }
}

/// Bars of all faults. Returns each fault's row, for the bars over the lanes.
pub(crate) fn band(stack: &mut Stack, run: &Run) -> Vec<usize> {
    let faults = &run.history.faults;
    if faults.is_empty() {
        return Vec::new();
    }
    let top = stack.y + 4.0;
    let mut rows = Rows { taken: Vec::new() };
    let mut placed = Vec::new();
    for (number, fault) in faults.iter().take(FAULTS_MAX).enumerate() {
        let (left, right) = bar(stack, run, fault);
        let kind = shortened(&fault.kind, LABEL_CHARS_MAX);
        let labels = [format!("{} {kind}", number + 1), format!("{}", number + 1)];
        let place = rows.place((left, right), labels);
        let y = top + place.row as f64 * ROW_HEIGHT;
        let _ = write!(
            stack.plot,
            "<rect class=\"fault{}{} tip\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"13\" rx=\"2\"><title>{}</title></rect>",
            if fault.hit_leader { " on-leader" } else { "" },
            if fault.verified { "" } else { " unproven" },
            N(left),
            N(y),
            N(right - left),
            escape(&describe(run, number, fault)),
        );
        if let Some((x, label)) = place.label {
            let class = if place.inside && fault.verified {
                "label inside"
            } else {
                "label"
            };
            let class = if fault.hit_leader {
                format!("{class} on-leader")
            } else {
                class.to_owned()
            };
            let _ = write!(
                stack.plot,
                "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
                N(x),
                N(y + 10.5),
                escape(&label),
            );
        }
        placed.push(place.row);
    }
    stack.name(top + 10.5, "Faults", "head");
    stack.y = top + rows.taken.len() as f64 * ROW_HEIGHT + 2.0;
    placed
}

/// A fault that was never healed lasts to the end of the run.
pub(crate) fn bar(stack: &Stack, run: &Run, fault: &Fault) -> (f64, f64) {
    let until_ns = fault
        .until_ns
        .unwrap_or(run.history.ended_ns.max(run.duration_ns));
    stack
        .axis
        .stretch(fault.from_ns, until_ns.max(fault.from_ns), 3.0)
}

/// A fault in words.
pub(crate) fn describe(run: &Run, number: usize, fault: &Fault) -> String {
    let nodes: Vec<String> = fault
        .nodes
        .iter()
        .take(12)
        .map(|id| run.node_name(*id))
        .collect();
    let mut text = format!("{} {}", number + 1, shortened(&fault.kind, 60));
    if !nodes.is_empty() {
        let _ = write!(text, " on {}", nodes.join(", "));
    }
    if fault.hit_leader {
        text.push_str(" (the leader)");
    }
    let _ = write!(text, ", at {}", moment(fault.from_ns));
    match fault.until_ns {
        Some(until) => {
            let _ = write!(
                text,
                " for {}",
                duration(until.saturating_sub(fault.from_ns))
            );
        }
        None => text.push_str(", not healed"),
    }
    if !fault.verified {
        text.push_str("; was not seen to bite");
    }
    if !fault.detail.is_empty() {
        let _ = write!(text, "; {}", shortened(&fault.detail, 120));
    }
    text
}

/// The times without an acknowledged write, with their lengths where there is room.
pub(crate) fn outage_band(stack: &mut Stack, figures: &Figures) {
    if figures.outages.is_empty() {
        return;
    }
    let top = stack.y + 4.0;
    let mut free = 0.0;
    for (place, outage) in figures.outages.iter().enumerate().take(FAULTS_MAX) {
        let (left, right) = stack.axis.stretch(outage.from_ns, outage.until_ns, 2.0);
        let text = duration(outage.length_ns());
        let _ = write!(
            stack.plot,
            "<rect class=\"no-write tip\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"6\"><title>no acknowledged write for {text}, \
             from {}</title></rect>",
            N(left),
            N(top + 4.0),
            N(right - left),
            moment(outage.from_ns),
        );
        let width = text.chars().count() as f64 * LETTER;
        let next = figures
            .outages
            .get(place + 1)
            .map_or(WIDTH, |next| stack.axis.x(next.from_ns) - 2.0);
        if right + 4.0 + width <= next && right >= free {
            let _ = write!(
                stack.plot,
                "<text class=\"label red\" x=\"{}\" y=\"{}\">{text}</text>",
                N(right + 4.0),
                N(top + 10.5),
            );
            free = right + 4.0 + width;
        }
    }
    stack.name(top + 10.5, "No writes", "head");
    stack.y = top + 16.0;
}
