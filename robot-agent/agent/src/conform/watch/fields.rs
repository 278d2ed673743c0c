//! The fields that the schemas of 2.1.0 ask for, and of which kind they are.
//!
//! Where the text and the schema differ the text counts: an action may be PAUSED.

use super::Book;
use serde_json::Value;

/// What a field must be.
#[derive(Clone, Copy)]
pub(super) enum Is {
    Text,
    Whole,
    Number,
    Flag,
    List,
    Object,
    Word(&'static [&'static str]),
}

/// Where a field is: names joined by dots, `[]` for each item of a list; a `?` at the end: it may be left out. A field is asked
/// for only where what it is part of is there.
pub(super) type Fields = &'static [(&'static str, Is)];

pub(super) const STATE: Fields = &[
    ("orderId", Is::Text),
    ("orderUpdateId", Is::Whole),
    ("lastNodeId", Is::Text),
    ("lastNodeSequenceId", Is::Whole),
    ("nodeStates", Is::List),
    ("nodeStates[].nodeId", Is::Text),
    ("nodeStates[].sequenceId", Is::Whole),
    ("nodeStates[].released", Is::Flag),
    ("nodeStates[].nodePosition.x", Is::Number),
    ("nodeStates[].nodePosition.y", Is::Number),
    ("nodeStates[].nodePosition.mapId", Is::Text),
    ("edgeStates", Is::List),
    ("edgeStates[].edgeId", Is::Text),
    ("edgeStates[].sequenceId", Is::Whole),
    ("edgeStates[].released", Is::Flag),
    ("driving", Is::Flag),
    ("paused?", Is::Flag),
    ("newBaseRequest?", Is::Flag),
    ("distanceSinceLastNode?", Is::Number),
    ("agvPosition?", Is::Object),
    ("agvPosition.x", Is::Number),
    ("agvPosition.y", Is::Number),
    ("agvPosition.theta", Is::Number),
    ("agvPosition.mapId", Is::Text),
    ("agvPosition.positionInitialized", Is::Flag),
    ("velocity?", Is::Object),
    ("loads?", Is::List),
    ("maps?", Is::List),
    ("maps[].mapId", Is::Text),
    ("maps[].mapVersion", Is::Text),
    ("maps[].mapStatus", Is::Word(&["ENABLED", "DISABLED"])),
    ("actionStates", Is::List),
    ("actionStates[].actionId", Is::Text),
    (
        "actionStates[].actionStatus",
        Is::Word(&["WAITING", "INITIALIZING", "RUNNING", "PAUSED", "FINISHED", "FAILED"]),
    ),
    ("batteryState", Is::Object),
    ("batteryState.batteryCharge", Is::Number),
    ("batteryState.charging", Is::Flag),
    ("operatingMode", Is::Word(&["AUTOMATIC", "SEMIAUTOMATIC", "MANUAL", "SERVICE", "TEACHIN"])),
    ("errors", Is::List),
    ("errors[].errorType", Is::Text),
    ("errors[].errorLevel", Is::Word(&["WARNING", "FATAL"])),
    ("errors[].errorReferences?", Is::List),
    ("errors[].errorReferences[].referenceKey", Is::Text),
    ("errors[].errorReferences[].referenceValue", Is::Text),
    ("information?", Is::List),
    ("information[].infoType", Is::Text),
    ("information[].infoLevel", Is::Word(&["INFO", "DEBUG"])),
    ("safetyState", Is::Object),
    ("safetyState.eStop", Is::Word(&["AUTOACK", "MANUAL", "REMOTE", "NONE"])),
    ("safetyState.fieldViolation", Is::Flag),
];

pub(super) const CONNECTION: Fields =
    &[("connectionState", Is::Word(&["ONLINE", "OFFLINE", "CONNECTIONBROKEN"]))];

pub(super) const FACTSHEET: Fields = &[
    ("typeSpecification", Is::Object),
    ("typeSpecification.seriesName", Is::Text),
    ("typeSpecification.agvKinematic", Is::Word(&["DIFF", "OMNI", "THREEWHEEL"])),
    ("typeSpecification.agvClass", Is::Word(&["FORKLIFT", "CONVEYOR", "TUGGER", "CARRIER"])),
    ("typeSpecification.maxLoadMass", Is::Number),
    ("typeSpecification.localizationTypes", Is::List),
    ("typeSpecification.navigationTypes", Is::List),
    ("physicalParameters", Is::Object),
    ("physicalParameters.speedMin", Is::Number),
    ("physicalParameters.speedMax", Is::Number),
    ("physicalParameters.accelerationMax", Is::Number),
    ("physicalParameters.decelerationMax", Is::Number),
    ("physicalParameters.heightMax", Is::Number),
    ("physicalParameters.width", Is::Number),
    ("physicalParameters.length", Is::Number),
    ("protocolLimits", Is::Object),
    ("protocolLimits.maxStringLens", Is::Object),
    ("protocolLimits.maxArrayLens", Is::Object),
    ("protocolLimits.timing", Is::Object),
    ("protocolLimits.timing.minOrderInterval", Is::Number),
    ("protocolLimits.timing.minStateInterval", Is::Number),
    ("protocolFeatures", Is::Object),
    ("protocolFeatures.optionalParameters", Is::List),
    ("protocolFeatures.optionalParameters[].parameter", Is::Text),
    ("protocolFeatures.optionalParameters[].support", Is::Word(&["SUPPORTED", "REQUIRED"])),
    ("protocolFeatures.agvActions", Is::List),
    ("protocolFeatures.agvActions[].actionType", Is::Text),
    ("protocolFeatures.agvActions[].actionScopes", Is::List),
    ("agvGeometry", Is::Object),
    ("loadSpecification", Is::Object),
];

/// One tally per message; the first field that is wrong is named.
pub(super) fn judge(book: &mut Book, rule: &'static str, fields: Fields, body: &Value) {
    let fault = fields.iter().find_map(|(path, is)| {
        let (path, is_optional) = path.strip_suffix('?').map_or((*path, false), |path| (path, true));
        fault(body, path, *is, is_optional).map(|why| format!("{path} {why}"))
    });
    book.judge(rule, fault);
}

fn fault(value: &Value, path: &str, is: Is, is_optional: bool) -> Option<String> {
    let Some((first, rest)) = path.split_once('.') else {
        return match value.get(path) {
            None if is_optional => None,
            None => Some("is missing".to_owned()),
            Some(found) => (!is.fits(found)).then(|| format!("is {found}, not {}", is.name())),
        };
    };
    match first.strip_suffix("[]") {
        Some(list) => {
            let items = value.get(list).and_then(Value::as_array);
            items.into_iter().flatten().find_map(|item| fault(item, rest, is, is_optional))
        }
        None => fault(value.get(first).filter(|value| value.is_object())?, rest, is, is_optional),
    }
}

impl Is {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Whole => value.as_u64().is_some_and(|number| number <= u64::from(u32::MAX)),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Whole => "a whole number from 0 to 4294967295".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::List => "a list".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
        }
    }
}
