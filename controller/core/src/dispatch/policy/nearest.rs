//! The baseline: the job whose turn it is gets the robot that is there first; the lower id between equals.

use super::{Choice, Open, Policy};

/// The nearest free robot.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nearest;

impl Policy for Nearest {
    fn batch_max(&self) -> usize {
        1
    }

    fn choose(&self, batch: &[Open]) -> Vec<Choice> {
        let candidates = batch.first().map_or(&[][..], |open| &open.candidates);
        let best = candidates.iter().min_by_key(|candidate| (candidate.travel_ms, candidate.robot));
        best.map(|best| Choice { job: 0, robot: best.robot }).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::policy::{Candidate, tests::job};
    use crate::id::RobotId;

    #[test]
    fn the_nearest_wins_and_the_lower_id_between_equals() {
        let candidates = [(3, 500), (1, 400), (2, 400)].map(|(robot, travel_ms)| Candidate {
            robot: RobotId(robot),
            ..job(0, 0, &[travel_ms]).candidates[0]
        });
        let batch = [Open { candidates: candidates.to_vec(), ..job(0, 0, &[]) }];
        assert_eq!(Nearest.choose(&batch), [Choice { job: 0, robot: RobotId(1) }]);
        assert_eq!(Nearest.choose(&[job(0, 0, &[])]), []);
    }
}
