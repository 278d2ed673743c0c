//! The kinds of faults, each with whom it befalls and what its strength means.

use serde::Deserialize;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Messages between controller and robots are lost.
    NetLoss,
    /// Messages arrive twice.
    NetRepeat,
    /// Messages overtake each other.
    NetReorder,
    /// Messages are late.
    NetDelay,
    /// A robot has no network; the broker notices after a while.
    Partition,
    /// The robots' broker is gone; all sessions end.
    BrokerDown,
    /// A robot doesn't move any more, and says so.
    RobotBreaks,
    /// A robot's battery is empty.
    RobotFlat,
    /// A person drives a robot elsewhere, in mode MANUAL.
    RobotManual,
    /// A person moves a robot that is in mode AUTOMATIC.
    RobotKidnapped,
    /// A robot starts again and has forgotten its order.
    RobotReboots,
    /// A robot claims to have passed nodes that it hasn't.
    RobotLies,
    /// A robot sends its state again and again.
    RobotFloods,
    /// A robot names a node as its last that it never was at.
    RobotMisplaced,
    /// A robot refuses every order.
    RobotRefuses,
    /// A robot is connected and says nothing.
    RobotMute,
    /// A robot drives a part of the way only, then stands, again and again.
    RobotStutters,
    /// The next action of a robot fails.
    ActionFails,
    /// A robot's clock is wrong.
    ClockSkew,
    /// A person stands on an edge.
    EdgeBlocked,
    /// A door doesn't open.
    DoorStuck,
    /// A door is in fault.
    DoorFails,
    /// A door's agent says and hears nothing.
    DoorMute,
    /// The leading process dies, at the n-th of its steps, appends, acknowledgements and messages.
    Crash,
    /// The leading process sleeps, likewise, and wakes as if nothing had been.
    Stall,
    /// The leading process is stopped in good order.
    Stop,
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
    /// The leading process dies in the middle of an append, and half a row is left.
    TornWrite,
    /// The newest snapshots can't be read.
    SnapshotLost,
    /// The jobs' broker is away; what wasn't acknowledged comes again.
    JobsDown,
    /// The events' broker is away.
    EventsDown,
    /// Bad jobs among the good ones.
    PoisonJobs,
    /// Jobs are published more than once.
    JobsTwice,
    /// The customer takes jobs back and changes them.
    JobsChanged,
}

/// Whom a kind befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The whole site.
    Site,
    /// All robots, or the one named.
    Robots,
    /// One robot.
    Robot,
    /// One door.
    Door,
    /// One edge.
    Edge,
}

