//! The machines of one simulated PLC and the places they share. Time is an argument; a request steps it.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_modbus::server::Service;
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

use crate::clock::Clock;
use crate::devices::registers::{Image, Place, Table};
use crate::devices::{Fault, Gateway, Machine, Watch};
use crate::findings::nearest;

/// How often the PLC's own heartbeat moves, ms.
const BEAT_MS: u64 = 250;
/// The words for the whole PLC.
const MUTE: &str = "silent";
const FROZEN: &str = "frozen";
const WELL: &str = "ok";

pub(super) struct Hall {
    id: String,
    image: Image,
    units: BTreeSet<u8>,
    machines: Vec<Slot>,
    watch: Option<Watch>,
    /// It answers nothing.
    is_mute: bool,
    /// Its program stands still, its inputs and heartbeat too, but it answers.
    is_frozen: bool,
}

struct Slot {
    id: String,
    places: BTreeSet<Place>,
    machine: Box<dyn Machine>,
    is_silent: bool,
}

impl fmt::Debug for Hall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hall {{ {}, {} machines }}", self.id, self.machines.len())
    }
}

impl Hall {
    pub fn new(gateway: Gateway, now_ms: u64) -> Self {
        let mut image = Image::default();
        let mut units = BTreeSet::new();
        let mut machines = Vec::new();
        let own =
            [gateway.heartbeat.map(|heartbeat| heartbeat.place), gateway.watch.map(|watch| watch.place)];
        let mut all: Vec<Place> = own.into_iter().flatten().collect();
        for entry in gateway.devices {
            let places: BTreeSet<Place> =
                entry.wired.inputs().into_iter().chain(entry.wired.outputs()).collect();
            all.extend(&places);
            machines.push(Slot { id: entry.id, places, machine: entry.wired.machine(), is_silent: false });
        }
        for place in all {
            image.set(place, 0);
            units.insert(place.unit);
        }
        let (id, watch) = (gateway.id, gateway.watch);
        let mut hall = Self { id, image, units, machines, watch, is_mute: false, is_frozen: false };
        hall.step(now_ms);
        hall
    }

    pub fn len(&self) -> usize {
        self.machines.len()
    }

    /// `ID WORD`: gives both back. The error is the mend.
    pub fn order(&mut self, now_ms: u64, line: &str) -> Result<(String, String), String> {
        let mut words = line.split_whitespace();
        let (Some(id), Some(word), None) = (words.next(), words.next(), words.next()) else {
            return Err("write ID and a fault, e.g. DOOR-1 stuck-closed".to_owned());
        };
        self.step(now_ms);
        if id == self.id {
            let known = [MUTE, FROZEN, WELL];
            if !known.contains(&word) {
                return Err(format!("no fault of a PLC; {}", nearest(word, &known)));
            }
            (self.is_mute, self.is_frozen) = (word == MUTE, word == FROZEN);
        } else {
            let ids: Vec<&str> = self.machines.iter().map(|slot| slot.id.as_str()).collect();
            let unknown = || format!("no such device; {}", nearest(id, &ids));
            let index = ids.iter().position(|known| *known == id).ok_or_else(unknown)?;
            let fault = fault(word)?;
            let slot = &mut self.machines[index];
            slot.machine.set_fault(fault);
            slot.is_silent = fault == Some(Fault::Silent);
        }
        self.step(now_ms);
        Ok((id.to_owned(), word.to_owned()))
    }

    fn step(&mut self, now_ms: u64) {
        if self.is_frozen {
            return;
        }
        for slot in &mut self.machines {
            slot.machine.step(now_ms, &mut self.image);
        }
        if let Some(watch) = self.watch {
            self.image.set(watch.place, (now_ms / BEAT_MS) as u16);
        }
    }

    /// None: no answer at all.
    fn answer(
        &mut self,
        now_ms: u64,
        unit: u8,
        request: &Request<'_>,
    ) -> Option<Result<Response, ExceptionCode>> {
        if self.is_mute {
            return None;
        }
        self.step(now_ms);
        let answer = self.serve(unit, request);
        self.step(now_ms);
        Some(answer)
    }

