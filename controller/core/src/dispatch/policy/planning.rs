//! Plans ahead: all robots, also those that will soon be free or haven't picked yet, and all jobs that may begin, matched at
//! the least cost. A pair of a job and a robot costs, in ms of a robot's time:
//!
//! ```text
//!   approach    until the robot is free, and its way there at the pace of the traffic
//! + wait        for the job's turn at its last station; three times that where the load gets warm meanwhile
//! + late        past the cut-off, up to ten minutes
//! + battery     what would be missing after the job, and what it can do that isn't asked for
//! + change      a job or a robot that was given is given anew only for a gain (hysteresis)
//! - worth       that the job goes now: see below
//! ```
//!
//! The worth of a job is the same for all robots: it rises as its slack (cut-off less the time it still takes, its
//! followers in its sequence counted) falls towards nothing, as the "apparent tardiness cost" of Vepsalainen and Morton
//! ("Priority rules for job shops with weighted tardiness costs", Management Science 1987) does, here in straight lines; it
//! falls again for one that can't be in time any more, so that one late job doesn't make others late; it rises with
//! followers, with the age of the job without a limit, so that none waits for ever, and between equals with the day its goods
//! must be used by. A job whose load would get warm waiting for its turn isn't given before its time comes.
//!
//! Each job looks at its cheapest robots only; what is left over looks again. The matching is exact ([`super::sparse`]).

use std::fmt;

use super::{Candidate, Choice, Open, Policy, robots, sparse};

/// Jobs seen at once.
const BATCH_MAX: usize = 16_384;
/// Robots a job looks at, the cheapest.
const NEAR_MAX: usize = 24;
/// What it is worth that a job goes at all: above what a way costs.
const WORTH_MS: i64 = 3_600_000;
/// What it is worth beyond that when there is no slack left.
const URGENT_MS: i64 = 1_200_000;
/// And again when it is expected to be late as things stand, but can still be in time.
const RISK_MS: i64 = 120_000;
/// With so much slack a job isn't urgent at all, ms.
const SLACK_MS: i64 = 1_500_000;
/// A job late by less than this counts as one that can be in time: its end is known no better, ms.
const GRACE_MS: i64 = 60_000;
/// Later than this is late all the same, ms: a job that can't be in time any more is still done.
const LATE_MAX_MS: i64 = 600_000;
/// Each ms beyond that takes so many off its urgency.
const LOST_FACTOR: i64 = 3;
/// A job that has waited so many times as long counts as dearer by that.
const PATIENCE: i64 = 8;
/// A job isn't believed to have waited longer, ms.
const WAITED_MAX_MS: u64 = 1 << 40;
/// What each follower adds, and how many count.
const FOLLOWER_MS: i64 = 10_000;
const FOLLOWERS_MAX: u32 = 12;
/// Short jobs first: so much of its length makes a job less worth.
const LENGTH_SHARE: i64 = 3;
/// A load that gets warm waits for its turn no longer than this, ms.
const WARM_WAIT_MS: i64 = 10_000;
/// With less than this to spare it may wait so long: its truck must not wait for it.
const PRESSED_MS: i64 = 60_000;
const PRESSED_WAIT_MS: i64 = 30_000;
/// One that doesn't, and a robot without a load, may wait so long.
const WAIT_MS: i64 = 240_000;
/// How often a warm wait counts.
const WARM_FACTOR: i64 = 3;
/// Goods that must be used in fewer days than this go first, each day counting so much.
const FRESH_DAYS: i64 = 60;
const FRESH_MS: i64 = 250;
/// Each per mille of charge that would be missing.
const CHARGE_MS: i64 = 2_000;
/// Each capability that isn't asked for.
const SPARE_MS: i64 = 1_000;
/// What giving a job or a robot anew costs.
const CHANGE_MS: i64 = 15_000;

/// The cheapest matching of robots and jobs, some way ahead.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planning;

impl Policy for Planning {
    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    fn looks_ahead(&self) -> bool {
        true
    }