/// Facts of one kind: whom it befalls; the strength's unit, default and range.
struct Facts(Target, &'static str, u64, [u64; 2]);

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 38] = [
        Kind::NetLoss,
        Kind::NetRepeat,
        Kind::NetReorder,
        Kind::NetDelay,
        Kind::Partition,
        Kind::BrokerDown,
        Kind::RobotBreaks,
        Kind::RobotFlat,
        Kind::RobotManual,
        Kind::RobotKidnapped,
        Kind::RobotReboots,
        Kind::RobotLies,
        Kind::RobotFloods,
        Kind::RobotMisplaced,
        Kind::RobotRefuses,
        Kind::RobotMute,
        Kind::RobotStutters,
        Kind::ActionFails,
        Kind::ClockSkew,
        Kind::EdgeBlocked,
        Kind::DoorStuck,
        Kind::DoorFails,
        Kind::DoorMute,
        Kind::Crash,
        Kind::Stall,
        Kind::Stop,
        Kind::StoreDown,
        Kind::StoreFull,
        Kind::StoreSlow,
        Kind::CommitFails,
        Kind::CommitUnknown,
        Kind::TornWrite,
        Kind::SnapshotLost,
        Kind::JobsDown,
        Kind::EventsDown,
        Kind::PoisonJobs,
        Kind::JobsTwice,
        Kind::JobsChanged,
    ];

    /// Its name in scenarios and reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NetLoss => "net_loss",
            Kind::NetRepeat => "net_repeat",
            Kind::NetReorder => "net_reorder",
            Kind::NetDelay => "net_delay",
            Kind::Partition => "partition",
            Kind::BrokerDown => "broker_down",
            Kind::RobotBreaks => "robot_breaks",
            Kind::RobotFlat => "robot_flat",
            Kind::RobotManual => "robot_manual",
            Kind::RobotKidnapped => "robot_kidnapped",
            Kind::RobotReboots => "robot_reboots",
            Kind::RobotLies => "robot_lies",
            Kind::RobotFloods => "robot_floods",
            Kind::RobotMisplaced => "robot_misplaced",
            Kind::RobotRefuses => "robot_refuses",
            Kind::RobotMute => "robot_mute",
            Kind::RobotStutters => "robot_stutters",
            Kind::ActionFails => "action_fails",
            Kind::ClockSkew => "clock_skew",
            Kind::EdgeBlocked => "edge_blocked",
            Kind::DoorStuck => "door_stuck",
            Kind::DoorFails => "door_fails",
            Kind::DoorMute => "door_mute",
            Kind::Crash => "crash",
            Kind::Stall => "stall",
            Kind::Stop => "stop",
            Kind::StoreDown => "store_down",
            Kind::StoreFull => "store_full",
            Kind::StoreSlow => "store_slow",
            Kind::CommitFails => "commit_fails",
            Kind::CommitUnknown => "commit_unknown",
            Kind::TornWrite => "torn_write",
            Kind::SnapshotLost => "snapshot_lost",
            Kind::JobsDown => "jobs_down",
            Kind::EventsDown => "events_down",
            Kind::PoisonJobs => "poison_jobs",
            Kind::JobsTwice => "jobs_twice",
            Kind::JobsChanged => "jobs_changed",
        }
    }

    fn facts(self) -> Facts {
        const ONCE: (&str, u64, [u64; 2]) = ("(no strength)", 0, [0, 0]);
        const SHARE: [u64; 2] = [1, 100];
        let site = |(unit, default, range): (&'static str, u64, [u64; 2])| Facts(Target::Site, unit, default, range);
        let robot = |(unit, default, range): (&'static str, u64, [u64; 2])| Facts(Target::Robot, unit, default, range);
        match self {
            Kind::NetLoss => Facts(Target::Robots, "per cent of messages", 20, [1, 90]),
            Kind::NetRepeat => Facts(Target::Robots, "per cent of messages", 20, SHARE),
            Kind::NetReorder => Facts(Target::Robots, "ms later, at most", 3_000, [1, 600_000]),
            Kind::NetDelay => Facts(Target::Robots, "ms later, at most", 2_000, [1, 600_000]),
            Kind::Partition => robot(ONCE),
            Kind::BrokerDown => site(ONCE),
            Kind::RobotBreaks
            | Kind::RobotFlat
            | Kind::RobotManual
            | Kind::RobotKidnapped
            | Kind::RobotReboots
            | Kind::RobotLies
            | Kind::RobotMisplaced
            | Kind::RobotRefuses
            | Kind::RobotMute
            | Kind::RobotStutters
            | Kind::ActionFails => robot(ONCE),
            Kind::RobotFloods => robot(("states per second", 50, [1, 1_000])),
            Kind::ClockSkew => robot(("seconds wrong, at most", 31_536_000, [1, 63_072_000])),
            Kind::EdgeBlocked => Facts(Target::Edge, "(no strength)", 0, [0, 0]),
            Kind::DoorStuck | Kind::DoorFails | Kind::DoorMute => Facts(Target::Door, "(no strength)", 0, [0, 0]),
            Kind::Crash => site(("crash points passed before", 0, [0, 1_000_000])),
            Kind::Stall => site(("ms asleep", 30_000, [1, 600_000])),
            Kind::Stop => site(ONCE),
            Kind::StoreDown | Kind::StoreFull => site(ONCE),
            Kind::StoreSlow => site(("ms per commit, at most", 1_000, [1, 60_000])),
            Kind::CommitFails | Kind::CommitUnknown => site(("per cent of commits", 30, [1, 95])),
            Kind::TornWrite | Kind::SnapshotLost | Kind::JobsDown | Kind::EventsDown => site(ONCE),
            Kind::PoisonJobs | Kind::JobsTwice | Kind::JobsChanged => site(("per cent of jobs", 10, SHARE)),
        }
    }

    /// Whom it befalls.
    pub fn target(self) -> Target {
        self.facts().0
    }

    /// What its strength counts.
    pub fn strength_unit(self) -> &'static str {
        self.facts().1
    }

    /// Its strength when nothing is said.
    pub fn strength_default(self) -> u64 {
        self.facts().2
    }

    /// The least and the greatest strength.
    pub fn strength_range(self) -> [u64; 2] {
        self.facts().3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_once_and_reads_back_by_its_name() {
        #[derive(Deserialize)]
        struct Line {
            what: Kind,
        }
        for (index, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index, "{} is out of place in ALL", kind.name());
            let line: Line = toml::from_str(&format!("what = \"{}\"", kind.name())).unwrap();
            assert_eq!(line.what, *kind);
            let [low, high] = kind.strength_range();
            assert!((low..=high).contains(&kind.strength_default()), "{}", kind.name());
        }
        assert_eq!(Kind::JobsChanged as usize + 1, Kind::ALL.len());
    }
}
