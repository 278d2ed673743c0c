//! The kinds of faults: whom each befalls, and one table with names and strengths.

use serde::Deserialize;

use crate::doors::DoorFault;

/// What can go wrong, by whom it befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Kind {
    /// Messages between the controller and all robots, or one.
    Net(Weather),
    /// One robot.
    Robot(Ill),
    /// One door.
    Door(DoorFault),
    /// A person stands on an edge.
    EdgeBlocked,
    /// A process, the store or a broker.
    Site(Trouble),
    /// What the customer publishes.
    Jobs(Talk),
}

/// What happens to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// They are lost.
    Loss,
    /// They arrive twice.
    Repeat,
    /// They overtake each other.
    Reorder,
    /// They are late.
    Delay,
}

/// What happens to a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    /// It has no network; the broker notices after a while.
    Partition,
    /// It doesn't move any more, and says so.
    Breaks,
    /// Its battery is empty.
    Flat,
    /// A person drives it elsewhere, in mode MANUAL.
    Manual,
    /// A person moves it while it is in mode AUTOMATIC.
    Kidnapped,
    /// It starts again and has forgotten its order.
    Reboots,
    /// It claims to have passed nodes that it hasn't.
    Lies,
    /// It sends its state again and again.
    Floods,
    /// It names a node as its last that it never was at.
    Misplaced,
    /// It refuses every order.
    Refuses,
    /// It is connected and says nothing.
    Mute,
    /// It stands still every few seconds.
    Stutters,
    /// Its next pick, or drop, fails.
    ActionFails,
    /// Its clock is wrong.
    ClockSkew,
}

/// What happens to the controller's own side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The robots' broker is gone; all sessions end.
    BrokerDown,
    /// The leading process dies, after so many points of its work.
    Crash,
    /// The leading process sleeps, and wakes as if nothing had been.
    Stall,
    /// The leading process is stopped in good order.
    Stop,
    /// The leading process dies in the middle of an append, and half a row is left.
    TornWrite,
    /// The store is away: nothing is written, no lease renewed.
    StoreDown,
    /// The store is full: leases are renewed, records aren't written.
    StoreFull,
    /// Commits take long.
    StoreSlow,
    /// Commits fail and have to be tried again.
    CommitFails,
    /// Commits succeed, but their answer is lost.
    CommitUnknown,
    /// Snapshots can't be read, and the leading process starts anew.
    SnapshotLost,
    /// The jobs' broker is away; what wasn't acknowledged comes again.
    JobsDown,
    /// The events' broker is away.
    EventsDown,
}

/// What the customer publishes beside good jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// Bad requests.
    Poison,
    /// The same again.
    Twice,
    /// Second thoughts: cancels and updates.
    Changed,
    /// Less is there than ordered, or nothing: the person at the station says so.
    Short,
}

/// One row: the kind, its name, its strength's unit, default and range.
type Row = (Kind, &'static str, &'static str, u64, [u64; 2]);

const NONE: &str = "(it has no strength)";
const MESSAGES: &str = "per cent of messages";
const LATER: &str = "ms later, at most";
const JOBS: &str = "per cent of jobs";
const COMMITS: &str = "per cent of commits";

const TABLE: [Row; 39] = [
    (Kind::Net(Weather::Loss), "net_loss", MESSAGES, 20, [1, 90]),
    (Kind::Net(Weather::Repeat), "net_repeat", MESSAGES, 20, [1, 100]),
    (Kind::Net(Weather::Reorder), "net_reorder", LATER, 3_000, [1, 600_000]),
    (Kind::Net(Weather::Delay), "net_delay", LATER, 2_000, [1, 600_000]),
    (Kind::Robot(Ill::Partition), "partition", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Breaks), "robot_breaks", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Flat), "robot_flat", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Manual), "robot_manual", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Kidnapped), "robot_kidnapped", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Reboots), "robot_reboots", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Lies), "robot_lies", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Floods), "robot_floods", "states per second", 50, [1, 1_000]),
    (Kind::Robot(Ill::Misplaced), "robot_misplaced", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Refuses), "robot_refuses", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Mute), "robot_mute", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::Stutters), "robot_stutters", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::ActionFails), "action_fails", NONE, 0, [0, 0]),
    (Kind::Robot(Ill::ClockSkew), "clock_skew", "seconds wrong, at most", 31_536_000, [1, 63_072_000]),
    (Kind::EdgeBlocked, "edge_blocked", NONE, 0, [0, 0]),
    (Kind::Door(DoorFault::StuckClosed), "door_stuck", NONE, 0, [0, 0]),
    (Kind::Door(DoorFault::Fault), "door_fails", NONE, 0, [0, 0]),
    (Kind::Door(DoorFault::Silent), "door_mute", NONE, 0, [0, 0]),
    (Kind::Site(Trouble::BrokerDown), "broker_down", NONE, 0, [0, 0]),
    (Kind::Site(Trouble::Crash), "crash", "points of its work passed before", 0, [0, 1_000_000]),
    (Kind::Site(Trouble::Stall), "stall", "ms asleep", 30_000, [1, 600_000]),
    (Kind::Site(Trouble::Stop), "stop", NONE, 0, [0, 0]),
    (Kind::Site(Trouble::TornWrite), "torn_write", NONE, 0, [0, 0]),
    (Kind::Site(Trouble::StoreDown), "store_down", NONE, 0, [0, 0]),
    (Kind::Site(Trouble::StoreFull), "store_full", NONE, 0, [0, 0]),
    (Kind::Site(Trouble::StoreSlow), "store_slow", "ms per commit, at most", 1_000, [1, 60_000]),
    (Kind::Site(Trouble::CommitFails), "commit_fails", COMMITS, 30, [1, 95]),
    (Kind::Site(Trouble::CommitUnknown), "commit_unknown", COMMITS, 30, [1, 95]),
    (Kind::Site(Trouble::SnapshotLost), "snapshot_lost", NONE, 0, [0, 0]),
    (Kind::Site(Trouble::JobsDown), "jobs_down", NONE, 0, [0, 0]),
    (Kind::Site(Trouble::EventsDown), "events_down", NONE, 0, [0, 0]),
    (Kind::Jobs(Talk::Poison), "poison_jobs", JOBS, 10, [1, 100]),
    (Kind::Jobs(Talk::Twice), "jobs_twice", JOBS, 10, [1, 100]),
    (Kind::Jobs(Talk::Changed), "jobs_changed", JOBS, 10, [1, 100]),
    (Kind::Jobs(Talk::Short), "short_picks", "per cent of picks", 10, [1, 100]),
];

