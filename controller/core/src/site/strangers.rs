//! Robots nobody listed: what their factsheets say of them, and whether they may join.

use std::collections::BTreeMap;

use drover_maps::{Layout, NodeId, TypeId};
use drover_proto::vda5050;

use crate::clock::Time;
use crate::id::RobotName;
use crate::link::{ASK_MS, Profile};

/// Factsheets remembered, at most.
const SHEETS_MAX: usize = 4_096;

/// What is known of robots beside the fleet's hard state: soft, heard again after a start.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    sheets: BTreeMap<RobotName, Sheet>,
    /// When a robot was last tried to be placed, or refused.
    tried: BTreeMap<RobotName, Time>,
    /// Robots on the broker that haven't said where they stand.
    expected: BTreeMap<RobotName, Expected>,
    questions: u32,
}

/// A robot that is there and hasn't been heard.
#[derive(Debug)]
struct Expected {
    /// The version it writes.
    version: String,
    since: Time,
    asked_at: Option<Time>,
}

#[derive(Debug)]
struct Sheet {
    series: String,
    length_mm: u32,
    width_mm: u32,
    profile: Profile,
}

impl Strangers {
    /// A factsheet was heard.
    pub(super) fn note(&mut self, name: RobotName, sheet: &vda5050::Factsheet, layout: &Layout) {
        let body = sheet.physical_parameters.as_ref();
        let millimetres = |metres: Option<f64>| (metres.unwrap_or(0.0).clamp(0.0, 100.0) * 1_000.0) as u32;
        if self.sheets.len() < SHEETS_MAX || self.sheets.contains_key(&name) {
            let series =
                sheet.type_specification.as_ref().map(|specification| specification.series_name.clone());
            let length_mm = millimetres(body.and_then(|body| body.length));
            let width_mm = millimetres(body.and_then(|body| body.width));
            let mut profile = Profile::of(&name, layout);
            // What it requires is told when it says so as a robot of the fleet.
            let _ = profile.learn(sheet);
            let series = series.unwrap_or_default();
            self.sheets.insert(name, Sheet { series, length_mm, width_mm, profile });
        }
    }

    /// How to write to a robot that joins: its factsheet may have come before.
    pub(super) fn profile(&self, name: &RobotName, layout: &Layout) -> Profile {
        self.sheets.get(name).map_or_else(|| Profile::of(name, layout), |sheet| sheet.profile.clone())
    }

    /// The broker says whether a robot is there that isn't of the fleet.
    pub(super) fn note_connection(
        &mut self,
        now: Time,
        name: &RobotName,
        header: &vda5050::Header,
        is_online: bool,
    ) {
        if !is_online {
            self.expected.remove(name);
        } else if self.expected.len() < SHEETS_MAX {
            let dialect = vda5050::Dialect::of_version(&header.version);
            let is_said = header.major() == Some(dialect.major());
            let version = if is_said { &header.version } else { dialect.version() };
            let expected = Expected { version: version.to_owned(), since: now, asked_at: None };
            self.expected.entry(name.clone()).or_insert(expected);
        }
    }

    /// It has said where it stands, or that it stands nowhere we know.
    pub(super) fn note_state(&mut self, name: &RobotName) {
        self.expected.remove(name);
    }

    /// Some may still say where they stand; who hasn't for this long isn't waited for any more.
    pub(super) fn are_expected(&mut self, now: Time, gather_ms: u64) -> bool {
        self.expected.retain(|_, expected| now.since_ms(expected.since) < gather_ms);
        !self.expected.is_empty()
    }

    /// Questions asked so far: each has a header id of its own, and a robot that joins is told on from there.
    pub(super) fn questions(&self) -> u32 {
        self.questions
    }

    /// Those that are to be asked now: in which version, under which header id.
    pub(super) fn ask(&mut self, now: Time) -> Vec<(RobotName, String, u32)> {
        let is_due = |expected: &Expected| expected.asked_at.is_none_or(|at| now.since_ms(at) >= ASK_MS);
        let due = self.expected.iter_mut().filter(|(_, expected)| is_due(expected));
        due.map(|(name, expected)| {
            expected.asked_at = Some(now);
            self.questions += 1;
            (name.clone(), expected.version.clone(), self.questions)
        })
        .collect()
    }

    /// When somebody is to be asked again, or isn't waited for any more.
    pub(super) fn next_timeout(&self, gather_ms: u64) -> Option<Time> {
        let ends = self.expected.values().map(|expected| expected.since.plus_ms(gather_ms));
        let asks = self.expected.values().filter_map(|expected| expected.asked_at);
        ends.chain(asks.map(|at| at.plus_ms(ASK_MS))).min()
    }

    /// It is time to try this robot again.
    pub(super) fn is_due(&mut self, name: &RobotName, now: Time, pause_ms: u64) -> bool {
        let is_due = self.tried.get(name).is_none_or(|last| now.since_ms(*last) >= pause_ms);
        if is_due {
            self.tried.insert(name.clone(), now);
        }
        is_due
    }

    /// The type a robot joins as: the one of its series, else the first that may stand where it stands. A robot larger than
    /// its type's footprint may not join: the layout's conflict sets don't hold for it.
    pub(super) fn robot_type(
        &self,
        name: &RobotName,
        node: NodeId,
        layout: &Layout,
    ) -> Result<TypeId, String> {
        let sheet = self.sheets.get(name);
        let by_series = sheet.and_then(|sheet| {
            let full = format!("{}.{}", name.manufacturer, sheet.series);
            layout.type_named(&full).or_else(|| layout.type_named(&sheet.series))
        });
        let types = (0..layout.robot_types().len() as u16).map(TypeId);
        let by_place = types.filter(|robot_type| layout.admits_node(*robot_type, node)).min();
        let at = &layout.node(node).name;
        let Some(robot_type) = by_series.or(by_place) else {
            return Err(format!("{name}: no robot type of the layout may stand at {at}, where it stands"));
        };
        let known = layout.robot_type(robot_type);
        let is_larger = |sheet: &&Sheet| {
            let (length, width) = (sheet.length_mm.max(sheet.width_mm), sheet.length_mm.min(sheet.width_mm));
            length > known.length_mm.max(known.width_mm) || width > known.length_mm.min(known.width_mm)
        };
        match sheet.filter(is_larger) {
            None => Ok(robot_type),
            Some(sheet) => Err(format!(
                "{name}: its factsheet says {} x {} mm, but type {} has {} x {} mm: set length_mm and width_mm of a \
                 [[robot_type]] in site.toml",
                sheet.length_mm, sheet.width_mm, known.name, known.length_mm, known.width_mm
            )),
        }
    }
}
