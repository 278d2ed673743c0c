//! One line on stderr that says how far a run is; only on a terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Time between two drawings.
const REDRAW: Duration = Duration::from_millis(200);

/// The line.
pub struct Progress {
    is_shown: bool,
    drawn: Instant,
}

impl Progress {
    /// A line that hasn't been drawn.
    pub fn new() -> Progress {
        Progress { is_shown: std::io::stderr().is_terminal(), drawn: Instant::now() }
    }

    /// Draws the line anew, not too often.
    pub fn show(&mut self, text: impl FnOnce() -> String) {
        if self.is_shown && self.drawn.elapsed() > REDRAW {
            self.drawn = Instant::now();
            eprint!("\r\x1b[2K{}", text());
            let _ = std::io::stderr().flush();
        }
    }

    /// Removes the line.
    pub fn end(&self) {
        if self.is_shown {
            eprint!("\r\x1b[2K");
        }
    }
}
