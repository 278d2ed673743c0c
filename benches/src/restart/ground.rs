//! A drawn warehouse with a wave of jobs, and a store that outlives the controller.

use std::fmt::Write as _;
use std::fs;

use super::ID;
use crate::controller::Controller;
use crate::kit::mosquitto::Mosquitto;
use crate::kit::postgres::Postgres;
use crate::kit::process::Service;
use crate::site::{Site, needed};

/// Stations of the warehouse.
const PICKS: u32 = 400;
const DOCKS: u32 = 16;
/// The stages of a start are told at this level, and the wave comes with the first start alone.
const ENVIRONMENT: [(&str, &str); 2] =
    [("DROVER_LOG__LEVEL", "info,drover_controller::store=debug"), ("DROVER_JOBS__FILE", "wave.ndjson")];

/// A site, its broker and its store.
pub struct Ground {
    _postgres: Option<Postgres>,
    mosquitto: Mosquitto,
    site: Site,
    store: String,
}

impl Ground {
    /// Draws the warehouse, writes the wave, starts the broker; the journal is in this PostgreSQL, else in a file.
    ///
    /// # Errors
    /// Something isn't built or installed.
    pub fn new(postgres: Option<Postgres>, jobs: u32) -> anyhow::Result<Ground> {
        let (site, mosquitto) = (Site::new(ID), needed("Mosquitto", Mosquitto::start())?);
        let size = [("--aisles", 32), ("--bays", 24), ("--cross-aisles", 6)];
        site.draw(&[&size[..], &[("--docks", DOCKS), ("--picks", PICKS), ("--parking", 200)]].concat())?;
        fs::remove_file(site.file("site.toml"))?;
        fs::write(site.file("wave.ndjson"), wave(jobs))?;
        let file = || format!("sqlite:{}", site.file("drover.db").display());
        let store = postgres.as_ref().map_or_else(file, Postgres::url);
        site.configure("embedded", &mosquitto.url(), &store)?;
        Ok(Ground { _postgres: postgres, mosquitto, site, store })
    }

    /// Where the journal is.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The site.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Starts the controller, with the wave or without it, and doesn't wait for it.
    ///
    /// # Errors
    /// It isn't built and can't be.
    pub fn start(&self, with_wave: bool) -> anyhow::Result<Controller> {
        self.site.spawn(&ENVIRONMENT[..1 + usize::from(with_wave)])
    }

    /// The virtual robots, all of them started.
    ///
    /// # Errors
    /// They aren't built and can't be.
    pub fn robots(&self, count: u32) -> anyhow::Result<Service> {
        self.site.robots(&self.mosquitto, count)
    }
}

/// From a pick to a dock each; no two name a load.
fn wave(jobs: u32) -> String {
    let mut text = String::new();
    for number in 0..jobs {
        let (pick, dock) = (1 + number % PICKS, 1 + number % DOCKS);
        let _ = writeln!(
            text,
            "{{\"v\":1,\"job_id\":\"J-{number:06}\",\"order_id\":\"SO-{}\",\"due_at\":\"2100-01-01T00:00:00Z\",\
             \"legs\":[{{\"station\":\"PICK-{pick:03}\",\"action\":\"pick\",\"dwell_s\":8,\
             \"load\":{{\"id\":\"TOTE-{number:06}\",\"type\":\"tote\"}}}},\
             {{\"station\":\"DOCK-{dock:02}\",\"action\":\"drop\"}}]}}",
            number / 8
        );
    }
    text
}
