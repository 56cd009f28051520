//! The run through time: faults, times without a write, a lane for each node, throughput, latency and staleness, one under the
//! other on one axis.
//!
//! Two drawings side by side: names and scales stay in view while the plot is scrolled on a narrow screen.

pub(crate) mod axis;
mod charts;
mod faults;
mod lanes;
mod legend;
mod packing;

use std::fmt::{Display, Formatter, Result as FmtResult, Write as _};

use super::text::{escape, things};
use crate::figures::{Figures, ReadAge, read_ages};
use crate::run::Run;
use axis::{TimeAxis, ValueAxis, WIDTH};

/// Width of the names and scales.
const GUTTER: f64 = 152.0;

/// A coordinate: to a tenth of a pixel, without a needless zero.
pub(crate) struct N(pub(crate) f64);

impl Display for N {
    fn fmt(&self, f: &mut Formatter<'_>) -> FmtResult {
        let tenths = (self.0 * 10.0).round() / 10.0;
        if (tenths - tenths.round()).abs() < 0.01 {
            write!(f, "{:.0}", tenths.round() + 0.0)
        } else {
            write!(f, "{tenths:.1}")
        }
    }
}

/// Both drawings while they grow downwards.
pub(crate) struct Stack {
    pub(crate) axis: TimeAxis,
    pub(crate) plot: String,
    pub(crate) gutter: String,
    pub(crate) y: f64,
}

/// One chart's room.
#[derive(Clone, Copy)]
pub(crate) struct Panel {
    pub(crate) top: f64,
    pub(crate) height: f64,
    pub(crate) values: ValueAxis,
}

impl Panel {
    pub(crate) fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - self.values.place(value))
    }
}

impl Stack {
    /// At the left, where names stand.
    pub(crate) fn name(&mut self, y: f64, text: &str, class: &str) {
        let _ = write!(
            self.gutter,
            "<text class=\"{class}\" x=\"16\" y=\"{}\">{}</text>",
            N(y),
            escape(text),
        );
    }

    /// Right beside the plot, where scales stand.
    fn scale(&mut self, y: f64, text: &str) {
        let _ = write!(
            self.gutter,
            "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            N(GUTTER - 6.0),
            N(y),
            escape(text),
        );
    }

    /// Opens room for a chart: its title and unit at the left, lines and labels at its ticks.
    pub(crate) fn panel(
        &mut self,
        [title, unit]: [&str; 2],
        values: ValueAxis,
        label: fn(f64) -> String,
    ) -> Panel {
        let panel = Panel {
            top: self.y + 14.0,
            height: 92.0,
            values,
        };
        self.name(panel.top + 6.0, title, "head");
        self.name(panel.top + 20.0, unit, "unit");
        let mut grid = String::new();
        let mut label_foot = f64::INFINITY;
        for tick in values.ticks() {
            let y = panel.y(tick);
            let _ = write!(grid, "M0 {}H{WIDTH}", N(y));
            if label_foot - y >= 12.0 {
                self.scale(y + 3.5, &label(tick));
                label_foot = y;
            }
        }
        let _ = write!(self.plot, "<path class=\"grid\" d=\"{grid}\"/>");
        self.y = panel.top + panel.height + 10.0;
        panel
    }

    fn time_labels(&mut self, y: f64) {
        for (at_ns, label) in self.axis.ticks() {
            let x = self.axis.x(at_ns);
            // The last label must not reach out of the drawing.
            let anchor = if x > WIDTH - 24.0 { "end" } else { "middle" };
            let x = if anchor == "end" { WIDTH - 2.0 } else { x };
            let _ = write!(
                self.plot,
                "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{label}</text>",
                N(x),
                N(y),
            );
        }
    }
}

