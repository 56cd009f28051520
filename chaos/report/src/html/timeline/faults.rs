//! The bands at the head of the timeline: faults, each with its number and name, and the times without a write.

use std::fmt::Write as _;

use holdfast_check::Fault;

use super::axis::{WIDTH, moment};
use super::packing::{LETTER, pack};
use super::{N, Stack};
use crate::figures::Figures;
use crate::html::text::{duration, escape, shortened};
use crate::run::Run;

/// With more faults than this their lines would hide the charts.
pub(crate) const LINES_MAX: usize = 80;
/// Faults drawn; the table and the JSON name the others.
pub(crate) const FAULTS_MAX: usize = 200;
const ROW_HEIGHT: f64 = 18.0;
const LABEL_CHARS_MAX: usize = 22;

/// Bars of all faults. Returns each fault's row, for the bars over the lanes.
pub(crate) fn band(stack: &mut Stack, run: &Run) -> Vec<usize> {
    let faults = &run.history.faults[..run.history.faults.len().min(FAULTS_MAX)];
    if faults.is_empty() {
        return Vec::new();
    }
    let top = stack.y + 4.0;
    let bars: Vec<(f64, f64)> = faults.iter().map(|fault| bar(stack, run, fault)).collect();
    let labels: Vec<[String; 2]> = (1..)
        .zip(faults)
        .map(|(number, fault)| {
            let kind = shortened(&fault.kind, LABEL_CHARS_MAX);
            [format!("{number} {kind}"), number.to_string()]
        })
        .collect();
    let (places, rows) = pack(&bars, &labels);
    for (number, (fault, place)) in faults.iter().zip(&places).enumerate() {
        let (left, right) = bars[number];
        let y = top + place.row as f64 * ROW_HEIGHT;
        strike(
            stack,
            (left, right),
            (y, 13.0),
            fault,
            &describe(run, number, fault),
        );
        if let Some((x, label)) = &place.label {
            let inside = if place.inside && fault.verified {
                " inside"
            } else {
                ""
            };
            let _ = write!(
                stack.plot,
                "<text class=\"label{inside}\" x=\"{}\" y=\"{}\">{}</text>",
                N(*x),
                N(y + 10.5),
                escape(label),
            );
        }
    }
    stack.name(top + 10.5, "Faults", "head");
    stack.y = top + rows as f64 * ROW_HEIGHT + 2.0;
    places.into_iter().map(|place| place.row).collect()
}

/// One bar: left and right, top and height.
pub(crate) fn strike(
    stack: &mut Stack,
    (left, right): (f64, f64),
    (top, height): (f64, f64),
    fault: &Fault,
    title: &str,
) {
    let _ = write!(
        stack.plot,
        "<rect class=\"fault{}{} tip\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"><title>{}</title></rect>",
        if fault.hit_leader { " on-leader" } else { "" },
        if fault.verified { "" } else { " unproven" },
        N(left),
        N(top),
        N(right - left),
        N(height),
        if height > 6.0 { 2 } else { 0 },
        escape(title),
    );
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
