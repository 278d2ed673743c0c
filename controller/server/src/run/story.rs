//! What the log tells: one line per decision, with job, robot and seq. And what `/metrics` counts.

use drover_core::job::JobState;
use drover_core::robot::Task;
use drover_core::{Alarm, Command, Fleet, JobNews, Record, RobotId};

/// Logs and counts the decisions of a record that is about to be committed.
pub(super) fn tell(record: &Record, fleet: &Fleet) {
    for (entry, seq) in record.entries.iter().zip(record.seq_from.0..) {
        for command in &entry.commands {
            match command {
                Command::Assign { job, robot } => {
                    metrics::counter!("drover_assignments_total").increment(1);
                    tracing::info!(%job, robot = name(fleet, *robot), seq, "assigned");
                }
                Command::Reject(rejection) => {
                    let code = rejection.code.as_str();
                    metrics::counter!("drover_rejections_total", "code" => code).increment(1);
                    tracing::info!(job = %rejection.job, code, reason = rejection.reason, seq, "rejected");
                }
                Command::Ignore { job } => tracing::info!(%job, seq, "ignored: seen before"),
                Command::Notify(news) => {
                    metrics::counter!("drover_job_news_total", "state" => state(&news.what)).increment(1);
                    match &news.what {
                        JobNews::Done
                        | JobNews::Failed { .. }
                        | JobNews::Cancelled
                        | JobNews::Blocked { .. } => {
                            let robot = news.robot.as_deref().unwrap_or("-");
                            tracing::info!(job = %news.job, robot, seq, "{}", state(&news.what));
                        }
                        JobNews::Accepted
                        | JobNews::Assigned
                        | JobNews::Started
                        | JobNews::LegDone { .. } => {}
                    }
                }
                Command::Release { .. } => metrics::counter!("drover_releases_total").increment(1),
                Command::Pause { robot, stand } => {
                    tracing::info!(
                        robot = name(fleet, *robot),
                        seq,
                        "{}",
                        if *stand { "paused" } else { "resumed" }
                    );
                }
                Command::Device { device, want } => {
                    let device = &fleet.layout().devices()[device.index()].name;
                    tracing::info!(device, seq, "wanted {want:?}");
                }
                Command::Refuse { code, reason } => {
                    metrics::counter!("drover_rejections_total", "code" => code.as_str()).increment(1);
                    tracing::info!(code = code.as_str(), reason, seq, "refused");
                }
                // Told when it leaves the site, after the commit.
                Command::Alarm(_) => {}
            }
        }
    }
}

/// Logs and counts an alarm.
pub(super) fn alarm(alarm: &Alarm, fleet: &Fleet) {
    let code = alarm.code.as_str();
    metrics::counter!("drover_alarms_total", "code" => code).increment(1);
    let robot = alarm.robot.map(|robot| name(fleet, robot)).unwrap_or_default();
    tracing::warn!(code, robot, "{}", alarm.text);
}

/// Sets the gauges.
pub(super) fn gauge(fleet: &Fleet) {
    let mut jobs = [("queued", 0_u32), ("assigned", 0), ("started", 0)];
    for job in fleet.jobs() {
        match job.state {
            JobState::Queued => jobs[0].1 += 1,
            JobState::Assigned(_) => jobs[1].1 += 1,
            JobState::Started(_) => jobs[2].1 += 1,
            JobState::Done | JobState::Failed(_) | JobState::Cancelled => {}
        }
    }
    let mut robots = [("away", 0_u32), ("idle", 0), ("job", 0), ("charge", 0)];
    for robot in fleet.robots() {
        let place = match &robot.task {
            _ if !robot.is_usable() => 0,
            Task::Idle => 1,
            Task::Job { .. } => 2,
            Task::Charge { .. } => 3,
        };
        robots[place].1 += 1;
    }
    for (state, count) in jobs {
        metrics::gauge!("drover_jobs", "state" => state).set(f64::from(count));
    }
    for (state, count) in robots {
        metrics::gauge!("drover_robots", "state" => state).set(f64::from(count));
    }
}

fn name(fleet: &Fleet, robot: RobotId) -> String {
    fleet
        .robots()
        .get(robot.index())
        .map_or_else(|| format!("robot {}", robot.0), |robot| robot.name.to_string())
}

/// The state's word on the wire.
pub(crate) fn state(news: &JobNews) -> &'static str {
    match news {
        JobNews::Accepted => "accepted",
        JobNews::Assigned => "assigned",
        JobNews::Started => "started",
        JobNews::LegDone { .. } => "leg_done",
        JobNews::Blocked { .. } => "blocked",
        JobNews::Done => "done",
        JobNews::Failed { .. } => "failed",
        JobNews::Cancelled => "cancelled",
    }
}