/// The section with both drawings and their legend.
pub(crate) fn timeline(out: &mut String, run: &Run, figures: &Figures) {
    if figures.span_ns == 0 {
        out.push_str("<section><h2>What happened</h2><p class=\"lead\">Nothing was recorded.</p></section>\n");
        return;
    }
    let ages = read_ages(&run.history.operations);
    let mut stack = Stack {
        axis: TimeAxis::new(figures.span_ns),
        plot: String::new(),
        gutter: String::new(),
        y: 22.0,
    };
    stack.time_labels(13.0);
    let rows = faults::band(&mut stack, run);
    faults::outage_band(&mut stack, figures);
    lanes::lanes(&mut stack, run, figures, &rows);
    charts::throughput(&mut stack, figures);
    charts::latency(&mut stack, figures);
    charts::staleness(&mut stack, &ages);
    let foot = stack.y;
    stack.y += 18.0;
    stack.time_labels(foot + 10.0);
    let behind = behind(&stack, run, figures, foot);

    out.push_str(
        "<section id=\"timeline\"><h2>What happened</h2><figure><div class=\"scroll\" tabindex=\"0\" role=\"group\" \
         aria-label=\"Timeline, can be scrolled sideways\"><div class=\"stack\">",
    );
    let height = N(stack.y);
    let _ = write!(
        out,
        "<svg class=\"gutter\" viewBox=\"0 0 {GUTTER} {height}\" aria-hidden=\"true\">{}</svg>",
        stack.gutter,
    );
    let _ = write!(
        out,
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"tl-title tl-desc\">\
         <title id=\"tl-title\">Timeline of the run</title><desc id=\"tl-desc\">{}</desc>{}{behind}{}\
         <path id=\"cross\" class=\"cross\" d=\"M0 0\"/></svg></div></div>",
        escape(&description(run, figures)),
        legend::PATTERNS,
        stack.plot,
    );
    legend::legend(out, run, figures, &ages);
    out.push_str("</figure></section>\n");
    data(out, figures, stack.axis);
}

/// What goes through all charts: lines of time and of faults, and the red of unavailability.
fn behind(stack: &Stack, run: &Run, figures: &Figures, foot: f64) -> String {
    let mut out = String::from("<path class=\"grid\" d=\"");
    for (at_ns, _) in stack.axis.ticks() {
        let _ = write!(out, "M{} 18V{}", N(stack.axis.x(at_ns)), N(foot));
    }
    out.push_str("\"/>");
    if !figures.outages.is_empty() {
        out.push_str("<path class=\"outage\" d=\"");
        for outage in &figures.outages {
            let (left, right) = stack.axis.stretch(outage.from_ns, outage.until_ns, 1.0);
            let _ = write!(out, "M{} 18V{}H{}V18z", N(left), N(foot), N(right));
        }
        out.push_str("\"/>");
    }
    if run.history.faults.len() <= faults::LINES_MAX {
        out.push_str("<path class=\"strike\" d=\"");
        for fault in &run.history.faults {
            let _ = write!(out, "M{} 20V{}", N(stack.axis.x(fault.from_ns)), N(foot));
        }
        out.push_str("\"/>");
    }
    out
}

/// The timeline in words, for those who do not see it.
fn description(run: &Run, figures: &Figures) -> String {
    format!(
        "{} over {}. {}, {} of leader, {} without an acknowledged write. The tables below tell the same in numbers.",
        things(run.nodes.len() as u64, "node", "nodes"),
        axis::moment(figures.span_ns),
        things(run.history.faults.len() as u64, "fault", "faults"),
        things(figures.leader_changes.len() as u64, "change", "changes"),
        things(figures.outages.len() as u64, "window", "windows"),
    )
}

/// The intervals' figures, for the script that shows them at the pointer. Numbers only.
fn data(out: &mut String, figures: &Figures, axis: TimeAxis) {
    let (left, width, span_ms) = axis.scale();
    let _ = write!(
        out,
        "<script type=\"application/json\" id=\"data\">{{\"left\":{left},\"width\":{width},\"full\":{WIDTH},\"span\":{span_ms:.3},\"rows\":["
    );
    let ms = |ns: Option<u64>| {
        ns.map_or_else(|| "null".to_owned(), |ns| format!("{:.2}", ns as f64 / 1e6))
    };
    for (place, interval) in figures.intervals.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(
            out,
            "{comma}[{},{},{},{},{}]",
            ms(Some(interval.from_ns)),
            interval.acknowledged,
            interval.failed,
            ms(interval.latency.p50),
            ms(interval.latency.p99),
        );
    }
    let width_ms = figures
        .intervals
        .first()
        .map_or(0, |i| i.until_ns - i.from_ns) as f64
        / 1e6;
    let _ = writeln!(out, "],\"step\":{width_ms:.4}}}</script>");
}

/// Whether anybody read at all in a way that tells its age.
pub(crate) fn has_ages(ages: &[ReadAge]) -> bool {
    ages.iter().any(|read| read.age_ms.is_some())
}

/// Whether a read was behind an acknowledged write.
pub(crate) fn has_lag(ages: &[ReadAge]) -> bool {
    ages.iter().any(|read| read.lag.is_some_and(|lag| lag > 0))
}
