//! What colours, patterns and letters mean. Only what this timeline shows.

use std::fmt::Write as _;

use holdfast_check::NodeState;

use super::charts::mark;
use super::lanes::state_class;
use super::{has_ages, has_lag};
use crate::figures::{CONSISTENCIES, Figures, ReadAge};
use crate::run::Run;

/// Patterns, so that colour is never alone.
pub(crate) const PATTERNS: &str = concat!(
    "<defs>",
    "<pattern id=\"p-candidate\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">",
    "<path class=\"pat\" d=\"M1 0V6\"/></pattern>",
    "<pattern id=\"p-down\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">",
    "<path class=\"pat faint\" d=\"M1 0V7\"/></pattern>",
    "<pattern id=\"p-quarantined\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">",
    "<circle class=\"dot\" cx=\"3\" cy=\"3\" r=\"1.2\"/></pattern>",
    "<pattern id=\"p-sealed\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">",
    "<path class=\"pat strong\" d=\"M1 0V5\"/></pattern>",
    "<pattern id=\"p-failed\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">",
    "<path class=\"pat light\" d=\"M1 0V5\"/></pattern>",
    "</defs>",
);

pub(crate) fn legend(out: &mut String, run: &Run, figures: &Figures, ages: &[ReadAge]) {
    out.push_str("<figcaption class=\"legend\">");
    states(out, figures);
    faults(out, run, figures);
    if figures.acknowledged > 0 {
        item(out, "done", &boxed("acked", ""));
        if figures.intervals.iter().any(|interval| interval.failed > 0) {
            item(out, "failed or unknown", &boxed("failed", "failed"));
        }
        let band = "<rect class=\"band\" width=\"22\" height=\"9\"/><path class=\"p50\" d=\"M0 9H22\"/>\
                    <path class=\"max\" d=\"M0 1H22\"/>";
        item(out, "latency: median, to p99, longest", band);
    }
    if has_ages(ages) || has_lag(ages) {
        for (kind, consistency) in CONSISTENCIES.iter().enumerate() {
            if ages.iter().any(|read| read.consistency == *consistency) {
                let shape = format!(
                    "<path class=\"mark m{kind}\" transform=\"translate(11 6) scale(1.9)\" d=\"{}\"/>",
                    mark(kind, 0.0, 0.0)
                );
                item(out, &format!("read, {consistency}"), &shape);
            }
        }
    }
    out.push_str("</figcaption>");
}

fn states(out: &mut String, figures: &Figures) {
    let stretches = || figures.lanes.iter().flat_map(|lane| &lane.stretches);
    for (state, name) in [
        (NodeState::Leader, "leads (number: term)"),
        (NodeState::Follower, "follows"),
        (NodeState::Candidate, "C: seeks votes"),
        (NodeState::Learner, "N: learns, without a vote"),
        (NodeState::Quarantined, "Q: quarantined"),
        (NodeState::Down, "D: down"),
    ] {
        if stretches().any(|stretch| stretch.state == state) {
            let class = state_class(state);
            let pattern = match state {
                NodeState::Candidate | NodeState::Quarantined | NodeState::Down => class,
                _ => "",
            };
            item(out, name, &boxed(class, pattern));
        }
    }
    if stretches().any(|stretch| stretch.sealed) {
        let seal = "<rect class=\"follower\" width=\"22\" height=\"12\"/>\
                    <rect class=\"seal\" y=\"7\" width=\"22\" height=\"5\"/>\
                    <rect fill=\"url(#p-sealed)\" y=\"7\" width=\"22\" height=\"5\"/>";
        item(out, "sealed", seal);
    }
}

fn faults(out: &mut String, run: &Run, figures: &Figures) {
    let faults = &run.history.faults;
    for (class, name, shown) in [
        (
            "fault on-leader",
            "fault on the leader",
            faults.iter().any(|f| f.hit_leader && f.verified),
        ),
        (
            "fault",
            "fault elsewhere",
            faults.iter().any(|f| !f.hit_leader && f.verified),
        ),
        (
            "fault unproven",
            "fault not seen to bite",
            faults.iter().any(|f| !f.verified),
        ),
    ] {
        if shown {
            let rect = format!(
                "<rect class=\"{class}\" x=\"1\" y=\"2\" width=\"20\" height=\"8\" rx=\"2\"/>"
            );
            item(out, name, &rect);
        }
    }
    if !figures.outages.is_empty() {
        let red = "<path class=\"outage\" d=\"M0 0H22V12H0z\"/><rect class=\"no-write\" width=\"22\" height=\"5\"/>";
        item(out, "no write acknowledged for over 250 ms", red);
    }
}

fn boxed(class: &str, pattern: &str) -> String {
    let mut shape = format!("<rect class=\"{class}\" width=\"22\" height=\"12\"/>");
    if !pattern.is_empty() {
        let _ = write!(
            shape,
            "<rect fill=\"url(#p-{pattern})\" width=\"22\" height=\"12\"/>"
        );
    }
    shape
}

fn item(out: &mut String, name: &str, shape: &str) {
    let _ = write!(
        out,
        "<span><svg viewBox=\"0 0 22 12\" width=\"22\" height=\"12\" aria-hidden=\"true\">{shape}</svg>{name}</span>",
    );
}
