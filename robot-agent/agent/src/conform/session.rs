//! The whole run as one future that is polled by hand: meet the robot, try each rule, judge what was watched.
//!
//! Between two rules the robot is brought to rest. No clock and no socket: `hear` and `advance` say what time it is.

use super::ground::{Ground, Stop};
use super::kit::{Halt, Heard, Kit, Say, Setting, place};
use super::report::Finding;
use super::rules::{How, Rule};
use super::seen::{brief, is_idle};
use drover_proto::vda5050::{ConnectionState, EStop, OperatingMode, State, TopicKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A factsheet that isn't kept by the broker is asked for, and waited for so long.
const FACTSHEET_MS: u64 = 5_000;
/// Rules that bring the robot home.
const HOMEWARD: u32 = 2;

/// Why there is nothing to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The robot said no state.
    NeverSeen { connection: Option<ConnectionState> },
    /// It isn't ready to be driven.
    NotReady(String),
    /// It isn't on the layout it should be on.
    OffLayout(String),
}

type Work = Pin<Box<dyn Future<Output = Result<(), Stopped>>>>;

/// A run over these rules.
pub(crate) struct Session {
    kit: Rc<Kit>,
    work: Work,
    ended: Option<Result<(), Stopped>>,
    deadline: Option<u64>,
}

impl Session {
    pub fn new(setting: Setting, rules: Vec<&'static Rule>, now_ms: u64) -> Self {
        let kit = Kit::new(setting, now_ms);
        let work = Box::pin(run(kit.clone(), rules));
        let mut session = Self { kit, work, ended: None, deadline: None };
        session.poll();
        session
    }

    /// A message of the robot.
    pub fn hear(&mut self, now_ms: u64, heard: &Heard) {
        self.kit.hear(now_ms, heard);
        self.poll();
    }

    /// Time passes.
    pub fn advance(&mut self, now_ms: u64) {
        self.kit.set_now(now_ms);
        self.poll();
    }

    /// When [`Session::advance`] has something to do.
    pub fn next_timeout(&self) -> Option<u64> {
        self.deadline
    }

    pub fn ended(&self) -> Option<&Result<(), Stopped>> {
        self.ended.as_ref()
    }

    /// The next thing to send.
    pub fn take_say(&mut self) -> Option<Say> {
        self.kit.take_say()
    }

    pub fn take_findings(&mut self) -> Vec<Finding> {
        self.kit.take_findings()
    }

    /// What a person should know now.
    pub fn take_notes(&mut self) -> Vec<String> {
        self.kit.take_notes()
    }

    /// The rule on its way.
    pub fn current(&self) -> &'static str {
        self.kit.current()
    }

    /// Somebody stops the run: the robot shall not drive on.
    pub fn abandon(&mut self) {
        self.kit.instant("cancelOrder", &[]);
    }

    fn poll(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let _ = self.kit.take_deadline();
        match self.work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ended) => (self.ended, self.deadline) = (Some(ended), None),
            Poll::Pending => self.deadline = self.kit.take_deadline(),
        }
    }
}

async fn run(kit: Rc<Kit>, rules: Vec<&'static Rule>) -> Result<(), Stopped> {
    let state = meet(&kit).await?;
    if rules.iter().any(|rule| matches!(rule.how, How::Driven(_))) {
        ready(&state)?;
    }
    let ground = ground(&kit, &state)?;
    warn(&kit, &ground, &rules);
    kit.set_ground(ground);
    for rule in &rules {
        let How::Driven(drive) = rule.how else { continue };
        let begun_ms = kit.now_ms();
        kit.begin(rule.id);
        let verdict = match settle(&kit).await {
            Ok(()) => drive(kit.clone()).await,
            Err(Halt::Fail(why) | Halt::Skip(why)) => {
                Err(Halt::Fail(format!("the robot couldn't be brought to rest before it: {why}")))
            }
        };
        kit.report(rule, verdict, kit.now_ms().saturating_sub(begun_ms));
    }
    kit.begin("bringing the robot to rest");
    let rest = settle(&kit).await;
    for rule in rules.iter().filter(|rule| matches!(rule.how, How::Watched)) {
        kit.report(rule, kit.watched(rule.id), 0);
    }
    if let Err(Halt::Fail(why) | Halt::Skip(why)) = rest {
        kit.note(format!("the robot isn't at rest after the last rule: {why}"));
    }
    Ok(())
}

