//! What people do on the floor: carry robots, stand in the way, and put right what only a person can.
//!
//! The simulated operator sees what a screen shows (the leader's fleet) and what stands before his eyes (the machines). He
//! mends what the mind can't: takes off a load that nobody wants, drives a lost robot back to a node, lets a held sequence
//! go on. He never touches a robot that could go on by itself.

use drover_core::job::{ActionSpec, JobRequest};
use drover_core::robot::{Phase, Task};
use drover_core::{Fleet, Input, JobId, Wish};
use drover_maps::NodeId;
use drover_proto::vda5050::OperatingMode;

use super::{Happening, World};
use crate::geometry::Outline;
use crate::wire::WireError;

/// A robot stops before something that is this near ahead, m: its braking distance, a look's time, and both outlines.
const AHEAD_M: f64 = 3.0;
/// So far to either side counts as its lane, m: both outlines.
const BESIDE_M: f64 = 1.1;
/// The controller knows where a robot stands if it is no farther off, m.
const PLACED_M: f64 = 0.3;
/// Room a person leaves around a robot that he puts down, m.
const ROOM_M: f64 = 0.4;
/// A place this far from every robot may be taken even if one is on its way there, m.
const FAR_M: f64 = 8.0;

impl World<'_> {
    /// A person takes a robot to another place: by driving it, or without its knowing. Now and then onto a way that another
    /// robot was promised, but never into its arms.
    pub(super) fn carry_away(&mut self, robot: usize, is_told: bool) {
        let is_careless = self.chance.below(3) == 0;
        if let Some(node) = self.free_place(robot, is_careless) {
            let layout = self.setup.layout.clone();
            self.robots[robot].put(self.now, &layout, node, is_told);
        }
    }

    /// Who says that a robot is off the floor has carried it off.
    pub(super) fn carry_off(&mut self, wish: &Wish) {
        let Wish::ReleaseRobots(names) = wish else { return };
        for robot in names.iter().filter_map(|name| self.places.get(name).copied()).collect::<Vec<_>>() {
            self.robots[robot].ills.is_off_floor = true;
            self.cut_off(robot);
        }
    }

    /// A place where nobody stands, and, for the careful, that nobody was promised.
    fn free_place(&mut self, robot: usize, is_careless: bool) -> Option<NodeId> {
        let layout = self.setup.layout.clone();
        let robot_type = self.setup.robots[robot].robot_type;
        let mut nodes: Vec<NodeId> = layout.nodes().collect();
        self.chance.shuffle(&mut nodes);
        let is_plain = |node: &NodeId| {
            let facts = layout.node(*node);
            layout.admits_node(robot_type, *node)
                && facts.station.is_none()
                && !facts.charger
                && !layout.in_edges(*node).is_empty()
                && !layout.out_edges(*node).is_empty()
        };
        let promised = |node: &NodeId| {
            self.fleet().is_some_and(|fleet| {
                let id =
                    fleet.robot_named(&self.robots[robot].name).unwrap_or(drover_core::RobotId(u32::MAX));
                fleet.reservations().blocker_of_node(&layout, id, *node).is_some()
            })
        };
        let away_m = |node: &NodeId| self.nearest_m(robot, *node);
        nodes.into_iter().filter(is_plain).find(|node| {
            let away = away_m(node);
            away >= 2.0 * self.truths[robot].outline.radius_m() + ROOM_M
                && (!promised(node) || (is_careless && away >= FAR_M))
        })
    }

    /// How near the nearest other robot is to a node, m.
    fn nearest_m(&self, robot: usize, node: NodeId) -> f64 {
        let facts = self.setup.layout.node(node);
        let at = (f64::from(facts.x_mm) / 1_000.0, f64::from(facts.y_mm) / 1_000.0);
        let others = self.robots.iter().enumerate().filter(|(other, machine)| {
            *other != robot && !machine.ills.is_off_floor && self.truths[*other].map == facts.map
        });
        let away = |(_, machine): (usize, &crate::machine::Machine)| {
            let (_, outline) = machine.outline();
            length(outline.x_m - at.0, outline.y_m - at.1)
        };
        others.map(away).fold(f64::INFINITY, f64::min)
    }

    /// Every robot's own eyes: it stops before people, and before robots that stand where nobody led them; and by chance.
    pub(super) fn keep_clear(&mut self) {
        for robot in 0..self.robots.len() {
            let is_known = self.robots[robot].ills.is_astray && self.is_placed(robot);
            self.robots[robot].ills.is_astray &= !is_known;
        }
        let strange: Vec<usize> = (0..self.robots.len())
            .filter(|robot| self.robots[*robot].ills.is_astray || self.robots[*robot].ills.lies)
            .collect();
        let people: Vec<(String, f64, f64)> =
            self.ailing.blocked.iter().map(|edge| self.middle_of(*edge)).collect();
        self.delays.look(self.now);
        let half = self.now.0 / 1_000 % 5 < 2;
        for robot in 0..self.robots.len() {
            let truth = &self.truths[robot];
            let mut strangers =
                strange.iter().filter(|other| **other != robot).map(|other| &self.truths[*other]);
            let is_before = strangers.any(|other| {
                other.map == truth.map && is_ahead(&truth.outline, (other.outline.x_m, other.outline.y_m))
            });
            let meets =
                people.iter().any(|(map, x, y)| *map == truth.map && is_ahead(&truth.outline, (*x, *y)));
            let is_slow = self.delays.stands(robot) || (half && self.ailing.stutters(robot));
            let stops = is_before || meets || is_slow;
            if stops != self.robots[robot].is_obstructed() {
                self.robots[robot].set_obstructed(self.now, stops);
                // What it has to say is taken at its own timer, due now.
                self.queue.push(self.now, Happening::RobotTimer { robot });
                self.robots[robot].armed = Some(self.now);
            }
        }
    }

    /// The controller has it where it truly stands: others are kept off by what it holds.
    fn is_placed(&self, robot: usize) -> bool {
        let Some(fleet) = self.fleet() else { return false };
        let Some(id) = fleet.robot_named(&self.robots[robot].name) else { return false };
        let facts = &fleet.robots()[id.index()];
        let Some(node) = facts.trail.last_node().filter(|_| facts.is_usable()) else { return false };
        let (node, truth) = (self.setup.layout.node(node), &self.truths[robot]);
        let (x_m, y_m) = (f64::from(node.x_mm) / 1_000.0, f64::from(node.y_mm) / 1_000.0);
        node.map == truth.map && length(truth.outline.x_m - x_m, truth.outline.y_m - y_m) <= PLACED_M
    }

    fn middle_of(&self, edge: drover_maps::EdgeId) -> (String, f64, f64) {
        let layout = &self.setup.layout;
        let edge = layout.edge(edge);
        let (from, to) = (layout.node(edge.from), layout.node(edge.to));
        let middle = |a: i32, b: i32| f64::from(a + b) / 2_000.0;
        (from.map.clone(), middle(from.x_mm, to.x_mm), middle(from.y_mm, to.y_mm))
    }

    /// The people at the stations, and the operator, look up.
    pub(super) fn look_after(&mut self) -> Result<(), WireError> {
        let Some(leader) = self.leader() else { return Ok(()) };
        let Some(site) = self.processes[leader].site.as_ref() else { return Ok(()) };
        for (at, job, leg) in self.people.look(self.now, site.fleet()) {
            self.queue.push(at, Happening::Person { job, leg });
        }
        let share = self.short_share();
        for (at, job, short) in self.people.count(self.now, site.fleet(), share) {
            self.queue.push(at, Happening::Short { job, short });
        }
        if !self.people.is_round_due(self.now) {
            return Ok(());
        }
        self.let_sequences_go_on()?;
        self.unload_forgotten()?;
        self.bring_back_lost()
    }

    /// What the robot couldn't do at the station, a person does: takes the load, or gives it.
    pub(super) fn do_by_hand(&mut self, job: &JobId, leg: usize) -> Result<(), WireError> {
        let Some(fleet) = self.fleet() else { return Ok(()) };
        let Some(facts) = fleet.job(job).filter(|facts| facts.legs_done == leg) else { return Ok(()) };
        let awaited = Task::Job { job: job.clone(), phase: Phase::Confirm };
        let robot = facts.state.robot().map(|robot| &fleet.robots()[robot.index()]);
        let Some(robot) = robot.filter(|robot| robot.task == awaited).map(|robot| &robot.name) else {
            return Ok(());
        };
        let Some(robot) = self.places.get(robot).copied() else { return Ok(()) };
        let (action, load) = facts.leg().map_or((None, None), |leg| (leg.action.clone(), leg.load.clone()));
        match action.as_ref().map(|action| action.name.as_str()) {
            Some(ActionSpec::PICK) => {
                let load = load.map_or_else(|| job.0.clone(), |load| load.id);
                self.robots[robot].load(self.now, load);
            }
            Some(ActionSpec::DROP) => self.robots[robot].unload(self.now),
            Some(_) | None => return Ok(()),
        }
        self.marks.note("person", "work_done_by_hand");
        self.listen(robot)
    }

    /// A failed job holds its sequence until a person has seen to it.
    fn let_sequences_go_on(&mut self) -> Result<(), WireError> {
        let Some(fleet) = self.fleet() else { return Ok(()) };
        let held: Vec<JobId> =
            fleet.sequences().filter_map(|(_, sequence)| sequence.held_by.clone()).collect();
        for job in held {
            if self.people.has_waited(self.now, format!("sequence {job}")) {
                let request = JobRequest::Cancel(job);
                self.ask(|by| Input::Job { ticket: None, request, by: Some(by) }, "the operator")?;
            }
        }
        Ok(())
    }

    /// Loads aboard robots that have no job any more are taken off by hand.
    fn unload_forgotten(&mut self) -> Result<(), WireError> {
        for robot in 0..self.robots.len() {
            let is_loaded = self.robots[robot].loads().next().is_some();
            if !is_loaded || self.robots[robot].is_driving() {
                continue;
            }
            let is_idle = self.fleet().is_some_and(|fleet| task_of(fleet, self, robot) == Some(Task::Idle));
            if is_idle && self.people.has_waited(self.now, format!("load {robot}")) {
                self.robots[robot].unload(self.now);
                self.listen(robot)?;
            }
        }
        Ok(())
    }

    /// A robot that stands where the controller can't have it is driven to a free place, and told where it is.
    fn bring_back_lost(&mut self) -> Result<(), WireError> {
        for robot in 0..self.robots.len() {
            let is_reachable = self.lines[robot].is_up && !self.ailing.is_cut_off(robot);
            let is_lost = is_reachable && self.fleet().is_some_and(|fleet| is_lost(fleet, self, robot));
            if !is_lost || !self.people.has_waited(self.now, format!("lost {robot}")) {
                continue;
            }
            if let Some(node) = self.free_place(robot, false) {
                let layout = self.setup.layout.clone();
                self.robots[robot].set_mode(self.now, OperatingMode::Manual);
                self.robots[robot].put(self.now, &layout, node, true);
                self.robots[robot].set_mode(self.now, OperatingMode::Automatic);
                self.marks.note("person", "robot_brought_back");
                self.listen(robot)?;
            }
        }
        Ok(())
    }
}

fn task_of(fleet: &Fleet, world: &World<'_>, robot: usize) -> Option<Task> {
    let id = fleet.robot_named(&world.robots[robot].name)?;
    Some(fleet.robots()[id.index()].task.clone())
}

/// The screen says that it is off its way, stands in another's place, or was never found on the layout.
fn is_lost(fleet: &Fleet, world: &World<'_>, robot: usize) -> bool {
    let Some(id) = fleet.robot_named(&world.robots[robot].name) else { return false };
    let facts = &fleet.robots()[id.index()];
    facts.is_off_path || facts.stands.is_some() || facts.trail.steps.is_empty()
}

/// Near, and on the lane before it: not beside, not behind.
fn is_ahead(outline: &Outline, at: (f64, f64)) -> bool {
    let (dx, dy) = (at.0 - outline.x_m, at.1 - outline.y_m);
    let (sin, cos) = outline.theta_rad.sin_cos();
    let (ahead, beside) = (dx * cos + dy * sin, dy * cos - dx * sin);
    (0.0..=AHEAD_M).contains(&ahead) && beside.abs() <= BESIDE_M
}

fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}