/// Not the name of a fault.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is no fault; there are {}", names())]
pub struct UnknownKind {
    name: String,
}

fn names() -> String {
    TABLE.map(|row| row.1).join(", ")
}

impl TryFrom<String> for Kind {
    type Error = UnknownKind;

    fn try_from(name: String) -> Result<Kind, UnknownKind> {
        let row = TABLE.iter().find(|row| row.1 == name);
        row.map(|row| row.0).ok_or(UnknownKind { name })
    }
}

impl Kind {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Kind> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }

    /// Its name in scenarios and reports.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What its strength counts.
    pub fn strength_unit(self) -> &'static str {
        self.row().2
    }

    /// Its strength when nothing is said.
    pub fn strength_default(self) -> u64 {
        self.row().3
    }

    /// The least and the greatest strength.
    pub fn strength_range(self) -> [u64; 2] {
        self.row().4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every variant, so that a new one isn't left out of the table.
    fn is_known(kind: Kind) -> bool {
        match kind {
            Kind::Net(Weather::Loss | Weather::Repeat | Weather::Reorder | Weather::Delay) => true,
            Kind::Robot(
                Ill::Partition
                | Ill::Breaks
                | Ill::Flat
                | Ill::Manual
                | Ill::Kidnapped
                | Ill::Reboots
                | Ill::Lies
                | Ill::Floods
                | Ill::Misplaced
                | Ill::Refuses
                | Ill::Mute
                | Ill::Stutters
                | Ill::ActionFails
                | Ill::ClockSkew,
            ) => true,
            Kind::Door(DoorFault::StuckClosed | DoorFault::Fault | DoorFault::Silent) => true,
            Kind::EdgeBlocked => true,
            Kind::Site(
                Trouble::BrokerDown
                | Trouble::Crash
                | Trouble::Stall
                | Trouble::Stop
                | Trouble::TornWrite
                | Trouble::StoreDown
                | Trouble::StoreFull
                | Trouble::StoreSlow
                | Trouble::CommitFails
                | Trouble::CommitUnknown
                | Trouble::SnapshotLost
                | Trouble::JobsDown
                | Trouble::EventsDown,
            ) => true,
            Kind::Jobs(Talk::Poison | Talk::Twice | Talk::Changed | Talk::Short) => true,
        }
    }

    #[test]
    fn every_kind_reads_back_by_its_name_and_its_default_is_in_range() {
        let names: std::collections::BTreeSet<&str> = Kind::all().map(Kind::name).collect();
        assert_eq!(names.len(), 4 + 14 + 3 + 1 + 13 + 4);
        for kind in Kind::all() {
            assert_eq!(Kind::try_from(kind.name().to_owned()).unwrap(), kind);
            let [low, high] = kind.strength_range();
            assert!((low..=high).contains(&kind.strength_default()), "{}", kind.name());
            assert!(is_known(kind));
        }
    }

    #[test]
    fn every_kind_is_in_the_table_of_the_scenarios_documentation() {
        let text = include_str!("../../scenarios/README.md");
        for kind in Kind::all() {
            assert!(text.contains(&format!("| `{}` |", kind.name())), "{}", kind.name());
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_those_there_are() {
        let text = Kind::try_from("meteor".to_owned()).unwrap_err().to_string();
        assert!(text.contains("meteor") && text.contains("robot_breaks"), "{text}");
    }
}
