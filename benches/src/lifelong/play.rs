//! Plays a course step by step and records it. The only place that drives the planner.

use std::num::NonZeroUsize;

use anyhow::Context;

use drover_core::plan::Algorithm;
use drover_core::plan::epibt::{DEPTH, DEPTH_ON_LAYOUT};
use drover_core::plan::lattice::{Lattice, Step};
use drover_core::plan::lifelong::{Lifelong, Seen};
use drover_core::plan::lns::{Alone, Refiner};

use super::delay::Delays;
use super::plan::Pursuit;
use super::{Arena, Course, Pool, Threads, Windowed};
use crate::{cpu_seconds, peak_rss_mb};

/// What the planner is told beside the course.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Nodes looked at in refinement, per step.
    pub expansions: u64,
    /// Threads of refinement; it comes to the same with any number.
    pub threads: NonZeroUsize,
    /// Probability that a robot is delayed by a step in a step, per cent.
    pub delay_pct: u32,
    /// Assigned as ever, but moved by this planner of sites, on the arena that the course is from.
    pub site: Option<(&'a Arena, Algorithm)>,
}

/// Nothing.
pub const WAIT: u8 = 0;
/// A turn clockwise.
pub const RIGHT: u8 = 1;
/// A turn counterclockwise.
pub const LEFT: u8 = 2;
/// Forward: this, or so much more for each other way forward from the same state.
pub const AHEAD: u8 = 3;

/// Whether robots know of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// By the rules.
    Together,
    /// Each as if it had the floor to itself: what no planner can pass with the same assignment.
    Alone,
}

/// What was done, by place and robot; lists of robots only for [`Company::Together`].
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// What each robot did, one byte per step: [`WAIT`], [`RIGHT`], [`LEFT`], or [`AHEAD`] and more by the way taken.
    pub actions: Vec<Vec<u8>>,
    /// Changes of task of each robot.
    pub schedule: Vec<Vec<Pursuit>>,
    /// Step, robot, task and how many of its errands are done then.
    pub events: Vec<[u32; 4]>,
    /// Step after which each task is seen, by id.
    pub releases: Vec<u32>,
    /// Tasks finished before and after each step.
    pub finished: Vec<u32>,
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// CPU of the process before the first step, seconds.
    pub setup_s: f64,
    /// CPU for assignment, seconds.
    pub assign_s: f64,
    /// CPU for planning, seconds.
    pub plan_s: f64,
    /// CPU of the step that took most, seconds.
    pub longest_step_s: f64,
    /// The most steps a robot didn't get nearer to its goal, as the planner counts them.
    pub no_progress_steps_max: u32,
    /// The most memory held until the end of it, MB.
    pub peak_rss_mb: Option<f64>,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was done.
    pub record: Record,
    /// What it took.
    pub cost: Cost,
}

/// Plays the course; `watch` hears of every step and the tasks finished by then.
///
/// # Errors
/// If the planner has a robot do what no action does; names the step and the robot.
pub fn play(
    course: &Course,
    steps: u32,
    company: Company,
    options: Options<'_>,
    watch: &mut dyn FnMut(u32, u32),
) -> anyhow::Result<Run> {
    match course.lattice.footprint() {
        None => play_with::<DEPTH>(course, steps, company, options, watch),
        Some(_) => play_with::<DEPTH_ON_LAYOUT>(course, steps, company, options, watch),
    }
}

fn play_with<const DEPTH: usize>(
    course: &Course,
    steps: u32,
    company: Company,
    options: Options<'_>,
    watch: &mut dyn FnMut(u32, u32),
) -> anyhow::Result<Run> {
    let lattice = &course.lattice;
    let site = options.site.filter(|_| company == Company::Together);
    let refiner: Box<dyn Refiner<DEPTH>> =
        if options.threads.get() == 1 { Box::new(Alone) } else { Box::new(Threads(options.threads)) };
    let mut planner = Planner {
        stack: Lifelong::<DEPTH>::new(lattice.clone(), refiner, options.expansions),
        site: site.map(|(arena, algorithm)| Windowed::new(arena, algorithm)),
    };
    let mut delays = Delays::new(1, options.delay_pct);
    let mut pool = Pool::new(&course.tasks, course.revealed);
    let mut record = Record::new(course.starts.len(), steps, company);
    record.reveal(0, &pool);
    let mut states = course.starts.clone();
    let mut cost = Cost { setup_s: cpu_seconds(), ..Cost::default() };
    for step in 1..=steps {
        let (pursues, next) = decide(&mut planner, &mut cost, &states, &pool, company);
        let next = if company == Company::Together { delays.strike(lattice, &states, next) } else { next };
        if company == Company::Together {
            record.step(step, lattice, &states, &next, &pursues)?;
            cost.no_progress_steps_max = cost.no_progress_steps_max.max(planner.longest_without_progress());
        }
        states = next;
        for (robot, (state, pursued)) in (0..).zip(states.iter().zip(&pursues)) {
            let Some(id) = *pursued else { continue };
            if let Some(done) = pool.visit(id, robot, lattice.place(*state)) {
                record.events.push([step, robot, id, done]);
            }
        }
        pool.refill();
        record.reveal(step, &pool);
        watch(step, pool.finished());
    }
    cost.peak_rss_mb = peak_rss_mb();
    Ok(Run { record, cost })
}

