//! Worlds on several threads, told in order: what is printed doesn't depend on how many threads there are.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use super::BadInput;

/// As many threads as were asked for, or as there are cores.
pub fn threads(wanted: Option<usize>) -> usize {
    wanted.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get)).max(1)
}

/// Does the tasks 0, 1, 2 ... below `count` while `goes_on`, on so many threads. `told` hears every result in order of the
/// tasks; its error ends everything.
pub fn in_order<T: Send>(
    threads: usize,
    count: u64,
    goes_on: &(impl Fn() -> bool + Sync),
    work: &(impl Fn(u64) -> T + Sync),
    mut told: impl FnMut(u64, T) -> Result<(), BadInput>,
) -> Result<(), BadInput> {
    let next = AtomicU64::new(0);
    let (results, done) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (results, next) = (results.clone(), &next);
            scope.spawn(move || {
                while goes_on() {
                    let task = next.fetch_add(1, Ordering::Relaxed);
                    if task >= count || results.send((task, work(task))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (task, result) in done {
            early.insert(task, result);
            while let Some(result) = early.remove(&due) {
                told(due, result)?;
                due += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_in_order_on_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let mut heard = Vec::new();
            let told = |task, square| {
                heard.push((task, square));
                Ok(())
            };
            in_order(threads, 50, &|| true, &|task| task * task, told).unwrap();
            assert_eq!(heard, (0..50).map(|task| (task, task * task)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_everything() {
        let mut heard = 0;
        let told = |task, _| {
            heard += 1;
            if task == 3 { Err(BadInput("enough".into())) } else { Ok(()) }
        };
        assert!(in_order(2, 1_000, &|| true, &|task| task, told).is_err());
        assert_eq!(heard, 4);
    }
}
