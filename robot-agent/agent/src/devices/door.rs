//! A door: two limit switches, perhaps words for moving, fault and interlock; a command that is a level or two pulses.
//!
//! Open is shown only while the open switch alone is made, nothing moves and the standing command isn't to close.

use drover_proto::device::{Condition, Level};

use super::addressing::Addressing;
use super::registers::{Image, Place, Point, Table, Write};
use super::{Device, Fault, Machine, Shown, Step, Wired};
use crate::findings::{Findings, Section};

const COMMAND_EXAMPLE: &str =
    "{ coil = 0 }, { holding = 0, open = 1, close = 2 } or { open_coil = 0, close_coil = 1 }";
/// A level that can't be read back is written again after this while the door doesn't get there, ms.
const REPEAT_MS: u64 = 5_000;
/// How much slower a slow door is.
const SLOWNESS: f64 = 5.0;

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// One place holds the level.
    Level { place: Place, open: u16, close: u16, is_read_back: bool },
    /// A coil each, set for a while; again while the door doesn't get there.
    Pulse { open: Place, close: Place, pulse_ms: u64, repeat_ms: u64 },
}

/// A door's keys.
#[derive(Clone, Debug)]
struct Door {
    command: Command,
    opened: Point,
    closed: Point,
    moving: Option<Point>,
    fault: Option<Point>,
    interlock: Option<Point>,
    travel_ms_max: u64,
    open_ms: u64,
    close_ms: u64,
}

/// Reads `[[device]]` keys of a door.
pub(super) fn read(
    section: &mut Section<'_>,
    findings: &mut Findings,
    addressing: Addressing,
) -> Option<Box<dyn Wired>> {
    Some(Box::new(read_door(section, findings, addressing)?))
}

fn read_door(section: &mut Section<'_>, findings: &mut Findings, addressing: Addressing) -> Option<Door> {
    let command = command(section, findings, addressing);
    let opened = addressing.point(section, findings, "opened");
    let closed = addressing.point(section, findings, "closed");
    let moving = addressing.optional(section, findings, "moving");
    let fault = addressing.optional(section, findings, "fault");
    let interlock = addressing.optional(section, findings, "interlock");
    let travel_ms_max = section.number(findings, "travel_ms_max", 100..=600_000, 15_000).into();
    let simulated = section.section(findings, "simulated", "{ open_ms = 2000, close_ms = 3000 }");
    let (mut open_ms, mut close_ms) = (2_000, 3_000);
    if let Some(mut simulated) = simulated {
        open_ms = simulated.number(findings, "open_ms", 1..=600_000, open_ms);
        close_ms = simulated.number(findings, "close_ms", 1..=600_000, close_ms);
        simulated.end(findings);
    }
    let (command, opened, closed) = (command?, opened?, closed?);
    if opened == closed {
        let mend = "is the place of opened too; the two switches need a place each";
        findings.add(section.key("closed"), closed.place, mend);
    }
    let (open_ms, close_ms) = (open_ms.into(), close_ms.into());
    Some(Door { command, opened, closed, moving, fault, interlock, travel_ms_max, open_ms, close_ms })
}

fn command(section: &mut Section<'_>, findings: &mut Findings, addressing: Addressing) -> Option<Command> {
    if !section.has("command") {
        findings.add(section.key("command"), "nothing", format!("is missing; write {COMMAND_EXAMPLE}"));
    }
    let mut own = section.section(findings, "command", COMMAND_EXAMPLE)?;
    let command = if own.has("open_coil") || own.has("close_coil") {
        for key in ["open_coil", "close_coil"] {
            if !own.has(key) {
                findings.add(own.key(key), "nothing", "is missing; pulses need open_coil and close_coil");
            }
        }
        let open = addressing.place(&mut own, findings, "open_coil", Table::Coil);
        let close = addressing.place(&mut own, findings, "close_coil", Table::Coil);
        let pulse_ms = own.number(findings, "pulse_ms", 10..=60_000, 500).into();
        let repeat_ms = own.number(findings, "repeat_ms", 100..=600_000, 5_000).into();
        if open == close {
            findings.add(own.key("close_coil"), close.address, "is open_coil too; they need a coil each");
        }
        if repeat_ms <= pulse_ms {
            findings.add(own.key("repeat_ms"), repeat_ms, "isn't longer than pulse_ms; make it so");
        }
        Some(Command::Pulse { open, close, pulse_ms, repeat_ms })
    } else {
        level(&mut own, findings, addressing)
    };
    own.end(findings);
    command
}

