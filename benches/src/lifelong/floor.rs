//! The rules of the floor: who is where, and what a joint move must not do.

use drover_core::plan::lattice::{Lattice, NONE, Step};

/// What a robot does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One cell forward.
    Forward,
    /// A quarter turn clockwise.
    Right,
    /// A quarter turn counterclockwise.
    Left,
    /// Nothing.
    Wait,
}

impl Action {
    /// The action that leads from one state to the next; none if there is no such.
    pub fn between(lattice: &Lattice, from: u32, to: u32) -> Option<Action> {
        [Action::Wait, Action::Forward, Action::Right, Action::Left]
            .into_iter()
            .find(|action| action.after(lattice, from) == to)
    }

    /// The state after it.
    pub fn after(self, lattice: &Lattice, state: u32) -> u32 {
        match self {
            Action::Forward => lattice.after(state, Step::Ahead),
            Action::Right => lattice.after(state, Step::Right),
            Action::Left => lattice.after(state, Step::Left),
            Action::Wait => state,
        }
    }
}

/// Robots on the lattice.
#[derive(Clone, Debug)]
pub struct Floor {
    /// State of each robot.
    pub states: Vec<u32>,
}

impl Floor {
    /// Everybody at its start, facing east.
    pub fn new(lattice: &Lattice, starts: &[u32]) -> Floor {
        Floor { states: starts.iter().map(|place| lattice.states(*place).start).collect() }
    }

    /// Moves everybody; says which pair of robots (or robot alone) broke which rule, and then moves nobody.
    ///
    /// # Errors
    /// A sentence with the robots by number.
    pub fn step(&mut self, lattice: &Lattice, actions: &[Action]) -> Result<(), String> {
        let after: Vec<u32> =
            self.states.iter().zip(actions).map(|(state, action)| action.after(lattice, *state)).collect();
        let mut stands = vec![NONE; lattice.place_count()];
        for (robot, state) in self.states.iter().enumerate() {
            stands[lattice.place(*state) as usize] = robot as u32;
        }
        let mut comes = vec![NONE; lattice.place_count()];
        for (robot, state) in after.iter().enumerate() {
            if *state == NONE {
                return Err(format!("robot {robot} drives off the floor"));
            }
            let (from, to) = (lattice.place(self.states[robot]), lattice.place(*state));
            let other = std::mem::replace(&mut comes[to as usize], robot as u32);
            if other != NONE {
                return Err(format!("robots {other} and {robot} share place {to}"));
            }
            let swaps = stands[to as usize];
            if swaps != NONE && swaps != robot as u32 && lattice.place(after[swaps as usize]) == from {
                return Err(format!("robots {robot} and {swaps} swap places {from} and {to}"));
            }
        }
        self.states = after;
        Ok(())
    }
}
