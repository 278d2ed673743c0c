//! How one robot's VDA 5050 is written: what `site.toml` says, else what its factsheet says, else the default. Soft: the
//! factsheet is retained by the broker and comes again after a start.
//!
//! One switch that others need is absent: a stitching node of ours never carries actions, since actions stand on a base's
//! last node only and an order that is complete is followed by a new one. So nothing of it is ever resent or left out.

use std::collections::BTreeMap;

use drover_maps::{self as maps, Layout};
use drover_proto::vda5050::{Dialect, Factsheet, Header, ProtocolFeatures, Support, VERSION};
use serde_json::Value;

use crate::id::RobotName;

/// How far from a node a robot may be to count it as passed, m: less than a node's disc and its margin leave behind a robot.
const DEVIATION_M: f64 = 0.1;
/// The same for the node a new order begins at, where the robot stands already, m.
const START_DEVIATION_M: f64 = 0.5;
/// Optional parameters of an order that we write.
const WRITTEN: [&str; 2] = ["order.nodes.nodePosition", DEVIATION];
const DEVIATION: &str = "order.nodes.nodePosition.allowedDeviationXY";
/// The longest interval a factsheet is believed, s.
const INTERVAL_MAX_S: f64 = 600.0;
/// Action parameters remembered of one factsheet, at most.
const PARAMETERS_MAX: usize = 1_024;

/// How to write to one robot.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// Header version: the configured one, else the one the robot last wrote.
    pub(super) version: String,
    /// What `site.toml` says of it.
    given: maps::Profile,
    learned: Learned,
}

/// What its factsheet says.
#[derive(Clone, Debug, Default)]
struct Learned {
    /// It lists optional parameters, and not this one.
    takes_no_deviation: bool,
    nodes_max: Option<usize>,
    order_interval_ms: Option<u64>,
    state_interval_ms: Option<u64>,
    /// `valueDataType` by action type and key.
    data_types: BTreeMap<(String, String), String>,
}

impl Profile {
    pub fn of(name: &RobotName, layout: &Layout) -> Profile {
        let given = layout.profile_of(&name.manufacturer, &name.serial).cloned().unwrap_or_default();
        let version = given.version.clone().unwrap_or_else(|| VERSION.to_owned());
        Profile { version, given, learned: Learned::default() }
    }

    /// Some robots take no other version than their own.
    pub fn note_version(&mut self, header: &Header) {
        let is_known = header.major().and_then(Dialect::of_major).is_some();
        if self.given.version.is_none() && is_known && header.version != self.version {
            self.version.clone_from(&header.version);
        }
    }

    /// Takes a factsheet in. What it requires and we don't write is given back.
    pub fn learn(&mut self, sheet: &Factsheet) -> Vec<String> {
        self.note_version(&sheet.header);
        let whole_ms = |seconds: f64| (seconds.clamp(0.0, INTERVAL_MAX_S) * 1_000.0) as u64;
        let limits = sheet.protocol_limits.as_ref();
        let timing = limits.map(|limits| &limits.timing);
        let features = sheet.protocol_features.as_ref();
        self.learned = Learned {
            takes_no_deviation: features.is_some_and(|it| !is_taken(it, DEVIATION)),
            nodes_max: limits
                .and_then(|limits| limits.max_array_lens.order_nodes)
                .filter(|most| *most >= 2)
                .map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            order_interval_ms: timing.and_then(|timing| timing.min_order_interval).map(whole_ms),
            state_interval_ms: timing.and_then(|timing| timing.default_state_interval).map(whole_ms),
            data_types: features.map(data_types).unwrap_or_default(),
        };
        features.map(unmet).unwrap_or_default()
    }

    /// `allowedDeviationXY`, m; none = the field is left out.
    pub fn deviation_m(&self, is_start: bool) -> Option<f64> {
        let default = if is_start { START_DEVIATION_M } else { DEVIATION_M };
        match self.given.deviation_m {
            Some(deviation) => (deviation > 0.0).then_some(deviation),
            None => (!self.learned.takes_no_deviation).then_some(default),
        }
    }

    /// Instant actions are written under their list's name of 1.1 too.
    pub fn old_instant_actions(&self) -> bool {
        self.given.old_instant_actions
    }

    /// Most nodes of an order.
    pub fn nodes_max(&self) -> usize {
        self.given.nodes_max.or(self.learned.nodes_max).unwrap_or(usize::MAX)
    }

    /// Least time between two orders, ms.
    pub fn order_interval_ms(&self) -> u64 {
        self.given.order_interval_ms.or(self.learned.order_interval_ms).unwrap_or(0)
    }

    /// Without a state for this long it is silent, ms: half more than the longest time it may take between two.
    pub fn silent_ms(&self, least_ms: u64) -> u64 {
        let interval = self.given.state_interval_ms.or(self.learned.state_interval_ms).unwrap_or(0);
        least_ms.max(interval + interval / 2)
    }

    /// A parameter's value as this robot wants it.
    pub fn value(&self, action: &str, key: &str, value: Value) -> Value {
        if self.given.text_parameters == Some(true) {
            return text(value);
        }
        let wanted = self.learned.data_types.get(&(action.to_owned(), key.to_owned()));
        let given = value.as_str().map(str::trim);
        match wanted.map(String::as_str) {
            Some("STRING") => text(value),
            Some("NUMBER" | "INTEGER" | "FLOAT") => {
                let number = given.and_then(|text| serde_json::from_str(text).ok()).filter(Value::is_number);
                number.unwrap_or(value)
            }
            Some("BOOL") => match given {
                Some("true") => Value::Bool(true),
                Some("false") => Value::Bool(false),
                Some(_) | None => value,
            },
            Some(_) | None => value,
        }
    }
}

