//! Plays a plan again by the rules and counts for itself. Independent: it knows the files of the problem and the plan, does
//! its own arithmetic on cells, and must never use the lattice, the pool or anything else the planner works with.
//!
//! Nobody drives off the map or into an obstacle; no two robots are in one cell or swap cells, while following into a cell
//! that is being left is allowed. A robot pursues a task that is revealed and unfinished, alone; whoever has done a first
//! errand does the rest, in order. Tasks are revealed in the order of the file, as soon as others are finished.

use anyhow::{Context, bail, ensure};

use super::plan::Revealed;
use super::{Action, Map, Plan, Problem};

const NOBODY: u32 = u32::MAX;
/// Rows and columns that a step forward adds, by direction: 0 east, 1 south, 2 west, 3 north.
const AHEAD: [(i64, i64); 4] = [(0, 1), (1, 0), (0, -1), (-1, 0)];

/// What a plan that holds comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Tasks finished before and after each step.
    pub finished: Vec<u32>,
    /// Actions that were waits.
    pub waits: u64,
    /// Actions that were turns.
    pub turns: u64,
    /// Waits on each cell.
    pub waits_by_cell: Vec<u32>,
    /// Who stood longest.
    pub stand: Stand,
}

/// A robot with a task that stayed in its cell, turning or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stand {
    /// Who.
    pub robot: u32,
    /// How many steps.
    pub steps: u32,
    /// The last of them.
    pub until: u32,
}

/// Checks a plan from its first step to its last.
///
/// # Errors
/// A sentence with the step, the robots and the rule that is broken first.
pub fn check(problem: &Problem, plan: &Plan) -> anyhow::Result<Account> {
    let mut replay = Replay::new(problem, plan)?;
    replay.reveal(0)?;
    for step in 1..=plan.steps() as u32 {
        replay.pursue(step)?;
        replay.go(step)?;
        replay.visit(step)?;
        replay.reveal(step)?;
    }
    replay.end()
}

/// How far a task is.
#[derive(Clone, Debug)]
struct Progress {
    done: usize,
    pursued_by: Option<u32>,
    begun_by: Option<u32>,
}

struct Replay<'a> {
    problem: &'a Problem,
    plan: &'a Plan,
    /// Cell and direction of each robot.
    poses: Vec<(u32, usize)>,
    /// Robot on each cell.
    stands: Vec<u32>,
    pursues: Vec<Option<u32>>,
    /// Entries of each schedule that have come true.
    scheduled: Vec<usize>,
    /// By id.
    tasks: Vec<Progress>,
    /// Events that have come true.
    events: usize,
    finished: u32,
    /// Steps each robot has been on its cell with a task.
    stood: Vec<u32>,
    account: Account,
}

