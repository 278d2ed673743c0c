//! Runs the robots of one process: a session each, until a signal.

use crate::BadInput;
use crate::broker::Broker;
use crate::clock::Clock;
use crate::devices::{self, Account, File, Virtual};
use crate::drivers;
use crate::robot::Robot;
use crate::session::{Session, Shared};
use drover_agent_core::Agent;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long robots may take to say goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(3);

/// What to run.
#[derive(Debug)]
pub struct Site {
    /// Where the robots connect.
    pub broker: Broker,
    /// How fast their clock runs.
    pub speed: f64,
    /// The robots.
    pub robots: Vec<Robot>,
    /// Print a JSON line per robot and one when all are ready.
    pub announce: bool,
    /// The site's devices.
    pub devices: Devices,
}

/// Who answers for the site's devices.
#[derive(Debug)]
pub enum Devices {
    /// Not this process.
    None,
    /// The PLCs of a devices.toml.
    Wired(Account, File),
    /// Numbers.
    Virtual(Virtual),
}

/// Runs until SIGINT or SIGTERM; then every robot publishes OFFLINE and disconnects.
pub async fn run(site: Site) -> anyhow::Result<()> {
    let clock = Clock::start(site.speed);
    let total = site.robots.len();
    let (stop, stopped) = watch::channel(false);
    let (settled, mut settlements) = mpsc::channel(total.max(1));
    let shared = Arc::new(Shared::new(site.broker, clock, total, settled));
    tracing::info!(robots = total, broker = %shared.broker, "starting");
    let mut sessions = JoinSet::new();
    for (index, robot) in site.robots.into_iter().enumerate() {
        if site.announce {
            print_robot(&robot);
        }
        let now_ms = clock.now_ms();
        let driver = drivers::named(&robot.driver)
            .ok_or_else(|| BadInput::one(format!("driver {:?} isn't known", robot.driver)))?;
        let machine = (driver.build)(&robot, now_ms)?;
        let agent = Agent::new(robot.identity, robot.spec, robot.options, &robot.start, machine, now_ms);
        sessions.spawn(Session::new(agent, shared.clone(), stopped.clone(), index, robot.login).run());
    }
    let mut tasks = JoinSet::new();
    match site.devices {
        Devices::None => {}
        Devices::Wired(account, file) => devices::serve(&mut tasks, &account, file, clock, &stopped),
        Devices::Virtual(hall) => {
            tasks.spawn(hall.run(clock, stopped));
        }
    }
    let ready = async {
        for _ in 0..total {
            settlements.recv().await;
        }
        if total > 0 {
            tracing::info!(robots = total, "all robots are online");
        }
        if site.announce {
            print_line(&serde_json::json!({ "ready": total }));
        }
        std::future::pending::<()>().await;
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        () = ready => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    let _ = stop.send(true);
    let goodbye = async {
        while sessions.join_next().await.is_some() {}
        while tasks.join_next().await.is_some() {}
    };
    if tokio::time::timeout(GOODBYE_MAX, goodbye).await.is_err() {
        tracing::warn!("not every robot and device could say goodbye");
    }
    Ok(())
}

/// Returns when the process is to stop.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn print_robot(robot: &Robot) {
    print_line(&serde_json::json!({
        "manufacturer": robot.identity.manufacturer,
        "serial": robot.identity.serial,
        "node": robot.start.node_id,
    }));
}

/// A reader that went away is no reason to stop the robots.
fn print_line(line: &serde_json::Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
