//! Tasks: so many unfinished ones are seen at once, in the order of the file; it is repeated from the top.

/// A task that is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Counted over all tasks revealed.
    pub id: u32,
    errands: Vec<u32>,
    done: usize,
    /// The robot that has done its first errand, and will do the rest.
    pub held_by: Option<u32>,
}

impl Task {
    /// Places still to be visited.
    pub fn errands(&self) -> &[u32] {
        &self.errands[self.done..]
    }
}

/// The tasks that are seen.
#[derive(Clone, Debug)]
pub struct Pool {
    file: Vec<Vec<u32>>,
    seen: Vec<Task>,
    /// So many are seen at once.
    size: usize,
    revealed: u32,
    finished: u32,
}

impl Pool {
    /// The first tasks of the file.
    pub fn new(file: &[Vec<u32>], size: usize) -> Pool {
        let mut pool = Pool { file: file.to_vec(), seen: Vec::new(), size, revealed: 0, finished: 0 };
        pool.refill();
        pool
    }

    /// Tasks that are seen, by id.
    pub fn seen(&self) -> &[Task] {
        &self.seen
    }

    /// Tasks finished so far.
    pub fn finished(&self) -> u32 {
        self.finished
    }

    /// A robot that pursues the task is at this place: its errand there, if it is the next one, is done.
    pub fn visit(&mut self, id: u32, robot: u32, place: u32) {
        let Ok(index) = self.seen.binary_search_by_key(&id, |task| task.id) else { return };
        let task = &mut self.seen[index];
        if task.errands().first() != Some(&place) {
            return;
        }
        task.done += 1;
        task.held_by = Some(robot);
        if task.errands().is_empty() {
            self.seen.remove(index);
            self.finished += 1;
        }
    }

    /// As many tasks as were finished are revealed.
    pub fn refill(&mut self) {
        while self.seen.len() < self.size {
            let errands = self.file[self.revealed as usize % self.file.len()].clone();
            self.seen.push(Task { id: self.revealed, errands, done: 0, held_by: None });
            self.revealed += 1;
        }
    }
}
