//! The controller's side of the world: processes that lead, stand by, die and wake; their store, and both job queues.

use drover_core::command::Rejection;
use drover_core::job::JobRequest;
use drover_core::{
    Caller, Command, Effect, Epoch, Input, Notification, RobotName, Site, Ticket, Time, ToRobot, Verdict,
};

use super::{Happening, World};
use crate::intake::Delivery;
use crate::net::Way;
use crate::process::{Blow, LEASE_MS, Point, RENEW_MS, Struck};
use crate::scenario::START;
use crate::store::Appended;
use crate::wire::WireError;

/// A process that died is started again after so long, ms: shortest and longest.
const RESTART_MS: [u64; 2] = [200, 6_000];
/// Pause between two attempts to append, ms: shortest and longest.
const RETRY_MS: [u64; 2] = [20, 500];

impl World<'_> {
    /// The process that leads by the store's word.
    pub(super) fn leader(&self) -> Option<usize> {
        let lease = self.store.lease()?;
        let process = &self.processes[lease.holder];
        (process.leads() && process.epoch == lease.epoch).then_some(lease.holder)
    }

    /// A process starts: it takes the lead if it may, or stands by.
    pub(super) fn start(&mut self, index: usize) -> Result<(), WireError> {
        if self.processes[index].is_up {
            return Ok(());
        }
        self.processes[index].is_up = true;
        let life = self.processes[index].life;
        self.look_at_lease(index, life)
    }

    /// The lease is renewed, or taken when it is free, ours or over.
    pub(super) fn look_at_lease(&mut self, index: usize, life: u64) -> Result<(), WireError> {
        let process = &self.processes[index];
        if !process.is_up || process.life != life {
            return Ok(());
        }
        if self.is_leased() {
            self.queue.push(self.now.plus_ms(RENEW_MS), Happening::Lease { process: index, life });
        }
        if process.is_asleep || self.ailing.store_down {
            return Ok(());
        }
        let expires = self.now.plus_ms(LEASE_MS);
        if process.leads() {
            let epoch = process.epoch;
            if !self.store.renew(epoch, expires) {
                return self.depose(index);
            }
            self.processes[index].sure_until = expires;
            self.oracle.acts(epoch);
            self.say_unsaid(index);
            return Ok(());
        }
        let is_free =
            self.store.lease().is_none_or(|lease| lease.holder == index || lease.expires <= self.now);
        if is_free { self.take_lead(index, expires) } else { Ok(()) }
    }

    /// Somebody may take the lead from another, or lose it: else the lease needs no keeping.
    fn is_leased(&self) -> bool {
        self.processes.len() > 1 || !self.setup.faults.is_empty() || self.setup.blow.is_some()
    }

    fn take_lead(&mut self, index: usize, expires: Time) -> Result<(), WireError> {
        let epoch = self.store.lead(index, expires);
        let Some(site) = self.restore(epoch) else {
            // Can't be read: the process ends, and is started again.
            return self.fell(index);
        };
        self.oracle.process_began(self.now, epoch, site.seq());
        let process = &mut self.processes[index];
        process.site = Some(site);
        process.epoch = epoch;
        process.sure_until = expires;
        self.consumer = Some(index);
        self.intake.consume();
        self.connect_speaker(index)?;
        self.tell(index, Input::Clock)?;
        self.deliver();
        Ok(())
    }

    /// The mind as the store tells.
    fn restore(&mut self, epoch: Epoch) -> Option<Site> {
        let (layout, config) = (self.setup.layout.clone(), self.setup.config.clone());
        let loaded = match self.store.load() {
            Ok(loaded) => loaded,
            Err(error) => {
                self.oracle.unreadable(self.now, &error);
                return None;
            }
        };
        if loaded.snapshot.is_none() && loaded.records.is_empty() {
            return Some(Site::new(layout, config, epoch, self.now));
        }
        let snapshot = loaded.snapshot.as_ref().map(|(seq, bytes)| (*seq, bytes.as_slice()));
        match Site::restore(layout, config, epoch, snapshot, &loaded.records, self.now) {
            Ok(site) => Some(site),
            Err(error) => {
                self.oracle.unrestorable(self.now, &error.to_string());
                None
            }
        }
    }

    /// One input for a process that leads, as far as no planted bug changes it.
    pub(super) fn tell(&mut self, index: usize, input: Input) -> Result<(), WireError> {
        let Some(mutant) = &mut self.mutant else { return self.hand_in(index, input) };
        let mut inputs = vec![input];
        mutant.input(self.now, &mut inputs);
        inputs.into_iter().try_for_each(|input| self.hand_in(index, input))
    }

    /// One input for a process that leads; one that sleeps takes it when it wakes.
    fn hand_in(&mut self, index: usize, input: Input) -> Result<(), WireError> {
        if !self.processes[index].leads() {
            return Ok(());
        }
        if self.processes[index].is_asleep {
            self.processes[index].waiting.push_back(input);
            return Ok(());
        }
        match self.processes[index].pass(Point::BeforeStep) {
            Struck::Not => {}
            Struck::By(Blow::Stall(ms)) => {
                self.processes[index].waiting.push_back(input);
                self.fall_asleep(index, ms);
                return Ok(());
            }
            Struck::By(blow @ (Blow::Crash | Blow::Tear)) => return self.strike(index, blow),
        }
        self.oracle.acts(self.processes[index].epoch);
        let mut effects = Vec::new();
        if let Some(site) = &mut self.processes[index].site {
            site.receive(self.now, input, &mut effects);
        }
        if let Some(mutant) = &mut self.mutant {
            mutant.effects(self.now, &mut effects);
        }
        self.processes[index].effects.extend(effects);
        if self.is_struck(index, Point::AfterStep)? {
            return Ok(());
        }
        self.carry_out(index)?;
        self.arm(index);
        Ok(())
    }

    /// What the mind asked for, in order, as far as the process lives and wakes.
    fn carry_out(&mut self, index: usize) -> Result<(), WireError> {
        while let Some(effect) = self.processes[index].effects.front() {
            let points = match effect {
                Effect::Append(_) => Some((Point::BeforeAppend, Point::AfterAppend)),
                Effect::Answer { .. } => Some((Point::BeforeAck, Point::AfterAck)),
                Effect::Send { .. } | Effect::SendDevice { .. } | Effect::Notify(_) => {
                    Some((Point::BeforePublish, Point::AfterPublish))
                }
                Effect::Alarm(_) | Effect::Snapshot { .. } => None,
            };
            if let Some((before, _)) = points
                && self.is_struck(index, before)?
            {
                return Ok(());
            }
            let Some(effect) = self.processes[index].effects.pop_front() else { return Ok(()) };
            self.oracle.acts(self.processes[index].epoch);
            self.act(index, effect);
            if let Some((_, after)) = points
                && self.is_struck(index, after)?
            {
                return Ok(());
            }
        }
        let process = &self.processes[index];
        let is_idle = process.site.as_ref().is_some_and(Site::is_idle);
        if process.is_stopping && is_idle { self.stop_now(index) } else { Ok(()) }
    }

    fn act(&mut self, index: usize, effect: Effect) {
        match effect {
            Effect::Append(record) => {
                self.processes[index].in_flight = Some(record);
                self.try_append(index, self.setup.commit.min_ms, self.setup.commit.max_ms);
            }
            Effect::Answer { ticket, verdict } => self.answer(index, ticket, &verdict),
            Effect::Send { name, message } => self.send(index, &name, message),
            Effect::Notify(notification) => {
                self.processes[index].unsaid.push_back(*notification);
                self.say_unsaid(index);
            }
            Effect::SendDevice { name, request } => self.send_device(index, &name, request),
            Effect::Alarm(alarm) => {
                self.traffic.alarms += 1;
                self.marks.note("alarm", alarm.code.as_str());
                let site = self.processes[index].site.as_ref();
                if let (Some(recorder), Some(site)) = (&mut self.recorder, site) {
                    recorder.alarm(self.now.since_ms(START), &alarm, site.fleet());
                }
            }
            Effect::Snapshot { seq, bytes } => {
                if !self.ailing.store_down && !self.ailing.store_full {
                    self.store.keep_snapshot(self.processes[index].epoch, seq, bytes);
                }
            }
        }
    }

    fn is_struck(&mut self, index: usize, point: Point) -> Result<bool, WireError> {
        match self.processes[index].pass(point) {
            Struck::Not => Ok(false),
            Struck::By(blow) => self.strike(index, blow).map(|()| true),
        }
    }

    fn strike(&mut self, index: usize, blow: Blow) -> Result<(), WireError> {
        match blow {
            Blow::Crash => {
                self.marks.note("fault", "crash");
                self.fell(index)
            }
            Blow::Tear => {
                self.marks.note("fault", "torn_write");
                if let Some(Effect::Append(record)) = self.processes[index].effects.front() {
                    self.store.tear(record);
                }
                self.fell(index)
            }
            Blow::Stall(ms) => {
                self.fall_asleep(index, ms);
                Ok(())
            }
        }
    }

    fn fall_asleep(&mut self, index: usize, ms: u64) {
        self.marks.note("fault", "stall");
        let process = &mut self.processes[index];
        process.is_asleep = true;
        let life = process.life;
        self.queue.push(self.now.plus_ms(ms), Happening::Wake { process: index, life });
        if ms > LEASE_MS && self.consumer == Some(index) && self.processes.len() > 1 {
            // Its heartbeats stop: the broker gives the queue to whoever asks next.
            self.consumer = None;
            self.intake.abandon();
        }
    }

    /// It goes on where it was, as if no time had passed: first with what it was about to do.
    pub(super) fn wake(&mut self, index: usize, life: u64) -> Result<(), WireError> {
        if self.processes[index].life != life || !self.processes[index].is_asleep {
            return Ok(());
        }
        self.processes[index].is_asleep = false;
        self.carry_out(index)?;
        while self.processes[index].life == life && !self.processes[index].is_asleep {
            let Some(input) = self.processes[index].waiting.pop_front() else { break };
            if self.leader() == Some(index) {
                self.listen_in(index, input)?;
            } else {
                // What it hears now, others have heard long ago.
                self.tell(index, input)?;
            }
        }
        if self.processes[index].life == life && self.processes[index].leads() {
            self.tell(index, Input::Clock)?;
            if self.consumer.is_none() && self.leader() == Some(index) {
                self.consumer = Some(index);
                self.intake.consume();
                self.deliver();
            }
        }
        Ok(())
    }

    /// A process is gone; what the store worked on may still become durable. It is started again soon.
    pub(super) fn fell(&mut self, index: usize) -> Result<(), WireError> {
        let in_flight = self.processes[index].fall();
        let before = self.store.tip();
        if let Some(record) =
            in_flight.filter(|_| !self.ailing.refuses_appends() && self.chance.below(2) == 0)
            && self.store.append(&record) == Appended::Durable
            && self.store.tip() != before
        {
            self.is_durable(&record);
        }
        self.leave(index);
        let at = self.now.plus_ms(self.chance.within(RESTART_MS[0], RESTART_MS[1]));
        self.queue.push(at, Happening::Start { process: index });
        Ok(())
    }

    /// It leads no more and ends; its next life begins as a standby.
    pub(super) fn depose(&mut self, index: usize) -> Result<(), WireError> {
        self.processes[index].fall();
        self.leave(index);
        self.queue.push(self.now.plus_ms(RESTART_MS[0]), Happening::Start { process: index });
        Ok(())
    }

    fn leave(&mut self, index: usize) {
        if self.speaker == Some(index) {
            self.speaker = None;
        }
        if self.consumer == Some(index) {
            self.consumer = None;
            self.intake.abandon();
        }
    }

    /// A graceful stop: everything is written, then the last snapshot, then the lease is given back.
    pub(super) fn stop(&mut self, index: usize) -> Result<(), WireError> {
        self.processes[index].is_stopping = true;
        self.tell(index, Input::Clock)
    }

    fn stop_now(&mut self, index: usize) -> Result<(), WireError> {
        let process = &self.processes[index];
        let epoch = process.epoch;
        if let Some((seq, bytes)) = process.site.as_ref().and_then(Site::snapshot) {
            self.store.keep_snapshot(epoch, seq, bytes);
        }
        self.store.renew(epoch, Time(0));
        self.marks.note("fault", "stop");
        self.processes[index].fall();
        self.leave(index);
        let at = self.now.plus_ms(self.chance.within(RESTART_MS[0], RESTART_MS[1]));
        self.queue.push(at, Happening::Start { process: index });
        Ok(())
    }

    fn arm(&mut self, index: usize) {
        let process = &mut self.processes[index];
        let Some(site) = &process.site else { return };
        let next = site.next_timeout().map(|at| at.max(self.now));
        if next != process.timer {
            process.timer = next;
            let life = process.life;
            if let Some(at) = next {
                self.queue.push(at, Happening::SiteTimer { process: index, life });
            }
        }
    }

    pub(super) fn ring(&mut self, index: usize, life: u64) -> Result<(), WireError> {
        let process = &mut self.processes[index];
        if process.life != life || process.timer != Some(self.now) {
            return Ok(());
        }
        process.timer = None;
        self.tell(index, Input::Clock)
    }

    fn try_append(&mut self, index: usize, min_ms: u64, max_ms: u64) {
        let slow_ms = self.ailing.store_slow_ms;
        let at = self.now.plus_ms(self.chance.within(min_ms, max_ms + slow_ms));
        let life = self.processes[index].life;
        self.queue.push(at, Happening::Append { process: index, life });
    }

    /// The store comes to the append in flight: durable, failed, or durable without a word.
    pub(super) fn append(&mut self, index: usize, life: u64) -> Result<(), WireError> {
        if self.processes[index].life != life {
            return Ok(());
        }
        let fails = self.ailing.refuses_appends() || self.happens(self.ailing.commit_fails_pct);
        if fails {
            self.try_append(index, RETRY_MS[0], RETRY_MS[1]);
            return Ok(());
        }
        let Some(record) = self.processes[index].in_flight.take() else { return Ok(()) };
        let before = self.store.tip();
        match self.store.append(&record) {
            Appended::Durable => {}
            Appended::Fenced => return self.depose(index),
            Appended::OutOfPlace => {
                self.oracle.unrestorable(self.now, "a record doesn't follow the journal's last");
                return self.depose(index);
            }
        }
        if self.store.tip() != before {
            self.is_durable(&record);
        }
        if self.happens(self.ailing.commit_unknown_pct) {
            self.processes[index].in_flight = Some(record);
            self.try_append(index, RETRY_MS[0], RETRY_MS[1]);
            return Ok(());
        }
        self.tell(index, Input::Committed { seq_to: record.seq_to })
    }

    pub(super) fn happens(&mut self, pct: u64) -> bool {
        pct > 0 && self.chance.below(100) < pct
    }

    fn is_durable(&mut self, record: &drover_core::Record) {
        self.traffic.events += record.entries.len() as u64;
        for command in record.entries.iter().flat_map(|entry| &entry.commands) {
            if let Command::Reject(Rejection { code, .. }) | Command::Refuse { code, .. } = command {
                self.marks.note("reject", code.as_str());
            }
        }
        self.oracle.recorded(self.now, record);
        if let Some(trace) = &mut self.trace {
            trace.record(self.now, record);
        }
    }

    /// A producer publishes.
    pub(super) fn publish(&mut self, request: usize) -> Result<(), WireError> {
        self.published += 1;
        if let JobRequest::Submit(job) = &self.requests[request].1 {
            self.oracle.job_published(job);
            if let Some(trace) = &mut self.trace {
                trace.job(self.now, job);
            }
        }
        self.last_news = self.now;
        self.intake.publish(request);
        self.deliver();
        Ok(())
    }

    pub(super) fn deliver(&mut self) {
        while let Some((at, delivery)) = self.intake.deliver(self.now) {
            self.queue.push(at, Happening::Deliver(delivery));
        }
    }

    pub(super) fn hand_over(&mut self, delivery: Delivery) -> Result<(), WireError> {
        let Some(request) = self.intake.request(delivery) else { return Ok(()) };
        let Some(consumer) = self.consumer else { return Ok(()) };
        let request = self.requests[request].1.clone();
        self.tell(consumer, Input::Job { ticket: Some(Ticket(delivery.place as u64)), request, by: None })
    }

    /// An acknowledgement; the broker takes it only from its consumer.
    fn answer(&mut self, index: usize, ticket: Ticket, verdict: &Verdict) {
        if self.consumer != Some(index) {
            return;
        }
        let Some(request) = self.intake.answer(ticket.0 as usize) else { return };
        if let JobRequest::Submit(job) = &self.requests[request].1 {
            self.oracle.job_acked(self.now, &job.id);
        }
        match verdict {
            Verdict::Accepted if matches!(self.requests[request].1, JobRequest::Submit(_)) => {}
            Verdict::Accepted => self.marks.note("fault", "jobs_changed"),
            Verdict::Ignored => self.marks.note("fault", "jobs_twice"),
            Verdict::Rejected { .. } => {
                self.refused.insert(request);
                let is_ours = matches!(&self.requests[request].1, JobRequest::Submit(job)
                    if self.setup.jobs.iter().any(|(_, known)| known == &**job));
                self.tally.refused += usize::from(is_ours);
            }
        }
        self.deliver();
    }

    /// A message to a robot's broker: only with the session, and only while nobody else can lead.
    fn send(&mut self, index: usize, name: &RobotName, message: ToRobot) {
        if !self.may_speak(index) {
            return;
        }
        let Some(robot) = self.places.get(name).copied() else { return };
        self.traffic.down += 1;
        if let Some(trace) = &mut self.trace {
            trace.down(self.now, &self.robots[robot], &message);
        }
        match &message {
            ToRobot::Order(order) => self.oracle.order_sent(self.now, robot, order),
            ToRobot::InstantActions(actions) => self.oracle.instant_sent(self.now, robot, actions),
        }
        if !self.lines[robot].is_up {
            return;
        }
        let session = self.lines[robot].session;
        for at in self.net.arrivals(robot, Way::Down, self.now).into_iter().flatten() {
            let message = message.clone();
            self.queue.push(at, Happening::Down { robot, session, message });
        }
    }

    /// Two guards against speaking late: the session is this process's, and its lease is surely not over.
    pub(super) fn may_speak(&self, index: usize) -> bool {
        let is_sure = self.is_sure(index);
        let has_session = self.speaker == Some(index);
        (has_session || !self.setup.guards.session) && (is_sure || !self.setup.guards.lease)
    }

    /// Events leave in order, and only while nobody else can lead.
    fn say_unsaid(&mut self, index: usize) {
        let life = self.processes[index].life;
        while !self.setup.guards.lease || self.is_sure(index) {
            let Some(notification) = self.processes[index].unsaid.pop_front() else { return };
            self.notify(index, life, &notification);
        }
    }

    /// Nobody else can have taken the lead yet.
    fn is_sure(&self, index: usize) -> bool {
        !self.is_leased() || self.now < self.processes[index].sure_until
    }

    fn notify(&mut self, index: usize, life: u64, notification: &Notification) {
        self.oracle.notified(self.now, notification);
        self.tally.notified(notification);
        if let Some(recorder) = &mut self.recorder {
            recorder.notified(self.now.since_ms(START), notification);
        }
        if let Some(trace) = &mut self.trace {
            trace.notification(self.now, notification);
        }
        self.last_news = self.now;
        let delay = self.events_delay.within(self.setup.latency.min_ms, self.setup.latency.max_ms);
        let n = notification.n;
        self.queue.push(self.now.plus_ms(delay), Happening::Confirmed { process: index, life, n });
    }

    pub(super) fn confirm_event(&mut self, index: usize, life: u64, n: u64) -> Result<(), WireError> {
        if self.processes[index].life != life {
            return Ok(());
        }
        if self.ailing.events_down {
            // Unconfirmed: it is published again until the broker is back.
            let at = self.now.plus_ms(RENEW_MS);
            self.queue.push(at, Happening::Confirmed { process: index, life, n });
            return Ok(());
        }
        self.tell(index, Input::EventConfirmed { n })
    }

    /// Somebody asks the leader for something.
    pub(super) fn ask(&mut self, input: impl FnOnce(Caller) -> Input, who: &str) -> Result<(), WireError> {
        let Some(leader) = self.leader() else { return Ok(()) };
        let by = Caller { name: who.to_owned(), ..Caller::default() };
        self.tell(leader, input(by))
    }
}
