//! What any driver must do, whatever machine is behind it. Time is stepped as the agent steps it.

use super::{Machine, Settings};
use crate::robot::Robot;
use drover_agent_core::{Drive, Identity, Options, Pose, Progress, Spec, Start, Waypoint};
use drover_proto::vda5050::{Action, BlockingType};

/// When every machine is made.
pub(crate) const T0: u64 = 1_795_000_000_000;
const STEP_MS: u64 = 20;
const PATIENCE_MS: u64 = 120_000;

/// The robot of the suite: at the origin, pointing along x.
pub(crate) fn robot() -> Robot {
    let identity = Identity { interface: "uagv".into(), manufacturer: "test".into(), serial: "r01".into() };
    let (node_id, map_id) = ("n0".to_owned(), "floor".to_owned());
    let start = Start { node_id, map_id, x_m: 0.0, y_m: 0.0, theta_rad: 0.0, charge_permille: 900 };
    let (spec, options) = (Spec::default(), Options::default());
    Robot { identity, spec, start, options, driver: "test".into(), settings: Settings::new(), login: None }
}

/// Runs the suite, each case on a new machine.
pub(crate) fn check(driver: &str, build: &dyn Fn() -> Machine) {
    for (claim, case) in CASES {
        let mut bench = Bench { machine: build(), now: T0, news: Vec::new() };
        let outcome = case(&mut bench);
        assert!(outcome.is_ok(), "{driver}: {claim}: {}", outcome.unwrap_err());
    }
}

type Outcome = Result<(), String>;
type Case = (&'static str, fn(&mut Bench) -> Outcome);

const CASES: &[Case] = &[
    ("comes to rest on the last waypoint", rests_on_the_last),
    ("tells of every waypoint once, in order", tells_in_order),
    ("goes on when the way is extended, moving or not", goes_on),
    ("cut leaves exactly as many waypoints as it says", cuts),
    ("cut on a waypoint leaves none", cuts_on_a_waypoint),
    ("hold stops it, and it goes on afterwards", holds),
    ("abandon stops it for good", abandons),
    ("an action ends once, an interrupted one never", acts),
    ("asks to be called later, never in the past", looks_ahead),
];

struct Bench {
    machine: Machine,
    now: u64,
    news: Vec<Progress>,
}

impl Bench {
    fn give(&mut self, seqs: &[u64]) {
        self.machine.extend(self.now, seqs.iter().map(|seq| waypoint(*seq)).collect());
    }

    fn step(&mut self) {
        self.now += STEP_MS;
        self.machine.advance(self.now);
        while let Some(progress) = self.machine.poll() {
            self.news.push(progress);
        }
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> Outcome {
        let end = self.now + PATIENCE_MS;
        while !holds(self) {
            if self.now > end {
                return Err(format!("{what} didn't happen in {PATIENCE_MS} ms; news: {:?}", self.news));
            }
            self.step();
        }
        Ok(())
    }

    fn rest(&mut self) -> Outcome {
        self.step();
        self.until("rest", |bench| !bench.machine.is_driving())
    }

    fn reached(&self) -> Vec<u64> {
        let seqs = self.news.iter().map(|progress| match progress {
            Progress::Reached(seq) => Some(*seq),
            Progress::Done(..) => None,
        });
        seqs.flatten().collect()
    }

    fn at(&self, seq: u64) -> Outcome {
        let (pose, wanted): (Pose, _) = (self.machine.status().pose, waypoint(seq));
        let away = (pose.x_m - wanted.x_m).hypot(pose.y_m - wanted.y_m);
        want(away < 0.1, || format!("it stands {away} m away from waypoint {seq}"))
    }
}

/// An L: along x to waypoint 6, then along y.
fn waypoint(seq: u64) -> Waypoint {
    let metres = seq as f64;
    let (x_m, y_m) = if seq <= 6 { (metres, 0.0) } else { (6.0, metres - 6.0) };
    Waypoint { seq, node_id: format!("n{seq}"), map_id: "floor".into(), x_m, y_m, ..Waypoint::default() }
}

fn want(holds: bool, otherwise: impl Fn() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn rests_on_the_last(bench: &mut Bench) -> Outcome {
    bench.give(&[2, 4, 6, 8]);
    bench.rest()?;
    bench.at(8)
}

fn tells_in_order(bench: &mut Bench) -> Outcome {
    bench.give(&[2, 4, 6, 8, 10]);
    bench.rest()?;
    bench.rest()?;
    want(bench.reached() == [2, 4, 6, 8, 10], || format!("it told {:?}", bench.reached()))
}

fn goes_on(bench: &mut Bench) -> Outcome {
    bench.give(&[2]);
    bench.step();
    bench.give(&[4]);
    bench.rest()?;
    bench.at(4)?;
    bench.give(&[6]);
    bench.rest()?;
    bench.at(6)
}

fn cuts(bench: &mut Bench) -> Outcome {
    bench.give(&[2, 4, 6, 8, 10]);
    bench.until("waypoint 2", |bench| bench.reached() == [2])?;
    let left = bench.machine.cut(bench.now);
    bench.rest()?;
    let reached = bench.reached();
    want(reached.len() == 1 + left, || format!("it said {left} were left and told {reached:?}"))?;
    bench.at(*reached.last().unwrap_or(&0))
}

fn cuts_on_a_waypoint(bench: &mut Bench) -> Outcome {
    bench.give(&[2]);
    bench.rest()?;
    let left = bench.machine.cut(bench.now);
    want(left == 0, || format!("it said {left} are left"))
}

fn holds(bench: &mut Bench) -> Outcome {
    bench.give(&[2, 4, 6]);
    for _ in 0..50 {
        bench.step();
    }
    bench.machine.hold(bench.now, true);
    bench.rest()?;
    let held = bench.machine.status().pose;
    for _ in 0..100 {
        bench.step();
    }
    want(bench.machine.status().pose == held, || "it moved while held".into())?;
    bench.machine.hold(bench.now, false);
    bench.rest()?;
    bench.at(6)
}

fn abandons(bench: &mut Bench) -> Outcome {
    bench.give(&[2, 4, 6]);
    bench.until("waypoint 2", |bench| bench.reached() == [2])?;
    bench.machine.abandon(bench.now);
    bench.rest()?;
    let told = bench.news.len();
    for _ in 0..500 {
        bench.step();
    }
    want(bench.news.len() == told && !bench.machine.is_driving(), || "it went on".into())
}

fn acts(bench: &mut Bench) -> Outcome {
    bench.machine.begin(bench.now, Action::new("pick", "a", BlockingType::Hard));
    bench.machine.begin(bench.now, Action::new("pick", "b", BlockingType::Hard));
    bench.step();
    bench.machine.interrupt(bench.now, "b");
    bench.until("the end of a", |bench| !bench.news.is_empty())?;
    for _ in 0..500 {
        bench.step();
    }
    let is_right = matches!(bench.news.as_slice(), [Progress::Done(id, Ok(_))] if id == "a");
    want(is_right, || format!("it told {:?}", bench.news))
}

fn looks_ahead(bench: &mut Bench) -> Outcome {
    bench.give(&[2, 4, 6, 8]);
    let mut calls = 0;
    while let Some(at) = bench.machine.next_timeout().filter(|at| *at < T0 + PATIENCE_MS) {
        want(at > bench.now || calls == 0, || format!("{at} isn't after {}", bench.now))?;
        bench.now = bench.now.max(at);
        bench.machine.advance(bench.now);
        calls += 1;
        want(calls < 100_000, || "it never stops asking".into())?;
    }
    want(!bench.machine.is_driving(), || "it stopped asking while driving".into())
}