    fn choose(&self, batch: &[Open]) -> Vec<Choice> {
        let robots = robots(batch);
        let mut column_of = vec![None; robots.last().map_or(0, |last| last.index() + 1)];
        for (column, robot) in robots.iter().enumerate() {
            column_of[robot.index()] = Some(column as u32);
        }
        let mut left: Vec<usize> = (0..batch.len()).collect();
        let mut found = Vec::new();
        loop {
            let column = |candidate: &Candidate| column_of[candidate.robot.index()];
            let rows: Vec<Vec<sparse::Arc>> = left.iter().map(|job| row(&batch[*job], column)).collect();
            let columns = sparse::cheapest(&rows, robots.len());
            let before = found.len();
            for ((job, row), column) in left.iter().zip(&rows).zip(&columns) {
                let Some(column) = column else { continue };
                let cost = row.iter().find(|arc| arc.0 == *column).map_or(0, |arc| arc.1);
                let robot = robots[*column as usize];
                found.push((cost, *job, robot));
                column_of[robot.index()] = None;
            }
            if found.len() == before {
                break;
            }
            left = left
                .iter()
                .zip(&columns)
                .filter(|(_, column)| column.is_none())
                .map(|(job, _)| *job)
                .collect();
        }
        found.sort_unstable();
        found.into_iter().map(|(_, job, robot)| Choice { job, robot }).collect()
    }

    fn why(&self, open: &Open, candidate: &Candidate) -> String {
        Cost::of(open, candidate, worth(open)).to_string()
    }
}

/// The cheapest robots for the job, of those that have a column.
fn row(open: &Open, column: impl Fn(&Candidate) -> Option<u32>) -> Vec<sparse::Arc> {
    let worth = worth(open);
    let arc = |candidate: &Candidate| {
        let column = column(candidate)?;
        let cost = Cost::of(open, candidate, worth);
        cost.may_go().then(|| (cost.sum(), column))
    };
    let mut arcs: Vec<(i64, u32)> = open.candidates.iter().filter_map(arc).collect();
    if arcs.len() > NEAR_MAX {
        arcs.select_nth_unstable(NEAR_MAX);
        arcs.truncate(NEAR_MAX);
    }
    arcs.into_iter().map(|(cost, column)| (column, cost)).collect()
}

/// What it costs that this robot does the job, ms of a robot's time, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    /// Until it is free and has come to the first station.
    approach: i64,
    /// For its turn at the last station.
    wait: i64,
    /// The load gets warm meanwhile.
    is_warm: bool,
    /// Past the cut-off; less than nothing = so much before it; none = there is none.
    late: Option<i64>,
    /// Charge missing and capabilities that aren't asked for.
    fit: i64,
    /// It takes a job from a robot, or a robot from a job.
    change: i64,
    /// What it is worth that the job goes now.
    worth: i64,
    /// The robot has the job.
    is_kept: bool,
}

impl Cost {
    /// Of this pair, where it is worth so much that the job goes now.
    fn of(open: &Open, candidate: &Candidate, worth: i64) -> Cost {
        let outlook = &open.outlook;
        let approach = i64::from(candidate.free_ms) + i64::from(candidate.travel_ms);
        let there = approach + i64::from(outlook.to_turn_ms);
        let turn = i64::from(outlook.turn_ms);
        let done = there.max(turn) + i64::from(outlook.end_ms);
        let is_kept = outlook.has == Some(candidate.robot);
        let changes = usize::from(outlook.has.is_some()) + usize::from(candidate.is_bound);
        Cost {
            approach,
            wait: (turn - there).max(0),
            is_warm: outlook.gets_warm,
            late: outlook.due_ms.map(|due| done - due),
            fit: CHARGE_MS * i64::from(candidate.missing_permille) + SPARE_MS * i64::from(candidate.spare),
            change: if is_kept { 0 } else { CHANGE_MS * changes as i64 },
            worth,
            is_kept,
        }
    }

