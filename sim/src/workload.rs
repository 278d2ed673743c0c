//! What is asked of the fleet: jobs from a wave file, written out, or drawn from a seed.

use drover_core::job::{ActionSpec, JobSpec, LegSpec};
use drover_core::load::Load;
use drover_core::{JobId, Time};
use drover_maps::{Layout, StationId, Temperature};
use drover_proto::job::{self, JobMessage};

pub(crate) mod stream;

use crate::rng::{Rng, fnv1a};
use crate::scenario::{JOBS_AFTER_MS, JobLine, Jobs, ReadFile, START, ScenarioError};

/// Action of a leg that is done on arrival.
const NO_ACTION: &str = "-";
/// Legs of a job, at most: what the queue's messages carry.
const LEGS_MAX: usize = 16;
/// Jobs of a drawn sequence.
const SEQUENCE_LENGTH: usize = 10;

/// All jobs with the time each is published, in queue order.
pub(crate) fn jobs(
    layout: &Layout,
    numbers: &Jobs,
    lines: &[JobLine],
    read: ReadFile<'_>,
    rng: &mut Rng,
) -> Result<Vec<(Time, JobSpec)>, ScenarioError> {
    let begin = START.plus_ms(JOBS_AFTER_MS);
    let mut jobs = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let at = begin.plus_ms(line.at_s.saturating_mul(1_000));
        let job = written(layout, index, line, at).map_err(|error| error.in_table("job", index))?;
        jobs.push((at, job));
    }
    let mass = match &numbers.wave {
        Some(path) => wave(layout, path, read)?,
        None => drawn(layout, numbers, rng)?,
    };
    jobs.extend((0..).zip(mass).map(|(place, job)| (begin.plus_ms(place * numbers.every_ms), job)));
    jobs.sort_by_key(|(at, _)| *at);
    Ok(jobs)
}

fn written(layout: &Layout, index: usize, line: &JobLine, at: Time) -> Result<JobSpec, ScenarioError> {
    let id = line.id.clone().unwrap_or_else(|| format!("J-{}", index + 1));
    let mut legs = Vec::new();
    check_legs("job.legs", &line.legs)?;
    for (place, text) in line.legs.iter().enumerate() {
        let (station, action) = text.split_once(' ').unwrap_or((text, NO_ACTION));
        check_station(layout, &format!("job.legs[{place}]"), station)?;
        legs.push(LegSpec { dwell_ms: line.dwell_s.saturating_mul(1_000), ..leg(station, action, &id) });
    }
    check_priority("job.priority", line.priority)?;
    Ok(JobSpec {
        due_at: line.due_after_s.map(|after| at.plus_ms(after.saturating_mul(1_000))),
        temperature: line.temperature,
        max_out_of_cold_s: line.max_out_of_cold_s,
        requires: line.requires.clone(),
        priority: line.priority,
        ..spec(id, line.sequence.clone(), legs)
    })
}

fn check_legs(key: &str, legs: &[String]) -> Result<(), ScenarioError> {
    if (1..=LEGS_MAX).contains(&legs.len()) {
        return Ok(());
    }
    let problem = format!("{} legs; write 1 to {LEGS_MAX} of \"STATION action\"", legs.len());
    Err(ScenarioError::value(key, problem))
}

fn check_priority(key: &str, priority: u8) -> Result<(), ScenarioError> {
    if priority <= 9 {
        return Ok(());
    }
    Err(ScenarioError::value(key, format!("{priority} is above 9; write 0 to 9, 9 goes first")))
}

fn check_station(layout: &Layout, key: &str, station: &str) -> Result<(), ScenarioError> {
    if layout.station_named(station).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = layout.stations().iter().take(8).map(|known| known.name.as_str()).collect();
    Err(ScenarioError::value(key, format!("no station {station:?}; there are {}", known.join(", "))))
}

pub(crate) fn leg(station: &str, action: &str, job: &str) -> LegSpec {
    let action = (action != NO_ACTION).then(|| ActionSpec { name: action.into(), parameters: Vec::new() });
    let load = action.as_ref().map(|_| Load { id: format!("load-{job}"), load_type: None });
    LegSpec { station: station.into(), action, load, dwell_ms: 0, lines: 0 }
}

pub(crate) fn spec(id: String, sequence: Option<String>, legs: Vec<LegSpec>) -> JobSpec {
    JobSpec {
        fingerprint: u128::from(fnv1a(id.as_bytes())),
        id: JobId(id),
        order_id: None,
        sequence,
        legs,
        due_at: None,
        best_before: None,
        temperature: None,
        max_out_of_cold_s: None,
        requires: Vec::new(),
        priority: 5,
        extra: String::new(),
    }
}

