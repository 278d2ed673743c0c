//! Drover's mind: which robot, which way, when, how far. Pure: no clock, no I/O, no randomness, integers in decisions.
//!
//! ```text
//!            Input                       Effect
//!   shell ──────────►  site::Site  ──────────────► shell       (store, RabbitMQ, MQTT live there)
//!                       │      ▲
//!        Event          ▼      │ Command
//!                      fleet::Fleet   hard state, journalled
//!                       │ dispatch    which robot
//!                       │ plan        which way
//!                       │ traffic     when
//!                       │ release     how far
//!                      link::Link     soft state: one robot's VDA 5050 session
//! ```
//!
//! The contract: hand every input to `Site::receive` with the time, carry out the effects in order, come back at
//! `next_timeout`. The same inputs give the same effects. What must always hold stands in `check`, a file each.

pub mod audit;
mod change;
pub mod check;
pub mod clock;
mod closure;
pub mod command;
pub mod config;
pub mod device;
pub mod dispatch;
pub mod event;
mod facts;
pub mod fleet;
pub mod hold;
pub mod id;
pub mod job;
mod layouts;
pub mod lead;
pub mod link;
pub mod load;
pub mod operator;
pub mod pairs;
pub mod plan;
pub mod record;
pub mod release;
pub mod replay;
pub mod robot;
mod serves;
pub mod site;
mod stray;
pub mod traffic;

pub use audit::{AuditEntry, Caller};
pub use change::Pending;
pub use clock::Time;
pub use command::{Alarm, Command, JobNews, Notification};
pub use config::Config;
pub use event::{DeviceFact, Event, Fact};
pub use fleet::{Fleet, RestoreError};
pub use id::{DeviceId, Digest, Epoch, JobId, RobotId, RobotName, Seq};
pub use layouts::{Layouts, needed as layouts_needed};
pub use operator::{Stop, Wish};
pub use record::{Entry, Record};
pub use replay::{ReplayError, Replayed, replay, replay_from};
pub use site::{
    DeviceMessage, Effect, FollowError, Follower, Frozen, Input, RobotMessage, Site, Ticket, ToRobot, Verdict,
};
