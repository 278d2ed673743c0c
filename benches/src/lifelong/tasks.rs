//! Tasks: so many unfinished ones are seen at once, in the order of the file; it is repeated from the top.

/// A task that is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task<'a> {
    /// Counted over all tasks revealed.
    pub id: u32,
    errands: &'a [u32],
    done: usize,
    /// The robot that has done its first errand, and will do the rest.
    pub held_by: Option<u32>,
}

impl Task<'_> {
    /// Places still to be visited.
    pub fn errands(&self) -> &[u32] {
        &self.errands[self.done..]
    }
}

/// The tasks that are seen.
#[derive(Clone, Debug)]
pub struct Pool<'a> {
    file: &'a [Vec<u32>],
    seen: Vec<Task<'a>>,
    /// So many are seen at once.
    size: usize,
    revealed: u32,
    finished: u32,
}

impl<'a> Pool<'a> {
    /// The first tasks of the file, which has one at least.
    pub fn new(file: &'a [Vec<u32>], size: usize) -> Pool<'a> {
        let mut pool = Pool { file, seen: Vec::new(), size, revealed: 0, finished: 0 };
        pool.refill();
        pool
    }

    /// Tasks that are seen, by id.
    pub fn seen(&self) -> &[Task<'a>] {
        &self.seen
    }

    /// Tasks revealed so far.
    pub fn revealed(&self) -> u32 {
        self.revealed
    }

    /// Tasks finished so far.
    pub fn finished(&self) -> u32 {
        self.finished
    }

    /// A robot that pursues the task is at this place: if its next errand is there, it is done. Answers how many are done then.
    pub fn visit(&mut self, id: u32, robot: u32, place: u32) -> Option<u32> {
        let index = self.seen.binary_search_by_key(&id, |task| task.id).ok()?;
        let task = &mut self.seen[index];
        if task.errands().first() != Some(&place) {
            return None;
        }
        task.done += 1;
        task.held_by = Some(robot);
        let done = task.done as u32;
        if task.errands().is_empty() {
            self.seen.remove(index);
            self.finished += 1;
        }
        Some(done)
    }

    /// As many tasks as were finished are revealed.
    pub fn refill(&mut self) {
        while self.seen.len() < self.size {
            let errands = &self.file[self.revealed as usize % self.file.len()];
            self.seen.push(Task { id: self.revealed, errands, done: 0, held_by: None });
            self.revealed += 1;
        }
    }
}
