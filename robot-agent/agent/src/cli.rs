//! The command line.

use crate::conform::master::{self, options::Master};
use crate::robot;
use clap::{Args, Parser, Subcommand, ValueEnum};
use drover_proto::vda5050::Dialect;
use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  drover-agent --config agent.toml
  drover-agent robots --broker mqtt://127.0.0.1:1883 --layout layout.lif.json --count 50
  drover-agent robots --broker mqtt://127.0.0.1 --layout layout.lif.json --site site.toml --count 8 --speed 10
  drover-agent plc --listen 127.0.0.1:1502 --devices devices.toml
  drover-agent conform --broker mqtt://127.0.0.1 --robot acme/r01

A configuration:
  [mqtt]
  url = \"mqtts://broker:8883\"       # or mqtt://
  ca = \"ca.pem\"                     # else what this machine trusts
  username = \"agent-fresh-dc\"       # of whoever has none of their own
  password_file = \"agent.password\"

  [site]
  id = \"fresh-dc\"

  [devices]
  file = \"devices.toml\"             # doors behind Modbus gateways; see devices.example.toml

  [[robot]]
  manufacturer = \"acme\"
  serial = \"r01\"
  driver = \"simulated\"
  map = \"floor\"
  x_m = 0.0
  y_m = 0.0
  username = \"robot-acme-r01\"       # its own account, if it has one
  password_file = \"r01.password\"

Exit codes: 0 stopped by a signal, 1 failed, 2 bad input. Log filter: DROVER_LOG, e.g. debug.";

const ROBOTS_EXAMPLES: &str = "Examples:
  drover-agent robots --broker mqtt://127.0.0.1:1883 --layout layout.lif.json --count 50
  drover-agent robots --broker mqtt://127.0.0.1 --layout l.json --count 20 --offset 20   (a second process)
  drover-agent robots --broker mqtts://broker --ca ca.pem --credentials credentials.csv --layout l.json --count 20

Prints one JSON line per robot {\"manufacturer\",\"serial\",\"node\"}, then {\"ready\":N} once all are connected.

Doors: the devices of the site file (--site, or site.toml beside the layout) are answered too, on
drover/v1/<site>/device/<id>/..., for whichever site asks. --devices none leaves them to another agent.";

const PLC_EXAMPLES: &str = "Examples:
  drover-agent plc --listen 127.0.0.1:1502 --devices devices.toml
  drover-agent plc --devices devices.toml --speed 10 --fault DOOR-CA1=stuck-closed

Prints {\"listening\":\"ADDR\",\"devices\":N}. Lines on stdin change faults while it runs, each answered by a JSON line:
  DOOR-CA1 stuck-closed   goes shut and stays so           DOOR-CA1 slow     moves at a fifth of its speed
  DOOR-CA1 stuck-open     goes open and stays so           DOOR-CA1 lying    both limit switches are made
  DOOR-CA1 fault          stops, its fault input is set    DOOR-CA1 silent   its places answer exception 11
  DOOR-CA1 ok             all is well again
  GATEWAY-ID silent       answers nothing at all           GATEWAY-ID frozen answers, but its program stands still
  GATEWAY-ID ok";

const CONFORM_EXAMPLES: &str = "Examples:
  drover-agent conform --broker mqtt://127.0.0.1:1883 --robot acme/r01
  drover-agent conform --broker mqtts://broker --ca ca.pem --robot acme/r01 --layout layout.lif.json --junit conform.xml
  drover-agent conform --broker mqtt://me:secret@broker --robot acme/r01 --rule cancel-driving --rule pause-stops --json
  drover-agent conform --list
  drover-agent conform --master --help      (difficult robots against a fleet controller)

The robot drives while it is tried: to and fro on the line ahead of it (three times --step), or on the layout's edges
around the node it stands on. Keep that space free, and no other fleet controller connected.

Prints a line per rule: pass, fail (the reason below) or skip (why), the rule's id, its section in VDA 5050 2.1.0.
Exit codes: 0 no rule failed, 1 a rule failed or the robot isn't there, 2 bad input.";

/// The on-site agent: puts robots on an MQTT broker as VDA 5050 2.1 robots, and site devices behind Modbus gateways.
#[derive(Debug, Parser)]
#[command(name = "drover-agent", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The agent's configuration (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do instead of running a configuration.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Other things to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Virtual robots on a real broker, for load tests and for trying a controller.
    #[command(after_help = ROBOTS_EXAMPLES)]
    Robots(Robots),
    /// A simulated PLC on Modbus TCP that moves the devices of a devices.toml.
    #[command(after_help = PLC_EXAMPLES)]
    Plc(Plc),
    /// Tries a robot of any make, rule by rule of the standard, on a real broker.
    #[command(after_help = CONFORM_EXAMPLES)]
    Conform(Conform),
    /// Conformance: difficult robots against a fleet controller, judged rule by rule.
    #[command(
        hide = true,
        after_help = master::options::EXAMPLES,
        override_usage = "drover-agent conform --master --broker <URL> --layout <FILE> [OPTIONS]"
    )]
    ConformMaster(Master),
}

/// `conform --master` is another command than `conform`, with options of its own: it is told apart before they are read.
pub fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut given: Vec<OsString> = given.into_iter().collect();
    let is_master = given.iter().any(|argument| argument == "--master");
    if let Some(command) = given.get_mut(1).filter(|command| is_master && *command == "conform") {
        *command = "conform-master".into();
    }
    given
}

