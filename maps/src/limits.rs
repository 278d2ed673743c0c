//! Every limit of the layout files, by name. Beyond one of them a file is refused, not cut short.

/// Largest LIF or MovingAI file, bytes.
pub const FILE_BYTES_MAX: usize = 64 << 20;
/// Largest `site.toml`, bytes.
pub const SITE_BYTES_MAX: usize = 8 << 20;
/// Most nodes of a layout.
pub const NODES_MAX: usize = 200_000;
/// Most edges of a layout.
pub const EDGES_MAX: usize = 1_000_000;
/// Most stations of a layout.
pub const STATIONS_MAX: usize = 100_000;
/// Most robot types of a site (a node's admitted types are one 32-bit mask).
pub const TYPES_MAX: usize = 32;
/// Most robots named in `site.toml`.
pub const ROBOTS_MAX: usize = 20_000;
/// Most VDA 5050 profiles named in `site.toml`.
pub const PROFILES_MAX: usize = 1_000;
/// Types of actions with remedies.
pub const ACTIONS_MAX: usize = 1_000;
/// Most zones of a site.
pub const ZONES_MAX: usize = 1_000;
/// Most corners of one zone's polygon.
pub const POLYGON_POINTS_MAX: usize = 1_000;
/// Most devices of a site.
pub const DEVICES_MAX: usize = 10_000;
/// Longest id in a file, bytes.
pub const ID_BYTES_MAX: usize = 256;
/// Largest coordinate either way, metres.
pub const COORDINATE_M_MAX: f64 = 100_000.0;
/// Longest edge, mm.
pub const EDGE_MM_MAX: u32 = 1_000_000;
/// Most control points of one trajectory.
pub const CONTROL_POINTS_MAX: usize = 1_000;
/// Largest robot, mm of length or width.
pub const ROBOT_MM_MAX: u32 = 20_000;
/// Fastest robot, mm/s.
pub const SPEED_MM_S_MAX: u32 = 20_000;
/// Quickest acceleration, mm/s^2.
pub const ACCEL_MM_S2_MAX: u32 = 50_000;
/// Quickest turn, thousandths of a degree per second.
pub const TURN_MDEG_S_MAX: u32 = 3_600_000;
/// Clear space kept on every side of a robot when conflicts are computed, mm.
pub const MARGIN_MM: u32 = 50;
/// Most overlap tests while conflict sets are computed: beyond it, too many places lie on one another.
pub const OVERLAP_TESTS_MAX: usize = 400_000_000;
/// Most entries of all conflict sets together.
pub const CONFLICTS_MAX: usize = 60_000_000;
/// Most cells the conflict grid may fill.
pub const GRID_ENTRIES_MAX: usize = 20_000_000;
/// Findings kept of one code; the rest are counted in one line.
pub const FINDINGS_PER_CODE_MAX: usize = 20;
