//! `JobService`: the customer's jobs, in and out.

use std::sync::Arc;

use drover_core::job::JobRequest;
use drover_core::{Fleet, JobId, Notification};
use drover_proto::event::ShortLine;
use drover_proto::grpc::v1;
use drover_proto::grpc::v1::job_service_server::JobService;
use futures::future::ready;
use futures::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tonic::{Request, Response, Status};

use super::desk::{Desk, caller};
use super::spec::{instant, job_json};
use super::{Answer, Updates, ms, not_leader, page, refusal, robot_id, robot_name};
use crate::view::{JobNewsItem, JobState, JobView, LegView, News, View};
use crate::{events, inbox, intake};

pub(super) struct Jobs(pub(super) Desk);

#[tonic::async_trait]
impl JobService for Jobs {
    async fn submit(&self, request: Request<v1::SubmitJobRequest>) -> Answer<v1::SubmitJobResponse> {
        // The job id is the key: the fleet itself does a job once.
        let by = caller(&request, "", "")?;
        let request = request.into_inner();
        let job = request.job.ok_or_else(|| Status::invalid_argument("`job` is missing"))?;
        if !request.idempotency_key.is_empty() && request.idempotency_key != job.job_id {
            return Err(Status::invalid_argument(
                "`idempotency_key` must be empty or the job's own `job_id`",
            ));
        }
        let request = parse(&job_json(job)?)?;
        let receipt = self.0.change(inbox::Request::Job { request, by: Some(by) }).await?;
        Ok(Response::new(v1::SubmitJobResponse { receipt: Some(receipt) }))
    }

    async fn cancel(&self, request: Request<v1::CancelJobRequest>) -> Answer<v1::CancelJobResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, &message.reason)?;
        let request = parse(&json!({ "v": 1, "cancel": message.job_id }))?;
        let receipt = self.0.change(inbox::Request::Job { request, by: Some(by) }).await?;
        Ok(Response::new(v1::CancelJobResponse { receipt: Some(receipt) }))
    }

    async fn update(&self, request: Request<v1::UpdateJobRequest>) -> Answer<v1::UpdateJobResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, "")?;
        let mut body = json!({ "v": 1, "update": message.job_id });
        if let Some(due_at) = message.due_at_ms {
            body["due_at"] = instant(due_at)?;
        }
        if let Some(priority) = message.priority {
            body["priority"] = priority.into();
        }
        let request = parse(&body)?;
        let receipt = self.0.change(inbox::Request::Job { request, by: Some(by) }).await?;
        Ok(Response::new(v1::UpdateJobResponse { receipt: Some(receipt) }))
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::GetJobResponse> {
        let name = request.into_inner().job_id;
        let view = self.0.view().await?;
        let job = match view.job(&name) {
            Some(job) => Some(job_message(job)),
            None if view.leads => {
                let id = JobId(name.clone());
                self.0.ask(move |fleet| Some(job_message(&JobView::of(fleet.job(&id)?, fleet)))).await?
            }
            None => None,
        };
        if job.is_none() {
            return Err(Status::not_found(format!("no job {name}; jobs that ended are shown for an hour")));
        }
        let history = self.0.news.of_job(&name);
        let history = history.iter().map(|news| event_message(&view.site, news)).collect();
        Ok(Response::new(v1::GetJobResponse { job, history }))
    }

    async fn list(&self, request: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        let wanted = Wanted::new(request.into_inner())?;
        let view = self.0.view().await?;
        let answer = if view.leads && view.jobs_left_out > 0 && wanted.is_about_ended() {
            self.0.ask(move |fleet| wanted.of_fleet(fleet)).await?
        } else {
            wanted.of_view(&view)
        };
        Ok(Response::new(answer))
    }

    type WatchStream = Updates<v1::JobEvent>;

    async fn watch(&self, request: Request<v1::WatchJobsRequest>) -> Answer<Self::WatchStream> {
        let v1::WatchJobsRequest { after_n, job_ids } = request.into_inner();
        let view = self.0.view().await?;
        if !view.leads {
            return Err(not_leader(&view.leader));
        }
        let site = view.site.clone();
        let events = told(&self.0.news, after_n);
        let wanted = events.filter_map(move |news| {
            let is_wanted = |news: &Arc<Notification>| job_ids.is_empty() || job_ids.contains(&news.job.0);
            let event = match news {
                Ok(news) => is_wanted(&news).then(|| Ok(event_message(&site, &news))),
                Err(status) => Some(Err(status)),
            };
            async move { event }
        });
        Ok(Response::new(self.0.until_stopped(wanted)))
    }
}

