//! The baseline: the robot that is there first; the lower id between equals.

use super::{Policy, View};
use crate::id::RobotId;

/// The nearest free robot.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nearest;

impl Policy for Nearest {
    fn choose(&self, view: &View<'_>) -> Option<RobotId> {
        view.candidates
            .iter()
            .min_by_key(|candidate| (candidate.travel_ms, candidate.robot))
            .map(|best| best.robot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::policy::Candidate;

    #[test]
    fn the_nearest_wins_and_the_lower_id_between_equals() {
        let candidates = [(3, 500), (1, 400), (2, 400)]
            .map(|(robot, travel_ms)| Candidate { robot: RobotId(robot), travel_ms });
        assert_eq!(Nearest.choose(&View { candidates: &candidates }), Some(RobotId(1)));
        assert_eq!(Nearest.choose(&View { candidates: &[] }), None);
    }
}