fn level(own: &mut Section<'_>, findings: &mut Findings, addressing: Addressing) -> Option<Command> {
    let place = addressing.any(own, findings, &[Table::Coil, Table::Holding]);
    let is_of_bits = place.is_none_or(|place| place.table.is_of_bits());
    let most = if is_of_bits { 1 } else { u32::from(u16::MAX) };
    let open = own.number(findings, "open", 0..=most, 1) as u16;
    let close = own.number(findings, "close", 0..=most, u32::from(is_of_bits && open == 0)) as u16;
    let is_read_back = own.flag(findings, "read_back", true);
    if open == close {
        findings.add(own.key("close"), close, "is the value of open too; they need a value each");
    }
    Some(Command::Level { place: place?, open, close, is_read_back })
}

impl Wired for Door {
    fn inputs(&self) -> Vec<Place> {
        let optional = [self.moving, self.fault, self.interlock].into_iter().flatten();
        let points = [self.opened, self.closed].into_iter().chain(optional);
        let mut places: Vec<Place> = points.flat_map(Point::places).collect();
        match self.command {
            Command::Level { place, is_read_back: true, .. } => places.push(place),
            Command::Level { is_read_back: false, .. } | Command::Pulse { .. } => {}
        }
        places
    }

    fn outputs(&self) -> Vec<Place> {
        match self.command {
            Command::Level { place, .. } => vec![place],
            Command::Pulse { open, close, .. } => vec![open, close],
        }
    }

    fn device(&self) -> Box<dyn Device> {
        Box::new(Operated { door: self.clone(), told: None, told_ms: 0, pulse: None, wanted: None })
    }

    fn machine(&self) -> Box<dyn Machine> {
        Box::new(Simulated {
            door: self.clone(),
            at_ms: None,
            openness: 0.0,
            latched: Level::Closed,
            was_set: [false; 2],
            fault: None,
        })
    }
}

/// The agent's side.
struct Operated {
    door: Door,
    /// What was written since contact was made.
    told: Option<Level>,
    told_ms: u64,
    pulse: Option<Pulse>,
    /// What is wanted, and since when.
    wanted: Option<(Level, u64)>,
}

#[derive(Clone, Copy)]
struct Pulse {
    began_ms: u64,
    /// The coil that is still set.
    coil: Option<Place>,
}

impl Device for Operated {
    fn step(&mut self, now_ms: u64, want: Option<Level>, image: &Image) -> Step {
        let door = self.door.clone();
        let (Some(is_open), Some(is_closed)) = (door.opened.read(image), door.closed.read(image)) else {
            let shown = Shown::because(Condition::Unknown, "its limit switches can't be read");
            return Step { shown, writes: Vec::new(), again_ms: None };
        };
        let told = self.standing(image);
        let says = |point: Option<Point>| point.and_then(|point| point.read(image)).unwrap_or(false);
        let is_barred = says(door.interlock);
        let mut shown = if says(door.fault) {
            Shown::because(Condition::Fault, "its fault input is set")
        } else {
            Shown::plain(match (is_open, is_closed, told) {
                (true, true, _) => Condition::Fault,
                (true, false, Some(Level::Open) | None) if !says(door.moving) => Condition::Open,
                (_, false, Some(Level::Open)) => Condition::Opening,
                (false, true, Some(Level::Open)) if says(door.moving) => Condition::Opening,
                (false, true, _) => Condition::Closed,
                (_, false, Some(Level::Closed) | None) => Condition::Closing,
            })
        };
        // What stands open isn't shut by us because of an interlock: its PLC knows better.
        let is_held_back = is_barred && shown.condition != Condition::Open;
        let want = want.map(|want| if is_held_back { Level::Closed } else { want });
        self.explain(now_ms, want, is_barred, is_open && is_closed, &mut shown);
        let writes = want.map(|want| self.command(now_ms, want, told, shown.condition));
        let again_ms = self.pulse.filter(|pulse| pulse.coil.is_some()).map(|pulse| pulse.end_ms(&self.door));
        Step { shown, writes: writes.unwrap_or_default(), again_ms }
    }

