//! The socket to a robot's controller: connects, carries lines both ways, connects again for ever.
//!
//! It knows no word of the protocol. What is written while there is no link is lost; the driver says it all anew.

use std::convert::Infallible;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::mqtt::{BACKOFF_MAX, BACKOFF_MIN};

const CONNECT_MAX: Duration = Duration::from_secs(3);
/// A write that takes longer means a robot that doesn't read.
const WRITE_MAX: Duration = Duration::from_secs(3);
/// Longest line, bytes.
const LINE_MAX: usize = 64 * 1024;
/// Lines on their way, each way.
const CHANNEL: usize = 4_096;

/// What comes from a link.
#[derive(Debug)]
pub(super) enum Event {
    Up,
    Line(Vec<u8>),
    Down,
}

/// The driver's end.
#[derive(Debug)]
pub(super) struct Link {
    /// Lines to write, with their newline.
    pub out: mpsc::Sender<Vec<u8>>,
    /// What came.
    pub events: mpsc::Receiver<Event>,
}

/// Keeps a link to `address` until the driver's end is dropped. Needs a runtime to run in.
pub(super) fn open(address: &str) -> Link {
    let (out, to_write) = mpsc::channel(CHANNEL);
    let (to_driver, events) = mpsc::channel(CHANNEL);
    tokio::spawn(keep(address.to_owned(), to_write, to_driver));
    Link { out, events }
}

async fn keep(address: String, mut to_write: mpsc::Receiver<Vec<u8>>, to_driver: mpsc::Sender<Event>) {
    let (mut backoff, mut is_told) = (BACKOFF_MIN, false);
    while !to_driver.is_closed() {
        let mut was_up = false;
        let why = match session(&address, &mut to_write, &to_driver, &mut was_up).await {
            Ok(never) => match never {},
            Err(None) => return,
            Err(Some(why)) => why,
        };
        if was_up {
            (backoff, is_told) = (BACKOFF_MIN, false);
            if to_driver.send(Event::Down).await.is_err() {
                return;
            }
        }
        if !std::mem::replace(&mut is_told, true) {
            tracing::warn!(address, why, "no link to the robot's controller; trying for ever");
        }
        sleep(backoff).await;
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// Ends with why it broke; with nothing when the driver is gone.
async fn session(
    address: &str,
    to_write: &mut mpsc::Receiver<Vec<u8>>,
    to_driver: &mpsc::Sender<Event>,
    was_up: &mut bool,
) -> Result<Infallible, Option<String>> {
    let broken = |error: std::io::Error| Some(error.to_string());
    let stream = timeout(CONNECT_MAX, TcpStream::connect(address)).await;
    let mut stream = stream.map_err(|_| Some("connecting timed out".to_owned()))?.map_err(broken)?;
    stream.set_nodelay(true).map_err(broken)?;
    while to_write.try_recv().is_ok() {}
    to_driver.send(Event::Up).await.map_err(|_| None)?;
    *was_up = true;
    tracing::info!(address, "linked to the robot's controller");
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        let room = (LINE_MAX - line.len()) as u64;
        // What was read stays in `line` if the other branch wins.
        let mut bounded = (&mut read).take(room);
        tokio::select! {
            count = bounded.read_until(b'\n', &mut line) => {
                let is_end = count.map_err(broken)? == 0;
                if line.last() == Some(&b'\n') {
                    to_driver.send(Event::Line(std::mem::take(&mut line))).await.map_err(|_| None)?;
                } else if line.len() >= LINE_MAX {
                    return Err(Some(format!("a line is longer than {LINE_MAX} bytes")));
                } else if is_end {
                    return Err(Some("the robot closed it".to_owned()));
                }
            }
            text = to_write.recv() => {
                let text = text.ok_or(None)?;
                let written = timeout(WRITE_MAX, write.write_all(&text)).await;
                written.map_err(|_| Some("the robot doesn't read".to_owned()))?.map_err(broken)?;
            }
        }
    }
}
