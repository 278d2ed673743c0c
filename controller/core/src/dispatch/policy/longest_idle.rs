//! Even wear: the job whose turn it is gets the robot that has been free longest, wherever it stands; between equals the
//! nearer one, then the lower id.

use std::cmp::Reverse;

use super::{Choice, Open, Policy};

/// The robot that has been free longest.
#[derive(Clone, Copy, Debug, Default)]
pub struct LongestIdle;

impl Policy for LongestIdle {
    fn batch_max(&self) -> usize {
        1
    }

    fn choose(&self, batch: &[Open]) -> Vec<Choice> {
        let candidates = batch.first().map_or(&[][..], |open| &open.candidates);
        let best = candidates.iter().min_by_key(|one| (Reverse(one.idle_ms), one.travel_ms, one.robot));
        best.map(|best| Choice { job: 0, robot: best.robot }).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dispatch::policy::tests::batches;

    proptest! {
        #[test]
        fn nobody_who_could_do_it_has_been_free_longer(batch in batches()) {
            for choice in LongestIdle.choose(&batch) {
                let candidates = &batch[choice.job].candidates;
                let chosen = candidates.iter().find(|one| one.robot == choice.robot).unwrap();
                prop_assert!(candidates.iter().all(|one| one.idle_ms <= chosen.idle_ms));
            }
        }
    }
}