/// Random picks to random ends; jobs of a sequence share their end.
fn drawn(layout: &Layout, numbers: &Jobs, rng: &mut Rng) -> Result<Vec<JobSpec>, ScenarioError> {
    if numbers.draw == 0 {
        return Ok(Vec::new());
    }
    let from = stations(layout, "jobs.from", &numbers.from)?;
    let to = stations(layout, "jobs.to", &numbers.to)?;
    let mut open: Vec<(String, String, usize)> = Vec::new();
    let mut opened = 0;
    let mut jobs = Vec::new();
    for number in 1..=numbers.draw {
        let id = format!("J-{number:05}");
        let start = rng.pick(&from).cloned().unwrap_or_default();
        let (sequence, end) = if numbers.sequences == 0 {
            (None, rng.pick(&to).cloned().unwrap_or_default())
        } else {
            while open.len() < numbers.sequences {
                opened += 1;
                open.push((format!("TRUCK-{opened:03}"), rng.pick(&to).cloned().unwrap_or_default(), 0));
            }
            let place = rng.index(open.len());
            open[place].2 += 1;
            let (name, end, count) = open[place].clone();
            if count == SEQUENCE_LENGTH {
                open.remove(place);
            }
            (Some(name), end)
        };
        let legs = vec![leg(&start, ActionSpec::PICK, &id), leg(&end, ActionSpec::DROP, &id)];
        jobs.push(spec(id, sequence, legs));
    }
    Ok(jobs)
}

/// Names of the stations that fit any of the patterns, in order of the layout.
fn stations(layout: &Layout, key: &str, patterns: &[String]) -> Result<Vec<String>, ScenarioError> {
    let found = stations_of(layout, key, patterns)?;
    Ok(found.into_iter().map(|station| layout.station(station).name.clone()).collect())
}

/// Stations that fit any of the patterns, in order of the layout.
///
/// # Errors
/// None does.
pub(crate) fn stations_of(
    layout: &Layout,
    key: &str,
    patterns: &[String],
) -> Result<Vec<StationId>, ScenarioError> {
    let fits = |name: &str| {
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        })
    };
    let stations = layout.stations().iter().filter(|station| fits(&station.name));
    let found: Vec<StationId> = stations.filter_map(|station| layout.station_named(&station.name)).collect();
    if found.is_empty() {
        let known: Vec<&str> = layout.stations().iter().take(8).map(|known| known.name.as_str()).collect();
        let problem = format!("no station fits {patterns:?}; there are {}", known.join(", "));
        return Err(ScenarioError::value(key, problem));
    }
    Ok(found)
}

/// Job messages, one a line, as a producer would publish them.
fn wave(layout: &Layout, path: &str, read: ReadFile<'_>) -> Result<Vec<JobSpec>, ScenarioError> {
    let bytes = read(path).map_err(|problem| ScenarioError::value("jobs.wave", problem))?;
    let mut jobs = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let at = |problem: String| {
            ScenarioError::value("jobs.wave", format!("{path} line {}: {problem}", index + 1))
        };
        match drover_proto::parse_job(line) {
            Ok(JobMessage::Job(job)) => {
                for leg in &job.legs {
                    check_station(layout, "jobs.wave", &leg.station)
                        .map_err(|error| at(error.to_string()))?;
                }
                jobs.push(of_message(*job));
            }
            Ok(JobMessage::Cancel { .. } | JobMessage::Update { .. }) => {
                return Err(at("is no job; a wave has only jobs".into()));
            }
            Err(rejection) => return Err(at(format!("{rejection:?}"))),
        }
    }
    Ok(jobs)
}

fn of_message(job: job::Job) -> JobSpec {
    let fingerprint = u128::from_be_bytes(job::fingerprint(&JobMessage::Job(Box::new(job.clone()))));
    let extra =
        if job.extra.is_empty() { String::new() } else { serde_json::Value::Object(job.extra).to_string() };
    let lines = job.legs.iter().flat_map(|leg| &leg.lines);
    let use_by = lines.filter_map(|line| line.use_by.clone()).min();
    JobSpec {
        id: JobId(job.job_id),
        order_id: job.order_id,
        sequence: job.sequence,
        legs: job.legs.into_iter().map(of_leg).collect(),
        due_at: job.due_at_ms.and_then(|ms| u64::try_from(ms).ok()).map(Time),
        best_before: job.best_before.or(use_by),
        temperature: job.temperature.map(of_temperature),
        max_out_of_cold_s: job.max_out_of_cold_s,
        requires: job.requires,
        priority: job.priority,
        extra,
        fingerprint,
    }
}

fn of_leg(leg: job::Leg) -> LegSpec {
    let parameters = leg.parameters.iter().map(|(key, value)| (key.clone(), value.to_string())).collect();
    LegSpec {
        station: leg.station,
        action: leg.action.map(|action| ActionSpec { name: action.as_str().to_owned(), parameters }),
        load: leg.load.map(|load| Load { id: load.id, load_type: load.load_type }),
        dwell_ms: u64::from(leg.dwell_s.unwrap_or(0)) * 1_000,
        lines: u32::try_from(leg.lines.len()).unwrap_or(u32::MAX),
    }
}

fn of_temperature(temperature: job::Temperature) -> Temperature {
    match temperature {
        job::Temperature::Frozen => Temperature::Frozen,
        job::Temperature::Chilled => Temperature::Chilled,
        job::Temperature::Ambient => Temperature::Ambient,
    }
}
