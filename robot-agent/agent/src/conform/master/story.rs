//! What was on the wire of one robot, in the order it was seen: all that the judge knows.
//!
//! Nothing here decides; the helpers say what could be known at a moment, and by whom.

use super::phase::Phase;
use drover_proto::vda5050::{ActionState, ConnectionState, Factsheet, InstantActions, Order, State};
use serde_json::Value;

/// One robot's part of the run.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Topic level.
    pub manufacturer: String,
    /// Topic level.
    pub serial: String,
    /// By time.
    pub entries: Vec<Entry>,
}

/// Something seen.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The robots' clock, ms since 1970.
    pub at_ms: u64,
    /// The mischief then.
    pub phase: Phase,
    /// What it was.
    pub what: What,
}

/// What can be seen.
#[derive(Clone, Debug)]
pub enum What {
    /// The controller sent an order or an update.
    Order(Box<Sent<Order>>),
    /// The controller sent instant actions.
    Instant(Box<Sent<InstantActions>>),
    /// The robot made a state, or told it.
    State(How, Box<State>),
    /// The robot, or its will, told this.
    Connection(ConnectionState),
    /// The robot told what it can do.
    Factsheet(Box<Factsheet>),
    /// The robot lost its order by a restart.
    Forgot,
    /// A fresh subscriber looked for retained messages of the controller and found these topics.
    Probed(Vec<String>),
}

/// What became of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Made and told in the same moment.
    Now,
    /// Told a good while after it was made.
    Late,
    /// Told once more, or under a wrong version.
    Again,
    /// Made, and not told then.
    Never,
}

/// A message of the controller.
#[derive(Clone, Debug)]
pub struct Sent<T> {
    /// The retain flag as it came.
    pub retain: bool,
    /// Its quality of service.
    pub qos: u8,
    /// The body.
    pub raw: Value,
    /// The body as we read it, or why it can't be.
    pub read: Result<T, String>,
}

/// An order of the story, readable and not a retained one.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Which entry.
    pub index: usize,
    /// The entry.
    pub entry: &'a Entry,
    /// The body.
    pub raw: &'a Value,
    /// The order.
    pub order: &'a Order,
}

impl<'a> Heard<'a> {
    /// Order and update.
    pub fn id(&self) -> (&'a str, u32) {
        (&self.order.order_id, self.order.order_update_id)
    }

    /// Node and sequence id where its base ends.
    pub fn base_end(&self) -> (&'a str, u32) {
        let base = self.order.nodes.iter().take_while(|node| node.released).last();
        base.map_or(("", 0), |node| (&node.node_id, node.sequence_id))
    }
}

impl Story {
    /// The readable orders, those the broker had kept left out.
    pub fn orders(&self) -> Vec<Heard<'_>> {
        let entries = self.entries.iter().enumerate();
        let heard = entries.filter_map(|(index, entry)| match &entry.what {
            What::Order(sent) if !sent.retain => {
                let order = sent.read.as_ref().ok()?;
                Some(Heard { index, entry, raw: &sent.raw, order })
            }
            What::Order(_) | What::Instant(_) | What::State(..) | What::Connection(_) => None,
            What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
        });
        heard.collect()
    }

    /// The readable instant actions.
    pub fn instants(&self) -> Vec<(usize, &Entry, &Value, &InstantActions)> {
        let entries = self.entries.iter().enumerate();
        let heard = entries.filter_map(|(index, entry)| match &entry.what {
            What::Instant(sent) if !sent.retain => Some((index, entry, &sent.raw, sent.read.as_ref().ok()?)),
            What::Instant(_) | What::Order(_) | What::State(..) | What::Connection(_) => None,
            What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
        });
        heard.collect()
    }

    /// States the controller could read as news, from this entry on.
    pub fn told_from(&self, index: usize) -> impl DoubleEndedIterator<Item = (usize, &Entry, &State)> {
        let entries = self.entries.iter().enumerate().skip(index);
        entries.filter_map(|(index, entry)| Some((index, entry, told(entry)?)))
    }

    /// The newest state the controller could know when this entry was seen.
    pub fn known_at(&self, index: usize) -> Option<(&Entry, &State)> {
        self.entries[..index].iter().rev().find_map(|entry| Some((entry, told(entry)?)))
    }

    /// The newest state the robot had made by then, told or not.
    pub fn truth_at(&self, index: usize) -> Option<&State> {
        self.entries[..index].iter().rev().find_map(|entry| match &entry.what {
            What::State(How::Now | How::Never, state) => Some(&**state),
            What::State(How::Late | How::Again, _) | What::Order(_) | What::Instant(_) => None,
            What::Connection(_) | What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
        })
    }

    /// The end of the story, ms.
    pub fn end_ms(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.at_ms)
    }

    /// Order, update and time of every refusal a state told, each once, with the index of that state.
    pub fn refusals(&self) -> Vec<Refusal<'_>> {
        let mut refusals: Vec<Refusal<'_>> = Vec::new();
        for (index, entry, state) in self.told_from(0) {
            for error in &state.errors {
                let update = error.reference("orderUpdateId").and_then(|text| text.parse().ok());
                let (Some(order), Some(update)) = (error.reference("orderId"), update) else { continue };
                let is_shown = state.order_id == order && state.order_update_id >= update;
                if !is_shown && !refusals.iter().any(|known| known.id == (order, update)) {
                    refusals.push(Refusal { id: (order, update), index, at_ms: entry.at_ms });
                }
            }
        }
        refusals
    }
}

/// The first word of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// Order and update.
    pub id: (&'a str, u32),
    /// The entry that told it.
    pub index: usize,
    /// When.
    pub at_ms: u64,
}

/// A state that is news to whoever listens.
fn told(entry: &Entry) -> Option<&State> {
    match &entry.what {
        What::State(How::Now | How::Late, state) => Some(state),
        What::State(How::Again | How::Never, _) | What::Order(_) | What::Instant(_) => None,
        What::Connection(_) | What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
    }
}

/// Whether the state names this order and update, or a later one of the order.
pub fn shows(state: &State, (order, update): (&str, u32)) -> bool {
    state.order_id == order && state.order_update_id >= update
}

/// The state of one action.
pub fn action_state<'a>(state: &'a State, id: &str) -> Option<&'a ActionState> {
    state.action_states.iter().find(|action| action.action_id == id)
}
