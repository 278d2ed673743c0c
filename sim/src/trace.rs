//! The whole run as NDJSON, for judges of other people: true poses, wire messages, journal. One line, one happening.

use std::io::{self, Write};

use serde_json::{Value, json};

use drover_core::job::JobSpec;
use drover_core::{Notification, Record, RobotMessage, Time, ToRobot};
use drover_maps::Layout;

use crate::machine::{Begin, Machine};
use crate::oracle::Truth;

/// Writes lines; a failed write is kept and told at the end, so that the world doesn't have to care.
pub struct Trace<'a> {
    out: &'a mut dyn Write,
    start: Time,
    shown: Vec<Option<Truth>>,
    failure: Option<io::Error>,
}

impl<'a> Trace<'a> {
    /// A trace that begins now.
    pub fn new(out: &'a mut dyn Write, start: Time) -> Trace<'a> {
        Trace { out, start, shown: Vec::new(), failure: None }
    }

    /// The head: who plays, where, under which seed.
    pub fn head(&mut self, layout: &Layout, robots: &[Begin], seed: u64) {
        let robots: Vec<Value> = robots
            .iter()
            .map(|robot| {
                let robot_type = layout.robot_type(robot.robot_type);
                json!({
                    "name": robot.name.to_string(), "type": robot_type.name,
                    "length_mm": robot_type.length_mm, "width_mm": robot_type.width_mm,
                })
            })
            .collect();
        self.shown = vec![None; robots.len()];
        let layout = format!("{:016x}", layout.fingerprint());
        self.line(self.start, json!({ "kind": "run", "seed": seed, "start_ms": self.start.0, "layout": layout, "robots": robots }));
    }

    /// A job was published.
    pub fn job(&mut self, now: Time, job: &JobSpec) {
        self.line(now, json!({ "kind": "job", "job": job }));
    }

    /// An order or instant actions left the controller.
    pub fn down(&mut self, now: Time, robot: &Machine, message: &ToRobot) {
        let (topic, body) = match message {
            ToRobot::Order(order) => ("order", json!(order)),
            ToRobot::InstantActions(actions) => ("instantActions", json!(actions)),
        };
        self.line(now, json!({ "kind": topic, "robot": robot.name.to_string(), "message": body }));
    }

    /// A robot's message left it, or arrived at the controller.
    pub fn up(&mut self, now: Time, robot: &Machine, message: &RobotMessage, arrived: bool) {
        let (topic, body) = match message {
            RobotMessage::State(state) => ("state", json!(state)),
            RobotMessage::Connection(connection) => ("connection", json!(connection)),
            RobotMessage::Factsheet(factsheet) => ("factsheet", json!(factsheet)),
        };
        let name = robot.name.to_string();
        if arrived {
            let id = body.get("headerId").cloned().unwrap_or_default();
            self.line(now, json!({ "kind": "arrived", "topic": topic, "robot": name, "headerId": id }));
        } else {
            self.line(now, json!({ "kind": topic, "robot": name, "message": body }));
        }
    }

    /// A record became durable.
    pub fn record(&mut self, now: Time, record: &Record) {
        self.line(now, json!({ "kind": "record", "record": record }));
    }

    /// An event for customers left.
    pub fn notification(&mut self, now: Time, notification: &Notification) {
        self.line(now, json!({ "kind": "event", "event": notification }));
    }

    /// Where the robots truly are; only those that moved since they were last shown.
    pub fn poses(&mut self, now: Time, robots: &[Machine], truths: &[Truth]) {
        for (index, truth) in truths.iter().enumerate() {
            if self.shown.get(index).is_some_and(|shown| shown.as_ref() != Some(truth)) {
                let at = &truth.outline;
                let place = json!({
                    "kind": "pose", "robot": robots[index].name.to_string(), "map": truth.map,
                    "x": at.x_m, "y": at.y_m, "theta": at.theta_rad,
                });
                self.shown[index] = Some(truth.clone());
                self.line(now, place);
            }
        }
    }

    /// Whether every line was written.
    pub fn finish(self) -> io::Result<()> {
        match self.failure {
            Some(failure) => Err(failure),
            None => self.out.flush(),
        }
    }

    fn line(&mut self, now: Time, mut body: Value) {
        if let Some(map) = body.as_object_mut() {
            map.insert("t_ms".into(), now.since_ms(self.start).into());
        }
        if self.failure.is_none() {
            self.failure = writeln!(self.out, "{body}").err();
        }
    }
}