    /// It wouldn't wait too long for its turn.
    fn may_go(&self) -> bool {
        let is_pressed = self.late.is_some_and(|late| late > -PRESSED_MS);
        let longest = match (self.is_warm, is_pressed) {
            (true, false) => WARM_WAIT_MS,
            (true, true) => PRESSED_WAIT_MS,
            (false, _) => WAIT_MS,
        };
        self.is_kept || self.wait <= longest
    }

    /// All of it.
    fn sum(&self) -> i64 {
        let wait = self.wait * if self.is_warm { WARM_FACTOR } else { 1 };
        self.approach + wait + self.late.unwrap_or(0).clamp(0, LATE_MAX_MS) + self.fit + self.change
            - self.worth
    }
}

/// What it is worth that the job goes now rather than later.
fn worth(open: &Open) -> i64 {
    let outlook = &open.outlook;
    let nearest = open.candidates.iter().map(|one| i64::from(one.free_ms) + i64::from(one.travel_ms)).min();
    let length = i64::from(outlook.to_turn_ms) + i64::from(outlook.end_ms);
    let urgency = outlook.due_ms.map_or(0, |due| urgency(due - nearest.unwrap_or(0) - length));
    let risk = if outlook.is_at_risk && urgency > 0 { RISK_MS } else { 0 };
    let age = open.waited_ms.min(WAITED_MAX_MS) as i64 / PATIENCE;
    let followers = FOLLOWER_MS * i64::from(outlook.followers.min(FOLLOWERS_MAX));
    let fresh =
        outlook.days_left.map_or(0, |days| FRESH_MS * (FRESH_DAYS - i64::from(days)).clamp(0, FRESH_DAYS));
    WORTH_MS + urgency + risk + age + followers + fresh - length / LENGTH_SHARE
}

