//! A lane for each node: what it was, whether it was sealed, in which term it led, and bars over it while a fault struck it.

use std::fmt::Write as _;

use holdfast_check::NodeState;

use super::axis::moment;
use super::faults::{FAULTS_MAX, bar, describe, strike};
use super::{N, Stack};
use crate::figures::{Figures, Lane, Stretch};
use crate::html::text::{duration, escape, shortened};
use crate::run::Run;

/// More stretches than this nobody can tell apart in a lane: it is then drawn in as many columns, each as the worst in it.
const STRETCHES_MAX: usize = 280;
/// Room for two fault bars.
const STRIP: f64 = 9.0;
const LANE: f64 = 16.0;
const NAME_CHARS_MAX: usize = 16;

pub(crate) const fn state_class(state: NodeState) -> &'static str {
    match state {
        NodeState::Leader => "leader",
        NodeState::Follower => "follower",
        NodeState::Candidate => "candidate",
        NodeState::Learner => "learner",
        NodeState::Quarantined => "quarantined",
        NodeState::Down => "down",
    }
}

/// The shortest and the long name that stand in a lane, beside colour and pattern.
const fn words(state: NodeState) -> (&'static str, &'static str) {
    match state {
        NodeState::Leader | NodeState::Follower => ("", ""),
        NodeState::Candidate => ("C", "candidate"),
        NodeState::Learner => ("N", "learner"),
        NodeState::Quarantined => ("Q", "quarantined"),
        NodeState::Down => ("D", "down"),
    }
}

pub(crate) fn lanes(stack: &mut Stack, run: &Run, figures: &Figures, rows: &[usize]) {
    stack.y += 4.0;
    for lane in &figures.lanes {
        let top = stack.y + STRIP;
        let name = run.node_name(lane.node);
        stack.name(top + 12.0, &shortened(&name, NAME_CHARS_MAX), "node");
        let merged = merged(lane, figures.span_ns);
        for stretch in &merged {
            draw(stack, stretch, top, &name);
        }
        if lane.stretches.is_empty() {
            let _ = write!(
                stack.plot,
                "<text class=\"label\" x=\"20\" y=\"{}\">never sampled</text>",
                N(top + 12.0),
            );
        }
        strikes(stack, run, lane.node, rows);
        stack.y = top + LANE + 4.0;
    }
    stack.y += 6.0;
}

fn draw(stack: &mut Stack, stretch: &Stretch, top: f64, name: &str) {
    let (left, right) = stack.axis.stretch(stretch.from_ns, stretch.until_ns, 0.8);
    let class = state_class(stretch.state);
    let mut title = format!("{}: {class}", shortened(name, 40));
    if stretch.sealed {
        title.push_str(", sealed");
    }
    if stretch.state != NodeState::Down {
        let _ = write!(title, ", term {}", stretch.term);
    }
    let _ = write!(
        title,
        ", from {} for {}",
        moment(stretch.from_ns),
        duration(stretch.until_ns.saturating_sub(stretch.from_ns)),
    );
    let (x, y, width) = (N(left), N(top), N(right - left));
    let _ = write!(
        stack.plot,
        "<g class=\"tip\"><title>{}</title><rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{LANE}\"/>",
        escape(&title),
    );
    if matches!(
        stretch.state,
        NodeState::Candidate | NodeState::Down | NodeState::Quarantined
    ) {
        let _ = write!(
            stack.plot,
            "<rect fill=\"url(#p-{class})\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{LANE}\"/>",
        );
    }
    if stretch.sealed {
        let _ = write!(
            stack.plot,
            "<rect class=\"seal\" x=\"{x}\" y=\"{0}\" width=\"{width}\" height=\"5\"/>\
             <rect fill=\"url(#p-sealed)\" x=\"{x}\" y=\"{0}\" width=\"{width}\" height=\"5\"/>",
            N(top + LANE - 5.0),
        );
    }
    stack.plot.push_str("</g>");
    if let Some(label) = label(stretch, right - left) {
        let _ = write!(
            stack.plot,
            "<text class=\"in-{class}\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            N((left + right) / 2.0),
            N(top + if stretch.sealed { 10.0 } else { 11.5 }),
        );
    }
}