    fn forget(&mut self) {
        self.told = None;
        self.pulse = None;
    }
}

impl Pulse {
    fn end_ms(self, door: &Door) -> u64 {
        match door.command {
            Command::Pulse { pulse_ms, .. } => self.began_ms + pulse_ms,
            Command::Level { .. } => self.began_ms,
        }
    }
}

impl Operated {
    /// The command that stood when the inputs were read.
    fn standing(&self, image: &Image) -> Option<Level> {
        let Command::Level { place, open, close, is_read_back: true } = self.door.command else {
            return self.told;
        };
        match image.get(place) {
            Some(value) if value == open => Some(Level::Open),
            Some(value) if value == close => Some(Level::Closed),
            Some(_) | None => None,
        }
    }

    fn explain(
        &mut self,
        now_ms: u64,
        want: Option<Level>,
        is_barred: bool,
        is_lying: bool,
        shown: &mut Shown,
    ) {
        if want != self.wanted.map(|(level, _)| level) {
            self.wanted = want.map(|level| (level, now_ms));
        }
        let is_there = want.is_none_or(|want| is_at(want, shown.condition));
        let waited_ms = self.wanted.map_or(0, |(_, since)| now_ms.saturating_sub(since));
        if shown.reason.is_some() {
        } else if is_lying {
            shown.reason = Some("both limit switches are made".into());
        } else if is_barred {
            shown.reason = Some("its interlock bars it".into());
        } else if !is_there && waited_ms > self.door.travel_ms_max {
            let (word, limit_s) = (word(want), self.door.travel_ms_max as f64 / 1_000.0);
            shown.reason = Some(format!("told to {word} more than {limit_s} s ago"));
        }
    }

    fn command(&mut self, now_ms: u64, want: Level, told: Option<Level>, condition: Condition) -> Vec<Write> {
        match self.door.command {
            Command::Level { place, open, close, is_read_back } => {
                let is_late = now_ms >= self.told_ms + REPEAT_MS && !is_read_back && !is_at(want, condition);
                if told == Some(want) && !is_late {
                    return Vec::new();
                }
                (self.told, self.told_ms) = (Some(want), now_ms);
                vec![Write { place, value: if want == Level::Open { open } else { close } }]
            }
            Command::Pulse { open, close, repeat_ms, .. } => {
                self.pulsed(now_ms, want, is_at(want, condition), [open, close], repeat_ms)
            }
        }
    }

    /// Ends a pulse that is due, begins one that is needed; never two coils at once.
    fn pulsed(
        &mut self,
        now_ms: u64,
        want: Level,
        is_there: bool,
        [open, close]: [Place; 2],
        repeat_ms: u64,
    ) -> Vec<Write> {
        let mut writes = Vec::new();
        let is_new = self.told != Some(want);
        if self.told.is_none() {
            // A pulse of a former life may still stand.
            writes.extend([open, close].map(|place| Write { place, value: 0 }));
        }
        if let Some(pulse) = &mut self.pulse {
            if let Some(place) = pulse.coil
                && (is_new || now_ms >= pulse.end_ms(&self.door))
            {
                writes.push(Write { place, value: 0 });
                pulse.coil = None;
            }
            let is_quiet = !is_new && (is_there || now_ms < pulse.began_ms + repeat_ms);
            if pulse.coil.is_some() || is_quiet {
                return writes;
            }
        } else if !is_new && is_there {
            return writes;
        }
        let place = if want == Level::Open { open } else { close };
        writes.push(Write { place, value: 1 });
        self.told = Some(want);
        self.pulse = Some(Pulse { began_ms: now_ms, coil: Some(place) });
        writes
    }
}

fn is_at(level: Level, condition: Condition) -> bool {
    match level {
        Level::Open => condition == Condition::Open,
        Level::Closed => condition == Condition::Closed,
    }
}

fn word(level: Option<Level>) -> &'static str {
    match level {
        Some(Level::Open) => "open",
        Some(Level::Closed) | None => "close",
    }
}

/// The PLC's side.
struct Simulated {
    door: Door,
    at_ms: Option<u64>,
    /// 0 shut, 1 wide open.
    openness: f64,
    /// What the last pulse said.
    latched: Level,
    was_set: [bool; 2],
    fault: Option<Fault>,
}

