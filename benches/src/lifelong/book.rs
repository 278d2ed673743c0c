//! The checkers' own book of tasks: who pursues what, which errands are done, when tasks are revealed. Independent: it knows
//! the problem's tasks and the played plan, and nothing the planner works with.
//!
//! A robot pursues a task that is revealed and unfinished, alone; whoever has done a first errand does the rest, in order.
//! Tasks are revealed in the order of the file, as soon as others are finished.

use anyhow::{bail, ensure};

use super::plan::{Pursuit, Revealed};
use super::play::Record;

/// What a played plan says of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Tasks finished.
    pub finished: u32,
    /// Changes of task, by robot.
    pub schedule: Vec<Vec<Pursuit>>,
    /// Step, robot, task and how many of its errands are done then.
    pub events: Vec<[u32; 4]>,
    /// Tasks in the order they were revealed.
    pub tasks: Vec<Revealed>,
}

impl Log {
    /// The record's, whose tasks had these errands, repeated from the top; `named`: a place as a plan's file names it.
    pub fn new(record: &Record, errands: &[Vec<u32>], named: impl Fn(u32) -> Vec<u32>) -> Log {
        let task = |(id, release): (u32, &u32)| {
            let places = errands[id as usize % errands.len()].iter();
            Revealed(id, *release, places.flat_map(|place| named(*place)).collect())
        };
        Log {
            finished: record.finished.last().copied().unwrap_or(0),
            schedule: record.schedule.clone(),
            events: record.events.clone(),
            tasks: (0..).zip(&record.releases).map(task).collect(),
        }
    }
}

/// How far a task is.
#[derive(Clone, Debug)]
struct Progress {
    done: usize,
    pursued_by: Option<u32>,
    begun_by: Option<u32>,
}

/// The book, kept step by step.
pub struct Book<'a> {
    log: &'a Log,
    /// Places to visit in order, by task; repeated from the top.
    errands: &'a [Vec<u32>],
    /// So many unfinished tasks are seen at once.
    revealed: usize,
    /// A place as `tasks` of the log names it.
    named: &'a dyn Fn(u32) -> Vec<u32>,
    pursues: Vec<Option<u32>>,
    /// Entries of each schedule that have come true.
    scheduled: Vec<usize>,
    /// By id.
    tasks: Vec<Progress>,
    /// Events that have come true.
    events: usize,
    /// Tasks finished before and after each step.
    finished: Vec<u32>,
    done: u32,
}

impl<'a> Book<'a> {
    /// Nothing has been revealed yet.
    pub fn new(
        log: &'a Log,
        errands: &'a [Vec<u32>],
        revealed: usize,
        named: &'a dyn Fn(u32) -> Vec<u32>,
    ) -> Book<'a> {
        let robots = log.schedule.len();
        Book {
            log,
            errands,
            revealed,
            named,
            pursues: vec![None; robots],
            scheduled: vec![0; robots],
            tasks: Vec::new(),
            events: 0,
            finished: Vec::new(),
            done: 0,
        }
    }

    /// The robot has a task.
    pub fn is_busy(&self, robot: usize) -> bool {
        self.pursues[robot].is_some()
    }

    /// The schedule's entries for this step come true.
    ///
    /// # Errors
    /// If a robot pursues what it mayn't.
    pub fn pursue(&mut self, step: u32) -> anyhow::Result<()> {
        let mut changed = Vec::new();
        for (robot, schedule) in (0..).zip(&self.log.schedule) {
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

    /// Robots at the place of their next errand do it; `at`: where each robot is.
    ///
    /// # Errors
    /// If the log says otherwise.
    pub fn visit(&mut self, step: u32, at: impl Fn(usize) -> Option<u32>) -> anyhow::Result<()> {
        for robot in 0..self.pursues.len() as u32 {
            let Some(id) = self.pursues[robot as usize] else { continue };
            let errands = self.errands(id);
            let task = &mut self.tasks[id as usize];
            if at(robot as usize) != Some(errands[task.done]) {
                continue;
            }
            task.done += 1;
            task.begun_by = Some(robot);
            let event = [step, robot, id, task.done as u32];
            if task.done == errands.len() {
                self.pursues[robot as usize] = None;
                self.done += 1;
            }
            let listed = self.log.events.get(self.events);
            ensure!(
                listed == Some(&event),
                "step {step}: robot {robot} does errand {} of task {id}, but `events` has {} where {event:?} belongs",
                event[3],
                listed.map_or("nothing".to_owned(), |listed| format!("{listed:?}"))
            );
            self.events += 1;
        }
        let next = self.log.events.get(self.events).filter(|event| event[0] <= step);
        if let Some(event @ [_, robot, task, errand]) = next {
            bail!(
                "step {step}: `events` has {event:?}, but robot {robot} doesn't do errand {errand} of task {task} in this step"
            );
        }
        Ok(())
    }

    /// Tasks are revealed until enough are seen.
    ///
    /// # Errors
    /// If the log says otherwise.
    pub fn reveal(&mut self, step: u32) -> anyhow::Result<()> {
        while self.tasks.len() - (self.done as usize) < self.revealed {
            let id = self.tasks.len() as u32;
            let places = self.errands(id).iter().flat_map(|place| (self.named)(*place));
            let task = Revealed(id, step, places.collect());
            let listed = self.log.tasks.get(id as usize);
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
        self.finished.push(self.done);
        Ok(())
    }

    /// Tasks finished before and after each step, of which there were so many.
    ///
    /// # Errors
    /// If the log goes on.
    pub fn end(self, steps: u32) -> anyhow::Result<Vec<u32>> {
        if let Some(event) = self.log.events.get(self.events) {
            bail!("step {steps} is the last, but `events` goes on with {event:?}");
        }
        if let Some(Revealed(id, step, _)) = self.log.tasks.get(self.tasks.len()) {
            bail!(
                "step {steps} is the last, but `tasks` has task {id} of step {step}, which is never revealed"
            );
        }
        for (robot, (schedule, scheduled)) in self.log.schedule.iter().zip(&self.scheduled).enumerate() {
            if let Some((step, _)) = schedule.get(*scheduled) {
                bail!("step {steps} is the last, but the schedule of robot {robot} goes on with step {step}");
            }
        }
        ensure!(
            self.done == self.log.finished,
            "step {steps}: {} tasks are finished, but `numTaskFinished` is {}",
            self.done,
            self.log.finished
        );
        Ok(self.finished)
    }

    fn errands(&self, id: u32) -> &'a [u32] {
        &self.errands[id as usize % self.errands.len()]
    }
}
