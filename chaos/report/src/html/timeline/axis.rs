//! The axes: from time and values to places, and ticks at numbers that people would choose.

use crate::html::text::duration;

/// Width of the plot; the page scales it.
pub(crate) const WIDTH: f64 = 1120.0;
/// Room at both ends, so that nothing at the first or last moment is cut.
const PAD: f64 = 14.0;

/// Time, from left to right.
#[derive(Clone, Copy)]
pub(crate) struct TimeAxis {
    span_ns: f64,
}

impl TimeAxis {
    pub(crate) fn new(span_ns: u64) -> Self {
        Self {
            span_ns: (span_ns as f64).max(1.0),
        }
    }

    /// Where a moment stands.
    pub(crate) fn x(&self, at_ns: u64) -> f64 {
        PAD + (at_ns as f64 / self.span_ns).min(1.0) * (WIDTH - 2.0 * PAD)
    }

    /// Left and right of a stretch, never too narrow to be seen.
    pub(crate) fn stretch(&self, from_ns: u64, until_ns: u64, width_min: f64) -> (f64, f64) {
        let left = self.x(from_ns);
        let right = self.x(until_ns).max(left + width_min);
        (left.min(WIDTH - PAD - width_min), right.min(WIDTH - PAD))
    }

    /// Moments to be marked, at most a dozen, with their labels.
    pub(crate) fn ticks(&self) -> Vec<(u64, String)> {
        let step_ns = time_step(self.span_ns / 11.0);
        let mut ticks = Vec::new();
        let mut at_ns = 0_u64;
        while at_ns as f64 <= self.span_ns && ticks.len() < 16 {
            ticks.push((at_ns, clock(at_ns, step_ns)));
            at_ns += step_ns;
        }
        ticks
    }

    /// What the script needs to turn places back into time: left, width of the whole span, span in milliseconds.
    pub(crate) fn scale(&self) -> (f64, f64, f64) {
        (PAD, WIDTH - 2.0 * PAD, self.span_ns / 1e6)
    }
}

const SECOND: u64 = 1_000_000_000;

/// The next step that reads well on a clock.
fn time_step(least_ns: f64) -> u64 {
    let mut decade = 1_u64;
    while decade <= SECOND * 10 {
        for digit in [1, 2, 5] {
            if (decade * digit) as f64 >= least_ns && decade * digit <= SECOND * 10 {
                return decade * digit;
            }
        }
        decade *= 10;
    }
    let long = [
        15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
    ];
    let found = long
        .into_iter()
        .map(|s| s * SECOND)
        .find(|step| *step as f64 >= least_ns);
    found.unwrap_or_else(|| {
        let days = least_ns / (86_400.0 * SECOND as f64);
        let mut step = 86_400 * SECOND;
        while (step as f64) < days * 86_400.0 * SECOND as f64 && step < u64::MAX / 4 {
            step *= 2;
        }
        step
    })
}

/// A moment as a label; all labels of one axis are of one kind.
fn clock(at_ns: u64, step_ns: u64) -> String {
    let s = at_ns / SECOND;
    if step_ns < 1_000_000 {
        return if at_ns == 0 {
            "0".to_owned()
        } else {
            format!("{} µs", at_ns / 1000)
        };
    }
    if step_ns < 200_000_000 {
        return if at_ns == 0 {
            "0".to_owned()
        } else {
            format!("{} ms", at_ns / 1_000_000)
        };
    }
    if step_ns < SECOND {
        return format!("{:.1} s", at_ns as f64 / 1e9);
    }
    if step_ns < 15 * SECOND {
        return format!("{s} s");
    }
    if step_ns < 1800 * SECOND {
        return format!("{}:{:02}", s / 60, s % 60);
    }
    format!("{}:{:02} h", s / 3600, s % 3600 / 60)
}

