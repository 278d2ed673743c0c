//! Jobs that come while the site works: at a rate, or for trucks that leave on time. Chance in whole numbers, so that
//! every machine draws the same.

use drover_core::Time;
use drover_core::job::{ActionSpec, JobSpec, LegSpec};
use drover_maps::{Layout, Temperature};

use super::{NO_ACTION, check_legs, check_priority, leg, spec, stations};
use crate::rng::Rng;
use crate::scenario::{Arrival, START, ScenarioError, Stream, Trucks};

/// Jobs per hour, at most.
const PER_HOUR_MAX: f64 = 36_000.0;
/// Chance is asked so often whether a job comes, ms.
const CHANCE_MS: u64 = 100;
const HOUR_MS: u64 = 3_600_000;

/// A leg before its station is drawn: the stations it may be at, and what is done there.
type Pattern = (Vec<String>, String);

/// The jobs of all streams with the time each is published.
pub(crate) fn all(
    layout: &Layout,
    streams: &[Stream],
    seed: u64,
) -> Result<Vec<(Time, JobSpec)>, ScenarioError> {
    let mut jobs = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        let mut rng = Rng::new(seed, &format!("stream-{index}"));
        let name = stream.name.clone().unwrap_or_else(|| format!("S{}", index + 1));
        let of_stream = one(layout, stream, &name, &mut rng);
        jobs.extend(of_stream.map_err(|error| error.in_table("jobs.stream", index))?);
    }
    Ok(jobs)
}

fn one(
    layout: &Layout,
    stream: &Stream,
    name: &str,
    rng: &mut Rng,
) -> Result<Vec<(Time, JobSpec)>, ScenarioError> {
    check(stream)?;
    let legs = patterns(layout, stream)?;
    if let Some(trucks) = &stream.truck {
        return Ok(for_trucks(layout, stream, trucks, name, &legs, rng));
    }
    let times = arrivals(stream, rng);
    let job = |(number, at): (usize, Time)| {
        let due_at = stream.due_after_s.map(|after| at.plus_ms(after.saturating_mul(1_000)));
        (at, draw(layout, stream, format!("{name}-{:05}", number + 1), None, due_at, &legs, rng))
    };
    Ok(times.into_iter().enumerate().map(job).collect())
}

fn check(stream: &Stream) -> Result<(), ScenarioError> {
    let wrong = |key: &str, problem: String| Err(ScenarioError::value(format!("jobs.stream.{key}"), problem));
    if stream.until_s <= stream.from_s {
        return wrong("until_s", format!("{} isn't after from_s {}", stream.until_s, stream.from_s));
    }
    check_priority("jobs.stream.priority", stream.priority)?;
    if stream.as_stored && stream.temperature.is_some() {
        return wrong("as_stored", "doesn't go with `temperature`; take one of them out".into());
    }
    match &stream.truck {
        None if !(stream.per_hour > 0.0 && stream.per_hour <= PER_HOUR_MAX) => wrong(
            "per_hour",
            format!("{} jobs per hour; write more than 0, at most {PER_HOUR_MAX}", stream.per_hour),
        ),
        None if stream.burst == 0 => wrong("burst", "a burst has at least 1 job".into()),
        None => Ok(()),
        Some(_) if stream.per_hour > 0.0 => {
            wrong("per_hour", "doesn't go with `truck`; take one of them out".into())
        }
        Some(_) if stream.due_after_s.is_some() => {
            wrong("due_after_s", "doesn't go with `truck`: its departure is the cut-off; take it out".into())
        }
        Some(trucks) if trucks.every_s == 0 || trucks.jobs == 0 => {
            wrong("truck", "`every_s` and `jobs` must be 1 or more".into())
        }
        Some(trucks) if trucks.lead_s > trucks.every_s + stream.from_s => {
            wrong("truck", "`lead_s` begins before the start; make it shorter or `from_s` later".into())
        }
        Some(_) => Ok(()),
    }
}

fn patterns(layout: &Layout, stream: &Stream) -> Result<Vec<Pattern>, ScenarioError> {
    if stream.legs.is_empty() {
        let from = stations(layout, "jobs.stream.from", &stream.from)?;
        let to = stations(layout, "jobs.stream.to", &stream.to)?;
        return Ok(vec![(from, ActionSpec::PICK.into()), (to, ActionSpec::DROP.into())]);
    }
    check_legs("jobs.stream.legs", &stream.legs)?;
    let pattern = |(place, text): (usize, &String)| {
        let (station, action) = text.split_once(' ').unwrap_or((text, NO_ACTION));
        let found = stations(layout, &format!("jobs.stream.legs[{place}]"), &[station.to_owned()])?;
        Ok((found, action.to_owned()))
    };
    stream.legs.iter().enumerate().map(pattern).collect()
}

