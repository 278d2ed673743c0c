//! Which edges are closed: by an operator's word, for a time or until they are opened again; or by the word of a robot
//! that stands before something on its own way, until it says otherwise or drives on.
//!
//! No way is planned along a closed edge. Nobody is released onto one that an operator closed, and who is on it drives off;
//! one that a robot reports is held by that robot anyway. Never frees a place, and never closes more than the edges that
//! are named. A robot that lies closes at worst one edge of the way it holds.

use drover_maps::EdgeId;

use crate::audit::{AuditEntry, Caller};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command};
use crate::fleet::Fleet;
use crate::id::RobotId;
use crate::operator::Stop;
use crate::robot::{Blocked, Robot};

/// Who opens an edge whose time is over, in the audit.
const KEEPER: &str = "drover";
/// Edges that robots' words close at once, at most: more of them are told, and close nothing.
const REPORTED_MAX: usize = 64;
/// Time between two alarms of one robot whose way is blocked, ms.
const TELL_MS: u64 = 60_000;

/// Closes the edge; a stop that lasts longer takes the place of the one before, a shorter one changes nothing.
pub(crate) fn close(fleet: &mut Fleet, edge: EdgeId, stop: &Stop) {
    let closed = &mut fleet.state.closed_edges;
    if closed.get(&edge).is_none_or(|known| lasts_longer(stop, known)) {
        closed.insert(edge, stop.clone());
    }
}

fn lasts_longer(stop: &Stop, known: &Stop) -> bool {
    known.until.is_some_and(|known| stop.until.is_none_or(|until| until > known))
}

/// Opens it, whoever closed it.
pub(crate) fn open(fleet: &mut Fleet, edge: EdgeId) {
    fleet.state.closed_edges.remove(&edge);
}

/// When the first edge opens by itself.
pub(crate) fn next_end(fleet: &Fleet) -> Option<Time> {
    fleet.state.closed_edges.values().filter_map(|stop| stop.until).min()
}

/// Edges whose time is over are open; it is written down and told.
pub(crate) fn expire(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    let is_over = |stop: &Stop| stop.until.is_some_and(|until| until <= now);
    for (edge, stop) in fleet.state.closed_edges.extract_if(.., |_, stop| is_over(stop)).collect::<Vec<_>>() {
        fleet.state.plan_is_due = true;
        let name = fleet.layout.edge(edge).name.clone();
        let text = format!("edge {name} is open again: the time for which {} closed it is over", stop.by);
        commands.push(Command::Alarm(Alarm {
            code: AlarmCode::EdgeOpen,
            robot: None,
            device: None,
            text: text.clone(),
        }));
        let audit = &mut fleet.state.audit;
        audit.note(AuditEntry {
            n: audit.count + 1,
            at: now,
            by: Caller { name: KEEPER.to_owned(), key: String::new(), reason: text },
            action: "edge.unblock".to_owned(),
            subject: name,
            refused: None,
            asked: None,
        });
    }
}

/// The robot says that this edge of its own way is blocked; none = it isn't any more.
pub(crate) fn report(
    fleet: &mut Fleet,
    id: RobotId,
    edge: Option<EdgeId>,
    now: Time,
    commands: &mut Vec<Command>,
) {
    let edge = edge.filter(|edge| is_ahead(&fleet.state.robots[id.index()], *edge));
    let was_closed = reported(fleet).any(|(robot, _)| robot == id);
    fleet.state.robots[id.index()].blocked = edge.map(|edge| Blocked { edge, at: now });
    let is_closed = reported(fleet).any(|(robot, _)| robot == id);
    if was_closed || is_closed {
        fleet.state.plan_is_due = true;
    }
    if let Some(edge) = edge {
        tell(fleet, id, edge, is_closed, now, commands);
    }
}

fn is_ahead(robot: &Robot, edge: EdgeId) -> bool {
    robot.trail.steps.iter().skip(1).any(|step| step.edge == Some(edge))
}

/// Edges that robots' words close now, by robot.
pub(crate) fn reported(fleet: &Fleet) -> impl Iterator<Item = (RobotId, Blocked)> {
    let robots = fleet.state.robots.iter().zip((0..).map(RobotId));
    let says = |(robot, id): (&Robot, RobotId)| {
        robot.blocked.filter(|blocked| is_ahead(robot, blocked.edge)).map(|blocked| (id, blocked))
    };
    robots.filter_map(says).take(REPORTED_MAX)
}

fn tell(fleet: &mut Fleet, id: RobotId, edge: EdgeId, closes: bool, now: Time, commands: &mut Vec<Command>) {
    let robot = &mut fleet.state.robots[id.index()];
    if now.since_ms(robot.blocked_told_at) < TELL_MS {
        return;
    }
    robot.blocked_told_at = now;
    let edge = &fleet.layout.edge(edge).name;
    let others = if closes { "the others go round" } else { "too many are blocked: this one stays open" };
    let text = format!("{}: it says that edge {edge} is blocked; {others}: go and clear it", robot.name);
    commands.push(Command::Alarm(Alarm {
        code: AlarmCode::EdgeBlocked,
        robot: Some(id),
        device: None,
        text,
    }));
}