/// As much as there is room for.
fn label(stretch: &Stretch, width: f64) -> Option<String> {
    let (short, long) = match stretch.state {
        NodeState::Leader => (
            format!("{}", stretch.term),
            format!("term {}", stretch.term),
        ),
        state => {
            let (short, long) = words(state);
            (short.to_owned(), long.to_owned())
        }
    };
    let fits = |text: &String| !text.is_empty() && text.len() as f64 * 6.2 + 6.0 <= width;
    [long, short].into_iter().find(fits)
}

/// Bars over the lane of a struck node, in two heights so that faults which overlap can be told apart.
fn strikes(stack: &mut Stack, run: &Run, node: u64, rows: &[usize]) {
    for (number, fault) in run.history.faults.iter().take(FAULTS_MAX).enumerate() {
        if !fault.nodes.contains(&node) {
            continue;
        }
        let (left, right) = bar(stack, run, fault);
        let upper = rows.get(number).is_some_and(|row| row % 2 == 1);
        let top = stack.y + if upper { 1.0 } else { 5.0 };
        strike(
            stack,
            (left, right),
            (top, 3.0),
            fault,
            &describe(run, number, fault),
        );
    }
}

/// The stretches to draw: all, or one for each column.
fn merged(lane: &Lane, span_ns: u64) -> Vec<Stretch> {
    if lane.stretches.len() <= STRETCHES_MAX {
        return lane.stretches.clone();
    }
    let column_ns = span_ns.div_ceil(STRETCHES_MAX as u64).max(1);
    let mut columns: Vec<Stretch> = Vec::new();
    for stretch in &lane.stretches {
        let mut from_ns = stretch.from_ns / column_ns * column_ns;
        while from_ns < stretch.until_ns {
            let until_ns = from_ns + column_ns;
            let piece = Stretch {
                from_ns,
                until_ns,
                ..*stretch
            };
            match columns.last_mut() {
                Some(last) if last.from_ns == from_ns => {
                    if weight(stretch) > weight(last) {
                        *last = piece;
                    }
                }
                _ => columns.push(piece),
            }
            from_ns = until_ns;
        }
    }
    let mut merged: Vec<Stretch> = Vec::new();
    for column in columns {
        match merged.last_mut() {
            Some(last)
                if (last.state, last.sealed, last.term)
                    == (column.state, column.sealed, column.term) =>
            {
                last.until_ns = column.until_ns;
            }
            _ => merged.push(column),
        }
    }
    merged
}

/// What must not be lost when several share a column.
const fn weight(stretch: &Stretch) -> u32 {
    let state = match stretch.state {
        NodeState::Quarantined => 10,
        NodeState::Leader => 8,
        NodeState::Down => 6,
        NodeState::Candidate => 4,
        NodeState::Learner => 2,
        NodeState::Follower => 0,
    };
    if stretch.sealed { state + 1 } else { state }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_flickers_is_drawn_in_columns_and_keeps_what_is_bad() {
        let stretches: Vec<Stretch> = (0..10_000)
            .map(|n| Stretch {
                from_ns: n * 10,
                until_ns: n * 10 + 10,
                state: if n == 5001 {
                    NodeState::Quarantined
                } else {
                    NodeState::Follower
                },
                sealed: false,
                term: n,
            })
            .collect();
        let merged = merged(&Lane { node: 1, stretches }, 100_000);
        assert!(merged.len() <= STRETCHES_MAX, "{}", merged.len());
        assert!(
            merged
                .iter()
                .any(|stretch| stretch.state == NodeState::Quarantined)
        );
        assert!(
            merged
                .windows(2)
                .all(|pair| pair[0].until_ns <= pair[1].from_ns)
        );
    }

    #[test]
    fn a_label_takes_the_room_there_is() {
        let stretch = Stretch {
            from_ns: 0,
            until_ns: 1,
            state: NodeState::Leader,
            sealed: false,
            term: 12,
        };
        assert_eq!(label(&stretch, 100.0).as_deref(), Some("term 12"));
        assert_eq!(label(&stretch, 20.0).as_deref(), Some("12"));
        assert_eq!(label(&stretch, 10.0), None);
        assert_eq!(
            label(
                &Stretch {
                    state: NodeState::Follower,
                    ..stretch
                },
                500.0
            ),
            None
        );
    }
}
