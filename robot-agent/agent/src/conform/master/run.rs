//! The run: puts the robots on the broker, leads them through the phases, and has what they saw judged.

use super::judge::{Ground, judge};
use super::options::Master;
use super::phase::{Phase, chosen};
use super::player::{Player, Stage, Status};
use super::probe;
use super::report::{Played, Report};
use super::story::Story;
use crate::broker::Broker;
use crate::cli::{Robots, VirtualDevices};
use crate::clock::Clock;
use crate::robot::Robot;
use crate::run::Site;
use crate::virtual_robots;
use drover_proto::vda5050::Dialect;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How often the robots are asked how far they are.
const LOOK: Duration = Duration::from_millis(50);
/// A state at the latest this often: the controller shall know what it missed.
const STATE_INTERVAL_MS: u64 = 2_000;
/// A phase ends after so many times the patience, whatever still comes.
const PATIENCES_MAX: u64 = 10;

/// Everything for a run.
pub struct Plan {
    site: Site,
    ground: Ground,
    phases: Vec<Phase>,
    patience_ms: u64,
    seed: u64,
}

/// Reads what the options name.
pub fn prepare(options: &Master) -> anyhow::Result<Plan> {
    let robots = Robots {
        broker: options.broker.clone().unwrap_or_default(),
        ca: options.ca.clone(),
        credentials: None,
        layout: options.layout.clone().unwrap_or_default(),
        site: options.site.clone(),
        count: options.count,
        speed: options.speed,
        manufacturer: options.manufacturer.clone(),
        prefix: options.prefix.clone(),
        interface: options.interface.clone(),
        vda: Dialect::V2,
        offset: 0,
        devices: Some(VirtualDevices::None),
        site_id: None,
    };
    let layout = virtual_robots::read_layout(&robots.layout, robots.site.as_deref())?;
    let maps = layout.nodes().map(|node| layout.node(node).map.clone()).collect();
    let mut site = virtual_robots::prepare(&robots)?;
    for robot in &mut site.robots {
        robot.options.state_interval_ms = STATE_INTERVAL_MS;
    }
    let phases = chosen(&options.phase);
    let (patience_ms, seed) = (u64::from(options.patience) * 1_000, options.seed);
    Ok(Plan { site, ground: Ground { maps }, phases, patience_ms, seed })
}

/// Plays all phases, or until a signal, and judges.
pub async fn play(plan: Plan) -> anyhow::Result<Report> {
    let Plan { site, ground, phases, patience_ms, seed } = plan;
    let clock = Clock::start(site.speed);
    let (stage, _) = watch::channel(Stage::Play(Phase::Fair));
    let (mut players, mut statuses) = (JoinSet::new(), Vec::new());
    for (index, robot) in site.robots.iter().enumerate() {
        let (status, seen) = watch::channel(Status::none());
        let (robot, broker) = (robot.clone(), site.broker.clone());
        let player = Player::new(robot, broker, clock, seed + index as u64, status)?;
        players.spawn(player.run(stage.subscribe()));
        statuses.push(seen);
    }
    let director = Director { clock, patience_ms, statuses };
    let mut played = Vec::new();
    let show = async {
        for phase in phases {
            tracing::info!(phase = phase.name(), "{}; waiting for orders", phase.title());
            let _ = stage.send(Stage::Play(phase));
            played.push(director.lead(phase).await);
        }
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        () = show => {}
        _ = terminate.recv() => tracing::info!("told to stop; judging what was seen"),
        _ = interrupt.recv() => tracing::info!("told to stop; judging what was seen"),
    }
    let _ = stage.send(Stage::End);
    let mut stories = Vec::new();
    while let Some(story) = players.join_next().await {
        stories.push(story??);
    }
    look_for_kept(&site.broker, &site.robots, &mut stories).await;
    Ok(Report { phases: played, rules: judge(&stories, &ground) })
}

async fn look_for_kept(broker: &Broker, robots: &[Robot], stories: &mut [Story]) {
    for robot in robots {
        let of_it = |story: &&mut Story| story.serial == robot.identity.serial;
        if let Some(story) = stories.iter_mut().find(of_it) {
            probe::look(broker, &robot.identity, robot.login.as_ref(), story).await;
        }
    }
}

/// Says when a phase is over.
struct Director {
    clock: Clock,
    patience_ms: u64,
    statuses: Vec<watch::Receiver<Status>>,
}

impl Director {
    async fn lead(&self, phase: Phase) -> Played {
        let begin_ms = self.clock.now_ms();
        loop {
            tokio::time::sleep(LOOK).await;
            let statuses: Vec<Status> = self.statuses.iter().map(|status| *status.borrow()).collect();
            if is_over(phase, &statuses, begin_ms, self.clock.now_ms(), self.patience_ms) {
                let orders = statuses.iter().map(|status| status.received).sum();
                let is_exercised = statuses.iter().any(|status| status.is_exercised);
                return Played { phase, orders, is_exercised };
            }
        }
    }
}

/// A robot is done and none is in the middle of something; or nothing came for too long, or it lasts too long.
fn is_over(phase: Phase, statuses: &[Status], begin_ms: u64, now_ms: u64, patience_ms: u64) -> bool {
    if statuses.iter().any(|status| status.phase != phase || status.is_busy) {
        return now_ms >= begin_ms + PATIENCES_MAX * patience_ms;
    }
    let heard_ms = statuses.iter().map(|status| status.heard_ms).max().unwrap_or_default().max(begin_ms);
    let is_done = statuses.iter().any(|status| status.is_done);
    is_done || now_ms >= heard_ms + patience_ms || now_ms >= begin_ms + PATIENCES_MAX * patience_ms
}

#[cfg(test)]
mod tests {
    use super::{Phase, Status, is_over};

    const BEGIN_MS: u64 = 1_000_000;

    fn over(statuses: &[Status], after_ms: u64) -> bool {
        is_over(Phase::Manual, statuses, BEGIN_MS, BEGIN_MS + after_ms, 10_000)
    }

    #[test]
    fn phase_waits_for_orders_as_long_as_its_patience() {
        let idle = Status { phase: Phase::Manual, ..Status::none() };
        assert!(!over(&[idle], 9_999) && over(&[idle], 10_000));
        let heard = Status { heard_ms: BEGIN_MS + 5_000, ..idle };
        assert!(!over(&[idle, heard], 14_999) && over(&[idle, heard], 15_000));
    }

    #[test]
    fn one_robot_done_ends_it_unless_another_is_in_the_middle() {
        let idle = Status { phase: Phase::Manual, ..Status::none() };
        let (done, busy) = (Status { is_done: true, ..idle }, Status { is_busy: true, ..idle });
        assert!(over(&[idle, done], 1));
        assert!(!over(&[busy, done], 50_000) && over(&[busy, done], 100_000));
        assert!(!over(&[Status::none(), done], 50_000), "one hasn't begun the phase");
    }
}