impl<'a> Replay<'a> {
    fn new(problem: &'a Problem, plan: &'a Plan) -> anyhow::Result<Replay<'a>> {
        let robots = problem.starts.len();
        let team = plan.actions.len();
        ensure!(team == robots, "the plan has {team} robots, the problem {robots}");
        let (first, steps) = (0, plan.steps());
        if let Some(robot) = plan.actions.iter().position(|actions| actions.len() != steps) {
            let found = plan.actions[robot].len();
            bail!("robot {robot} has {found} actions, robot {first} has {steps}");
        }
        let cells = problem.map.free.len();
        let mut stands = vec![NOBODY; cells];
        for (robot, (cell, start)) in (0..).zip(problem.starts.iter().zip(&plan.starts)) {
            let (row, column) = problem.map.place(*cell);
            ensure!(
                (start.0, start.1, start.2.as_str()) == (row, column, "E"),
                "before step 1: robot {robot} starts at row {} column {} facing {}, but the problem has it at row {row} \
                 column {column} facing E",
                start.0,
                start.1,
                start.2
            );
            stands[*cell as usize] = robot;
        }
        Ok(Replay {
            problem,
            plan,
            poses: problem.starts.iter().map(|cell| (*cell, 0)).collect(),
            stands,
            pursues: vec![None; robots],
            scheduled: vec![0; robots],
            tasks: Vec::new(),
            events: 0,
            finished: 0,
            stood: vec![0; robots],
            account: Account { waits_by_cell: vec![0; cells], ..Account::default() },
        })
    }

    /// Everybody moves at once.
    fn go(&mut self, step: u32) -> anyhow::Result<()> {
        let map = &self.problem.map;
        let mut after = Vec::with_capacity(self.poses.len());
        for (robot, pose) in self.poses.iter().enumerate() {
            let moved = moved(map, *pose, self.plan.actions[robot][step as usize - 1]);
            after.push(moved.with_context(|| format!("step {step}: robot {robot}"))?);
        }
        let mut comes = vec![NOBODY; self.stands.len()];
        for (robot, ((to, _), (from, _))) in (0..).zip(after.iter().zip(&self.poses)) {
            let other = std::mem::replace(&mut comes[*to as usize], robot);
            ensure!(other == NOBODY, "step {step}: robots {other} and {robot} share {}", place(map, *to));
            let other = self.stands[*to as usize];
            ensure!(
                other == NOBODY || other == robot || after[other as usize].0 != *from,
                "step {step}: robots {robot} and {other} swap {} and {}",
                place(map, *from),
                place(map, *to)
            );
        }
        self.count(step, &after);
        self.poses = after;
        self.stands = comes;
        Ok(())
    }

    /// Counts waits, turns and who stands longest.
    fn count(&mut self, step: u32, after: &[(u32, usize)]) {
        let account = &mut self.account;
        for (robot, ((cell, direction), (to, turned))) in self.poses.iter().zip(after).enumerate() {
            account.turns += u64::from(direction != turned);
            if (cell, direction) == (to, turned) {
                account.waits += 1;
                account.waits_by_cell[*cell as usize] += 1;
            }
            let stood = &mut self.stood[robot];
            *stood = if cell == to && self.pursues[robot].is_some() { *stood + 1 } else { 0 };
            if *stood > account.stand.steps {
                account.stand = Stand { robot: robot as u32, steps: *stood, until: step };
            }
        }
    }

    /// The schedule's entries for this step come true.
    fn pursue(&mut self, step: u32) -> anyhow::Result<()> {
        let mut changed = Vec::new();
        for (robot, schedule) in (0..).zip(&self.plan.schedule) {
            let due = schedule[self.scheduled[robot as usize]..].iter().take_while(|(at, _)| *at <= step);
            let due: Vec<_> = due.collect();
            self.scheduled[robot as usize] += due.len();
            let Some((_, task)) = due.last() else { continue };
            let before = self.pursues[robot as usize];
            if before == *task {
                continue;
            }
            if let Some(before) = before {
                self.tasks[before as usize].pursued_by = None;
            }
            changed.push((robot, before, *task));
        }
        for (robot, _, task) in &changed {
            self.pursues[*robot as usize] = *task;
            let Some(id) = *task else { continue };
            self.take(step, *robot, id)?;
        }
        let begun = |(robot, before, _): &(u32, Option<u32>, Option<u32>)| {
            let before = (*before)?;
            (self.tasks[before as usize].begun_by == Some(*robot)).then_some((*robot, before))
        };
        if let Some((robot, task)) = changed.iter().find_map(begun) {
            bail!("step {step}: robot {robot} drops task {task}, which it has begun");
        }
        Ok(())
    }

    fn take(&mut self, step: u32, robot: u32, id: u32) -> anyhow::Result<()> {
        let errands = self.errands(id).len();
        let Some(task) = self.tasks.get_mut(id as usize) else {
            bail!("step {step}: robot {robot} pursues task {id}, which isn't revealed yet");
        };
        ensure!(task.done < errands, "step {step}: robot {robot} pursues task {id}, which is finished");
        if let Some(other) = task.begun_by.filter(|other| *other != robot) {
            bail!(
                "step {step}: task {id} is handed from robot {other}, which has begun it, to robot {robot}"
            );
        }
        if let Some(other) = task.pursued_by {
            bail!("step {step}: robots {other} and {robot} both pursue task {id}");
        }
        task.pursued_by = Some(robot);
        Ok(())
    }

    /// Robots on the cell of their next errand do it.
    fn visit(&mut self, step: u32) -> anyhow::Result<()> {
        for robot in 0..self.poses.len() as u32 {
            let Some(id) = self.pursues[robot as usize] else { continue };
            let errands = self.errands(id);
            let task = &mut self.tasks[id as usize];
            if errands[task.done] != self.poses[robot as usize].0 {
                continue;
            }
            task.done += 1;
            task.begun_by = Some(robot);
            let event = [step, robot, id, task.done as u32];
            if task.done == errands.len() {
                self.pursues[robot as usize] = None;
                self.finished += 1;
            }
            let listed = self.plan.events.get(self.events);
            ensure!(
                listed == Some(&event),
                "step {step}: robot {robot} does errand {} of task {id}, but `events` has {} where {event:?} belongs",
                event[3],
                listed.map_or("nothing".to_owned(), |listed| format!("{listed:?}"))
            );
            self.events += 1;
        }
        let next = self.plan.events.get(self.events).filter(|event| event[0] <= step);
        if let Some(event @ [_, robot, task, errand]) = next {
            bail!(
                "step {step}: `events` has {event:?}, but robot {robot} doesn't do errand {errand} of task {task} in this step"
            );
        }
        Ok(())
    }

    /// Tasks are revealed until enough are seen.
    fn reveal(&mut self, step: u32) -> anyhow::Result<()> {
        while self.tasks.len() - (self.finished as usize) < self.problem.revealed {
            let id = self.tasks.len() as u32;
            let cells = self.errands(id).iter();
            let places = cells.flat_map(|cell| <[u32; 2]>::from(self.problem.map.place(*cell)));
            let task = Revealed(id, step, places.collect());
            let listed = self.plan.tasks.get(id as usize);
            ensure!(
                listed == Some(&task),
                "step {step}: task {id} is revealed with errands at {:?}, but `tasks` has {}",
                task.2,
                listed.map_or("no more".to_owned(), |Revealed(id, step, errands)| {
                    format!("task {id} of step {step} with {errands:?}")
                })
            );
            self.tasks.push(Progress { done: 0, pursued_by: None, begun_by: None });
        }
        self.account.finished.push(self.finished);
        Ok(())
    }

    fn end(self) -> anyhow::Result<Account> {
        let steps = self.plan.steps();
        if let Some(event) = self.plan.events.get(self.events) {
            bail!("step {steps} is the last, but `events` goes on with {event:?}");
        }
        if let Some(Revealed(id, step, _)) = self.plan.tasks.get(self.tasks.len()) {
            bail!(
                "step {steps} is the last, but `tasks` has task {id} of step {step}, which is never revealed"
            );
        }
        for (robot, (schedule, scheduled)) in self.plan.schedule.iter().zip(&self.scheduled).enumerate() {
            if let Some((step, _)) = schedule.get(*scheduled) {
                bail!("step {steps} is the last, but the schedule of robot {robot} goes on with step {step}");
            }
        }
        ensure!(
            self.finished == self.plan.finished,
            "step {steps}: {} tasks are finished, but `numTaskFinished` is {}",
            self.finished,
            self.plan.finished
        );
        Ok(self.account)
    }

    fn errands(&self, id: u32) -> &'a [u32] {
        &self.problem.tasks[id as usize % self.problem.tasks.len()]
    }
}

/// Cell and direction after an action.
fn moved(map: &Map, (cell, direction): (u32, usize), action: Action) -> anyhow::Result<(u32, usize)> {
    match action {
        Action::Wait => return Ok((cell, direction)),
        Action::Right => return Ok((cell, (direction + 1) % 4)),
        Action::Left => return Ok((cell, (direction + 3) % 4)),
        Action::Forward => {}
    }
    let (rows, columns) = AHEAD[direction];
    let (row, column) = map.place(cell);
    let (row, column) = (i64::from(row) + rows, i64::from(column) + columns);
    let is_on_map =
        (0..i64::from(map.height())).contains(&row) && (0..i64::from(map.width)).contains(&column);
    ensure!(is_on_map, "drives off the map from {}", place(map, cell));
    let ahead = (row * i64::from(map.width) + column) as u32;
    ensure!(map.free[ahead as usize], "drives into the obstacle at {}", place(map, ahead));
    Ok((ahead, direction))
}

/// A cell as people look for it.
fn place(map: &Map, cell: u32) -> String {
    let (row, column) = map.place(cell);
    format!("cell {cell} (row {row} column {column})")
}