/// What happens to jobs after `after_n`, or from now on; a reader that is too slow gets an error, and the end.
fn told(news: &News, after_n: Option<u64>) -> impl Stream<Item = Result<JobNewsItem, Status>> + Send + use<> {
    let (past, next) = news.follow(after_n);
    let last = past.last().map(|news| news.n).max(after_n).unwrap_or_default();
    let next = stream::unfold(Some(next), |next| async {
        let mut next = next?;
        match next.recv().await {
            Ok(news) => Some((Ok(news), Some(next))),
            Err(RecvError::Lagged(missed)) => Some((Err(behind(missed)), None)),
            Err(RecvError::Closed) => None,
        }
    });
    let is_known = move |news: &Result<JobNewsItem, Status>| news.as_ref().is_ok_and(|news| news.n <= last);
    stream::iter(past.into_iter().map(Ok)).chain(next.skip_while(move |news| ready(is_known(news))))
}

fn behind(missed: u64) -> Status {
    let text =
        format!("the reader is too slow: {missed} events were left out; list the jobs, then watch again");
    super::coded(Status::out_of_range(text), "TOO_SLOW")
}

fn parse(body: &Value) -> Result<JobRequest, Status> {
    intake::read(body.to_string().as_bytes())
        .map_err(|refused| refusal(refused.code.as_str(), &refused.reason))
}

/// One page of jobs, newest first; the token is the admission place below which the next page begins.
struct Wanted {
    request: v1::ListJobsRequest,
    robot: Option<drover_core::RobotName>,
    size: usize,
    below: u64,
}

impl Wanted {
    fn new(mut request: v1::ListJobsRequest) -> Result<Wanted, Status> {
        let (size, below) = page(request.page.take())?;
        let robot = request.robot.take().map(robot_name);
        Ok(Wanted { request, robot, size, below: below.unwrap_or(u64::MAX) })
    }

    fn is_about_ended(&self) -> bool {
        let ended = [v1::JobState::Done, v1::JobState::Failed, v1::JobState::Cancelled];
        let states = &self.request.states;
        states.is_empty() || ended.iter().any(|state| states.contains(&i32::from(*state)))
    }

    fn is_wanted(&self, job: &JobView) -> bool {
        let state = i32::from(state_message(job.state));
        let is_equal = |wanted: &str, is: &str| wanted.is_empty() || is == wanted;
        job.admitted < self.below
            && (self.request.states.is_empty() || self.request.states.contains(&state))
            && is_equal(&self.request.sequence, &job.sequence)
            && is_equal(&self.request.order_id, &job.order_id)
            && self.robot.as_ref().is_none_or(|robot| job.robot.as_ref() == Some(robot))
    }

    fn of_view(&self, view: &View) -> v1::ListJobsResponse {
        let jobs = view.jobs.iter().rev().filter(|job| self.is_wanted(job));
        self.answer(jobs.take(self.size + 1).map(|job| (job.admitted, job_message(job))).collect())
    }

    fn of_fleet(&self, fleet: &Fleet) -> v1::ListJobsResponse {
        let mut newest: Vec<_> = fleet.jobs().filter(|job| job.admitted < self.below).collect();
        newest.sort_unstable_by_key(|job| std::cmp::Reverse(job.admitted));
        let jobs = newest.into_iter().map(|job| JobView::of(job, fleet)).filter(|job| self.is_wanted(job));
        self.answer(jobs.take(self.size + 1).map(|job| (job.admitted, job_message(&job))).collect())
    }

    fn answer(&self, mut jobs: Vec<(u64, v1::Job)>) -> v1::ListJobsResponse {
        let has_more = jobs.len() > self.size;
        jobs.truncate(self.size);
        let last = jobs.last().filter(|_| has_more);
        let next_token = last.map(|(admitted, _)| admitted.to_string()).unwrap_or_default();
        v1::ListJobsResponse { jobs: jobs.into_iter().map(|(_, job)| job).collect(), next_token }
    }
}

fn state_message(state: JobState) -> v1::JobState {
    match state {
        JobState::Accepted => v1::JobState::Accepted,
        JobState::Assigned => v1::JobState::Assigned,
        JobState::Started => v1::JobState::Started,
        JobState::Done => v1::JobState::Done,
        JobState::Failed => v1::JobState::Failed,
        JobState::Cancelled => v1::JobState::Cancelled,
    }
}

fn job_message(job: &JobView) -> v1::Job {
    v1::Job {
        spec: Some(spec_message(job)),
        state: state_message(job.state).into(),
        legs_done: job.legs_done,
        robot: job.robot.as_ref().map(robot_id),
        accepted_at_ms: ms(job.accepted_at_ms),
        started_at_ms: job.started_at_ms.map(ms),
        ended_at_ms: job.ended_at_ms.map(ms),
        eta_ms: None,
        reason: job.reason.clone(),
        code: job.code.clone(),
        out_of_cold_s: None,
    }
}