/// Lists and objects stay what they are: no robot reads them out of a text.
fn text(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(truth) => Value::String(truth.to_string()),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => value,
    }
}

/// Who lists nothing takes what the standard allows.
fn is_taken(features: &ProtocolFeatures, parameter: &str) -> bool {
    features.optional_parameters.is_empty() || features.supports(parameter)
}

fn unmet(features: &ProtocolFeatures) -> Vec<String> {
    let required = features.optional_parameters.iter().filter(|it| it.support == Support::Required);
    let names = required.map(|it| it.parameter.clone());
    names.filter(|name| name.starts_with("order.") && !WRITTEN.contains(&name.as_str())).collect()
}

fn data_types(features: &ProtocolFeatures) -> BTreeMap<(String, String), String> {
    let of_action = features.agv_actions.iter().flat_map(|action| {
        let parameters = action.action_parameters.iter();
        parameters
            .map(|it| ((action.action_type.clone(), it.key.clone()), it.value_data_type.to_ascii_uppercase()))
    });
    of_action.take(PARAMETERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use drover_proto::vda5050::{ActionParameterSpec, AgvAction, OptionalParameter, ProtocolLimits};
    use serde_json::json;

    use super::*;

    fn profile() -> Profile {
        Profile { version: VERSION.to_owned(), given: maps::Profile::default(), learned: Learned::default() }
    }

    fn optional(parameter: &str, support: Support) -> OptionalParameter {
        OptionalParameter { parameter: parameter.to_owned(), support, description: None }
    }

    fn sheet(optional_parameters: Vec<OptionalParameter>) -> Factsheet {
        let spec = |key: &str, kind: &str| ActionParameterSpec {
            key: key.to_owned(),
            value_data_type: kind.to_owned(),
            ..ActionParameterSpec::default()
        };
        let action_parameters = vec![
            spec("height", "NUMBER"),
            spec("side", "STRING"),
            spec("gentle", "bool"),
            spec("ids", "ARRAY"),
        ];
        let pick = AgvAction { action_type: "pick".to_owned(), action_parameters, ..AgvAction::default() };
        let mut limits = ProtocolLimits::default();
        limits.max_array_lens.order_nodes = Some(12);
        limits.timing.min_order_interval = Some(0.5);
        limits.timing.default_state_interval = Some(30.0);
        Factsheet {
            protocol_limits: Some(limits),
            protocol_features: Some(ProtocolFeatures { optional_parameters, agv_actions: vec![pick] }),
            ..Factsheet::default()
        }
    }

    #[test]
    fn a_factsheet_teaches_what_the_robot_takes() {
        let mut profile = profile();
        assert_eq!((profile.deviation_m(true), profile.deviation_m(false)), (Some(0.5), Some(0.1)));
        let sheet = sheet(vec![
            optional("order.nodes.nodePosition", Support::Supported),
            optional("order.nodes.nodePosition.theta", Support::Required),
        ]);
        assert_eq!(profile.learn(&sheet), ["order.nodes.nodePosition.theta"]);
        assert_eq!((profile.deviation_m(true), profile.deviation_m(false)), (None, None));
        assert_eq!((profile.nodes_max(), profile.order_interval_ms()), (12, 500));
        assert_eq!((profile.silent_ms(35_000), profile.silent_ms(60_000)), (45_000, 60_000));
        let value = |key: &str, value: Value| profile.value("pick", key, value);
        assert_eq!(value("height", json!(" 1.2 ")), json!(1.2));
        assert_eq!(value("height", json!("tall")), json!("tall"));
        assert_eq!(value("side", json!(2)), json!("2"));
        assert_eq!(value("gentle", json!("true")), json!(true));
        assert_eq!(value("ids", json!([1])), json!([1]));
        assert_eq!(profile.value("drop", "side", json!(2)), json!(2));
    }

    #[test]
    fn a_hollow_factsheet_takes_nothing_away() {
        let mut profile = profile();
        assert!(profile.learn(&sheet(Vec::new())).is_empty());
        assert_eq!(profile.deviation_m(false), Some(DEVIATION_M));
        assert!(profile.learn(&Factsheet::default()).is_empty());
        assert_eq!((profile.nodes_max(), profile.order_interval_ms()), (usize::MAX, 0));
    }

    #[test]
    fn what_the_site_says_goes_before_the_factsheet() {
        let given = maps::Profile {
            version: Some("2.0.0".to_owned()),
            text_parameters: Some(true),
            deviation_m: Some(0.3),
            nodes_max: Some(6),
            order_interval_ms: Some(0),
            state_interval_ms: Some(2_000),
            ..maps::Profile::default()
        };
        let mut profile = Profile { version: "2.0.0".to_owned(), given, ..profile() };
        let _ = profile.learn(&sheet(vec![optional("order.edges.maxSpeed", Support::Supported)]));
        profile.note_version(&Header { version: "3.0.0".to_owned(), ..Header::default() });
        assert_eq!((profile.version.as_str(), profile.deviation_m(true)), ("2.0.0", Some(0.3)));
        assert_eq!((profile.nodes_max(), profile.order_interval_ms()), (6, 0));
        assert_eq!(profile.silent_ms(35_000), 35_000);
        assert_eq!(profile.value("pick", "height", json!(1.5)), json!("1.5"));
    }

    #[test]
    fn the_version_the_robot_writes_is_written_back_if_it_can_be_spoken() {
        let mut profile = profile();
        for (heard, written) in [("2.0.0", "2.0.0"), ("1.1.0", "2.0.0"), ("3.0.0", "3.0.0"), ("", "3.0.0")] {
            profile.note_version(&Header { version: heard.to_owned(), ..Header::default() });
            assert_eq!(profile.version, written, "{heard}");
        }
    }
}
