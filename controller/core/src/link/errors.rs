//! What a robot's errors mean for the others: which edge of its own way it says is blocked.
//!
//! Decided by what an error refers to and by whether the robot stands, not by its level. Never names a place that isn't
//! ahead of the robot on the way it was given.

use drover_maps::{EdgeId, Layout};
use drover_proto::vda5050::{Error, State};

use crate::robot::{Robot, Step};

/// What an `errorType` has in it, in small letters, that tells of something in the way: VDA 5050 fixes no name for it.
const IN_THE_WAY: [&str; 3] = ["block", "obstacle", "obstruct"];

/// The edge that it stands before, or on, because something is there.
pub(super) fn blocked_edge(state: &State, robot: &Robot, layout: &Layout) -> Option<EdgeId> {
    if state.driving || !super::read::is_on_our_order(state, robot) {
        return None;
    }
    let ahead = || robot.trail.steps.iter().skip(1);
    let mut errors = state.errors.iter().filter(|error| tells_of_the_way(error));
    errors.find_map(|error| ahead().find(|step| refers_to(error, step, layout))?.edge)
}

fn tells_of_the_way(error: &Error) -> bool {
    let name = error.error_type.to_ascii_lowercase();
    IN_THE_WAY.iter().any(|word| name.contains(word))
}

fn refers_to(error: &Error, step: &Step, layout: &Layout) -> bool {
    let names = |key: &str, name: &str| {
        let mut references = error.error_references.iter();
        references.any(|reference| reference.reference_key == key && reference.reference_value == name)
    };
    names("nodeId", &layout.node(step.node).name)
        || step.edge.is_some_and(|edge| names("edgeId", &layout.edge(edge).name))
}
