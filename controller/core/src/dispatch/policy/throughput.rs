//! As many jobs an hour as can be: short ones first, near ones first ([`crate::pairs`]), to stations with much to do and
//! few robots bound for them. A job that waits counts as nearer and nearer, so that none waits for ever. Sequences keep
//! their order: only the next of each may begin at all.

use super::{Choice, Open, Policy, robots};
use crate::pairs::{Row, WAY_COUNTS, pair};

/// Jobs seen at once.
const BATCH_MAX: usize = 256;
/// A job that has waited so many times as long as a way takes counts as nearer by that way.
const PATIENCE: i64 = 4;
/// A job isn't believed to have waited longer, ms.
const WAITED_MAX_MS: u64 = 1 << 40;
/// Each robot that a station will be busy with makes it so much farther away, ms.
const SERVICE_MS: i64 = 20_000;
/// Each further job that waits for a station makes it so much nearer, ms: the station with most to do must not stand idle.
const BACKLOG_MS: i64 = 5_000;

/// The cheapest pair of a robot and a job, and again of the rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Throughput;

impl Policy for Throughput {
    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    fn weighs_backlog(&self) -> bool {
        true
    }

    fn choose(&self, batch: &[Open]) -> Vec<Choice> {
        let robots = robots(batch);
        let mut ways = vec![Vec::new(); robots.len()];
        for (job, open) in batch.iter().enumerate() {
            for candidate in &open.candidates {
                let Ok(robot) = robots.binary_search(&candidate.robot) else { continue };
                ways[robot].push((job, candidate.travel_ms));
            }
        }
        let mut rows: Vec<Row> =
            batch.iter().zip(0..).map(|(open, job)| Row::new(vec![(length(open), job)])).collect();
        let found = pair(robots.len(), &mut rows, |robot| ways[robot].iter().copied());
        let choice = |(job, robot): (Option<u32>, _)| job.map(|job| Choice { job: job as usize, robot });
        let mut choices: Vec<Choice> = found.into_iter().zip(robots).filter_map(choice).collect();
        choices.sort_by_key(|choice| choice.job);
        choices
    }
}

/// What the job costs beside the way to it: its length, and the ways that would be as dear as the rest.
fn length(open: &Open) -> i64 {
    let waited_ms = open.waited_ms.min(WAITED_MAX_MS) as i64;
    let way_ms =
        SERVICE_MS * i64::from(open.busy) - BACKLOG_MS * i64::from(open.backlog) - waited_ms / PATIENCE;
    i64::from(open.length_ms) + WAY_COUNTS * way_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::policy::tests::job;

    fn chosen(batch: &[Open]) -> Vec<(usize, u32)> {
        Throughput.choose(batch).iter().map(|choice| (choice.job, choice.robot.0)).collect()
    }

    #[test]
    fn the_short_job_goes_first_and_a_way_to_it_counts_three_times() {
        assert_eq!(chosen(&[job(0, 90_000, &[1_000]), job(0, 30_000, &[1_000])]), [(1, 0)]);
        assert_eq!(chosen(&[job(0, 30_000, &[20_000]), job(0, 80_000, &[1_000])]), [(1, 0)]);
        assert_eq!(chosen(&[job(0, 30_000, &[20_000]), job(0, 90_000, &[1_000])]), [(0, 0)]);
    }

    #[test]
    fn everybody_gets_a_job_and_the_nearest_robot_the_cheapest_one() {
        let batch = [job(0, 10_000, &[5_000, 1_000]), job(0, 20_000, &[9_000, 2_000])];
        assert_eq!(chosen(&batch), [(0, 1), (1, 0)]);
    }

    #[test]
    fn a_busy_station_is_farther_away_and_one_with_much_to_do_nearer() {
        let [plain, mut other] = [job(0, 30_000, &[10_000]), job(0, 30_000, &[10_000])];
        other.backlog = 9;
        assert_eq!(chosen(&[plain.clone(), other.clone()]), [(1, 0)]);
        other.busy = 3;
        assert_eq!(chosen(&[plain, other]), [(0, 0)]);
    }

    #[test]
    fn a_job_that_has_waited_long_enough_goes_first() {
        let chosen = |waited_ms| chosen(&[job(0, 0, &[1_000]), job(waited_ms, 0, &[90_000])])[0].0;
        assert_eq!((chosen(300_000), chosen(400_000)), (0, 1));
        assert_eq!(chosen(u64::MAX), 1);
    }
}
