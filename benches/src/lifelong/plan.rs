//! A played plan, and its file: the output JSON of the League of Robot Runners' start-kit for 2024 (Start-Kit 2.x,
//! `Input_Output_Format.md`), so that anyone's viewer and checker can read it.

use std::fmt::Write as _;
use std::io::{Read, Write};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::book::Log;
use super::{Problem, Record, play};

const ACTION_MODEL: &str = "MAPF_T";
const VERSION: &str = "2024 LoRR";

/// What a robot does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One cell forward.
    Forward,
    /// A quarter turn clockwise.
    Right,
    /// A quarter turn counterclockwise.
    Left,
    /// Nothing.
    Wait,
}

impl Action {
    const ALL: [Action; 4] = [Action::Forward, Action::Right, Action::Left, Action::Wait];

    fn of(byte: u8) -> Action {
        match byte {
            play::WAIT => Action::Wait,
            play::RIGHT => Action::Right,
            play::LEFT => Action::Left,
            _ => Action::Forward,
        }
    }

    fn letter(self) -> char {
        match self {
            Action::Forward => 'F',
            Action::Right => 'R',
            Action::Left => 'C',
            Action::Wait => 'W',
        }
    }
}

/// From the state after so many actions on, a robot pursues this task, or none.
pub type Pursuit = (u32, Option<u32>);

/// A task as it was revealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revealed(
    /// Id.
    pub u32,
    /// Step after which it is seen.
    pub u32,
    /// Row and column of each errand.
    pub Vec<u32>,
);

/// What was played. Every list is by robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Row, column and direction at the start.
    pub starts: Vec<(u32, u32, String)>,
    /// One byte per step.
    pub actions: Vec<Vec<Action>>,
    /// What it says of tasks.
    pub log: Log,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    action_model: String,
    #[serde(default)]
    version: String,
    team_size: usize,
    start: Vec<(u32, u32, String)>,
    num_task_finished: u32,
    actual_paths: Vec<String>,
    actual_schedule: Vec<String>,
    events: Vec<[u32; 4]>,
    tasks: Vec<Revealed>,
}

impl Plan {
    /// The record of a problem that was played.
    pub fn new(problem: &Problem, record: &Record) -> Plan {
        let map = &problem.map;
        let start = |cell: &u32| {
            let (row, column) = map.place(*cell);
            (row, column, "E".to_owned())
        };
        Plan {
            starts: problem.starts.iter().map(start).collect(),
            log: Log::new(record, &problem.tasks, |cell| <[u32; 2]>::from(map.place(cell)).to_vec()),
            actions: record
                .actions
                .iter()
                .map(|of| of.iter().map(|byte| Action::of(*byte)).collect())
                .collect(),
        }
    }

    /// Steps played.
    pub fn steps(&self) -> usize {
        self.actions.first().map_or(0, Vec::len)
    }

    /// Writes the JSON.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write(&self, file: impl Write) -> anyhow::Result<()> {
        let json = File {
            action_model: ACTION_MODEL.to_owned(),
            version: VERSION.to_owned(),
            team_size: self.actions.len(),
            start: self.starts.clone(),
            num_task_finished: self.log.finished,
            actual_paths: self.actions.iter().map(|actions| path_text(actions)).collect(),
            actual_schedule: self.log.schedule.iter().map(|pursuits| schedule_text(pursuits)).collect(),
            events: self.log.events.clone(),
            tasks: self.log.tasks.clone(),
        };
        let mut file = std::io::BufWriter::new(file);
        serde_json::to_writer(&mut file, &json)?;
        file.flush()?;
        Ok(())
    }

    /// Reads the JSON.
    ///
    /// # Errors
    /// Name the key, the robot, the value and the mend.
    pub fn read(mut file: impl Read) -> anyhow::Result<Plan> {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let file: File = serde_json::from_str(&text).context("not a plan of the 2024 rules")?;
        let model = &file.action_model;
        ensure!(
            model == ACTION_MODEL,
            "`actionModel` is `{model}`; only plans of `{ACTION_MODEL}` can be checked"
        );
        for (key, length) in [
            ("start", file.start.len()),
            ("actualPaths", file.actual_paths.len()),
            ("actualSchedule", file.actual_schedule.len()),
        ] {
            let size = file.team_size;
            ensure!(
                length == size,
                "`{key}` has {length} robots, `teamSize` is {size}; write one entry per robot"
            );
        }
        Ok(Plan {
            starts: file.start,
            actions: per_robot("actualPaths", &file.actual_paths, read_path)?,
            log: Log {
                finished: file.num_task_finished,
                schedule: per_robot("actualSchedule", &file.actual_schedule, read_schedule)?,
                events: file.events,
                tasks: file.tasks,
            },
        })
    }
}

fn path_text(actions: &[Action]) -> String {
    let mut text = String::with_capacity(2 * actions.len());
    for action in actions {
        text.push(action.letter());
        text.push(',');
    }
    text.pop();
    text
}

pub(super) fn schedule_text(pursuits: &[Pursuit]) -> String {
    let mut text = String::new();
    for (step, task) in pursuits {
        // Writing to a String can't fail.
        let _ = match task {
            Some(task) => write!(text, "{step}:{task},"),
            None => write!(text, "{step}:-1,"),
        };
    }
    text.pop();
    text
}

pub(super) fn per_robot<T>(
    key: &str,
    texts: &[String],
    read: impl Fn(&str) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<Vec<T>>> {
    let list = |(robot, text): (usize, &String)| {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items
            .map(&read)
            .collect::<anyhow::Result<Vec<T>>>()
            .with_context(|| format!("`{key}` of robot {robot}"))
    };
    texts.iter().enumerate().map(list).collect()
}

fn read_path(text: &str) -> anyhow::Result<Action> {
    let action = Action::ALL.into_iter().find(|action| text.chars().eq([action.letter()]));
    action.with_context(|| format!("`{text:.20}` is no action; write F, R, C or W"))
}

pub(super) fn read_schedule(text: &str) -> anyhow::Result<Pursuit> {
    let pursuit = text.split_once(':').and_then(|(step, task)| {
        let task: i64 = task.trim().parse().ok()?;
        let task = if task == -1 { None } else { Some(u32::try_from(task).ok()?) };
        Some((step.trim().parse().ok()?, task))
    });
    pursuit.with_context(|| format!("`{text:.20}` is no pursuit; write step:task, or step:-1 for none"))
}
