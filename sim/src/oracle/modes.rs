//! ModeRespect: a robot that is heard to be in a person's hands is sent no order, and no action but a question.

use drover_core::{Epoch, Event, Fact};
use drover_proto::vda5050::{InstantActions, OperatingMode, Order, State};

use super::Breach;

/// Instant actions that ask and move nothing.
const QUESTIONS: [&str; 3] = ["stateRequest", "factsheetRequest", "logReport"];

/// What is known of one robot's mode, and by whom.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The process that heard the newest state, and whether that state forbids orders.
    heard: Option<(Epoch, bool)>,
    /// The journal says that it forbids orders.
    recorded: bool,
}

/// Who may be sent what.
#[derive(Debug)]
pub(crate) struct Modes {
    known: Vec<Known>,
}

impl Modes {
    pub(crate) fn new(robots: usize) -> Modes {
        Modes { known: vec![Known::default(); robots] }
    }

    /// A state arrived that nobody may take for a late one.
    pub(crate) fn heard(&mut self, by: Epoch, robot: usize, state: &State) {
        self.known[robot].heard = Some((by, forbids(state.operating_mode)));
    }

    /// What a process knew, the next one knows from the journal.
    pub(crate) fn recorded(&mut self, robot: usize, event: &Event) {
        if let Event::Robot { fact: Fact::Mode(mode), .. } = event {
            self.known[robot].recorded = !mode.takes_orders();
        }
    }

    pub(crate) fn ordered(&self, by: Epoch, robot: usize, order: &Order) -> Option<Breach> {
        self.is_forbidden(by, robot).then(|| {
            let text = format!(
                "order {} update {} left in a mode that forbids it",
                order.order_id, order.order_update_id
            );
            Breach::new("ModeRespect", &[robot], text)
        })
    }

    pub(crate) fn instant_sent(&self, by: Epoch, robot: usize, actions: &InstantActions) -> Option<Breach> {
        let moves = |kind: &str| !QUESTIONS.contains(&kind);
        let action = actions.actions.iter().find(|action| moves(&action.action_type))?;
        self.is_forbidden(by, robot).then(|| {
            let text = format!("{} left in a mode that forbids it", action.action_type);
            Breach::new("ModeRespect", &[robot], text)
        })
    }

    fn is_forbidden(&self, by: Epoch, robot: usize) -> bool {
        let known = self.known[robot];
        match known.heard {
            Some((epoch, forbids)) if epoch == by => forbids,
            Some(_) | None => known.recorded,
        }
    }
}

fn forbids(mode: OperatingMode) -> bool {
    match mode {
        OperatingMode::Manual
        | OperatingMode::Service
        | OperatingMode::Teachin
        | OperatingMode::Startup
        | OperatingMode::Intervened => true,
        OperatingMode::Automatic | OperatingMode::Semiautomatic | OperatingMode::Unknown => false,
    }
}