fn spec_message(job: &JobView) -> v1::JobSpec {
    v1::JobSpec {
        job_id: job.id.clone(),
        order_id: job.order_id.clone(),
        sequence: job.sequence.clone(),
        legs: job.legs.iter().map(leg_message).collect(),
        due_at_ms: job.due_at_ms.map(ms),
        best_before: job.best_before.clone(),
        temperature: temperature(job.temperature).into(),
        max_out_of_cold_s: job.max_out_of_cold_s,
        requires: job.requires.clone(),
        priority: Some(u32::from(job.priority)),
        extra_json: job.extra_json.clone(),
    }
}

fn short_message(short: ShortLine) -> v1::ShortLine {
    let ShortLine { line, quantity, reason } = short;
    v1::ShortLine { line, quantity, reason: reason.unwrap_or_default() }
}

fn leg_message(leg: &LegView) -> v1::Leg {
    v1::Leg {
        station: leg.station.clone(),
        action: leg.action.clone(),
        parameters_json: leg.parameters_json.clone(),
        load: load_message(leg),
        dwell_s: (leg.dwell_ms > 0).then(|| u32::try_from(leg.dwell_ms / 1_000).unwrap_or(u32::MAX)),
        lines: Vec::new(),
    }
}

pub(super) fn load_message(leg: &LegView) -> Option<v1::Load> {
    leg.load.as_ref().map(|load| v1::Load { id: load.id.clone(), r#type: load.load_type.clone() })
}

pub(super) fn temperature(temperature: Option<drover_maps::Temperature>) -> v1::Temperature {
    match temperature {
        None => v1::Temperature::Unspecified,
        Some(drover_maps::Temperature::Frozen) => v1::Temperature::Frozen,
        Some(drover_maps::Temperature::Chilled) => v1::Temperature::Chilled,
        Some(drover_maps::Temperature::Ambient) => v1::Temperature::Ambient,
    }
}

/// The same as on the events exchange.
fn event_message(site: &str, news: &Notification) -> v1::JobEvent {
    let event = events::message(site, news);
    let robot = event.robot.as_deref().and_then(|robot| robot.split_once('/'));
    let state = format!("JOB_STATE_{}", event.state.as_str().to_uppercase());
    v1::JobEvent {
        site: event.site,
        n: event.n,
        at_ms: event.at_ms,
        job_id: event.job_id,
        order_id: event.order_id.unwrap_or_default(),
        state: v1::JobState::from_str_name(&state).unwrap_or_default().into(),
        leg: event.leg,
        robot: robot.map(|(manufacturer, serial)| v1::RobotId {
            manufacturer: manufacturer.to_owned(),
            serial: serial.to_owned(),
        }),
        reason: event.reason.unwrap_or_default(),
        code: event.code.unwrap_or_default(),
        eta_ms: event.eta_ms,
        due_at_ms: event.due_at_ms,
        cause: event.cause.unwrap_or_default(),
        extra_json: news.extra.clone(),
        short: event.short.into_iter().map(short_message).collect(),
    }
}

#[cfg(test)]
mod tests {
    use drover_core::{JobNews, Time};

    use super::*;

    fn note(news: &News, numbers: std::ops::RangeInclusive<u64>) {
        for n in numbers {
            news.note(&Notification {
                n,
                at: Time(n),
                job: JobId(format!("J-{n}")),
                order_id: None,
                what: JobNews::Accepted,
                robot: None,
                extra: String::new(),
                why: None,
            });
        }
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_is_told_and_slows_nobody() {
        let news = News::default();
        let mut slow = Box::pin(told(&news, None));
        let mut quick = Box::pin(told(&news, None));
        note(&news, 1..=1);
        assert_eq!(quick.next().await.unwrap().unwrap().n, 1);
        note(&news, 2..=20_000);
        assert_eq!(slow.next().await.unwrap().unwrap_err().code(), tonic::Code::OutOfRange);
        assert!(slow.next().await.is_none());
    }

    #[tokio::test]
    async fn what_is_kept_comes_first_and_nothing_twice() {
        let news = News::default();
        note(&news, 1..=12_000);
        let mut events = Box::pin(told(&news, Some(2_500)));
        note(&news, 11_990..=12_010);
        for n in 2_501..=12_010 {
            assert_eq!(events.next().await.unwrap().unwrap().n, n);
        }
        let mut oldest = Box::pin(told(&news, Some(0)));
        assert_eq!(oldest.next().await.unwrap().unwrap().n, 2_011);
    }
}
