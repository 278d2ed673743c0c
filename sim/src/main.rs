//! `drover-sim`: runs worlds, prints what held and what broke. Files, terminal and wall clock live here and nowhere else.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the program's shell: it reads scenarios, writes reports and measures its own time"
)]

mod cli;

use std::process::ExitCode;

/// A run makes and drops millions of small messages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
