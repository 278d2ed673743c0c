//! Plays a plan again by the rules and counts for itself. Independent: it knows the files of the problem and the plan, does
//! its own arithmetic on cells, and must never use the lattice, the pool or anything else the planner works with.
//!
//! Nobody drives off the map or into an obstacle; no two robots are in one cell or swap cells, while following into a cell
//! that is being left is allowed. Of tasks the `book` is kept.

use anyhow::{Context, bail, ensure};

use super::book::Book;
use super::{Action, Map, Plan, Problem};

const NOBODY: u32 = u32::MAX;
/// Rows and columns that a step forward adds, by direction: 0 east, 1 south, 2 west, 3 north.
const AHEAD: [(i64, i64); 4] = [(0, 1), (1, 0), (0, -1), (-1, 0)];

/// What a plan that holds comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Tasks finished before and after each step.
    pub finished: Vec<u32>,
    /// Steps of robots that were waits.
    pub waits: u64,
    /// Steps of robots that were turns.
    pub turns: u64,
    /// Waits on each cell of a map, at each node of a layout.
    pub waits_by_place: Vec<u32>,
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
    let named = |cell: u32| <[u32; 2]>::from(problem.map.place(cell)).to_vec();
    let mut book = Book::new(&plan.log, &problem.tasks, problem.revealed, &named);
    book.reveal(0)?;
    for step in 1..=plan.steps() as u32 {
        book.pursue(step)?;
        replay.go(step, |robot| book.is_busy(robot))?;
        book.visit(step, |robot| Some(replay.poses[robot].0))?;
        book.reveal(step)?;
    }
    let finished = book.end(plan.steps() as u32)?;
    Ok(Account { finished, ..replay.account })
}

struct Replay<'a> {
    problem: &'a Problem,
    plan: &'a Plan,
    /// Cell and direction of each robot.
    poses: Vec<(u32, usize)>,
    /// Robot on each cell.
    stands: Vec<u32>,
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
            stood: vec![0; robots],
            account: Account { waits_by_place: vec![0; cells], ..Account::default() },
        })
    }

    /// Everybody moves at once.
    fn go(&mut self, step: u32, is_busy: impl Fn(usize) -> bool) -> anyhow::Result<()> {
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
        self.count(step, &after, is_busy);
        self.poses = after;
        self.stands = comes;
        Ok(())
    }

    /// Counts waits, turns and who stands longest.
    fn count(&mut self, step: u32, after: &[(u32, usize)], is_busy: impl Fn(usize) -> bool) {
        let account = &mut self.account;
        for (robot, ((cell, direction), (to, turned))) in self.poses.iter().zip(after).enumerate() {
            account.turns += u64::from(direction != turned);
            if (cell, direction) == (to, turned) {
                account.waits += 1;
                account.waits_by_place[*cell as usize] += 1;
            }
            let stood = &mut self.stood[robot];
            *stood = if cell == to && is_busy(robot) { *stood + 1 } else { 0 };
            if *stood > account.stand.steps {
                account.stand = Stand { robot: robot as u32, steps: *stood, until: step };
            }
        }
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
