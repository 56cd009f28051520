//! Bars and their labels in as few rows as keep them apart.

use super::axis::WIDTH;

/// Under each other; with more, the charts would begin below the fold.
const ROWS_MAX: usize = 7;
/// Of the small letters, on average; a little generous.
pub(crate) const LETTER: f64 = 6.4;
/// Between a bar and its label, and between a label and the next bar.
const GAP: f64 = 4.0;

/// Where a bar stands, and its label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) row: usize,
    /// Where the label begins; none where there is no room.
    pub(crate) label: Option<(f64, String)>,
    /// Whether the label stands in the bar.
    pub(crate) inside: bool,
}

/// Bars in order of their left ends, with what each would like to be called: the long labels if all of them have room, else
/// the short ones, else none. Returns the places and the number of rows.
pub(crate) fn pack(bars: &[(f64, f64)], labels: &[[String; 2]]) -> (Vec<Place>, usize) {
    for size in 0..2 {
        let mut rows = Rows::default();
        let placed: Option<Vec<Place>> = bars
            .iter()
            .zip(labels)
            .map(|(bar, labels)| rows.labelled(*bar, &labels[size]))
            .collect();
        if let Some(placed) = placed {
            return (placed, rows.taken.len());
        }
    }
    let mut rows = Rows::default();
    let bare = |bar: &(f64, f64)| {
        let row = rows.fit(bar.0, bar.1).unwrap_or_else(|| rows.force(bar.1));
        Place {
            row,
            label: None,
            inside: false,
        }
    };
    let placed = bars.iter().map(bare).collect();
    (placed, rows.taken.len())
}

/// Rows filled from the left: each holds how far it is taken.
#[derive(Default)]
struct Rows {
    taken: Vec<f64>,
}

impl Rows {
    /// The first row with room; a new one while there may be more.
    fn fit(&mut self, from: f64, until: f64) -> Option<usize> {
        if let Some(row) = self.taken.iter().position(|taken| taken + GAP <= from) {
            self.taken[row] = until;
            return Some(row);
        }
        if self.taken.len() < ROWS_MAX {
            self.taken.push(until);
            return Some(self.taken.len() - 1);
        }
        None
    }

    /// The row that is free soonest; bars then overlap.
    fn force(&mut self, until: f64) -> usize {
        let mut best = 0;
        for row in 1..self.taken.len() {
            if self.taken[row] < self.taken[best] {
                best = row;
            }
        }
        self.taken[best] = self.taken[best].max(until);
        best
    }

    /// With the label in the bar, or right of it, or at the right edge left of it.
    fn labelled(&mut self, (left, right): (f64, f64), label: &str) -> Option<Place> {
        let width = label.chars().count() as f64 * LETTER;
        let inside = right - left >= width + 2.0 * GAP;
        let (from, until, at) = if inside {
            (left, right, left + GAP)
        } else if right + GAP + width <= WIDTH {
            (left, right + GAP + width, right + GAP)
        } else {
            let at = (left - GAP - width).max(0.0);
            (at, right, at)
        };
        let row = self.fit(from, until)?;
        Some(Place {
            row,
            label: Some((at, label.to_owned())),
            inside,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(count: usize) -> (Vec<(f64, f64)>, Vec<[String; 2]>) {
        let step = (WIDTH - 20.0) / count as f64;
        let bars = (0..count)
            .map(|n| (n as f64 * step, n as f64 * step + 4.0))
            .collect();
        (
            bars,
            (0..count)
                .map(|n| [format!("{n} kill the leader"), format!("{n}")])
                .collect(),
        )
    }

    /// Left and right of what a bar and its label take.
    fn reach(bar: (f64, f64), place: &Place) -> (f64, f64) {
        let (at, width) = place.label.as_ref().map_or((bar.0, 0.0), |(at, label)| {
            (*at, label.chars().count() as f64 * LETTER)
        });
        (bar.0.min(at), bar.1.max(at + width))
    }

    #[test]
    fn nothing_lies_on_anything_else_while_there_is_room() {
        for count in [1, 2, 30, 60, 150] {
            let (bars, labels) = many(count);
            let (places, rows) = pack(&bars, &labels);
            assert!(rows <= ROWS_MAX);
            for a in 0..count {
                for b in 0..a {
                    let ((a0, a1), (b0, b1)) =
                        (reach(bars[a], &places[a]), reach(bars[b], &places[b]));
                    let apart = a0 >= b1 || b0 >= a1;
                    assert!(
                        apart || places[a].row != places[b].row,
                        "{count}: {a} on {b}"
                    );
                }
            }
            assert!(places.iter().all(|place| place.label.is_some()), "{count}");
        }
    }

    #[test]
    fn labels_get_shorter_and_vanish_as_it_gets_crowded() {
        let length = |count| {
            let (bars, labels) = many(count);
            pack(&bars, &labels).0[count - 1]
                .label
                .as_ref()
                .map(|(_, label)| label.len())
        };
        assert_eq!(
            (length(30), length(150), length(5000)),
            (Some(18), Some(3), None)
        );
    }

    #[test]
    fn a_label_at_the_right_edge_stands_left_of_its_bar() {
        let (places, _) = pack(
            &[(1100.0, 1110.0)],
            &[["1 power cut".to_owned(), "1".to_owned()]],
        );
        let (at, label) = places[0].label.clone().expect("there is room");
        assert!(at + label.len() as f64 * LETTER <= 1100.0);
    }
}
