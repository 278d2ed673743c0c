//! What the log tells: one line per decision, with job, robot and seq. And what `/metrics` counts of decisions.

use drover_core::{Alarm, Command, Fleet, JobId, JobNews, Record, RobotId};

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
                    end(&news.job, &news.what, fleet);
                    match &news.what {
                        JobNews::Done
                        | JobNews::Failed { .. }
                        | JobNews::Cancelled
                        | JobNews::AtRisk { .. }
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
                Command::Cancel { robot } => {
                    tracing::info!(robot = name(fleet, *robot), seq, "told to give its order up");
                }
                Command::Device { device, want } => {
                    // The layout may have changed since the event.
                    let device = fleet.layout().devices().get(device.index());
                    let device = device.map_or("-", |device| device.name.as_str());
                    tracing::info!(device, seq, "wanted {want:?}");
                }
                Command::Layout { fingerprint } => {
                    tracing::info!(layout = format!("{fingerprint:016x}"), seq, "in use");
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

/// Counts a job that has ended.
fn end(id: &JobId, news: &JobNews, fleet: &Fleet) {
    let Some(job) = fleet.job(id) else { return };
    let outcome = match news {
        JobNews::Done => match (job.spec.due_at, job.ended_at) {
            (Some(due), Some(end)) if end > due => "late",
            (Some(_), _) => "on_time",
            (None, _) => "no_cut_off",
        },
        JobNews::Failed { .. } => "failed",
        JobNews::Cancelled => "cancelled",
        JobNews::Accepted
        | JobNews::Assigned
        | JobNews::Started
        | JobNews::LegDone { .. }
        | JobNews::AtRisk { .. }
        | JobNews::Blocked { .. } => return,
    };
    metrics::counter!("drover_jobs_ended_total", "outcome" => outcome).increment(1);
    if let Some(end) = job.ended_at {
        let seconds = end.since_ms(job.accepted_at) as f64 / 1_000.0;
        metrics::histogram!("drover_job_seconds").record(seconds);
    }
}

/// Logs and counts an alarm.
pub(super) fn alarm(alarm: &Alarm, fleet: &Fleet) {
    let code = alarm.code.as_str();
    metrics::counter!("drover_alarms_total", "code" => code).increment(1);
    let robot = alarm.robot.map(|robot| name(fleet, robot)).unwrap_or_default();
    tracing::warn!(code, robot, "{}", alarm.text);
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
        JobNews::AtRisk { .. } => "at_risk",
        JobNews::Blocked { .. } => "blocked",
        JobNews::Done => "done",
        JobNews::Failed { .. } => "failed",
        JobNews::Cancelled => "cancelled",
    }
}
