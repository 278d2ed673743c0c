//! `drover-agent plc`: a PLC made of numbers, on real Modbus TCP, that moves what a devices.toml describes.
//!
//! It holds exactly the places the file names; any other is answered by exception 2, a unit nobody has by 11. Faults can
//! be set from the start and, as lines on stdin, at any time.

mod hall;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_modbus::server::tcp::{Server, accept_tcp_connection};

use crate::BadInput;
use crate::cli;
use crate::clock::Clock;
use crate::devices::{File, Gateway, read};
use hall::{Desk, Hall};

/// What to run.
#[derive(Debug)]
pub struct Plc {
    listen: String,
    hall: Hall,
    clock: Clock,
}

/// Reads the file and judges the options.
pub fn prepare(options: &cli::Plc) -> anyhow::Result<Plc> {
    let gateway = choose(read(&options.devices)?, options)?;
    let clock = Clock::start(options.speed);
    let mut hall = Hall::new(gateway, clock.now_ms());
    for order in &options.fault {
        let words = order.replacen('=', " ", 1);
        hall.order(clock.now_ms(), &words)
            .map_err(|mend| BadInput::one(format!("--fault {order}: {mend}")))?;
    }
    Ok(Plc { listen: options.listen.clone(), hall, clock })
}

fn choose(file: File, options: &cli::Plc) -> Result<Gateway, BadInput> {
    let ids: Vec<_> = file.gateways.iter().map(|gateway| gateway.id.clone()).collect();
    let wanted = match (&options.gateway, &ids[..]) {
        (Some(wanted), _) => wanted,
        (None, [only]) => only,
        (None, _) => {
            let text = format!("--gateway is missing: the file has {}; name one", ids.join(", "));
            return Err(BadInput::one(text));
        }
    };
    let found = file.gateways.into_iter().find(|gateway| gateway.id == *wanted);
    found.ok_or_else(|| BadInput::one(format!("--gateway {wanted}: no such gateway; use {}", ids.join(", "))))
}

/// Serves until SIGINT or SIGTERM.
pub async fn run(plc: Plc) -> anyhow::Result<()> {
    let listener = TcpListener::bind(&plc.listen)
        .await
        .map_err(|error| anyhow::anyhow!("--listen {}: can't listen: {error}", plc.listen))?;
    let listening = listener.local_addr()?;
    print_line(&serde_json::json!({ "listening": listening.to_string(), "devices": plc.hall.len() }));
    let hall = Arc::new(Mutex::new(plc.hall));
    let (clock, shared) = (plc.clock, hall.clone());
    let connected = |stream, address: SocketAddr| {
        let desk = Desk { hall: shared.clone(), clock };
        async move {
            tracing::info!(%address, "connected");
            accept_tcp_connection(stream, address, |_| Ok(Some(desk.clone())))
        }
    };
    let server = Server::new(listener);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    std::thread::spawn(move || obey(&hall, clock));
    let ended = tokio::select! {
        served = server.serve(&connected, |error| tracing::debug!(%error, "connection broken")) => served,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    Ok(ended?)
}

/// Lines on stdin until its end: `DOOR-1 stuck-closed`, `DOOR-1 ok`.
fn obey(hall: &Mutex<Hall>, clock: Clock) {
    for line in io::stdin().lines().map_while(Result::ok) {
        if line.trim().is_empty() {
            continue;
        }
        let done = hall.lock().unwrap_or_else(PoisonError::into_inner).order(clock.now_ms(), &line);
        match done {
            Ok((id, fault)) => print_line(&serde_json::json!({ "device": id, "fault": fault })),
            Err(mend) => tracing::warn!("{line:?}: {mend}"),
        }
    }
}

/// A reader that went away is no reason to stop.
fn print_line(line: &serde_json::Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