/// Options of `robots`.
#[derive(Clone, Debug, Args)]
pub struct Robots {
    /// Broker, mqtt://[user:password@]host[:port]; mqtts:// with TLS.
    #[arg(long, value_name = "URL", env = "DROVER_MQTT__URL")]
    pub broker: String,
    /// With mqtts://: a PEM file to trust instead of what this machine trusts.
    #[arg(long, value_name = "FILE", env = "DROVER_MQTT__CA")]
    pub ca: Option<PathBuf>,
    /// Each robot's own account: CSV serial,user,password as `drover site credentials` writes it, or TOML with
    /// [[robot]] serial, username, password and [devices] username, password.
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
    /// Layout, LIF 1.0.
    #[arg(long, value_name = "FILE")]
    pub layout: PathBuf,
    /// What LIF can't say: robot types, parking, chargers.
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// How many robots, 1 to 2000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub count: u32,
    /// How fast the robots' clock runs, 0.01 to 1000.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Manufacturer of all robots.
    #[arg(long, value_name = "NAME", default_value = "drover")]
    pub manufacturer: String,
    /// Serial numbers are this and a number from 01.
    #[arg(long, value_name = "TEXT", default_value = "r")]
    pub prefix: String,
    /// Topic prefix.
    #[arg(long, value_name = "NAME", default_value = "uagv", env = "DROVER_MQTT__INTERFACE")]
    pub interface: String,
    /// Version of VDA 5050 they speak, 2.1 or 3.0.
    #[arg(long, value_name = "VERSION", default_value = "2.1", value_parser = robot::dialect)]
    pub vda: Dialect,
    /// Leave out the first K serial numbers and places: those of another process.
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=2000))]
    pub offset: u32,
    /// Who answers for the site's doors and other devices: this process, if the site file has any, or nobody.
    /// Without this option: virtual, but none with --offset, because the first process does it.
    #[arg(long, value_enum, value_name = "WHO")]
    pub devices: Option<VirtualDevices>,
    /// The site whose devices are announced from the start; else a site's are once somebody asks for one of them.
    #[arg(long, value_name = "ID", env = "DROVER_SITE__ID")]
    pub site_id: Option<String>,
}

/// Who answers for the site's devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VirtualDevices {
    /// This process: each opens and shuts in 2 s of the robots' clock.
    Virtual,
    /// Nobody, or another agent.
    None,
}

/// Options of `plc`.
#[derive(Clone, Debug, Args)]
pub struct Plc {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: String,
    /// The register maps: the same file as the agent's.
    #[arg(long, value_name = "FILE")]
    pub devices: PathBuf,
    /// Which gateway of the file to be; needed when it has several.
    #[arg(long, value_name = "ID")]
    pub gateway: Option<String>,
    /// How fast its clock runs, 0.01 to 1000.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// A fault from the start; may be given again.
    #[arg(long, value_name = "ID=FAULT")]
    pub fault: Vec<String>,
}

/// Options of `conform`.
#[derive(Clone, Debug, Args)]
pub struct Conform {
    /// Broker, mqtt://[user:password@]host[:port]; mqtts:// with TLS.
    #[arg(long, value_name = "URL", env = "DROVER_MQTT__URL")]
    pub broker: Option<String>,
    /// With mqtts://: a PEM file to trust instead of what this machine trusts.
    #[arg(long, value_name = "FILE", env = "DROVER_MQTT__CA")]
    pub ca: Option<PathBuf>,
    /// The robot to be tried.
    #[arg(long, value_name = "MANUFACTURER/SERIAL")]
    pub robot: Option<String>,
    /// Topic prefix.
    #[arg(long, value_name = "NAME", default_value = "uagv", env = "DROVER_MQTT__INTERFACE")]
    pub interface: String,
    /// Layout, LIF 1.0, on a node of which the robot stands; else nodes are made up on a line ahead of it.
    #[arg(long, value_name = "FILE")]
    pub layout: Option<PathBuf>,
    /// Without a layout: metres between two nodes, 0.6 to 100.
    #[arg(long, value_name = "METRES", default_value_t = 1.0, value_parser = step)]
    pub step: f64,
    /// Only this rule; may be given again.
    #[arg(long, value_name = "ID")]
    pub rule: Vec<String>,
    /// Print the rules and their sections, and what is left open; no broker is needed.
    #[arg(long)]
    pub list: bool,
    /// One JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Write the results as JUnit XML too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// How long to wait for each thing, 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub patience: u32,
    /// A harmless action the robot knows at a node; else chosen from its factsheet, never one that moves a load.
    #[arg(long, value_name = "TYPE")]
    pub action: Option<String>,
}

fn step(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(step) if (0.6..=100.0).contains(&step) => Ok(step),
        Ok(_) | Err(_) => Err("a number of metres from 0.6 to 100 is wanted".to_owned()),
    }
}

pub(crate) fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.01..=1_000.0).contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err("a number from 0.01 to 1000 is wanted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masters_half_of_the_kit_is_another_command() {
        let read = |given: &[&str]| Cli::parse_from(arguments(given.iter().map(OsString::from))).command;
        let robot = read(&["drover-agent", "conform", "--list"]);
        assert!(matches!(robot, Some(Command::Conform(options)) if options.list));
        let master = read(&["drover-agent", "conform", "--list", "--master"]);
        assert!(matches!(master, Some(Command::ConformMaster(options)) if options.list));
    }
}
