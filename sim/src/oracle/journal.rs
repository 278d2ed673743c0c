//! What the journal tells the rules: which processes wrote it, and what is in it.

use std::collections::BTreeSet;

use drover_core::job::JobSpec;
use drover_core::record::DecodeError;
use drover_core::{Command, Digest, Entry, Epoch, Event, JobId, Record, RobotName, Seq, Time, Wish};

use super::{Breach, Oracle, replay};
use crate::story::Happened;

impl Oracle {
    /// The process of this epoch acts from here on: it hears, sends and acknowledges all that is told next. A run that
    /// never says so has one process, of epoch 1.
    pub fn acts(&mut self, epoch: Epoch) {
        self.writer.acts(epoch);
    }

    /// A process took over the lead, with the journal read back up to `seq`.
    pub fn process_began(&mut self, now: Time, epoch: Epoch, seq: Seq) {
        let breaches = self.writer.began(epoch, seq);
        self.judge(now, breaches);
    }

    /// A job was published to the queue.
    pub fn job_published(&mut self, job: &JobSpec) {
        self.fifo.published(job);
    }

    /// The queue was told that a job is taken over, refused or known: it forgets it.
    pub fn job_acked(&mut self, now: Time, job: &JobId) {
        let breaches = self.writer.acked(job);
        self.judge(now, breaches);
    }

    /// A record became durable.
    pub fn recorded(&mut self, now: Time, record: &Record) {
        let mut breaches = self.writer.recorded(record);
        breaches.extend(self.bounded.recorded(record));
        for entry in &record.entries {
            breaches.extend(self.noted(now, entry));
        }
        self.judge(now, breaches);
    }

    fn noted(&mut self, now: Time, entry: &Entry) -> Vec<Breach> {
        let mut breaches = Vec::new();
        match &entry.event {
            Event::RobotEnrolled { name, robot_type } => {
                let robot = self.named.get(&name.to_string()).copied();
                self.enrolled.push(robot);
                robot.into_iter().for_each(|robot| self.types[robot] = Some(*robot_type));
            }
            Event::JobSubmitted(spec) => breaches.extend(self.submitted(spec, entry.is_refused())),
            Event::Robot { robot, .. } => {
                if let Some(robot) = self.robot_of(*robot) {
                    self.modes.recorded(robot, &entry.event);
                }
            }
            Event::Wished { wish, .. } => {
                if let Wish::ReleaseRobots(names) = &**wish {
                    self.remove(names, entry);
                }
            }
            Event::Tick
            | Event::Configured(_)
            | Event::JobCancelled { .. }
            | Event::JobUpdated { .. }
            | Event::LegConfirmed { .. }
            | Event::LegShort { .. }
            | Event::Device { .. }
            | Event::Audited(_)
            | Event::StrangersExpected(_)
            | Event::Confirmed { .. } => {}
        }
        for command in &entry.commands {
            self.committed(now, entry.time, command);
        }
        breaches.extend(self.circle(entry));
        breaches
    }

    fn submitted(&mut self, spec: &JobSpec, is_refused: bool) -> Option<Breach> {
        if !is_refused {
            self.conserved.accepted(spec, &self.layout);
            self.jobs.specs.entry(spec.id.clone()).or_insert_with(|| spec.clone());
        }
        self.fifo.submitted(spec, is_refused)
    }

    /// A named person has carried robots off the floor: what they held is free by that word.
    fn remove(&mut self, names: &[RobotName], entry: &Entry) {
        if entry.commands.iter().any(|command| matches!(command, Command::Refuse { .. })) {
            return;
        }
        for robot in names.iter().filter_map(|name| self.named.get(&name.to_string()).copied()) {
            self.heard.remove(robot);
            self.said.remove(robot);
            self.strays.remove(robot);
        }
    }

    fn committed(&mut self, now: Time, decided: Time, command: &Command) {
        if let Command::Assign { job, robot } = command
            && let Some(robot) = self.robot_of(*robot)
        {
            self.story.note(now, robot, Happened::Job(format!("gets job {job}")));
            self.jobs.of_robot.insert(robot, job.clone());
        }
        if let Command::Release { robot, order } = command
            && let Some(robot) = self.robot_of(*robot)
        {
            self.writer.released(robot, decided, order);
        }
    }

    fn circle(&mut self, entry: &Entry) -> Option<Breach> {
        let (robots, text) = self.acyclic.recorded(entry, &self.layout)?;
        let robots: Vec<usize> =
            robots.iter().filter_map(|robot| self.enrolled.get(*robot).copied().flatten()).collect();
        Some(Breach::new("Acyclic", &robots, text))
    }

    /// The whole journal, at the end, and the digest the live fleet has.
    pub fn replayed(
        &mut self,
        now: Time,
        records: impl Iterator<Item = Result<Record, DecodeError>>,
        live: Digest,
    ) {
        let (mut kept, mut unreadable) = (BTreeSet::new(), None);
        let readable = records.map_while(|record| record.map_err(|error| unreadable = Some(error)).ok());
        let noted = readable.inspect(|record| {
            for entry in &record.entries {
                if let Event::JobSubmitted(spec) = &entry.event {
                    kept.insert(spec.id.clone());
                }
            }
        });
        let replayed = replay::replayed(&self.layout, noted, live);
        if let Some(error) = unreadable {
            return self.unreadable(now, &error);
        }
        let breaches = self.writer.lost(&kept).into_iter().chain(replayed).collect();
        self.judge(now, breaches);
    }

    /// A record can't be read back.
    pub fn unreadable(&mut self, now: Time, error: &DecodeError) {
        self.judge(now, vec![Breach::new("Replay", &[], error.to_string())]);
    }

    /// A process can't be restored from the journal, or writes what doesn't follow it.
    pub fn unrestorable(&mut self, now: Time, why: &str) {
        self.judge(now, vec![Breach::new("Replay", &[], why.to_owned())]);
    }
}