    fn serve(&mut self, unit: u8, request: &Request<'_>) -> Result<Response, ExceptionCode> {
        let flags = |words: Vec<u16>| words.into_iter().map(|word| word != 0).collect();
        let mut read = |table, address, count| self.read(Place { unit, table, address }, count);
        Ok(match request {
            Request::ReadCoils(address, count) => {
                Response::ReadCoils(flags(read(Table::Coil, *address, *count)?))
            }
            Request::ReadDiscreteInputs(address, count) => {
                Response::ReadDiscreteInputs(flags(read(Table::Discrete, *address, *count)?))
            }
            Request::ReadHoldingRegisters(address, count) => {
                Response::ReadHoldingRegisters(read(Table::Holding, *address, *count)?)
            }
            Request::ReadInputRegisters(address, count) => {
                Response::ReadInputRegisters(read(Table::Input, *address, *count)?)
            }
            Request::WriteSingleCoil(address, coil) => {
                self.write(Place { unit, table: Table::Coil, address: *address }, &[u16::from(*coil)])?;
                Response::WriteSingleCoil(*address, *coil)
            }
            Request::WriteMultipleCoils(address, coils) => {
                let values: Vec<u16> = coils.iter().copied().map(u16::from).collect();
                self.write(Place { unit, table: Table::Coil, address: *address }, &values)?;
                Response::WriteMultipleCoils(*address, coils.len() as u16)
            }
            Request::WriteSingleRegister(address, word) => {
                self.write(Place { unit, table: Table::Holding, address: *address }, &[*word])?;
                Response::WriteSingleRegister(*address, *word)
            }
            Request::WriteMultipleRegisters(address, words) => {
                self.write(Place { unit, table: Table::Holding, address: *address }, words)?;
                Response::WriteMultipleRegisters(*address, words.len() as u16)
            }
            _ => return Err(ExceptionCode::IllegalFunction),
        })
    }

    fn read(&mut self, first: Place, count: u16) -> Result<Vec<u16>, ExceptionCode> {
        if count == 0 {
            return Err(ExceptionCode::IllegalDataValue);
        }
        self.reach(first, count)?.into_iter().map(|place| self.value(place)).collect()
    }

    fn write(&mut self, first: Place, values: &[u16]) -> Result<(), ExceptionCode> {
        let places = self.reach(first, values.len() as u16)?;
        for (place, value) in places.into_iter().zip(values) {
            self.image.set(place, *value);
        }
        Ok(())
    }

    /// All of these places, if they are there and somebody behind them answers.
    fn reach(&self, first: Place, count: u16) -> Result<Vec<Place>, ExceptionCode> {
        if !self.units.contains(&first.unit) {
            return Err(ExceptionCode::GatewayTargetDevice);
        }
        let mut places = Vec::new();
        for step in 0..count {
            let address = first.address.checked_add(step).ok_or(ExceptionCode::IllegalDataAddress)?;
            let place = Place { address, ..first };
            self.value(place)?;
            if self.machines.iter().any(|slot| slot.is_silent && slot.places.contains(&place)) {
                return Err(ExceptionCode::GatewayTargetDevice);
            }
            places.push(place);
        }
        Ok(places)
    }

    fn value(&self, place: Place) -> Result<u16, ExceptionCode> {
        self.image.get(place).ok_or(ExceptionCode::IllegalDataAddress)
    }
}

/// None = all is well.
fn fault(word: &str) -> Result<Option<Fault>, String> {
    if word == WELL {
        return Ok(None);
    }
    let found = Fault::ALL.iter().find(|(name, _)| *name == word);
    found.map(|(_, fault)| Some(*fault)).ok_or_else(|| {
        let known: Vec<&str> = Fault::ALL.iter().map(|(name, _)| *name).chain([WELL]).collect();
        format!("no such fault; {}", nearest(word, &known))
    })
}

/// One client's connection.
#[derive(Clone)]
pub(super) struct Desk {
    pub hall: Arc<Mutex<Hall>>,
    pub clock: Clock,
}

impl Service for Desk {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Pin<Box<dyn Future<Output = Result<Option<Response>, ExceptionCode>> + Send>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let mut hall = self.hall.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = hall.answer(self.clock.now_ms(), request.slave, &request.request);
        Box::pin(std::future::ready(answer.transpose()))
    }
}
