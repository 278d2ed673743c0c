//! Which actions the robot knows, where each may be used and what it needs (2.1.0, 6.8.2). The factsheet says the same.
//!
//! Nothing is listed that isn't carried out: what a machine can't do is left out, whatever the standard names.

use crate::drive::Abilities;
use crate::spec::Options;
use drover_proto::vda5050::{Action, ActionParameterSpec, ActionScope, AgvAction};

const INSTANT: &[ActionScope] = &[ActionScope::Instant];
const INSTANT_AND_NODE: &[ActionScope] = &[ActionScope::Instant, ActionScope::Node];
const NODE_AND_EDGE: &[ActionScope] = &[ActionScope::Node, ActionScope::Edge];
const ANYWHERE: &[ActionScope] = &[ActionScope::Instant, ActionScope::Node, ActionScope::Edge];

/// What has to be there for an action to be known.
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    /// Nothing: the protocol machine does it by itself.
    Nothing,
    /// The machine can be told where it stands.
    Localising,
    /// The machine stores maps.
    Maps,
    /// The robot's options name it.
    Listing,
}

/// One of the standard's actions. Its parameters: key, `valueDataType`, may be left out.
struct Kind {
    name: &'static str,
    needs: Needs,
    scopes: &'static [ActionScope],
    parameters: &'static [(&'static str, &'static str, bool)],
}

const NONE: &[(&str, &str, bool)] = &[];
const MAP: &[(&str, &str, bool)] = &[("mapId", "STRING", false), ("mapVersion", "STRING", false)];
const LOAD: &[(&str, &str, bool)] = &[("loadId", "STRING", true), ("loadType", "STRING", true)];

const STANDARD: &[Kind] = &[
    kind("cancelOrder", Needs::Nothing, INSTANT, NONE),
    kind("startPause", Needs::Nothing, INSTANT, NONE),
    kind("stopPause", Needs::Nothing, INSTANT, NONE),
    kind("stateRequest", Needs::Nothing, INSTANT, NONE),
    kind("factsheetRequest", Needs::Nothing, INSTANT, NONE),
    kind(
        "initPosition",
        Needs::Localising,
        INSTANT,
        &[
            ("x", "NUMBER", false),
            ("y", "NUMBER", false),
            ("theta", "NUMBER", false),
            ("mapId", "STRING", false),
            ("lastNodeId", "STRING", false),
        ],
    ),
    kind(
        "downloadMap",
        Needs::Maps,
        INSTANT,
        &[
            ("mapId", "STRING", false),
            ("mapVersion", "STRING", false),
            ("mapDownloadLink", "STRING", false),
            ("mapHash", "STRING", true),
        ],
    ),
    kind("enableMap", Needs::Maps, INSTANT_AND_NODE, MAP),
    kind("deleteMap", Needs::Maps, INSTANT, MAP),
    kind("startCharging", Needs::Listing, INSTANT_AND_NODE, NONE),
    kind("stopCharging", Needs::Listing, INSTANT_AND_NODE, NONE),
    kind("pick", Needs::Listing, NODE_AND_EDGE, LOAD),
    kind("drop", Needs::Listing, NODE_AND_EDGE, LOAD),
];

const fn kind(
    name: &'static str,
    needs: Needs,
    scopes: &'static [ActionScope],
    parameters: &'static [(&'static str, &'static str, bool)],
) -> Kind {
    Kind { name, needs, scopes, parameters }
}

/// In the factsheet: no action type is unknown.
const ANY_ACTION: &str = "*";

/// Why an action can't be carried out here; `None` if it can.
pub(super) fn fault(
    options: &Options,
    abilities: Abilities,
    action: &Action,
    scope: ActionScope,
) -> Option<String> {
    let name = action.action_type.as_str();
    let Some(kind) = standard(name) else {
        let is_known = options.accept_any_action || options.actions.iter().any(|own| own == name);
        return (!is_known).then(|| format!("action {name} isn't known"));
    };
    if !is_there(kind, options, abilities) {
        return Some(format!("action {name} isn't known"));
    }
    if !kind.scopes.contains(&scope) {
        let scopes: Vec<_> = kind.scopes.iter().map(|scope| scope.as_str()).collect();
        return Some(format!("action {name} isn't for {}, but for {}", scope.as_str(), scopes.join(", ")));
    }
    let needed = kind.parameters.iter().filter(|(_, _, is_optional)| !is_optional);
    let mut wrong = needed.filter(|(key, data_type, _)| match *data_type {
        "NUMBER" => number(action, key).is_none(),
        _ => text(action, key).is_none(),
    });
    wrong.next().map(|(key, data_type, _)| format!("action {name} needs {key}, a {data_type}"))
}

/// All of them, for the factsheet. Without `blockingTypes`: the 2.1.0 schema asks for a list that equals one of its own
/// words, which none can.
pub(super) fn listed(options: &Options, abilities: Abilities) -> Vec<AgvAction> {
    let kinds = STANDARD.iter().filter(|kind| is_there(kind, options, abilities));
    let own = options.actions.iter().filter(|name| standard(name).is_none());
    let own = own.map(String::as_str).chain(options.accept_any_action.then_some(ANY_ACTION));
    let own = own.map(|name| entry(name, ANYWHERE, NONE));
    kinds.map(|kind| entry(kind.name, kind.scopes, kind.parameters)).chain(own).collect()
}

/// A number, or a text that is one.
pub(super) fn number(action: &Action, key: &str) -> Option<f64> {
    let value = action.parameter(key)?;
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite())
}

/// A text that isn't empty. Numbers count: a map's version is one as often as not.
pub(super) fn text(action: &Action, key: &str) -> Option<String> {
    let value = action.parameter(key)?;
    let text = value.as_str().map(str::to_owned).or_else(|| Some(value.as_number()?.to_string()));
    text.filter(|text| !text.is_empty())
}

fn standard(name: &str) -> Option<&'static Kind> {
    STANDARD.iter().find(|kind| kind.name == name)
}

fn is_there(kind: &Kind, options: &Options, abilities: Abilities) -> bool {
    match kind.needs {
        Needs::Nothing => true,
        Needs::Localising => abilities.localises,
        Needs::Maps => abilities.stores_maps,
        Needs::Listing => options.accept_any_action || options.actions.iter().any(|own| own == kind.name),
    }
}

fn entry(name: &str, scopes: &[ActionScope], parameters: &[(&str, &str, bool)]) -> AgvAction {
    let parameters = parameters.iter().map(|(key, data_type, is_optional)| ActionParameterSpec {
        key: (*key).to_owned(),
        value_data_type: (*data_type).to_owned(),
        description: None,
        is_optional: Some(*is_optional),
    });
    AgvAction {
        action_type: name.to_owned(),
        action_scopes: scopes.to_vec(),
        action_parameters: parameters.collect(),
        ..AgvAction::default()
    }
}
