//! From the words of the wire to the fleet's own.

use drover_core::Time;
use drover_core::id::JobId;
use drover_core::job::{ActionSpec, JobRequest, JobSpec, LegSpec};
use drover_core::load::Load;
use drover_proto::job::{self, Job, JobMessage, Leg};

/// What the message asks of the fleet.
pub(super) fn request(message: JobMessage) -> JobRequest {
    let fingerprint = u128::from_be_bytes(job::fingerprint(&message));
    match message {
        JobMessage::Job(job) => JobRequest::Submit(Box::new(spec(*job, fingerprint))),
        JobMessage::Cancel { job_id } => JobRequest::Cancel(JobId(job_id)),
        JobMessage::Update { job_id, due_at_ms, priority } => {
            JobRequest::Update { job: JobId(job_id), due_at: due_at_ms.map(time), priority }
        }
    }
}

fn spec(job: Job, fingerprint: u128) -> JobSpec {
    let lines = job.legs.iter().flat_map(|leg| &leg.lines);
    let use_by = lines.filter_map(|line| line.use_by.clone()).min();
    JobSpec {
        id: JobId(job.job_id),
        order_id: job.order_id,
        sequence: job.sequence,
        legs: job.legs.into_iter().map(leg).collect(),
        due_at: job.due_at_ms.map(time),
        best_before: job.best_before.or(use_by),
        temperature: job.temperature.map(temperature),
        max_out_of_cold_s: job.max_out_of_cold_s,
        requires: job.requires,
        priority: job.priority,
        extra: if job.extra.is_empty() {
            String::new()
        } else {
            serde_json::Value::Object(job.extra).to_string()
        },
        fingerprint,
    }
}

fn leg(leg: Leg) -> LegSpec {
    let parameters = leg.parameters.iter().map(|(key, value)| (key.clone(), value.to_string())).collect();
    let action = leg.action.map(|action| ActionSpec { name: action.as_str().to_owned(), parameters });
    LegSpec {
        station: leg.station,
        action,
        load: leg.load.map(|load| Load { id: load.id, load_type: load.load_type }),
        dwell_ms: u64::from(leg.dwell_s.unwrap_or_default()) * 1_000,
        lines: u32::try_from(leg.lines.len()).unwrap_or(u32::MAX),
    }
}

fn temperature(temperature: job::Temperature) -> drover_maps::Temperature {
    match temperature {
        job::Temperature::Frozen => drover_maps::Temperature::Frozen,
        job::Temperature::Chilled => drover_maps::Temperature::Chilled,
        job::Temperature::Ambient => drover_maps::Temperature::Ambient,
    }
}

/// The parser lets no time before 1970 pass.
fn time(ms: i64) -> Time {
    Time(u64::try_from(ms).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> JobRequest {
        super::super::read(body.as_bytes()).unwrap()
    }

    #[test]
    fn every_field_of_a_job_arrives() {
        let request = read(
            r#"{"v":1,"job_id":"J-1","order_id":"SO-1","sequence":"T-7","due_at":"1970-01-01T00:00:02Z",
            "best_before":"2026-11-25","temperature":"chilled","max_out_of_cold_s":600,"requires":["cold"],
            "priority":7,"legs":[{"station":"A","action":"lift","parameters":{"height":1.5,"side":"left"},
            "load":{"id":"TOTE-9","type":"tote"},"dwell_s":8},{"station":"B"}],"wave":12}"#,
        );
        let JobRequest::Submit(spec) = request else { panic!("not a job") };
        assert_eq!((spec.id.0.as_str(), spec.order_id.as_deref()), ("J-1", Some("SO-1")));
        assert_eq!((spec.sequence.as_deref(), spec.due_at), (Some("T-7"), Some(Time(2_000))));
        assert_eq!(spec.best_before.as_deref(), Some("2026-11-25"));
        assert_eq!(spec.temperature, Some(drover_maps::Temperature::Chilled));
        assert_eq!(
            (spec.max_out_of_cold_s, spec.requires.as_slice()),
            (Some(600), ["cold".to_owned()].as_slice())
        );
        assert_eq!((spec.priority, spec.extra.as_str()), (7, r#"{"wave":12}"#));
        let lift = &spec.legs[0];
        assert_eq!((lift.station.as_str(), lift.dwell_ms), ("A", 8_000));
        assert_eq!(lift.load, Some(Load { id: "TOTE-9".to_owned(), load_type: Some("tote".to_owned()) }));
        let action = lift.action.as_ref().unwrap();
        let parameters: Vec<_> =
            action.parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            (action.name.as_str(), parameters),
            ("lift", vec![("height", "1.5"), ("side", r#""left""#)])
        );
        assert_eq!((spec.legs[1].action.as_ref(), spec.legs[1].dwell_ms), (None, 0));
    }

    #[test]
    fn the_same_job_spelt_otherwise_has_the_same_fingerprint() {
        let print = |body: &str| match read(body) {
            JobRequest::Submit(spec) => spec.fingerprint,
            JobRequest::Cancel(_) | JobRequest::Update { .. } => panic!("not a job"),
        };
        let one = print(r#"{"v":1,"job_id":"J-1","legs":[{"station":"A"}]}"#);
        assert_eq!(one, print(r#"{ "legs": [ {"station":"A"} ], "job_id": "J-1", "v": 1 }"#));
        assert_ne!(one, print(r#"{"v":1,"job_id":"J-1","legs":[{"station":"B"}]}"#));
    }

    #[test]
    fn control_messages_arrive_as_what_they_are() {
        assert_eq!(read(r#"{"v":1,"cancel":"J-1"}"#), JobRequest::Cancel(JobId("J-1".to_owned())));
        let update = JobRequest::Update { job: JobId("J-1".to_owned()), due_at: None, priority: Some(9) };
        assert_eq!(read(r#"{"v":1,"update":"J-1","priority":9}"#), update);
    }
}
