//! Which states are news: in the order in which the robot said them, whatever the network did to them since. A state that
//! arrives after a later one proves nothing any more.

use std::collections::VecDeque;

/// Said states of one robot kept: more than any message is late.
const SAID_MAX: usize = 8_192;

/// How a state that arrives stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Age {
    /// The robot said nothing later that has arrived: what it proves holds.
    pub(crate) is_newest: bool,
    /// Its header counts on from the last one as well: nobody may take it for a late one.
    pub(crate) is_plain: bool,
}

/// What each robot said, and how much of it has arrived.
#[derive(Debug)]
pub(crate) struct Hearing {
    robots: Vec<Said>,
}

#[derive(Clone, Debug, Default)]
struct Said {
    /// Header ids in the order they were said; the first has this number.
    ids: VecDeque<u32>,
    first: u64,
    /// Number and header id of the newest that arrived.
    newest: Option<(u64, u32)>,
}

impl Hearing {
    pub(crate) fn new(robots: usize) -> Hearing {
        Hearing { robots: vec![Said::default(); robots] }
    }

    pub(crate) fn said(&mut self, robot: usize, header_id: u32) {
        let said = &mut self.robots[robot];
        if said.ids.len() == SAID_MAX {
            said.ids.pop_front();
            said.first += 1;
        }
        said.ids.push_back(header_id);
    }

    pub(crate) fn heard(&mut self, robot: usize, header_id: u32) -> Age {
        let said = &mut self.robots[robot];
        let Some(index) = said.ids.iter().rposition(|id| *id == header_id) else {
            return Age { is_newest: false, is_plain: false };
        };
        let number = said.first + index as u64;
        let (is_newest, counts_on) = match said.newest {
            None => (true, true),
            Some((newest, id)) => (number >= newest, header_id >= id),
        };
        if is_newest {
            said.newest = Some((number, header_id));
        }
        Age { is_newest, is_plain: is_newest && counts_on }
    }
}
