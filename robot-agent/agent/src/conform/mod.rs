//! `drover-agent conform`: drives any VDA 5050 2.x robot through the rules of the standard over a real broker.
//!
//! ```text
//!  rules (what to send, how to judge) ── kit (say, wait, look back) ── watch (what must always hold)
//!                                         │
//!  shell (MQTT, clock, signals) ──► session (all of it as one future, polled by hand) ──► report
//! ```
//!
//! Only `shell` knows a socket or a clock: a whole run is tested without a broker. It never sends a robot to a node that
//! isn't on the layout it was given or on the line ahead of it. `master` is the other half of the kit: difficult robots
//! against a fleet controller.

mod ground;
mod kit;
pub mod master;
mod report;
mod rules;
mod seen;
mod session;
mod shell;
mod watch;
mod xml;

use crate::BadInput;
use crate::broker::Broker;
use crate::cli;
use crate::findings::nearest;
use crate::robot::{level_fault, name_fault};
use crate::virtual_robots::read_layout;
use drover_maps::Layout;
use ground::Ground;
use kit::Setting;
use report::{Finding, Outcome};
use rules::Rule;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

const ROBOT_EXAMPLE: &str = "write MANUFACTURER/SERIAL, e.g. acme/r01";

/// A run that is ready to begin.
struct Plan {
    broker: Broker,
    interface: String,
    setting: Setting,
    rules: Vec<&'static Rule>,
    /// The layout's file, for messages.
    layout: Option<String>,
}

/// Lists the rules, or tries them on a robot. An error if one failed; [`BadInput`] if an option is wrong.
pub async fn run(options: &cli::Conform) -> anyhow::Result<()> {
    let rules = chosen(&options.rule)?;
    if options.list {
        let text =
            if options.json { format!("{}\n", report::list_json(&rules)) } else { report::list(&rules) };
        print(&text);
        return Ok(());
    }
    let plan = prepare(options, rules)?;
    let robot = format!("{}/{}", plan.setting.manufacturer, plan.setting.serial);
    let findings = shell::run(plan, |finding| {
        if !options.json {
            print(&format!("{}\n", finding.line()));
        }
    })
    .await?;
    if options.json {
        print(&format!("{}\n", report::json(&robot, &findings)));
    } else {
        print(&format!("{}\n", report::summary(&findings)));
    }
    if let Some(file) = &options.junit {
        write_junit(file, &report::junit(&robot, &findings))?;
    }
    verdict(&robot, &findings)
}

fn verdict(robot: &str, findings: &[Finding]) -> anyhow::Result<()> {
    match report::count(findings, Outcome::Fail) {
        0 => Ok(()),
        failed => Err(anyhow::anyhow!("{robot} breaks {failed} of {} rules", findings.len())),
    }
}

/// The rules asked for, in the kit's order; all if none is named.
fn chosen(ids: &[String]) -> Result<Vec<&'static Rule>, BadInput> {
    let all = rules::all();
    let known: Vec<&str> = all.iter().map(|rule| rule.id).collect();
    let unknown = ids.iter().filter(|id| !known.contains(&id.as_str()));
    let findings: Vec<String> = unknown
        .map(|id| format!("--rule {id:?}: isn't a rule; {} (--list shows them)", nearest(id, &known)))
        .collect();
    if !findings.is_empty() {
        return Err(BadInput(findings));
    }
    Ok(all.into_iter().filter(|rule| ids.is_empty() || ids.iter().any(|id| id == rule.id)).collect())
}

fn prepare(options: &cli::Conform, rules: Vec<&'static Rule>) -> anyhow::Result<Plan> {
    let missing = |key: &str, mend: &str| BadInput::one(format!("{key}: is missing; {mend}"));
    let url = options.broker.as_deref().ok_or_else(|| missing("--broker", "use mqtt://host:1883"))?;
    let broker = Broker::parse(url, options.ca.as_deref())
        .map_err(|mend| BadInput::one(format!("--broker: {mend}")))?;
    let robot = options.robot.as_deref().ok_or_else(|| missing("--robot", ROBOT_EXAMPLE))?;
    let (manufacturer, serial) = robot_name(robot)?;
    if let Some(fault) = options.interface.split('/').find_map(level_fault) {
        let text = format!("--interface {:?}: {fault}; use letters and digits", options.interface);
        return Err(BadInput::one(text).into());
    }
    if let Some(folder) = options.junit.as_deref().and_then(Path::parent).filter(|folder| !is_folder(folder))
    {
        let text = format!("--junit: the folder {} doesn't exist; make it first", folder.display());
        return Err(BadInput::one(text).into());
    }
    let layout = options.layout.as_deref().map(|file| read_layout(file, None)).transpose()?;
    let ground = layout.map(|layout| Ground::of_layout(&layout, kind(&layout, &manufacturer, &serial)));
    let setting = Setting {
        manufacturer,
        serial,
        patience_ms: u64::from(options.patience) * 1_000,
        action: options.action.clone(),
        ground,
        step_m: options.step,
    };
    let layout = options.layout.as_deref().map(|file| file.display().to_string());
    Ok(Plan { broker, interface: options.interface.clone(), setting, rules, layout })
}

fn is_folder(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.is_dir()
}

fn robot_name(robot: &str) -> Result<(String, String), BadInput> {
    let bad = |fault: &str| BadInput::one(format!("--robot {robot:?}: {fault}; {ROBOT_EXAMPLE}"));
    let (manufacturer, serial) = robot.split_once('/').ok_or_else(|| bad("has no slash"))?;
    for (what, name) in [("the manufacturer", manufacturer), ("the serial number", serial)] {
        if let Some(fault) = name_fault(name) {
            return Err(bad(&format!("{what} {fault}")));
        }
    }
    Ok((manufacturer.to_owned(), serial.to_owned()))
}

/// The layout's own word for this robot, else its first type.
fn kind(layout: &Layout, manufacturer: &str, serial: &str) -> Option<drover_maps::TypeId> {
    let is_it =
        |entry: &&drover_maps::RobotEntry| entry.manufacturer == manufacturer && entry.serial == serial;
    layout.robots().iter().find(is_it).map(|entry| entry.robot_type)
}

fn write_junit(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).map_err(|error| {
        BadInput::one(format!("--junit: {} can't be written: {error}", file.display())).into()
    })
}

/// A reader that went away is no reason to leave a robot on its way.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
