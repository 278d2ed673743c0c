//! Bugs planted to prove that the oracle isn't blind: each breaks one invariant, and must be caught by it.
//!
//! They sit at the border between the mind and the world: effects on their way out, inputs on their way in, records on
//! their way to the store. So production code holds no sabotage, and the oracle sees what it would see of a real bug.

mod jobs;
mod messages;
mod orders;
mod records;
mod reports;

use std::fmt;
use std::sync::Arc;

use drover_core::{Effect, Input, Time};
use drover_maps::Layout;

/// A planted bug at work.
trait Bug {
    /// Changes what reaches the mind: the one input that is due, and what is forged beside it.
    fn input(&mut self, _now: Time, _inputs: &mut Vec<Input>) {}

    /// Changes what the mind asks of the world.
    fn effects(&mut self, _now: Time, _effects: &mut Vec<Effect>) {}
}

/// A bug that can be planted.
#[derive(Clone, Copy)]
pub struct Plant {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub plants: &'static str,
    /// The invariant that must catch it.
    pub caught_by: &'static str,
    grow: fn(&Arc<Layout>) -> Box<dyn Bug>,
}

/// All of them: a line each.
pub const ALL: [Plant; 24] = [
    Plant {
        name: "release-too-far",
        plants: "a base ends one node later, where another robot's base ends; the record says the same",
        caught_by: "Exclusive",
        grow: |layout| Box::new(orders::ReleaseTooFar::new(layout)),
    },
    Plant {
        name: "wrong-position",
        plants: "a message places a node half a metre beside where it is",
        caught_by: "Covered",
        grow: |_| Box::new(messages::WrongPosition),
    },
    Plant {
        name: "free-by-time",
        plants: "the mind hears that a robot has passed a node when it should have, not when it has",
        caught_by: "Evidence",
        grow: |layout| Box::new(reports::FreeByTime::new(layout)),
    },
    Plant {
        name: "nose-to-nose",
        plants: "two robots are each released to the other's place; the record says the same",
        caught_by: "Acyclic",
        grow: |layout| Box::new(orders::NoseToNose::new(layout)),
    },
    Plant {
        name: "changed-resend",
        plants: "an order is sent again with another content",
        caught_by: "BasePrefix",
        grow: |_| Box::new(messages::ChangedResend),
    },
    Plant {
        name: "wrong-stitch",
        plants: "an update begins one node behind the decision point; the record says the same",
        caught_by: "BasePrefix",
        grow: |_| Box::new(orders::Alike(orders::without_first)),
    },
    Plant {
        name: "skipped-update",
        plants: "every update carries the id after the next; the record says the same",
        caught_by: "BasePrefix",
        grow: |_| Box::new(orders::Alike(orders::with_later_id)),
    },
    Plant {
        name: "pick-twice",
        plants: "a pick is ordered twice at once; the record says the same",
        caught_by: "OnceOnly",
        grow: |_| Box::new(orders::Alike(orders::with_second_pick)),
    },
    Plant {
        name: "done-too-early",
        plants: "a job is told done after its first leg; the record says the same",
        caught_by: "OnceOnly",
        grow: |_| Box::new(jobs::DoneTooEarly),
    },
    Plant {
        name: "lose-acked-job",
        plants: "the store loses a job that is acknowledged",
        caught_by: "OnceOnly",
        grow: |_| Box::new(records::LoseJob),
    },
    Plant {
        name: "unheard-sequence",
        plants: "the mind isn't told which sequence a job belongs to",
        caught_by: "Fifo",
        grow: |_| Box::new(jobs::UnheardSequence),
    },
    Plant {
        name: "admit-out-of-order",
        plants: "every other job is handed over after the next",
        caught_by: "Fifo",
        grow: |_| Box::new(jobs::OutOfOrder::default()),
    },
    Plant {
        name: "wrong-load",
        plants: "a robot is told to pick the load that another robot was told to pick before",
        caught_by: "Conserved",
        grow: |_| Box::new(messages::WrongLoad::default()),
    },
    Plant {
        name: "drop-on-the-way",
        plants: "the load of a job that was taken back is put down before it is where it belongs; the record says the same",
        caught_by: "OnceOnly",
        grow: |_| Box::new(jobs::DropOnTheWay::default()),
    },
    Plant {
        name: "mode-unheard",
        plants: "the mind hears AUTOMATIC whatever a robot's mode is",
        caught_by: "ModeRespect",
        grow: |_| Box::new(reports::ModeUnheard),
    },
    Plant {
        name: "door-lies",
        plants: "the mind hears open whatever a door shows",
        caught_by: "Observed",
        grow: |_| Box::new(reports::DoorLies),
    },
    Plant {
        name: "ack-before-commit",
        plants: "a job is acknowledged before its record is durable",
        caught_by: "OneWriter",
        grow: |_| Box::new(jobs::AckBeforeCommit::default()),
    },
    Plant {
        name: "publish-before-commit",
        plants: "news leaves before its record is durable",
        caught_by: "OneWriter",
        grow: |_| Box::new(records::PublishBeforeCommit::default()),
    },
    Plant {
        name: "notify-gap",
        plants: "one piece of news is never told",
        caught_by: "OneWriter",
        grow: |_| Box::new(jobs::NotifyGap),
    },
    Plant {
        name: "notify-other-body",
        plants: "news says that it concerns another robot than recorded",
        caught_by: "OneWriter",
        grow: |_| Box::new(jobs::NotifyOtherBody),
    },
    Plant {
        name: "forget-fact",
        plants: "the store keeps that time passed where a robot passed a node",
        caught_by: "Replay",
        grow: |_| Box::new(records::ForgetFact),
    },
    Plant {
        name: "wrong-digest",
        plants: "a checkpoint's digest is that of another state",
        caught_by: "Replay",
        grow: |_| Box::new(records::WrongDigest),
    },
    Plant {
        name: "endless-resends",
        plants: "the last order of every robot is sent again twice a second",
        caught_by: "Bounded",
        grow: |_| Box::new(messages::EndlessResends::default()),
    },
    Plant {
        name: "finish-unheard",
        plants: "the mind never hears that a robot has finished an action",
        caught_by: "Live",
        grow: |_| Box::new(reports::FinishUnheard),
    },
];

impl Plant {
    /// The bug of this name.
    pub fn named(name: &str) -> Option<&'static Plant> {
        ALL.iter().find(|plant| plant.name == name)
    }

    /// The bug, ready to be planted into a world of this layout.
    pub fn grow(&self, layout: &Arc<Layout>) -> Mutant {
        Mutant { name: self.name, bug: (self.grow)(layout) }
    }
}

impl fmt::Debug for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.caught_by)
    }
}

/// A planted bug in a run.
pub struct Mutant {
    name: &'static str,
    bug: Box<dyn Bug>,
}

impl Mutant {
    /// What reaches the mind: the input that is due, changed, kept back, or with forged ones beside it.
    pub fn input(&mut self, now: Time, inputs: &mut Vec<Input>) {
        self.bug.input(now, inputs);
    }

    /// What the mind asks of the world, changed likewise.
    pub fn effects(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.bug.effects(now, effects);
    }
}

impl fmt::Debug for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
