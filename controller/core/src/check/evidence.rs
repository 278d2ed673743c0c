//! Evidence: a reservation goes only by a fact of the robot that holds it, or by a named person's word that the robot is
//! off the floor. Never by time, never by another robot's word.

use drover_maps::{EdgeId, NodeId};

use super::{Violation, broken};
use crate::event::{Event, Fact};
use crate::fleet::Fleet;
use crate::id::{RobotId, RobotName};
use crate::operator::Wish;
use crate::release::Order;

/// Robots that a person has taken off the floor.
fn released(event: &Event) -> &[RobotName] {
    if let Event::Wished { wish, .. } = event
        && let Wish::ReleaseRobots(names) = wish.as_ref()
    {
        return names;
    }
    &[]
}

/// What was so before a step: who held what, and what each robot had been told.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    nodes: Vec<Option<RobotId>>,
    edges: Vec<Option<RobotId>>,
    orders: Vec<Option<Order>>,
    /// The layout whose ids these are.
    layout: u64,
}

impl Watch {
    /// The message the robot had been told before the step.
    pub(super) fn last_order(&self, robot: RobotId) -> Option<&Order> {
        self.orders.get(robot.index()).and_then(Option::as_ref)
    }

    /// Compares with the fleet after the event. The first call only looks, and so does one on another layout than the last:
    /// the ids are others.
    pub(super) fn check(&mut self, event: &Event, fleet: &Fleet, found: &mut Vec<Violation>) {
        if self.layout != fleet.layout().fingerprint() {
            *self = Watch { layout: fleet.layout().fingerprint(), ..Watch::default() };
        }
        let proves = |holder: RobotId| {
            let is_fact = matches!(
                event,
                Event::Robot { robot, fact: Fact::Passed { .. } | Fact::Located { .. } } if *robot == holder
            );
            is_fact || released(event).iter().any(|name| fleet.robot_named(name) == Some(holder))
        };
        let nodes: Vec<_> = fleet.layout().nodes().map(|node| fleet.reservations().node(node)).collect();
        let edges: Vec<_> = fleet.layout().edges().map(|edge| fleet.reservations().edge(edge)).collect();
        let is_bad = |(before, after): (&Option<RobotId>, &Option<RobotId>)| {
            before.is_some_and(|holder| !proves(holder)) && before != after
        };
        for index in self
            .nodes
            .iter()
            .zip(&nodes)
            .enumerate()
            .filter(|(_, pair)| is_bad(*pair))
            .map(|(index, _)| index)
        {
            let place = &fleet.layout().node(NodeId(index as u32)).name;
            found.push(broken("Evidence", format!("{place} was freed without a fact of its holder")));
        }
        for index in self
            .edges
            .iter()
            .zip(&edges)
            .enumerate()
            .filter(|(_, pair)| is_bad(*pair))
            .map(|(index, _)| index)
        {
            let place = &fleet.layout().edge(EdgeId(index as u32)).name;
            found.push(broken("Evidence", format!("{place} was freed without a fact of its holder")));
        }
        (self.nodes, self.edges) = (nodes, edges);
    }

    /// Remembers what each robot has been told; to be called after the checks of a step.
    pub fn remember(&mut self, fleet: &Fleet) {
        self.orders = fleet.robots().iter().map(|robot| robot.order.last.clone()).collect();
    }
}