/// What assigns and plans.
struct Planner<'a, const DEPTH: usize> {
    stack: Lifelong<DEPTH>,
    site: Option<Windowed<'a>>,
}

impl<const DEPTH: usize> Planner<'_, DEPTH> {
    fn plan(&mut self, states: &[u32], seen: &[Seen<'_>], pursues: &[Option<u32>]) -> Vec<u32> {
        let Some(site) = &mut self.site else { return self.stack.plan(states, seen, pursues) };
        let goal = |id: &Option<u32>| {
            let index = seen.binary_search_by_key(&(*id)?, |task| task.id).ok()?;
            seen[index].errands.first().copied()
        };
        site.plan(states, &pursues.iter().map(goal).collect::<Vec<_>>())
    }

    fn longest_without_progress(&self) -> u32 {
        self.site.as_ref().map_or_else(|| self.stack.longest_without_progress(), Windowed::longest_stand)
    }
}

/// The task each robot pursues, and its next state.
fn decide<const DEPTH: usize>(
    planner: &mut Planner<'_, DEPTH>,
    cost: &mut Cost,
    states: &[u32],
    pool: &Pool<'_>,
    company: Company,
) -> (Vec<Option<u32>>, Vec<u32>) {
    let tasks = pool.seen().iter();
    let seen: Vec<Seen<'_>> =
        tasks.map(|task| Seen { id: task.id, errands: task.errands(), held_by: task.held_by }).collect();
    let began = cpu_seconds();
    let pursues = planner.stack.assign(states, &seen);
    let assigned = cpu_seconds();
    let next = match company {
        Company::Together => planner.plan(states, &seen, &pursues),
        Company::Alone => planner.stack.plan_alone(states, &seen, &pursues),
    };
    let planned = cpu_seconds();
    cost.assign_s += assigned - began;
    cost.plan_s += planned - assigned;
    cost.longest_step_s = cost.longest_step_s.max(planned - began);
    (pursues, next)
}

impl Record {
    fn new(robots: usize, steps: u32, company: Company) -> Record {
        let (robots, steps) = match company {
            Company::Together => (robots, steps as usize),
            Company::Alone => (0, 0),
        };
        Record {
            actions: (0..robots).map(|_| Vec::with_capacity(steps)).collect(),
            schedule: vec![Vec::new(); robots],
            ..Record::default()
        }
    }

    fn step(
        &mut self,
        step: u32,
        lattice: &Lattice,
        states: &[u32],
        next: &[u32],
        pursues: &[Option<u32>],
    ) -> anyhow::Result<()> {
        for (robot, (from, to)) in states.iter().zip(next).enumerate() {
            let action = between(lattice, *from, *to)
                .with_context(|| format!("step {step}: robot {robot} jumps from state {from} to {to}"))?;
            self.actions[robot].push(action);
            let pursued = pursues[robot];
            if self.schedule[robot].last().is_none_or(|(_, last)| *last != pursued) {
                self.schedule[robot].push((step, pursued));
            }
        }
        Ok(())
    }

    fn reveal(&mut self, step: u32, pool: &Pool<'_>) {
        self.releases.resize(pool.revealed() as usize, step);
        self.finished.push(pool.finished());
    }
}

/// The action that leads from one state to the next; none if there is no such.
fn between(lattice: &Lattice, from: u32, to: u32) -> Option<u8> {
    let turns = [(RIGHT, lattice.after(from, Step::Right)), (LEFT, lattice.after(from, Step::Left))];
    let ahead = (AHEAD..).zip(lattice.ahead(from));
    [(WAIT, from)]
        .into_iter()
        .chain(turns)
        .chain(ahead)
        .find(|(_, after)| *after == to)
        .map(|(action, _)| action)
}
