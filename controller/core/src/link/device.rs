//! ONE device's session: soft state. Says what is wanted until its state shows it; reads its states into facts.

use drover_proto::device::{Condition, DeviceConnection, DeviceRequest, DeviceState, Presence, VERSION};

use super::write;
use crate::clock::Time;
use crate::config::Config;
use crate::device::{Device, Level, Observed};
use crate::event::DeviceFact;

/// The session with one device.
#[derive(Clone, Debug)]
pub(crate) struct DeviceLink {
    /// What is committed to be wanted.
    want: Level,
    shown: Option<Level>,
    heard_at: Option<Time>,
    sent_at: Option<Time>,
}

impl DeviceLink {
    /// A session that hasn't heard of its device.
    pub(crate) fn new(device: &Device) -> DeviceLink {
        DeviceLink { want: device.want, shown: None, heard_at: None, sent_at: None }
    }

    /// A committed wish takes the place of the one before.
    pub(crate) fn want(&mut self, want: Level) {
        self.want = want;
        self.sent_at = None;
    }

    /// What the state proves that the fleet doesn't know yet.
    pub(crate) fn on_state(&mut self, now: Time, state: &DeviceState, device: &Device) -> Vec<DeviceFact> {
        self.heard_at = Some(now);
        self.shown = state.want.map(read_level);
        let observed = observed(state.state);
        let mut facts = Vec::new();
        if !device.is_online {
            facts.push(DeviceFact::Online(true));
        }
        if device.is_silent {
            facts.push(DeviceFact::Silent(false));
        }
        if observed != device.observed || state.reason != device.reason {
            facts.push(DeviceFact::Shows { observed, reason: state.reason.clone() });
        }
        facts
    }

    /// What the broker says of its agent. Online comes with the first state: a retained word may be old.
    pub(crate) fn on_connection(
        &mut self,
        message: &DeviceConnection,
        device: &Device,
    ) -> Option<DeviceFact> {
        match message.state {
            Presence::Online => None,
            Presence::Offline | Presence::Lost => device.is_online.then_some(DeviceFact::Online(false)),
        }
    }

    /// It has been silent for too long, and the fleet doesn't know.
    pub(crate) fn silence(&mut self, now: Time, device: &Device, config: &Config) -> Option<DeviceFact> {
        let due = self.silent_at(device, config, now)?;
        (due <= now).then_some(DeviceFact::Silent(true))
    }

    /// After a start of ours the journal's word counts until the device had the time to speak.
    fn silent_at(&mut self, device: &Device, config: &Config, now: Time) -> Option<Time> {
        if !device.is_online || device.is_silent {
            return None;
        }
        Some(self.heard_at.get_or_insert(now).plus_ms(config.device_silent_ms))
    }

    /// The request that is due now, if any.
    pub(crate) fn poll(&mut self, now: Time, config: &Config) -> Option<DeviceRequest> {
        if self.due_at(config)? > now {
            return None;
        }
        self.sent_at = Some(now);
        let want = match self.want {
            Level::Open => drover_proto::device::Level::Open,
            Level::Closed => drover_proto::device::Level::Closed,
        };
        Some(DeviceRequest { v: VERSION, at: write::moment(now), want })
    }

    fn due_at(&self, config: &Config) -> Option<Time> {
        // An agent that has seen no request keeps its device closed by itself.
        let is_told = self.shown.unwrap_or(Level::Closed) == self.want;
        (!is_told).then(|| self.sent_at.map_or(Time(0), |sent| sent.plus_ms(config.resend_ms)))
    }

    /// When `poll` or `silence` has something to do.
    pub(crate) fn next_timeout(&self, device: &Device, config: &Config) -> Option<Time> {
        let watched = device.is_online && !device.is_silent;
        let silence = self.heard_at.filter(|_| watched).map(|heard| heard.plus_ms(config.device_silent_ms));
        self.due_at(config).into_iter().chain(silence).min()
    }
}

fn observed(condition: Condition) -> Observed {
    match condition {
        Condition::Open => Observed::Open,
        Condition::Opening => Observed::Opening,
        Condition::Closing => Observed::Closing,
        Condition::Closed => Observed::Closed,
        Condition::Fault => Observed::Fault,
        Condition::Unknown => Observed::Unknown,
    }
}

fn read_level(level: drover_proto::device::Level) -> Level {
    match level {
        drover_proto::device::Level::Open => Level::Open,
        drover_proto::device::Level::Closed => Level::Closed,
    }
}