/// The first state; it is asked for, for the next may be 30 s away.
async fn meet(kit: &Kit) -> Result<Rc<State>, Stopped> {
    kit.instant("stateRequest", &[]);
    let Ok(state) = kit.until("a state", |_| true).await else {
        return Err(Stopped::NeverSeen { connection: kit.connection() });
    };
    if !kit.has_factsheet() {
        kit.instant("factsheetRequest", &[]);
        kit.more(TopicKind::Factsheet, 0, FACTSHEET_MS).await;
    }
    Ok(kit.state().unwrap_or(state))
}

fn ready(state: &State) -> Result<(), Stopped> {
    let stop = |why: &str| Err(Stopped::NotReady(why.to_owned()));
    match state.operating_mode {
        OperatingMode::Automatic | OperatingMode::Semiautomatic => {}
        OperatingMode::Manual
        | OperatingMode::Service
        | OperatingMode::Teachin
        | OperatingMode::Startup
        | OperatingMode::Intervened
        | OperatingMode::Unknown => {
            return stop(&format!(
                "operatingMode is {}; turn it to AUTOMATIC",
                state.operating_mode.as_str()
            ));
        }
    }
    if state.safety_state.e_stop != EStop::None {
        return stop("its emergency stop is pressed; release it");
    }
    Ok(())
}

fn ground(kit: &Kit, state: &State) -> Result<Ground, Stopped> {
    let setting = kit.setting();
    if let Some(mut ground) = setting.ground {
        ground.settle_at(&place(state)).map_err(Stopped::OffLayout)?;
        return Ok(ground);
    }
    let Some(at) = &state.agv_position else {
        let why =
            "it says no agvPosition, so no nodes can be made up ahead of it; name its layout with --layout";
        return Err(Stopped::NotReady(why.to_owned()));
    };
    let name = format!("conform-{:x}", kit.now_ms() / 1_000);
    let is_on_node = state.distance_since_last_node.is_none_or(|metres| metres < 0.1);
    let is_named = !state.last_node_id.is_empty() && is_on_node;
    let id = if is_named { state.last_node_id.clone() } else { format!("{name}-0") };
    let first = Stop { id, map: at.map_id.clone(), x_m: at.x, y_m: at.y };
    let mut ground = Ground::line(first, at.theta, setting.step_m, &name);
    ground.settle_at(&place(state)).map_err(Stopped::NotReady)?;
    Ok(ground)
}

fn warn(kit: &Kit, ground: &Ground, rules: &[&'static Rule]) {
    let edges: u32 = rules.iter().map(|rule| rule.edges).sum();
    if edges == 0 {
        return;
    }
    let Setting { manufacturer, serial, ground: layout, step_m, .. } = kit.setting();
    let metres = f64::from(edges + HOMEWARD) * ground.edge_m();
    let home = ground.home();
    let space = match layout {
        Some(_) => format!("on the layout's edges around node {}", home.id),
        None => {
            let far_m = step_m * (super::ground::LINE_NODES - 1) as f64;
            format!("to and fro on the {far_m:.1} m ahead of it")
        }
    };
    kit.note(format!("{manufacturer}/{serial} will drive about {metres:.0} m {space}: keep that space free"));
}

/// Brings the robot to rest: no pause, no order, no action.
async fn settle(kit: &Kit) -> Result<(), Halt> {
    if kit.may_be_paused() {
        kit.instant("stopPause", &[]);
        kit.until("paused is false", |state| state.paused != Some(true)).await?;
    }
    if kit.state().is_some_and(|state| is_idle(&state)) {
        return Ok(());
    }
    kit.instant("cancelOrder", &[]);
    let idle = kit.until("the order is cancelled and all actions have ended", is_idle).await;
    // One that ended by itself as the cancel came is at rest all the same.
    match idle {
        Err(Halt::Fail(_)) if kit.state().is_some_and(|state| is_idle(&state)) => Ok(()),
        Err(Halt::Fail(why)) => {
            let last = kit.state().map_or(why, |state| brief(&state));
            Err(Halt::Fail(format!(
                "cancelOrder didn't bring it to rest within the patience; it said {last}"
            )))
        }
        Err(other) => Err(other),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
