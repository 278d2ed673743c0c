//! What each robot did, as spans without gaps: short ones join the one before them when there are too many.

use super::activity::Activity;

/// Spans kept, over all robots.
pub(crate) const SPANS_MAX: usize = 400_000;
/// Shortest span once the first limit is reached, ms.
const SHORTEST_MS: u64 = 2_000;

/// A robot did one thing for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From when, ms since the start.
    pub from_ms: u64,
    /// Until when, ms since the start.
    pub until_ms: u64,
    /// What.
    pub activity: Activity,
}

/// The spans of all robots.
#[derive(Clone, Debug)]
pub struct Spans {
    of: Vec<Vec<Span>>,
    count: usize,
    shortest_ms: u64,
    max: usize,
}

impl Spans {
    pub(crate) fn new(robots: usize) -> Spans {
        Spans { of: vec![Vec::new(); robots], count: 0, shortest_ms: 0, max: SPANS_MAX.max(4 * robots) }
    }

    /// What a robot does from now on.
    pub(crate) fn note(&mut self, robot: usize, now_ms: u64, activity: Activity) {
        let Some(spans) = self.of.get_mut(robot) else { return };
        if let Some(last) = spans.last_mut() {
            last.until_ms = now_ms;
            if last.activity == activity {
                return;
            }
        }
        let before = spans.len();
        join_last(spans, self.shortest_ms);
        if spans.last().is_none_or(|last| last.activity != activity) {
            spans.push(Span { from_ms: now_ms, until_ms: now_ms, activity });
        }
        self.count = self.count + spans.len() - before;
        while self.count > self.max {
            self.coarsen();
        }
    }

    /// Spans shorter than twice as long as before join the one before them.
    fn coarsen(&mut self) {
        self.shortest_ms = (2 * self.shortest_ms).max(SHORTEST_MS);
        for spans in &mut self.of {
            let mut kept: Vec<Span> = Vec::with_capacity(spans.len() / 2);
            for span in spans.drain(..) {
                join_last(&mut kept, self.shortest_ms);
                match kept.last_mut() {
                    Some(last) if last.activity == span.activity => last.until_ms = span.until_ms,
                    Some(_) | None => kept.push(span),
                }
            }
            *spans = kept;
        }
        self.count = self.of.iter().map(Vec::len).sum();
    }

    pub(crate) fn finish(&mut self, now_ms: u64) {
        for last in self.of.iter_mut().filter_map(|spans| spans.last_mut()) {
            last.until_ms = now_ms.max(last.from_ms);
        }
    }

    /// The spans of a robot, oldest first, each beginning where the one before ends.
    pub fn of(&self, robot: usize) -> &[Span] {
        self.of.get(robot).map_or(&[], Vec::as_slice)
    }

    /// The shortest span told apart, ms; 0 = all are.
    pub fn shortest_ms(&self) -> u64 {
        self.shortest_ms
    }
}

/// A last span that was too short belongs to the one before it.
fn join_last(spans: &mut Vec<Span>, shortest_ms: u64) {
    if let [.., before, last] = spans.as_mut_slice()
        && last.until_ms - last.from_ms < shortest_ms
    {
        before.until_ms = last.until_ms;
        spans.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::super::activity::Kind;
    use super::*;

    fn activity(number: u64) -> Activity {
        Activity { kind: Kind::ALL[number as usize % Kind::ALL.len()], with: None }
    }

    #[test]
    fn the_same_again_makes_no_new_span() {
        let mut spans = Spans::new(1);
        for at in 0..10 {
            spans.note(0, at * 1_000, activity(at / 5));
        }
        spans.finish(12_000);
        let ends: Vec<(u64, u64)> = spans.of(0).iter().map(|span| (span.from_ms, span.until_ms)).collect();
        assert_eq!(ends, [(0, 5_000), (5_000, 12_000)]);
    }

    #[test]
    fn too_many_spans_lose_the_short_ones_and_leave_no_gap() {
        let mut spans = Spans { max: 1_000, ..Spans::new(2) };
        for at in 0..20_000_u64 {
            spans.note(0, at * 1_000, activity(at));
            spans.note(1, at * 1_000, activity(at / 60));
        }
        spans.finish(20_000_000);
        assert!(spans.of(0).len() + spans.of(1).len() <= 1_000 && spans.shortest_ms() >= 2_000);
        for robot in 0..2 {
            let all = spans.of(robot);
            assert!(all.windows(2).all(|pair| pair[0].until_ms == pair[1].from_ms));
            assert_eq!((all[0].from_ms, all[all.len() - 1].until_ms), (0, 20_000_000));
        }
    }
}