impl Machine for Simulated {
    fn step(&mut self, now_ms: u64, image: &mut Image) {
        let passed_ms = now_ms.saturating_sub(self.at_ms.unwrap_or(now_ms)) as f64;
        if self.at_ms.replace(now_ms).is_none()
            && let Command::Level { place, close, .. } = self.door.command
        {
            // It starts shut, whatever 0 means.
            image.set(place, close);
        }
        // The time that has passed belongs to the command that stood, not to the one that came just now.
        self.travel(passed_ms);
        self.obey(image);
        let is_moving = self.goal().is_some_and(|goal| goal != self.openness);
        self.say(is_moving, image);
    }

    fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }
}

impl Simulated {
    /// Where it is going; none = it can't move.
    fn goal(&self) -> Option<f64> {
        match self.fault {
            Some(Fault::StuckClosed) => Some(0.0),
            Some(Fault::StuckOpen) => Some(1.0),
            Some(Fault::Broken) => None,
            Some(Fault::Slow | Fault::Lying | Fault::Silent) | None => {
                Some(if self.latched == Level::Open { 1.0 } else { 0.0 })
            }
        }
    }

    fn travel(&mut self, passed_ms: f64) {
        let Some(goal) = self.goal() else { return };
        let full_ms = if goal > self.openness { self.door.open_ms } else { self.door.close_ms } as f64;
        let slowness = if self.fault == Some(Fault::Slow) { SLOWNESS } else { 1.0 };
        let reach = passed_ms / (full_ms * slowness);
        let away = goal - self.openness;
        self.openness = if away.abs() <= reach { goal } else { self.openness + reach * away.signum() };
    }

    fn obey(&mut self, image: &Image) {
        match self.door.command {
            Command::Level { place, open, close, .. } => match image.get(place) {
                Some(value) if value == open => self.latched = Level::Open,
                Some(value) if value == close => self.latched = Level::Closed,
                Some(_) | None => {}
            },
            Command::Pulse { open, close, .. } => {
                let is_set = [open, close].map(|place| image.get(place).is_some_and(|value| value != 0));
                match (is_set[0] && !self.was_set[0], is_set[1] && !self.was_set[1]) {
                    (true, _) => self.latched = Level::Open,
                    (false, true) => self.latched = Level::Closed,
                    (false, false) => {}
                }
                self.was_set = is_set;
            }
        }
    }

