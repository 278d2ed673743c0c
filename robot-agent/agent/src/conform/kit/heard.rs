//! What the robot has said, and what its factsheet says it can do.

use super::{Halt, Kit, Verdict, fail, skip};
use crate::conform::seen::brief;
use drover_proto::vda5050::{
    ActionParameterSpec, ActionScope, AgvAction, ConnectionState, Error, State, TopicKind,
};
use std::rc::Rc;

/// Actions that move loads or power: never chosen by the kit itself.
const HARMFUL: [&str; 6] =
    ["pick", "drop", "startCharging", "stopCharging", "waitForTrigger", "initPosition"];
/// In a factsheet: any other action is carried out too.
const ANY_ACTION: &str = "*";
/// What is sent to a robot that carries any action out.
const ANY_ACTION_SENT: &str = "wait";

impl Kit {
    /// The last state.
    pub fn state(&self) -> Option<Rc<State>> {
        self.0.borrow().log.last().cloned()
    }

    /// The robot says so, or was told to and not told to go on: it may not say it.
    pub fn may_be_paused(&self) -> bool {
        self.0.borrow().may_be_paused || self.state().is_some_and(|state| state.paused == Some(true))
    }

    pub fn connection(&self) -> Option<ConnectionState> {
        self.0.borrow().connection
    }

    pub fn has_factsheet(&self) -> bool {
        self.0.borrow().factsheet.is_some()
    }

    pub fn heard(&self, kind: TopicKind) -> u32 {
        self.0.borrow().heard.get(&kind).copied().unwrap_or_default()
    }

    /// What came of a topic since the last resubscription: whether it was retained, and its QoS.
    pub fn kept(&self, kind: TopicKind) -> Option<(bool, u8)> {
        self.0.borrow().kept.get(&kind).copied()
    }

    /// The errors of the last state.
    pub fn errors(&self) -> Vec<Error> {
        self.state().map(|state| state.errors.clone()).unwrap_or_default()
    }

    /// Where the log ends now; for [`Kit::since`].
    pub fn here(&self) -> usize {
        self.0.borrow().log.len()
    }

    /// The states heard from there on.
    pub fn since(&self, from: usize) -> Vec<Rc<State>> {
        self.0.borrow().log.iter().skip(from).cloned().collect()
    }

    /// Fails at the first state from there on for which it doesn't hold.
    pub fn every(&self, from: usize, what: &str, holds: impl Fn(&State) -> bool) -> Verdict {
        match self.since(from).iter().find(|state| !holds(state)) {
            Some(state) => fail(format!("{what}; a state said {}", brief(state))),
            None => Ok(()),
        }
    }

    /// Skips the rule if the factsheet lists actions, and this one isn't among them.
    pub fn needs(&self, action_type: &str) -> Verdict {
        let listed = self.listed(|_| true);
        if listed.is_empty() || listed.iter().any(|listed| listed == action_type) {
            return Ok(());
        }
        skip(format!("the factsheet's agvActions don't list {action_type}"))
    }

    /// The same, but a factsheet that lists nothing is no yes.
    pub fn needs_listed(&self, action_type: &str) -> Verdict {
        if self.listed(|_| true).iter().any(|listed| listed == action_type) {
            return Ok(());
        }
        skip(format!("the factsheet's agvActions don't list {action_type}"))
    }

    /// Skips the rule if no action is unknown to the robot.
    pub fn needs_limits(&self) -> Verdict {
        if self.listed(|_| true).iter().any(|listed| listed == ANY_ACTION) {
            return skip("the factsheet says that any action is carried out (actionType \"*\")");
        }
        Ok(())
    }

    /// A harmless action to be sent at a node.
    pub fn action(&self) -> Result<String, Halt> {
        if let Some(action) = self.0.borrow().setting.action.clone() {
            return Ok(action);
        }
        // Without parameters: nobody knows what to write there.
        let can_be_sent = |action: &AgvAction| {
            let is_optional = |parameter: &ActionParameterSpec| parameter.is_optional == Some(true);
            action.action_scopes.contains(&ActionScope::Node)
                && action.action_parameters.iter().all(is_optional)
        };
        let listed = self.listed(can_be_sent);
        if listed.iter().any(|listed| listed == ANY_ACTION) {
            return Ok(ANY_ACTION_SENT.to_owned());
        }
        match listed.into_iter().find(|listed| !HARMFUL.contains(&listed.as_str())) {
            Some(action) => Ok(action),
            None => {
                skip("the factsheet lists no harmless action with scope NODE; name one with --action TYPE")
            }
        }
    }

    fn listed(&self, fits: impl Fn(&AgvAction) -> bool) -> Vec<String> {
        let inner = self.0.borrow();
        let features = inner.factsheet.as_ref().and_then(|factsheet| factsheet.protocol_features.as_ref());
        let actions = features.iter().flat_map(|features| &features.agv_actions);
        actions.filter(|action| fits(action)).map(|action| action.action_type.clone()).collect()
    }
}
