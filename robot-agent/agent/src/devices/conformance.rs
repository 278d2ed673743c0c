//! What any kind of device must do, however it is wired: the desk, the bank and the device as they run, over the kind's
//! own simulated machine. Time is stepped; there is no network.

use drover_proto::device::{Condition, DeviceRequest, DeviceState, Level, VERSION};

use super::bank::Bank;
use super::desk::Desk;
use super::registers::Image;
use super::{Entry, Fault, Gateway, Machine, Shown, file};

const STEP_MS: u64 = 50;
const PATIENCE_MS: u64 = 120_000;
const LONG_MS: u64 = 600_000;

/// Runs the suite over a devices.toml with one device.
pub(crate) fn check(text: &str) {
    for (claim, case) in CASES {
        let mut bench = Bench::new(text);
        let outcome = case(&mut bench);
        assert!(outcome.is_ok(), "{claim}: {}\nlast: {:?}\n{text}", outcome.unwrap_err(), bench.last());
    }
}

type Outcome = Result<(), String>;
type Case = (&'static str, fn(&mut Bench) -> Outcome);

const CASES: &[Case] = &[
    ("nobody asked: it stays shut, and nothing is written that opens it", stays_shut),
    ("a level is kept until another is asked for, and echoed", keeps_the_level),
    ("what is reached is written no more", writes_once),
    ("it may turn round on its way", turns_round),
    ("stuck shut is never shown open, and is explained", stuck_shut),
    ("stuck open is never shown shut, and is explained", stuck_open),
    ("a fault is shown, and it goes on afterwards", shows_a_fault),
    ("switches that contradict each other aren't believed", lies),
    ("without contact it is unknown; found again, it is told again", loses_contact),
    ("a PLC that forgets while in contact is told again", is_reminded),
    ("a place that is refused is unknown", is_refused),
    ("without a broker the last level stands", loses_the_broker),
    ("a new agent leaves what stands open for a while, then shuts it", starts_again),
];

struct Bench {
    gateway: Gateway,
    bank: Bank,
    desk: Desk,
    machine: Box<dyn Machine>,
    plc: Image,
    now: u64,
    has_contact: bool,
    refuses: bool,
    writes: usize,
    states: Vec<DeviceState>,
}

impl Bench {
    fn new(text: &str) -> Self {
        let mut file = file::parse("sample", text).unwrap();
        let gateway = file.gateways.remove(0);
        let (bank, desk) = (Bank::new(&gateway), Desk::new(None, Shown::plain(Condition::Unknown)));
        let machine = gateway.devices[0].wired.machine();
        let (plc, states) = (Image::default(), Vec::new());
        let (now, has_contact, refuses, writes) = (1_000, true, false, 0);
        let mut bench = Self { gateway, bank, desk, machine, plc, now, has_contact, refuses, writes, states };
        bench.restart_plc();
        bench.desk.on_up(bench.now);
        bench
    }

    fn restart_plc(&mut self) {
        let Entry { wired, .. } = &self.gateway.devices[0];
        self.machine = wired.machine();
        self.plc = Image::default();
        for place in wired.inputs().into_iter().chain(wired.outputs()) {
            self.plc.set(place, 0);
        }
        self.machine.step(self.now, &mut self.plc);
    }

    fn step(&mut self) {
        self.now += STEP_MS;
        self.machine.step(self.now, &mut self.plc);
        if self.has_contact {
            self.poll();
        } else {
            self.bank.on_lost();
            self.desk.on_shown(Shown::because(Condition::Unknown, "no contact"));
        }
        self.states.extend(self.desk.poll(self.now));
    }

    fn poll(&mut self) {
        let mut image = Image::default();
        for block in self.bank.blocks().to_vec() {
            if self.refuses {
                self.bank.on_refused(block, "illegal data address");
                continue;
            }
            for place in block.places() {
                image.set(place, self.plc.get(place).unwrap_or_default());
            }
        }
        let mut outcome = self.bank.step(self.now, &[self.desk.level(self.now)], &image);
        self.desk.on_shown(outcome.shown.remove(0));
        for (_, write) in outcome.writes {
            self.writes += 1;
            self.plc.set(write.place, write.value);
            self.machine.step(self.now, &mut self.plc);
        }
    }

    fn ask(&mut self, want: Level) {
        self.desk.on_request(&DeviceRequest { v: VERSION, at: String::new(), want });
    }

    fn last(&self) -> Option<&DeviceState> {
        self.states.last()
    }

    fn shows(&self, condition: Condition) -> bool {
        self.last().is_some_and(|state| state.state == condition)
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> Outcome {
        let end = self.now + PATIENCE_MS;
        while !holds(self) {
            if self.now > end {
                return Err(format!("{what} didn't come in {PATIENCE_MS} ms"));
            }
            self.step();
        }
        Ok(())
    }

    fn open(&mut self) -> Outcome {
        self.ask(Level::Open);
        self.until("open", |bench| bench.shows(Condition::Open))
    }

    /// For this long, in every state.
    fn always(&mut self, for_ms: u64, what: &str, holds: impl Fn(&DeviceState) -> bool) -> Outcome {
        let from = self.states.len();
        let end = self.now + for_ms;
        while self.now < end {
            self.step();
        }
        let broken = self.states[from..].iter().find(|state| !holds(state));
        broken.map_or(Ok(()), |state| Err(format!("not always {what}: {state:?}")))
    }
}

fn want(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn is_open(state: &DeviceState) -> bool {
    state.state == Condition::Open
}

fn stays_shut(bench: &mut Bench) -> Outcome {
    bench.always(LONG_MS, "shut", |state| state.state == Condition::Closed && state.want.is_none())
}

fn keeps_the_level(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.always(LONG_MS, "open", |state| is_open(state) && state.want == Some(Level::Open))?;
    bench.ask(Level::Closed);
    bench.until("shut", |bench| bench.shows(Condition::Closed))?;
    bench.always(LONG_MS, "shut", |state| {
        state.state == Condition::Closed && state.want == Some(Level::Closed) && state.reason.is_none()
    })
}

fn writes_once(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.always(5_000, "open", is_open)?;
    let writes = bench.writes;
    for _ in 0..20 {
        bench.ask(Level::Open);
        bench.always(5_000, "open", is_open)?;
    }
    want(bench.writes == writes, "it was written again although it stands as wanted")
}

fn turns_round(bench: &mut Bench) -> Outcome {
    bench.ask(Level::Open);
    bench.until("opening", |bench| bench.shows(Condition::Opening))?;
    bench.ask(Level::Closed);
    bench.until("shut", |bench| bench.shows(Condition::Closed))?;
    bench.open()?;
    bench.ask(Level::Closed);
    bench.until("closing", |bench| bench.shows(Condition::Closing))?;
    bench.open()
}

fn stuck_shut(bench: &mut Bench) -> Outcome {
    bench.machine.set_fault(Some(Fault::StuckClosed));
    bench.ask(Level::Open);
    bench.always(PATIENCE_MS, "shut", |state| !is_open(state))?;
    want(bench.last().is_some_and(|state| state.reason.is_some()), "it doesn't say why")?;
    bench.machine.set_fault(None);
    bench.until("open", |bench| bench.shows(Condition::Open))?;
    want(bench.last().is_some_and(|state| state.reason.is_none()), "it still complains")
}

fn stuck_open(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.machine.set_fault(Some(Fault::StuckOpen));
    bench.ask(Level::Closed);
    bench.always(PATIENCE_MS, "not shut", |state| state.state != Condition::Closed)?;
    want(!bench.shows(Condition::Open), "it was told to shut: nobody may pass any more")?;
    want(bench.last().is_some_and(|state| state.reason.is_some()), "it doesn't say why")
}

fn shows_a_fault(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.machine.set_fault(Some(Fault::Broken));
    bench.until("the fault", |bench| bench.shows(Condition::Fault))?;
    want(bench.last().is_some_and(|state| state.reason.is_some()), "it doesn't say why")?;
    bench.machine.set_fault(None);
    bench.until("open", |bench| bench.shows(Condition::Open))
}

fn lies(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.machine.set_fault(Some(Fault::Lying));
    bench.until("no more open", |bench| !bench.shows(Condition::Open))?;
    bench.always(PATIENCE_MS, "not open", |state| !is_open(state) && state.reason.is_some())
}

fn loses_contact(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.has_contact = false;
    bench.step();
    bench.always(PATIENCE_MS, "unknown", |state| {
        state.state == Condition::Unknown && state.reason.is_some() && state.want == Some(Level::Open)
    })?;
    bench.restart_plc();
    bench.has_contact = true;
    bench.until("open", |bench| bench.shows(Condition::Open))
}

fn is_reminded(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.restart_plc();
    bench.until("no more open", |bench| !bench.shows(Condition::Open))?;
    bench.until("open", |bench| bench.shows(Condition::Open))
}

fn is_refused(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.refuses = true;
    bench.step();
    bench.always(10_000, "unknown", |state| state.state == Condition::Unknown && state.reason.is_some())?;
    bench.refuses = false;
    bench.until("open", |bench| bench.shows(Condition::Open))
}

fn loses_the_broker(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.desk.on_down();
    let told = bench.states.len();
    bench.always(LONG_MS, "silent", |_| false)?;
    want(bench.states.len() == told, "it spoke without a broker")?;
    bench.desk.on_up(bench.now);
    bench.step();
    want(bench.states.len() == told + 1 && bench.shows(Condition::Open), "it isn't open at once")?;
    want(bench.last().is_some_and(|state| state.want == Some(Level::Open)), "it forgot what was wanted")
}

fn starts_again(bench: &mut Bench) -> Outcome {
    bench.open()?;
    bench.bank = Bank::new(&bench.gateway);
    bench.desk = Desk::new(None, Shown::plain(Condition::Unknown));
    bench.desk.on_up(bench.now);
    bench.step();
    bench.always(5_000, "open", |state| is_open(state) && state.want.is_none())?;
    bench.until("shut", |bench| bench.shows(Condition::Closed))
}
