//! The checker holds a plan that keeps the rules, and finds each rule broken once.

use drover_benches::lifelong::book::Log;
use drover_benches::lifelong::check::Stand;
use drover_benches::lifelong::plan::Revealed;
use drover_benches::lifelong::{Action, Map, Plan, Problem, check};

/// As in the instance's files.
pub fn problem() -> Problem {
    let free = [".....", ".@..."].concat().chars().map(|cell| cell == '.').collect();
    Problem {
        name: "small".to_owned(),
        map: Map { width: 5, free },
        starts: vec![0, 1],
        tasks: vec![vec![1, 3], vec![4], vec![9]],
        revealed: 2,
    }
}

fn actions(letters: &str) -> Vec<Action> {
    let action = |letter| match letter {
        'F' => Action::Forward,
        'R' => Action::Right,
        'C' => Action::Left,
        _ => Action::Wait,
    };
    letters.chars().map(action).collect()
}

/// Robot 0 follows robot 1, and does task 0 with its two errands; robot 1 does tasks 1 and 2.
pub fn plan() -> Plan {
    let start = |column| (0, column, "E".to_owned());
    Plan {
        starts: vec![start(0), start(1)],
        actions: vec![actions("FFFWW"), actions("FFFRF")],
        log: Log {
            finished: 3,
            schedule: vec![vec![(1, Some(0)), (4, Some(3))], vec![(1, Some(1)), (4, Some(2))]],
            events: vec![[1, 0, 0, 1], [3, 0, 0, 2], [3, 1, 1, 1], [5, 1, 2, 1]],
            tasks: vec![
                Revealed(0, 0, vec![0, 1, 0, 3]),
                Revealed(1, 0, vec![0, 4]),
                Revealed(2, 3, vec![1, 4]),
                Revealed(3, 3, vec![0, 1, 0, 3]),
                Revealed(4, 5, vec![0, 4]),
            ],
        },
    }
}

/// What is found when the plan is changed so.
fn found(change: impl FnOnce(&mut Plan)) -> String {
    let mut plan = plan();
    change(&mut plan);
    format!("{:#}", check(&problem(), &plan).unwrap_err())
}

/// What is found when robots do this and no errand is listed.
fn found_moving(first: &str, second: &str) -> String {
    found(|plan| {
        plan.actions = vec![actions(first), actions(second)];
        plan.log.events.clear();
    })
}