/// The next round number, so near that a chart stays filled.
pub(crate) fn nice_above(value: f64) -> f64 {
    let decade = 10_f64.powf(value.max(1e-9).log10().floor());
    let factor = [1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .find(|f| f * decade >= value * 0.999_999);
    factor.unwrap_or(10.0) * decade
}

/// A value axis in one panel: from zero at the foot to one at the head.
#[derive(Clone, Copy)]
pub(crate) enum ValueAxis {
    /// From zero.
    Linear { max: f64 },
    /// Between two decades.
    Log { min: f64, max: f64 },
    /// From zero, with the small ones apart and the big ones still there.
    FromZeroLog { max: f64 },
}

impl ValueAxis {
    pub(crate) fn place(&self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { max } => value / max,
            Self::Log { min, max } => (value.max(*min) / min).ln() / (max / min).ln(),
            Self::FromZeroLog { max } => value.ln_1p() / max.ln_1p(),
        };
        place.clamp(0.0, 1.0)
    }

    /// A logarithmic axis in whole decades around values.
    pub(crate) fn decades(least: f64, most: f64) -> Self {
        let min = 10_f64.powf(least.max(1.0).log10().floor());
        let max = 10_f64.powf(most.max(1.0).log10().ceil()).max(min * 10.0);
        Self::Log { min, max }
    }

    /// Values to be marked.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let decades = |from: f64, to: f64| {
            let mut ticks = vec![from];
            while ticks.last().is_some_and(|last| last * 10.0 <= to * 1.001) && ticks.len() < 16 {
                ticks.push(ticks[ticks.len() - 1] * 10.0);
            }
            ticks
        };
        match self {
            Self::Linear { max } => vec![0.0, max / 2.0, *max],
            Self::Log { min, max } => decades(*min, *max),
            Self::FromZeroLog { max } => {
                let mut ticks = vec![0.0];
                ticks.extend(decades(10.0, *max).into_iter().filter(|tick| tick <= max));
                let last = ticks.last().copied().unwrap_or(0.0);
                if *max >= last * 2.5 {
                    ticks.push(*max);
                }
                ticks
            }
        }
    }
}

/// A tick of a latency axis, whose values are nanoseconds: short.
pub(crate) fn latency_tick(ns: f64) -> String {
    if ns < 1e3 {
        format!("{ns:.0} ns")
    } else if ns < 1e6 {
        format!("{:.0} µs", ns / 1e3)
    } else if ns < 1e9 {
        format!("{:.0} ms", ns / 1e6)
    } else {
        format!("{:.0} s", ns / 1e9)
    }
}

/// A moment of the run, for tooltips and tables.
pub(crate) fn moment(at_ns: u64) -> String {
    duration(at_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_neither_few_nor_many_at_any_length() {
        for span in [
            1,
            900,
            50_000,
            5_000_000,
            3 * SECOND,
            47 * SECOND,
            600 * SECOND,
            8 * 3600 * SECOND,
        ] {
            let ticks = TimeAxis::new(span).ticks();
            assert!((2..=12).contains(&ticks.len()), "{span}: {ticks:?}");
            let mut labels: Vec<_> = ticks.iter().map(|(_, label)| label.clone()).collect();
            labels.dedup();
            assert!(
                span < 5000 || labels.len() == ticks.len(),
                "{span}: {labels:?}"
            );
        }
        let labels: Vec<_> = TimeAxis::new(60 * SECOND)
            .ticks()
            .into_iter()
            .map(|(_, label)| label)
            .collect();
        assert_eq!(labels[..3], ["0 s", "10 s", "20 s"]);
        assert_eq!(clock(600 * SECOND, 60 * SECOND), "10:00");
        assert!(TimeAxis::new(u64::MAX / 2).ticks().len() <= 16);
    }

    #[test]
    fn a_short_stretch_can_be_seen_and_stays_in_the_plot() {
        let axis = TimeAxis::new(1000);
        let (left, right) = axis.stretch(1000, 1000, 3.0);
        assert!(right - left >= 2.99 && right <= WIDTH - PAD + 0.01);
        assert!((axis.x(0) - PAD).abs() < 1e-9);
    }

    #[test]
    fn values_stand_between_foot_and_head() {
        let log = ValueAxis::decades(2e6, 3.1e8);
        assert_eq!(log.ticks(), [1e6, 1e7, 1e8, 1e9]);
        assert!((log.place(1e6)).abs() < 1e-9 && (log.place(1e9) - 1.0).abs() < 1e-9);
        let zero = ValueAxis::FromZeroLog { max: 500.0 };
        assert_eq!(zero.ticks(), [0.0, 10.0, 100.0, 500.0]);
        assert!(zero.place(0.0).abs() < 1e-9 && zero.place(1e9) <= 1.0);
        assert!(
            (nice_above(730.0) - 800.0).abs() < 1e-6 && (nice_above(0.045) - 0.05).abs() < 1e-9
        );
    }
}
