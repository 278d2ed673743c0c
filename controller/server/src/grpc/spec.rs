//! A job of the contract, as it would stand on the message queue.

use drover_proto::grpc::v1;
use serde_json::{Map, Value};
use tonic::Status;

/// The job as it would stand on the message queue.
pub(super) fn job_json(job: v1::JobSpec) -> Result<Value, Status> {
    let mut body = object(&job.extra_json, "job.extra_json")?;
    body.insert("v".into(), 1.into());
    body.insert("job_id".into(), job.job_id.into());
    put_text(&mut body, "order_id", job.order_id);
    put_text(&mut body, "sequence", job.sequence);
    put_text(&mut body, "best_before", job.best_before);
    let legs: Result<Vec<Value>, Status> = job.legs.into_iter().map(leg_json).collect();
    body.insert("legs".into(), legs?.into());
    if let Some(due_at) = job.due_at_ms {
        body.insert("due_at".into(), instant(due_at)?);
    }
    let temperature = v1::Temperature::try_from(job.temperature);
    match temperature
        .map_err(|_| Status::invalid_argument("`job.temperature` isn't one of the contract's"))?
    {
        v1::Temperature::Unspecified => {}
        v1::Temperature::Frozen => drop(body.insert("temperature".into(), "frozen".into())),
        v1::Temperature::Chilled => drop(body.insert("temperature".into(), "chilled".into())),
        v1::Temperature::Ambient => drop(body.insert("temperature".into(), "ambient".into())),
    }
    if let Some(seconds) = job.max_out_of_cold_s {
        body.insert("max_out_of_cold_s".into(), seconds.into());
    }
    if !job.requires.is_empty() {
        body.insert("requires".into(), job.requires.into());
    }
    if let Some(priority) = job.priority {
        body.insert("priority".into(), priority.into());
    }
    Ok(Value::Object(body))
}

fn leg_json(leg: v1::Leg) -> Result<Value, Status> {
    let mut body = Map::new();
    body.insert("station".into(), leg.station.into());
    put_text(&mut body, "action", leg.action);
    let parameters = object(&leg.parameters_json, "leg.parameters_json")?;
    if !parameters.is_empty() {
        body.insert("parameters".into(), parameters.into());
    }
    if let Some(load) = leg.load {
        let mut load_body = Map::from_iter([("id".to_owned(), Value::from(load.id))]);
        put_text(&mut load_body, "type", load.r#type);
        body.insert("load".into(), load_body.into());
    }
    if let Some(seconds) = leg.dwell_s {
        body.insert("dwell_s".into(), seconds.into());
    }
    if !leg.lines.is_empty() {
        body.insert("lines".into(), leg.lines.into_iter().map(line_json).collect());
    }
    Ok(body.into())
}

fn line_json(line: v1::Line) -> Value {
    let mut body = Map::from_iter([("item".to_owned(), Value::from(line.item))]);
    put_text(&mut body, "lot", line.lot);
    put_text(&mut body, "use_by", line.use_by);
    put_text(&mut body, "location", line.location);
    if let Some(quantity) = line.quantity {
        body.insert("quantity".into(), quantity.into());
    }
    body.into()
}

fn put_text(body: &mut Map<String, Value>, key: &str, text: String) {
    if !text.is_empty() {
        body.insert(key.to_owned(), text.into());
    }
}

fn object(text: &str, key: &str) -> Result<Map<String, Value>, Status> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text)
        .map_err(|error| Status::invalid_argument(format!("`{key}` isn't a JSON object: {error}")))
}

pub(super) fn instant(ms: i64) -> Result<Value, Status> {
    let at = jiff::Timestamp::from_millisecond(ms);
    at.map(|at| at.to_string().into()).map_err(|_| Status::invalid_argument("`due_at_ms` is out of range"))
}
