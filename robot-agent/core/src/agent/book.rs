//! The book of actions: which wait, which run, which ended, and which may begin now (2.1.0, 6.8 to 6.11).

use drover_proto::vda5050::{Action, ActionState, ActionStatus, BlockingType};
use std::collections::VecDeque;

/// Ended actions kept in the state, at most; the oldest go first.
const ENDED_MAX: usize = 200;
/// Instant action ids remembered, so that a late duplicate isn't carried out again.
const SEEN_MAX: usize = 512;

/// Where an action comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Node(u32),
    Edge(u32),
    Instant,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub action: Action,
    pub origin: Origin,
    /// Of the message that brought it.
    pub header_id: u32,
    pub status: ActionStatus,
    pub result: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    entries: Vec<Entry>,
    /// Ids of actions whose place was reached and that haven't ended, in the order of their beginning.
    queue: Vec<String>,
    seen: VecDeque<String>,
}

impl Book {
    pub fn add(&mut self, origin: Origin, header_id: u32, actions: &[Action]) {
        self.entries.extend(actions.iter().map(|action| Entry {
            action: action.clone(),
            origin,
            header_id,
            status: ActionStatus::Waiting,
            result: None,
        }));
    }

    /// Books an instant action; `false` if it was seen before.
    pub fn add_instant(&mut self, header_id: u32, action: &Action) -> bool {
        if self.seen.contains(&action.action_id) || self.entry(&action.action_id).is_some() {
            return false;
        }
        self.seen.push_back(action.action_id.clone());
        if self.seen.len() > SEEN_MAX {
            self.seen.pop_front();
        }
        self.add(Origin::Instant, header_id, std::slice::from_ref(action));
        true
    }

    /// The place was reached: its actions begin as soon as they may. True if there are any.
    pub fn trigger(&mut self, origin: Origin) -> bool {
        let before = self.queue.len();
        let reached = self.entries.iter().filter(|entry| entry.origin == origin && !entry.status.has_ended());
        self.queue.extend(reached.map(|entry| entry.action.action_id.clone()));
        self.queue.len() > before
    }

    pub fn trigger_one(&mut self, id: &str) {
        self.queue.push(id.to_owned());
    }

    /// The actions that begin now: in order, HARD alone, SOFT and HARD only at rest.
    pub fn start(&mut self, is_standing: bool) -> Vec<Action> {
        let mut started = Vec::new();
        let mut running = self.running().count();
        for id in self.queue.clone() {
            let Some(entry) = self.entries.iter_mut().find(|entry| entry.action.action_id == id) else {
                continue;
            };
            let is_hard = entry.action.blocking_type == BlockingType::Hard;
            if entry.status == ActionStatus::Running {
                if is_hard {
                    break;
                }
                continue;
            }
            let may_start = match entry.action.blocking_type {
                BlockingType::None => true,
                BlockingType::Soft => is_standing,
                BlockingType::Hard => is_standing && running == 0,
            };
            if !may_start {
                break;
            }
            entry.status = ActionStatus::Running;
            running += 1;
            started.push(entry.action.clone());
            if is_hard {
                break;
            }
        }
        started
    }

    /// An action ended; gives its entry back if it was on the book and hadn't ended.
    pub fn end(&mut self, id: &str, status: ActionStatus, result: Option<String>) -> Option<Entry> {
        self.queue.retain(|queued| queued != id);
        let entry = self.entries.iter_mut().find(|entry| entry.action.action_id == id)?;
        if entry.status.has_ended() {
            return None;
        }
        (entry.status, entry.result) = (status, result);
        let entry = entry.clone();
        self.forget_old();
        Some(entry)
    }

    pub fn set_running(&mut self, id: &str) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.action.action_id == id) {
            entry.status = ActionStatus::Running;
        }
    }

    /// Ids of actions that haven't ended and pass the test.
    pub fn open(&self, test: impl Fn(&Entry) -> bool) -> Vec<String> {
        let open = self.entries.iter().filter(|entry| !entry.status.has_ended() && test(entry));
        open.map(|entry| entry.action.action_id.clone()).collect()
    }

    /// The edge was left: what ran on it ends with it. Gives the ids of those that ran.
    pub fn leave_edge(&mut self, sequence_id: u32) -> Vec<String> {
        let mut ran = Vec::new();
        for id in self.open(|entry| entry.origin == Origin::Edge(sequence_id)) {
            if self.entry(&id).is_some_and(|entry| entry.status == ActionStatus::Waiting) {
                let why = "the edge was left before it could begin".to_owned();
                self.end(&id, ActionStatus::Failed, Some(why));
            } else {
                self.end(&id, ActionStatus::Finished, None);
                ran.push(id);
            }
        }
        ran
    }

    /// How many instant actions haven't ended.
    pub fn open_instants(&self) -> usize {
        self.open(|entry| entry.origin == Origin::Instant).len()
    }

    /// An action of this type hasn't ended.
    pub fn has_open_of(&self, kind: &str) -> bool {
        self.entries.iter().any(|entry| entry.action.action_type == kind && !entry.status.has_ended())
    }

    pub fn has_open(&self) -> bool {
        self.entries.iter().any(|entry| !entry.status.has_ended())
    }

    pub fn has_open_of_order(&self) -> bool {
        self.entries.iter().any(|entry| entry.origin != Origin::Instant && !entry.status.has_ended())
    }

    pub fn has_running_of_order(&self) -> bool {
        self.running().any(|entry| entry.origin != Origin::Instant)
    }

    /// An action whose place was reached keeps the robot from driving.
    pub fn is_blocking(&self) -> bool {
        self.queue.iter().filter_map(|id| self.entry(id)).any(|entry| match entry.action.blocking_type {
            BlockingType::Soft | BlockingType::Hard => true,
            BlockingType::None => false,
        })
    }

    /// The id is on the book and stays there when an update replaces the horizon.
    pub fn is_taken(&self, id: &str, decision_point: u32) -> bool {
        self.entry(id).is_some_and(|entry| match entry.origin {
            Origin::Node(seq) | Origin::Edge(seq) => seq <= decision_point,
            Origin::Instant => true,
        })
    }

    /// Takes the waiting actions beyond a decision point off the book.
    pub fn drop_horizon(&mut self, decision_point: u32) {
        self.entries.retain(|entry| match entry.origin {
            Origin::Node(seq) | Origin::Edge(seq) => seq <= decision_point,
            Origin::Instant => true,
        });
    }

    /// Forgets what ended; a new order begins a new page.
    pub fn clear_ended(&mut self) {
        self.entries.retain(|entry| !entry.status.has_ended());
    }

    pub fn states(&self) -> Vec<ActionState> {
        self.entries.iter().map(Entry::state).collect()
    }

    fn running(&self) -> impl Iterator<Item = &Entry> {
        self.queue
            .iter()
            .filter_map(|id| self.entry(id))
            .filter(|entry| entry.status == ActionStatus::Running)
    }

    fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.action.action_id == id)
    }

    fn forget_old(&mut self) {
        let ended = self.entries.iter().filter(|entry| entry.status.has_ended()).count();
        if ended > ENDED_MAX
            && let Some(index) = self.entries.iter().position(|entry| entry.status.has_ended())
        {
            self.entries.remove(index);
        }
    }
}

impl Entry {
    fn state(&self) -> ActionState {
        ActionState {
            action_type: Some(self.action.action_type.clone()),
            result_description: self.result.clone(),
            is_instant: self.origin == Origin::Instant,
            ..ActionState::new(self.action.action_id.as_str(), self.status)
        }
    }
}