    /// What isn't so first: points may share a word.
    fn say(&self, is_moving: bool, image: &mut Image) {
        let is_lying = self.fault == Some(Fault::Lying);
        let mut said = vec![
            (self.door.opened, is_lying || self.openness == 1.0),
            (self.door.closed, is_lying || self.openness == 0.0),
        ];
        said.extend(self.door.moving.map(|point| (point, is_moving)));
        said.extend(self.door.fault.map(|point| (point, self.fault == Some(Fault::Broken))));
        said.extend(self.door.interlock.map(|point| (point, false)));
        said.sort_by_key(|(_, says)| *says);
        for (point, says) in said {
            point.write(image, says);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{conformance, file};
    use super::*;

    const INPUTS: &str = "opened = { discrete = 0 }\nclosed = { discrete = 1 }\nfault = { discrete = 3 }\n";

    fn sample(rest: &str) -> String {
        format!(
            "[[gateway]]\nid = \"g\"\nurl = \"modbus-tcp://h\"\n\
             [[device]]\nid = \"D\"\nkind = \"door\"\ngateway = \"g\"\n{rest}"
        )
    }

    #[test]
    fn a_door_conforms_however_it_is_wired() {
        for command in [
            "command = { coil = 0 }",
            "command = { coil = 0, open = 0 }\nmoving = { discrete = 2 }",
            "command = { holding = 0, open = 7, close = 9 }",
            "command = { holding = 0, read_back = false }",
            "command = { open_coil = 0, close_coil = 1 }",
            "command = { open_coil = 0, close_coil = 1, pulse_ms = 100, repeat_ms = 300 }\nmoving = { discrete = 2 }",
        ] {
            conformance::check(&sample(&format!("{INPUTS}{command}\n")));
        }
        let words = "command = { holding = 0 }\nopened = { input = 5, bit = 0 }\nclosed = { input = 5, bit = 1 }\n\
                     moving = { input = 5, bit = 2 }\nfault = { input = 6, words = 2, equals = 70000 }\n";
        conformance::check(&sample(words));
        let status = "command = { coil = 0 }\nopened = { input = 5, equals = 2 }\nclosed = { input = 5, equals = 1 }\n\
                      fault = { discrete = 0, invert = true }\n";
        let lie = "both switches share a word here and can't contradict each other";
        let mut operated = operated(status);
        assert_eq!(
            operated.step(0, None, &image(&operated, &[(5, 2)])).shown.condition,
            Condition::Fault,
            "{lie}"
        );
    }

    /// A door as the agent has it, and what its PLC holds.
    fn operated(rest: &str) -> Operated {
        let table: toml::Table = toml::from_str(rest).unwrap();
        let mut findings = Findings::new("sample");
        let addressing = Addressing { unit: 1, from: 0 };
        let mut section = Section::new("device[0]", &table);
        let door = read_door(&mut section, &mut findings, addressing).unwrap();
        assert_eq!(findings.lines, Vec::<String>::new());
        Operated { door, told: None, told_ms: 0, pulse: None, wanted: None }
    }

    /// Zero but for these inputs.
    fn image(operated: &Operated, values: &[(u16, u16)]) -> Image {
        let mut image = Image::default();
        for place in operated.door.inputs() {
            let value =
                values.iter().find(|(address, _)| *address == place.address && place.table != Table::Coil);
            image.set(place, value.map_or(0, |(_, value)| *value));
        }
        image
    }

    #[test]
    fn a_barred_door_isnt_told_to_open_and_one_that_stands_open_isnt_shut() {
        let mut door =
            operated(&format!("{INPUTS}command = {{ coil = 9 }}\ninterlock = {{ discrete = 4 }}\n"));
        let shut_and_barred = image(&door, &[(1, 1), (4, 1)]);
        let step = door.step(0, Some(Level::Open), &shut_and_barred);
        assert_eq!(step.writes, []);
        assert_eq!(step.shown, Shown::because(Condition::Closed, "its interlock bars it"));
        let mut open_and_barred = image(&door, &[(0, 1), (4, 1)]);
        let coil = Place { unit: 1, table: Table::Coil, address: 9 };
        open_and_barred.set(coil, 1);
        assert_eq!(door.step(0, Some(Level::Open), &open_and_barred).writes, []);
        let free = image(&door, &[(1, 1)]);
        assert_eq!(door.step(0, Some(Level::Open), &free).writes, [Write { place: coil, value: 1 }]);
    }

    #[test]
    fn a_door_that_was_told_to_shut_isnt_shown_open_however_long_its_switch_is_made() {
        let mut door = operated(&format!("{INPUTS}command = {{ coil = 9, read_back = false }}\n"));
        let open = image(&door, &[(0, 1)]);
        let conditions = [Level::Open, Level::Open, Level::Closed, Level::Closed, Level::Closed]
            .map(|want| door.step(0, Some(want), &open).shown.condition);
        let (open, closing) = (Condition::Open, Condition::Closing);
        assert_eq!(conditions, [open, open, open, closing, closing]);
    }

    #[test]
    fn two_coils_are_never_set_at_once() {
        let text =
            sample(&format!("{INPUTS}command = {{ open_coil = 0, close_coil = 1, pulse_ms = 1000 }}\n"));
        let wired = file::parse("sample", &text).unwrap().gateways.remove(0).devices.remove(0).wired;
        let (mut device, mut plc, mut wants) = (wired.device(), Image::default(), 0_u64);
        wired.inputs().into_iter().chain(wired.outputs()).for_each(|place| plc.set(place, 0));
        for now in (0..60_000).step_by(50) {
            wants = wants.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(now | 1);
            let want = if wants >> 40 & 4 == 0 { Level::Open } else { Level::Closed };
            for write in device.step(now, Some(want), &plc).writes {
                plc.set(write.place, write.value);
                let set = wired.outputs().into_iter().filter(|place| plc.get(*place) == Some(1)).count();
                assert!(set <= 1, "at {now} ms");
            }
        }
    }
}
