//! `drover site`: everything a new site needs, and the accounts of its brokers.

pub mod capacity;
pub mod credentials;
pub mod mosquitto;
pub mod new;

use std::path::PathBuf;

use crate::config::{Config, ConfigError};
use crate::map::LayoutError;
use crate::secret_file::FileError;
use crate::users::UsersError;

/// Why nothing was made, or not everything.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file of users.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// What was asked for can't be.
    #[error("failed to {what}: {reason}")]
    Refused {
        /// Doing what.
        what: &'static str,
        /// Why, and how to mend it.
        reason: String,
    },
}

/// `drover site ...`.
#[derive(Debug, clap::Subcommand)]
pub enum SiteCommand {
    /// Make a folder with everything a new site needs.
    #[command(after_help = "Example:
  drover site new busan-2 --layout layout.lif.json --site site.toml --robots 20..60

The folder's README.md is the check list up to the first day of work.")]
    New {
        /// The site's id: part of topics, queues and the journal.
        name: String,
        /// LIF 1.0 file.
        #[arg(long, value_name = "FILE")]
        layout: PathBuf,
        /// Its site.toml.
        #[arg(long, value_name = "FILE")]
        site: Option<PathBuf>,
        /// The folder to make; by default one of the site's name, here.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Fleet sizes of the capacity report; by default up to twice the robots of site.toml.
        #[arg(long, value_name = "A..B", value_parser = capacity::range)]
        robots: Option<(u32, u32)>,
    },
    /// Make an account for the controller, the agent and each robot, and Mosquitto's files for them.
    #[command(after_help = "Examples:
  drover site credentials --config drover.toml --out credentials
  drover site credentials --config drover.toml --out credentials --rotate r07

Run it again whenever robots come or go: passwords that are there are kept, robots that are gone lose theirs.
Mosquitto reads the new files at a SIGHUP.")]
    Credentials {
        /// The configuration, TOML.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The folder to write to.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// A robot's serial number or a user's name that gets a new password; may be given again.
        #[arg(long, value_name = "SERIAL")]
        rotate: Vec<String>,
        /// Where these files will lie on the broker's machine, when that isn't --out.
        #[arg(long, value_name = "DIR")]
        broker_folder: Option<PathBuf>,
    },
}

/// Carries out `drover site ...`.
///
/// # Errors
/// [`SiteError`] names the file, the value and the mend.
pub fn run(command: SiteCommand) -> Result<(), SiteError> {
    match command {
        SiteCommand::New { name, layout, site, out, robots } => {
            let out = out.unwrap_or_else(|| PathBuf::from(&name));
            new::make(&new::Plan { name, layout, site, out, robots })
        }
        SiteCommand::Credentials { config, out, rotate, broker_folder } => {
            let config = Config::load_before_credentials(&config)?;
            let layout = crate::map::load(&config.layout, config.site_file.as_deref())?;
            let written =
                credentials::write(&config, &layout.layout, &out, &rotate, broker_folder.as_deref())?;
            written.tell(&config, &out);
            Ok(())
        }
    }
}
