//! Dense ids: an id is an index into one [`Layout`](crate::Layout) and means nothing outside it.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The place in the layout's list.
            pub fn index(self) -> usize {
                self.0 as usize
            }

            pub(crate) fn of(index: usize) -> Self {
                Self(index as $inner)
            }
        }
    };
}

id!(
    /// A place where a robot may stop.
    NodeId,
    u32
);
id!(
    /// A directed way between two nodes.
    EdgeId,
    u32
);
id!(
    /// A station: one or more nodes where a robot meets the world.
    StationId,
    u32
);
id!(
    /// A zone of the site.
    ZoneId,
    u16
);
id!(
    /// A robot type (LIF: vehicle type).
    TypeId,
    u16
);
