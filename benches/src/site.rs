//! A site of a bench's own: a folder, gone with it, that holds a layout, a configuration and all logs; a controller
//! and virtual robots are started on it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use drover_maps::Layout;

use crate::controller::{Controller, PATIENCE, program};
use crate::kit::mosquitto::Mosquitto;
use crate::kit::process::{Folder, Service, free_port};

/// Its files and its port.
pub struct Site {
    id: &'static str,
    folder: Folder,
    http: u16,
}

impl Site {
    /// An empty folder.
    pub fn new(id: &'static str) -> Site {
        Site { id, folder: Folder::new(id), http: free_port() }
    }

    /// Where a file of this name is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Draws a warehouse: `layout.lif.json` and `site.toml`.
    ///
    /// # Errors
    /// `drover` can't be built, or refuses this size.
    pub fn draw(&self, size: &[(&str, u32)]) -> anyhow::Result<()> {
        let mut draw = Command::new(program("drover")?);
        draw.args(["map", "generate", "warehouse", "--out"]).arg(self.folder.path());
        for (option, number) in size {
            draw.arg(option).arg(number.to_string());
        }
        ensure!(draw.stdout(Stdio::null()).status()?.success(), "`drover map generate` failed: {draw:?}");
        Ok(())
    }

    /// The layout.
    ///
    /// # Errors
    /// There is none, or it can't be used.
    pub fn layout(&self) -> anyhow::Result<Layout> {
        Ok(drover_maps::compile(&fs::read(self.file("layout.lif.json"))?, None)?.layout)
    }

    /// Writes `drover.toml`; any robot may join.
    ///
    /// # Errors
    /// It can't be written.
    pub fn configure(&self, jobs: &str, mqtt: &str, store: &str) -> anyhow::Result<()> {
        let Site { id, http, .. } = self;
        let site = if self.has_site() { "site = \"site.toml\"\n" } else { "" };
        let config = format!(
            "[site]\nid = \"{id}\"\nlayout = \"layout.lif.json\"\n{site}[jobs]\nurl = \"{jobs}\"\n\
             [mqtt]\nurl = \"{mqtt}\"\n[store]\nurl = \"{store}\"\n[cache]\nurl = \"none\"\n[robots]\nenroll = \"auto\"\n\
             [http]\nlisten = \"127.0.0.1:{http}\"\n"
        );
        Ok(fs::write(self.file("drover.toml"), config)?)
    }

    /// Starts the controller and doesn't wait for it; the environment overrides its configuration.
    ///
    /// # Errors
    /// `drover` can't be built.
    pub fn spawn(&self, environment: &[(&str, &str)]) -> anyhow::Result<Controller> {
        Controller::spawn(self.folder.path(), self.http, environment)
    }

    /// Starts the controller; ready when this returns.
    ///
    /// # Errors
    /// `drover` can't be built, or isn't ready within [`PATIENCE`].
    pub fn start(&self) -> anyhow::Result<Controller> {
        let mut controller = self.spawn(&[])?;
        controller.until("the controller", PATIENCE, Controller::is_ready)?;
        Ok(controller)
    }

    /// Starts so many virtual robots.
    ///
    /// # Errors
    /// `drover-agent` can't be built.
    pub fn robots(&self, mosquitto: &Mosquitto, count: u32) -> anyhow::Result<Service> {
        let mut run = Command::new(program("drover-agent")?);
        run.args(["robots", "--broker", &mosquitto.url(), "--count", &count.to_string(), "--layout"]);
        run.arg(self.file("layout.lif.json"));
        if self.has_site() {
            run.arg("--site").arg(self.file("site.toml"));
        }
        Ok(Service::spawn(run, &self.file("robots.log")))
    }

    fn has_site(&self) -> bool {
        self.file("site.toml").is_file()
    }
}

/// A broker or database, which must be there.
///
/// # Errors
/// It isn't installed.
pub fn needed<T>(name: &str, service: Option<T>) -> anyhow::Result<T> {
    service.with_context(|| format!("{name} is needed: scripts/install.sh test installs it"))
}
