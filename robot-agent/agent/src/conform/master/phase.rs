//! What the robot does to the controller, one kind of mischief after the other, always in this order.

use clap::ValueEnum;

/// One kind of mischief.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Phase {
    /// None: what a good robot does.
    Fair,
    /// Messages take seconds, both ways.
    Late,
    /// Three of ten orders and instant actions don't arrive, nor three of ten states.
    Lossy,
    /// Each state comes twice, and old ones once more later.
    Duplicating,
    /// Orders and updates are refused with a warning, once and then thrice.
    Rejecting,
    /// No states for a while; the connection stays ONLINE.
    Silent,
    /// The connection breaks without a goodbye, and comes back.
    Offline,
    /// A restart: no order any more, header ids from 1.
    Forgetful,
    /// Somebody drives it by hand for a while; the order is dropped.
    Manual,
    /// Its headers say 2.0.0, and now and then 3.0.0.
    WrongVersion,
}

impl Phase {
    /// All, in their order.
    pub const ALL: [Self; 10] = [
        Self::Fair,
        Self::Late,
        Self::Lossy,
        Self::Duplicating,
        Self::Rejecting,
        Self::Silent,
        Self::Offline,
        Self::Forgetful,
        Self::Manual,
        Self::WrongVersion,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fair => "fair",
            Self::Late => "late",
            Self::Lossy => "lossy",
            Self::Duplicating => "duplicating",
            Self::Rejecting => "rejecting",
            Self::Silent => "silent",
            Self::Offline => "offline",
            Self::Forgetful => "forgetful",
            Self::Manual => "manual",
            Self::WrongVersion => "wrong-version",
        }
    }

    /// What happens in it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Fair => "a good robot",
            Self::Late => "messages take 1 to 4 s, both ways",
            Self::Lossy => "3 of 10 orders, instant actions and states are lost",
            Self::Duplicating => "each state twice, old ones again later",
            Self::Rejecting => "orders and updates are refused, once and then thrice",
            Self::Silent => "no states for 20 s, connection ONLINE",
            Self::Offline => "the connection breaks for 10 s without a goodbye",
            Self::Forgetful => "a restart: no order any more, header ids from 1",
            Self::Manual => "MANUAL for 15 s, the order is dropped",
            Self::WrongVersion => "headers say 2.0.0, now and then 3.0.0",
        }
    }

    /// Orders and updates after which it has been seen enough of.
    pub const fn enough(self) -> usize {
        match self {
            Self::Rejecting => 7,
            Self::Late | Self::Lossy | Self::Duplicating => 5,
            Self::Fair
            | Self::Silent
            | Self::Offline
            | Self::Forgetful
            | Self::Manual
            | Self::WrongVersion => 3,
        }
    }
}

/// Those asked for, or all.
pub fn chosen(asked: &[Phase]) -> Vec<Phase> {
    Phase::ALL.into_iter().filter(|phase| asked.is_empty() || asked.contains(phase)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Phase, chosen};
    use clap::ValueEnum;

    #[test]
    fn phases_run_in_their_own_order_however_they_are_asked_for() {
        assert_eq!(chosen(&[Phase::Manual, Phase::Fair, Phase::Fair]), [Phase::Fair, Phase::Manual]);
        assert_eq!(chosen(&[]), Phase::ALL);
    }

    #[test]
    fn reports_call_a_phase_what_the_command_line_calls_it() {
        for phase in Phase::ALL {
            assert_eq!(phase.to_possible_value().unwrap().get_name(), phase.name());
        }
    }
}
