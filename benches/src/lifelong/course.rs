//! What is played on: a lattice, where everybody starts, and tasks. Where these come from is no business of the play.

use drover_core::plan::lattice::Lattice;

use super::Problem;

/// The floor and what there is to do.
#[derive(Clone, Debug)]
pub struct Course {
    /// Where robots can be.
    pub lattice: Lattice,
    /// State of each robot at the start.
    pub starts: Vec<u32>,
    /// Places to visit in order, for each task; the list is repeated from the top.
    pub tasks: Vec<Vec<u32>>,
    /// So many unfinished tasks are seen at once.
    pub revealed: usize,
}

impl From<&Problem> for Course {
    fn from(problem: &Problem) -> Course {
        let rows: Vec<Vec<bool>> =
            problem.map.free.chunks(problem.map.width as usize).map(<[bool]>::to_vec).collect();
        let lattice = Lattice::grid(&rows);
        let mut place = 0;
        let places: Vec<u32> = problem
            .map
            .free
            .iter()
            .map(|is_free| {
                place += u32::from(*is_free);
                place.saturating_sub(1)
            })
            .collect();
        let east = |cell: &u32| lattice.states(places[*cell as usize]).start;
        let starts = problem.starts.iter().map(east).collect();
        let errands = |cells: &Vec<u32>| cells.iter().map(|cell| places[*cell as usize]).collect();
        let tasks = problem.tasks.iter().map(errands).collect();
        Course { starts, tasks, revealed: problem.revealed, lattice }
    }
}
