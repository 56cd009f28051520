//! A fair sample of what comes in a stream whose end nobody knows (algorithm R).

use crate::rng::Rng;

/// So many of all that came, each with the same chance.
pub(crate) struct Sample<T> {
    pub(crate) kept: Vec<T>,
    most: usize,
    came: u64,
    rng: Rng,
}

impl<T> Sample<T> {
    pub(crate) fn of(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            most,
            came: 0,
            rng: Rng::new(0, 0),
        }
    }

    pub(crate) fn add(&mut self, one: T) {
        self.came += 1;
        if self.kept.len() < self.most {
            self.kept.push(one);
            return;
        }
        let place = usize::try_from(self.rng.below(self.came));
        if let Some(place) = place.ok().and_then(|place| self.kept.get_mut(place)) {
            *place = one;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_came_some_of_each_time_are_kept() {
        let mut few = Sample::of(4);
        (0..3_u64).for_each(|one| few.add(one));
        assert_eq!(few.kept, [0, 1, 2]);
        let mut many = Sample::of(100);
        (0..10_000_u64).for_each(|one| many.add(one));
        assert_eq!(many.kept.len(), 100);
        for tenth in 0..10_u64 {
            let range = tenth * 1_000..(tenth + 1) * 1_000;
            let kept = many.kept.iter().filter(|one| range.contains(*one)).count();
            assert!((1..30).contains(&kept), "{kept} of tenth {tenth}");
        }
    }
}