/// By slack, ms: full without any, nothing with enough, less and less beyond hope.
fn urgency(slack: i64) -> i64 {
    if slack >= -GRACE_MS {
        URGENT_MS * (SLACK_MS - slack.max(0)).max(0) / SLACK_MS
    } else {
        (URGENT_MS + LOST_FACTOR * (slack + GRACE_MS)).max(0)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there in {} s", self.approach / 1_000)?;
        if self.wait > 0 {
            write!(f, ", {} s before its turn", self.wait / 1_000)?;
        }
        match self.late {
            Some(late) if late > 0 => write!(f, ", {} s late", late / 1_000)?,
            Some(late) => write!(f, ", {} s to spare", -late / 1_000)?,
            None => {}
        }
        if self.change > 0 {
            write!(f, ", given anew")?;
        }
        write!(f, "; cost {} s, worth {} s", (self.sum() + self.worth) / 1_000, self.worth / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dispatch::policy::tests::{batches, job};
    use crate::id::RobotId;

    fn chosen(batch: &[Open]) -> Vec<(usize, u32)> {
        let mut chosen: Vec<(usize, u32)> =
            Planning.choose(batch).iter().map(|choice| (choice.job, choice.robot.0)).collect();
        chosen.sort_unstable();
        chosen
    }

    fn due(due_ms: i64, travel: &[u32]) -> Open {
        let mut open = job(0, 0, travel);
        open.outlook.due_ms = Some(due_ms);
        open
    }

    #[test]
    fn a_robot_is_left_to_the_job_that_needs_it_more() {
        assert_eq!(chosen(&[job(0, 0, &[10, 12]), job(0, 0, &[20, 90_000])]), [(0, 1), (1, 0)]);
    }

    #[test]
    fn the_least_slack_goes_first_unless_it_is_lost_anyway() {
        assert_eq!(chosen(&[due(1_200_000, &[1_000]), due(300_000, &[9_000])]), [(1, 0)]);
        assert_eq!(chosen(&[due(1_200_000, &[1_000]), due(-900_000, &[1_000])]), [(0, 0)]);
        assert_eq!(chosen(&[job(0, 0, &[1_000]), due(900_000, &[1_000])]), [(1, 0)]);
    }

    #[test]
    fn a_job_that_has_waited_long_enough_goes_before_the_most_urgent_one() {
        let mut old = job(0, 0, &[1_000]);
        old.waited_ms = 6 * 3_600_000;
        assert_eq!(chosen(&[due(0, &[1_000]), old]), [(1, 0)]);
    }

    #[test]
    fn a_load_that_gets_warm_isnt_picked_before_its_time() {
        let mut cold = job(0, 0, &[10_000]);
        (cold.outlook.to_turn_ms, cold.outlook.turn_ms) = (60_000, 100_000);
        assert_eq!(chosen(&[cold.clone()]), [(0, 0)]);
        cold.outlook.gets_warm = true;
        assert_eq!(chosen(&[cold.clone()]), []);
        cold.outlook.due_ms = Some(150_000);
        assert_eq!(chosen(&[cold.clone()]), [(0, 0)]);
        cold.outlook.due_ms = Some(400_000);
        assert_eq!(chosen(&[cold.clone()]), []);
        cold.outlook.turn_ms = 75_000;
        assert_eq!(chosen(&[cold.clone()]), [(0, 0)]);
        (cold.outlook.turn_ms, cold.outlook.has) = (100_000, Some(RobotId(0)));
        assert_eq!(chosen(&[cold]), [(0, 0)]);
    }

    #[test]
    fn of_equal_jobs_the_goods_go_first_that_must_be_used_first() {
        let [mut late, mut soon] = [job(0, 0, &[1_000]), job(0, 0, &[1_000])];
        (late.outlook.days_left, soon.outlook.days_left) = (Some(9), Some(8));
        assert_eq!(chosen(&[late.clone(), soon.clone()]), [(1, 0)]);
        late.outlook.due_ms = Some(60_000);
        assert_eq!(chosen(&[late, soon]), [(0, 0)]);
    }

    #[test]
    fn a_job_that_is_late_by_days_is_still_done() {
        assert_eq!(chosen(&[due(-200_000_000, &[1_000])]), [(0, 0)]);
    }

    #[test]
    fn a_robot_with_charge_enough_and_nothing_to_spare_is_preferred() {
        let mut open = job(0, 0, &[1_000, 2_000, 3_000]);
        (open.candidates[0].missing_permille, open.candidates[1].spare) = (5, 2);
        assert_eq!(chosen(&[open]), [(0, 2)]);
    }

    #[test]
    fn what_was_given_is_given_anew_only_for_a_gain() {
        let mut open = job(0, 0, &[30_000, 20_000]);
        open.outlook.has = Some(RobotId(0));
        open.candidates[0].is_bound = true;
        assert_eq!(chosen(&[open.clone()]), [(0, 0)]);
        open.candidates[1].travel_ms = 10_000;
        assert_eq!(chosen(&[open]), [(0, 1)]);
    }

    #[test]
    fn every_choice_says_why_in_one_line() {
        let mut open = due(100_000, &[30_000]);
        open.outlook.turn_ms = 40_000;
        let why = Planning.why(&open, &open.candidates[0]);
        assert!(why.starts_with("there in 30 s, 10 s before its turn, 60 s to spare; cost 40 s"), "{why}");
    }

    proptest! {
        #[test]
        fn no_other_assignment_costs_less(batch in batches()) {
            let robots = robots(&batch);
            let column = |one: &Candidate| robots.binary_search(&one.robot).ok().map(|column| column as u32);
            let rows: Vec<Vec<sparse::Arc>> = batch.iter().map(|open| row(open, column)).collect();
            let cost = |choice: &Choice| {
                let open = &batch[choice.job];
                let candidate = open.candidates.iter().find(|one| one.robot == choice.robot).unwrap();
                Cost::of(open, candidate, worth(open)).sum()
            };
            let sum: i64 = Planning.choose(&batch).iter().map(cost).sum();
            prop_assert_eq!(sum, sparse::tests::tried(&rows, &mut Vec::new()));
        }
    }
}