#[test]
fn a_plan_that_keeps_the_rules_holds_and_is_counted() {
    let account = check(&problem(), &plan()).unwrap();
    assert_eq!(account.finished, [0, 0, 0, 2, 2, 3]);
    assert_eq!((account.waits, account.turns), (2, 1));
    assert_eq!(account.waits_by_place, [0, 0, 0, 2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(account.stand, Stand { robot: 0, steps: 2, until: 5 });
}

#[test]
fn a_plan_without_steps_holds() {
    let mut plan = plan();
    plan.actions = vec![vec![], vec![]];
    plan.log.schedule = vec![vec![], vec![]];
    plan.log.events.clear();
    plan.log.tasks.truncate(2);
    plan.log.finished = 0;
    assert_eq!(check(&problem(), &plan).unwrap().finished, [0]);
}

#[test]
fn an_obstacle_is_found() {
    let said = found_moving("WW", "RF");
    assert_eq!(said, "step 2: robot 1: drives into the obstacle at cell 6 (row 1 column 1)");
}

#[test]
fn the_edge_of_the_map_is_found() {
    assert_eq!(found_moving("CF", "WW"), "step 2: robot 0: drives off the map from cell 0 (row 0 column 0)");
    assert_eq!(
        found_moving("RRF", "WWW"),
        "step 3: robot 0: drives off the map from cell 0 (row 0 column 0)"
    );
}

#[test]
fn a_shared_cell_is_found() {
    assert_eq!(found_moving("F", "W"), "step 1: robots 0 and 1 share cell 1 (row 0 column 1)");
}

#[test]
fn a_swap_is_found() {
    let said = found_moving("WWF", "RRF");
    assert_eq!(said, "step 3: robots 0 and 1 swap cell 0 (row 0 column 0) and cell 1 (row 0 column 1)");
}

#[test]
fn a_task_not_revealed_yet_is_found() {
    let said = found(|plan| plan.log.schedule[0] = vec![(1, Some(2))]);
    assert_eq!(said, "step 1: robot 0 pursues task 2, which isn't revealed yet");
}

#[test]
fn a_finished_task_is_found() {
    let said = found(|plan| plan.log.schedule[0] = vec![(1, Some(0)), (4, Some(1))]);
    assert_eq!(said, "step 4: robot 0 pursues task 1, which is finished");
}

#[test]
fn a_task_of_two_robots_is_found() {
    let said = found(|plan| plan.log.schedule[1] = vec![(1, Some(0))]);
    assert_eq!(said, "step 1: robots 0 and 1 both pursue task 0");
}

#[test]
fn a_begun_task_handed_on_is_found() {
    let said = found(|plan| {
        plan.log.schedule[0] = vec![(1, Some(0)), (2, Some(1))];
        plan.log.schedule[1] = vec![(1, Some(1)), (2, Some(0))];
    });
    assert_eq!(said, "step 2: task 0 is handed from robot 0, which has begun it, to robot 1");
}

#[test]
fn a_begun_task_dropped_is_found() {
    let said = found(|plan| plan.log.schedule[0].insert(1, (2, None)));
    assert_eq!(said, "step 2: robot 0 drops task 0, which it has begun");
}

#[test]
fn tasks_not_begun_may_be_exchanged() {
    let mut plan = plan();
    plan.log.schedule[0] = vec![(1, Some(0)), (4, Some(2)), (5, Some(3))];
    plan.log.schedule[1] = vec![(1, Some(1)), (4, Some(3)), (5, Some(2))];
    check(&problem(), &plan).unwrap();
}

#[test]
fn errands_out_of_order_are_found() {
    let said = found(|plan| plan.log.events[0] = [1, 0, 0, 2]);
    let belongs = "`events` has [1, 0, 0, 2] where [1, 0, 0, 1] belongs";
    assert_eq!(said, format!("step 1: robot 0 does errand 1 of task 0, but {belongs}"));
}

#[test]
fn an_errand_not_listed_is_found() {
    let said = found(|plan| plan.log.events.truncate(3));
    let belongs = "`events` has nothing where [5, 1, 2, 1] belongs";
    assert_eq!(said, format!("step 5: robot 1 does errand 1 of task 2, but {belongs}"));
}

#[test]
fn an_errand_not_done_is_found() {
    let said = found(|plan| plan.log.events.insert(1, [2, 1, 1, 1]));
    let but = "robot 1 doesn't do errand 1 of task 1 in this step";
    assert_eq!(said, format!("step 2: `events` has [2, 1, 1, 1], but {but}"));
    let said = found(|plan| plan.log.events.push([6, 0, 3, 1]));
    assert_eq!(said, "step 5 is the last, but `events` goes on with [6, 0, 3, 1]");
}

#[test]
fn tasks_out_of_order_are_found() {
    let said = found(|plan| plan.log.tasks.swap(0, 1));
    assert_eq!(
        said,
        "step 0: task 0 is revealed with errands at [0, 1, 0, 3], but `tasks` has task 1 of step 0 with [0, 4]"
    );
    let said = found(|plan| plan.log.tasks[2].1 = 2);
    assert_eq!(
        said,
        "step 3: task 2 is revealed with errands at [1, 4], but `tasks` has task 2 of step 2 with [1, 4]"
    );
}

#[test]
fn too_many_or_too_few_tasks_are_found() {
    let said = found(|plan| plan.log.tasks.truncate(4));
    assert_eq!(said, "step 5: task 4 is revealed with errands at [0, 4], but `tasks` has no more");
    let said = found(|plan| plan.log.tasks.push(Revealed(5, 5, vec![1, 4])));
    assert_eq!(said, "step 5 is the last, but `tasks` has task 5 of step 5, which is never revealed");
}

#[test]
fn a_wrong_number_of_finished_tasks_is_found() {
    let said = found(|plan| plan.log.finished = 4);
    assert_eq!(said, "step 5: 3 tasks are finished, but `numTaskFinished` is 4");
}

#[test]
fn a_wrong_start_is_found() {
    let said = found(|plan| plan.starts[1].2 = "S".to_owned());
    assert_eq!(
        said,
        "before step 1: robot 1 starts at row 0 column 1 facing S, but the problem has it at row 0 column 1 facing E"
    );
    let said = found(|plan| plan.starts[0].1 = 2);
    assert!(said.starts_with("before step 1: robot 0 starts at row 0 column 2 facing E, but"), "{said}");
}

#[test]
fn lists_that_do_not_fit_are_found() {
    let said = found(|plan| plan.actions[1].truncate(4));
    assert_eq!(said, "robot 1 has 4 actions, robot 0 has 5");
    let said = found(|plan| plan.actions.truncate(1));
    assert_eq!(said, "the plan has 1 robots, the problem 2");
    let said = found(|plan| plan.log.schedule[0].push((6, None)));
    assert_eq!(said, "step 5 is the last, but the schedule of robot 0 goes on with step 6");
}
