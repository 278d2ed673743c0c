//! The options of `drover-agent conform --master`.

use super::phase::Phase;
use clap::Args;
use std::path::PathBuf;

/// Examples, below the options.
pub const EXAMPLES: &str = "Examples:
  drover-agent conform --master --broker mqtt://127.0.0.1:1883 --layout layout.lif.json
  drover-agent conform --master --broker mqtt://broker --layout l.json --phase lossy --phase rejecting --json
  drover-agent conform --master --list

Puts difficult robots on the broker and judges what a fleet controller (VDA 5050 2.x) sends them. Give the controller work
for them yourself: each phase waits for orders, and one that gets none in --patience seconds isn't exercised.
Site devices aren't answered: `drover-agent robots` or another agent may do that.

Exit codes: 0 no rule failed, 1 a rule failed, 2 bad input.";

/// Options of `conform --master`.
#[derive(Clone, Debug, Args)]
pub struct Master {
    /// Judge a fleet controller: play difficult robots against it.
    #[arg(long, required = true)]
    pub master: bool,
    /// Broker, mqtt://[user:password@]host[:port]; mqtts:// with TLS.
    #[arg(long, value_name = "URL", env = "DROVER_MQTT__URL", required_unless_present = "list")]
    pub broker: Option<String>,
    /// With mqtts://: a PEM file to trust instead of what this machine trusts.
    #[arg(long, value_name = "FILE", env = "DROVER_MQTT__CA")]
    pub ca: Option<PathBuf>,
    /// Layout, LIF 1.0; the controller's.
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    pub layout: Option<PathBuf>,
    /// What LIF can't say: robot types, parking, chargers.
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// How many robots, 1 to 50.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub count: u32,
    /// Manufacturer of all robots.
    #[arg(long, value_name = "NAME", default_value = "drover")]
    pub manufacturer: String,
    /// Serial numbers are this and a number from 01.
    #[arg(long, value_name = "TEXT", default_value = "r")]
    pub prefix: String,
    /// Topic prefix.
    #[arg(long, value_name = "NAME", default_value = "uagv", env = "DROVER_MQTT__INTERFACE")]
    pub interface: String,
    /// How fast the robots' clock runs, 0.01 to 1000; every time of this tool is of that clock, so the controller's
    /// has to run as fast.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = crate::cli::speed)]
    pub speed: f64,
    /// Seconds a phase waits for an order, 1 to 86400.
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub patience: u32,
    /// What chance begins with: the same seed loses the same messages.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only this phase; may be given again. They run in their own order.
    #[arg(long, value_name = "NAME", value_enum)]
    pub phase: Vec<Phase>,
    /// Print the phases and the rules, and end.
    #[arg(long)]
    pub list: bool,
    /// The result as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// The result as JUnit XML, a case per rule.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}