/// When the jobs of a rate come.
fn arrivals(stream: &Stream, rng: &mut Rng) -> Vec<Time> {
    let at = |ms: u64| START.plus_ms(ms);
    let (from_ms, until_ms) = (stream.from_s.saturating_mul(1_000), stream.until_s.saturating_mul(1_000));
    let per_1000_hours = ((stream.per_hour * 1_000.0) as u64).max(1);
    let ends = |place: u64| from_ms + place * 1_000 * HOUR_MS / per_1000_hours;
    match stream.arrival {
        Arrival::Steady => (0..).map(ends).take_while(|ms| *ms < until_ms).map(at).collect(),
        Arrival::Burst => {
            let bursts = (0..).map(|place| ends(place * stream.burst)).take_while(|ms| *ms < until_ms);
            bursts.flat_map(|ms| (0..stream.burst).map(move |_| at(ms))).collect()
        }
        Arrival::Poisson => {
            let comes = |_: &u64| rng.below(1_000 * HOUR_MS) < per_1000_hours * CHANCE_MS;
            (from_ms..until_ms).step_by(CHANCE_MS as usize).filter(comes).map(at).collect()
        }
    }
}

/// One sequence per truck, published at once, so long before the truck leaves.
fn for_trucks(
    layout: &Layout,
    stream: &Stream,
    trucks: &Trucks,
    name: &str,
    legs: &[Pattern],
    rng: &mut Rng,
) -> Vec<(Time, JobSpec)> {
    let departures = (1..).map(|place| stream.from_s + place * trucks.every_s);
    let mut jobs = Vec::new();
    for (number, leaves_s) in departures.take_while(|leaves_s| *leaves_s <= stream.until_s).enumerate() {
        let truck = format!("{name}-{:03}", number + 1);
        let mut legs = legs.to_vec();
        if let Some((dock, _)) = legs.last_mut() {
            *dock = rng.pick(dock).cloned().into_iter().collect();
        }
        let (due, comes) =
            (START.plus_ms(leaves_s * 1_000), START.plus_ms((leaves_s - trucks.lead_s) * 1_000));
        for place in 1..=trucks.jobs {
            let id = format!("{truck}-{place:02}");
            jobs.push((comes, draw(layout, stream, id, Some(truck.clone()), Some(due), &legs, rng)));
        }
    }
    jobs
}

fn draw(
    layout: &Layout,
    stream: &Stream,
    id: String,
    sequence: Option<String>,
    due_at: Option<Time>,
    legs: &[Pattern],
    rng: &mut Rng,
) -> JobSpec {
    let mut drawn = Vec::with_capacity(legs.len());
    for (stations, action) in legs {
        let station = rng.pick(stations).cloned().unwrap_or_default();
        let dwell_ms = stream.dwell_s.saturating_mul(1_000);
        drawn.push(LegSpec { dwell_ms, ..leg(&station, action, &id) });
    }
    let stored = drawn.first().filter(|_| stream.as_stored).and_then(|leg| stored_at(layout, &leg.station));
    JobSpec {
        due_at,
        temperature: stream.temperature.or(stored),
        max_out_of_cold_s: stream.max_out_of_cold_s,
        requires: stream.requires.clone(),
        priority: stream.priority,
        ..spec(id, sequence, drawn)
    }
}

/// How cold it is at the station.
fn stored_at(layout: &Layout, station: &str) -> Option<Temperature> {
    let node = layout.station(layout.station_named(station)?).nodes.first()?;
    layout.zone_of(*node)?.temperature
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(arrival: Arrival, per_hour: f64, burst: u64) -> Vec<Time> {
        let stream = Stream { per_hour, arrival, burst, from_s: 60, until_s: 7_260, ..Stream::default() };
        arrivals(&stream, &mut Rng::new(1, "stream"))
    }

    #[test]
    fn steady_and_burst_bring_the_rate_exactly_and_poisson_about() {
        assert_eq!(count(Arrival::Steady, 90.0, 1).len(), 180);
        let bursts = count(Arrival::Burst, 90.0, 30);
        assert_eq!((bursts.len(), bursts[0], bursts[29] == bursts[30]), (180, START.plus_ms(60_000), false));
        let chance = count(Arrival::Poisson, 900.0, 1);
        assert!((1_650..=1_950).contains(&chance.len()), "{} of about 1800", chance.len());
        assert!(chance.is_sorted() && chance.iter().all(|at| *at >= START.plus_ms(60_000)));
    }
}
