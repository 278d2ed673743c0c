//! One gateway's task: connects, polls, writes, and drops everything at the first broken exchange.
//!
//! A Modbus context that has timed out once answers every later call with the wrong reply, so it is never used again.
//! One hiccup is mended by connecting again at the next poll; the second in a row makes all devices unknown.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use drover_proto::device::{Condition, Level};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_modbus::{Error, ExceptionCode, Request, Response};

use super::Shown;
use super::bank::Bank;
use super::file::Gateway;
use super::registers::{Block, Image, Table, Write};
use crate::clock::Clock;

const BACKOFF_MIN: Duration = Duration::from_millis(200);

/// The device's side of a desk.
pub struct Port {
    /// What is wanted.
    pub want: watch::Receiver<Option<Level>>,
    /// What is shown.
    pub shown: watch::Sender<Shown>,
}

impl Port {
    fn show(&self, shown: &Shown) {
        self.shown.send_if_modified(|old| {
            let is_new = old != shown;
            if is_new {
                shown.clone_into(old);
            }
            is_new
        });
    }
}

/// What a call comes to when the gateway itself answers.
type Answer<T> = Result<T, ExceptionCode>;

pub(crate) struct Poller {
    gateway: Gateway,
    bank: Bank,
    ports: Vec<Port>,
    poke: Arc<Notify>,
    clock: Clock,
    has_contact: bool,
}

impl Poller {
    /// One port per device; a poke wakes it before its next poll.
    pub fn new(gateway: Gateway, ports: Vec<Port>, poke: Arc<Notify>, clock: Clock) -> Self {
        let bank = Bank::new(&gateway);
        Self { gateway, bank, ports, poke, clock, has_contact: false }
    }

    /// For ever.
    pub async fn run(mut self) {
        let (mut backoff, mut is_told) = (BACKOFF_MIN, false);
        loop {
            let Err(why) = self.session().await;
            self.bank.on_lost();
            if std::mem::take(&mut self.has_contact) {
                tracing::debug!(gateway = self.gateway.id, why, "contact broken");
                (backoff, is_told) = (BACKOFF_MIN, false);
                sleep(self.gateway.poll).await;
                continue;
            }
            self.show_lost(&why, !std::mem::replace(&mut is_told, true));
            sleep(backoff).await;
            backoff = (backoff * 2).min(self.gateway.retry_max);
        }
    }

    fn show_lost(&self, why: &str, is_news: bool) {
        let Gateway { id, host, port, .. } = &self.gateway;
        if is_news {
            tracing::warn!(
                gateway = id,
                host,
                port,
                why,
                "no contact; its devices are unknown; trying for ever"
            );
        }
        let shown = Shown::because(Condition::Unknown, format!("no contact with gateway {id}: {why}"));
        self.ports.iter().for_each(|port| port.show(&shown));
    }

    /// Ends only by breaking.
    async fn session(&mut self) -> Result<std::convert::Infallible, String> {
        let mut context = self.connect().await?;
        loop {
            let begun = Instant::now();
            let again_ms = self.poll(&mut context).await?;
            if !std::mem::replace(&mut self.has_contact, true) {
                tracing::info!(gateway = self.gateway.id, devices = self.ports.len(), "in contact");
            }
            let next = begun + self.gateway.poll;
            let next = again_ms.map_or(next, |_| next.min(Instant::now() + self.clock.until(again_ms)));
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.poke.notified() => {}
            }
        }
    }

    async fn connect(&self) -> Result<Context, String> {
        let Gateway { host, port, .. } = &self.gateway;
        let stream = timeout(self.gateway.timeout, TcpStream::connect((host.as_str(), *port))).await;
        let stream = stream.map_err(|_| "connecting timed out".to_owned())?.map_err(|error| said(&error))?;
        stream.set_nodelay(true).map_err(|error| said(&error))?;
        Ok(tcp::attach_slave(stream, Slave(1)))
    }

    /// One poll and the writes that follow from it.
    async fn poll(&mut self, context: &mut Context) -> Result<Option<u64>, String> {
        let mut image = Image::default();
        for block in self.bank.blocks().to_vec() {
            match self.read(context, block).await? {
                Ok(values) => {
                    block.places().zip(values).for_each(|(place, value)| image.set(place, value));
                }
                Err(exception) => self.bank.on_refused(block, &exception.to_string()),
            }
        }
        let wants: Vec<_> = self.ports.iter().map(|port| *port.want.borrow()).collect();
        let mut outcome = self.bank.step(self.clock.now_ms(), &wants, &image);
        for (port, shown) in self.ports.iter().zip(&outcome.shown) {
            port.show(shown);
        }
        for (index, write) in outcome.writes.drain(..) {
            if let Some(device) = index.and_then(|index| self.gateway.devices.get(index)) {
                tracing::info!(device = device.id, "{} = {}", write.place, write.value);
            }
            let Err(exception) = self.write(context, write).await? else { continue };
            let why = exception.to_string();
            match index {
                Some(index) => {
                    let shown = self.bank.on_write_refused(index, write, &why);
                    self.ports[index].show(&shown);
                }
                None => tracing::debug!(gateway = self.gateway.id, why, "heartbeat refused"),
            }
        }
        Ok(outcome.again_ms)
    }

    async fn read(&self, context: &mut Context, block: Block) -> Result<Answer<Vec<u16>>, String> {
        let (address, count) = (block.first.address, block.count);
        let request = match block.first.table {
            Table::Coil => Request::ReadCoils(address, count),
            Table::Discrete => Request::ReadDiscreteInputs(address, count),
            Table::Holding => Request::ReadHoldingRegisters(address, count),
            Table::Input => Request::ReadInputRegisters(address, count),
        };
        let response = match self.call(context, block.first.unit, request).await? {
            Ok(response) => response,
            Err(exception) => return Ok(Err(exception)),
        };
        let values: Vec<u16> = match response {
            Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits) => {
                bits.into_iter().map(u16::from).collect()
            }
            Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words) => words,
            _ => return Err("it answered something else".to_owned()),
        };
        if values.len() < usize::from(count) {
            return Err(format!("it was asked for {count} values and gave {}", values.len()));
        }
        Ok(Ok(values))
    }

    async fn write(&self, context: &mut Context, write: Write) -> Result<Answer<()>, String> {
        let (address, value) = (write.place.address, write.value);
        let request = if write.place.table.is_of_bits() {
            Request::WriteSingleCoil(address, value != 0)
        } else {
            Request::WriteSingleRegister(address, value)
        };
        let answer = self.call(context, write.place.unit, request).await?;
        Ok(answer.map(drop))
    }

    async fn call(
        &self,
        context: &mut Context,
        unit: u8,
        request: Request<'_>,
    ) -> Result<Answer<Response>, String> {
        context.set_slave(Slave(unit));
        match timeout(self.gateway.timeout, context.call(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Error::Transport(error))) => Err(said(&error)),
            Ok(Err(Error::Protocol(_))) => Err("its answer belongs to another request".to_owned()),
            Err(_) => Err(format!("no answer within {} ms", self.gateway.timeout.as_millis())),
        }
    }
}

/// Without the number, which differs from system to system.
fn said(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(0) => "it closed the connection".to_owned(),
        Some(_) => error.kind().to_string(),
        None => error.to_string(),
    }
}
