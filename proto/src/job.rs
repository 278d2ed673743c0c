//! Jobs in: what a producer wants moved, and its cancels and updates on the same queue.
//!
//! Reading is strict: a job that isn't understood goes to the dead-letter queue with a code and a reason
//! that names the key, the value and the mend. Unknown fields are kept and handed back in events.

mod fingerprint;
mod read;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::error::Rejection;
use crate::time;

pub use fingerprint::fingerprint;

/// One message of the job queue.
#[derive(Debug, Clone, PartialEq)]
pub enum JobMessage {
    /// A new job.
    Job(Box<Job>),
    /// A job to withdraw.
    Cancel {
        /// The job.
        job_id: String,
    },
    /// A job to change; at least one field is given.
    Update {
        /// The job.
        job_id: String,
        /// New due time, milliseconds since 1970 in UTC.
        due_at_ms: Option<i64>,
        /// New priority, 0 to 9.
        priority: Option<u8>,
    },
}

/// What a customer wants moved.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Job {
    /// The producer's idempotency key, 1 to 128 characters.
    pub job_id: String,
    /// The producer's order, handed back in events.
    pub order_id: Option<String>,
    /// Name of the sequence it belongs to.
    pub sequence: Option<String>,
    /// 1 to 16 legs in driving order.
    pub legs: Vec<Leg>,
    /// When it is due, milliseconds since 1970 in UTC; RFC 3339 on the wire.
    pub due_at_ms: Option<i64>,
    /// Best-before date of the goods, "YYYY-MM-DD".
    pub best_before: Option<String>,
    /// How cold the goods must stay.
    pub temperature: Option<Temperature>,
    /// How long the goods may be out of that cold, seconds.
    pub max_out_of_cold_s: Option<u32>,
    /// Capabilities the robot must have.
    pub requires: Vec<String>,
    /// 0 to 9, 9 first; 5 when not given. (`Job::default()` has 0.)
    pub priority: u8,
    /// Unknown top-level fields, as given.
    pub extra: Map<String, Value>,
}

impl Job {
    /// A job of the default priority.
    #[must_use]
    pub fn new(job_id: impl Into<String>, legs: Vec<Leg>) -> Self {
        Self { job_id: job_id.into(), legs, priority: crate::limits::PRIORITY_DEFAULT, ..Self::default() }
    }
}

/// One drive and what to do at its end.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leg {
    /// Station of the layout.
    pub station: String,
    /// What to do there; without one the leg is done on arrival.
    pub action: Option<LegAction>,
    /// Parameters of a robot's own action. No value is null.
    pub parameters: Map<String, Value>,
    /// What is moved.
    pub load: Option<Load>,
    /// How long to stay after the action, seconds.
    pub dwell_s: Option<u32>,
    /// What to pick, for the person at the station.
    pub lines: Vec<Line>,
    /// Unknown fields, as given.
    pub extra: Map<String, Value>,
}

impl Leg {
    /// A leg with an action and nothing else.
    #[must_use]
    pub fn new(station: impl Into<String>, action: Option<LegAction>) -> Self {
        Self { station: station.into(), action, ..Self::default() }
    }
}

/// What to do at the end of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LegAction {
    /// Take the load.
    Pick,
    /// Put the load down.
    Drop,
    /// Wait for a person at the station.
    Confirm,
    /// A robot's own action, by its VDA 5050 action type.
    Own(String),
}

impl LegAction {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pick => "pick",
            Self::Drop => "drop",
            Self::Confirm => "confirm",
            Self::Own(action) => action,
        }
    }

    /// The action for a word on the wire.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "pick" => Self::Pick,
            "drop" => Self::Drop,
            "confirm" => Self::Confirm,
            own => Self::Own(own.to_owned()),
        }
    }
}

/// What is moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Load {
    /// Id, e.g. of a tote.
    pub id: String,
    /// Type; `type` on the wire.
    pub load_type: Option<String>,
}

/// One position of a pick list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// Article.
    pub item: String,
    /// Lot.
    pub lot: Option<String>,
    /// Use-by date, "YYYY-MM-DD".
    pub use_by: Option<String>,
    /// How many or how much, above 0.
    pub quantity: Option<f64>,
    /// Where it lies.
    pub location: Option<String>,
}

/// How cold goods must stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Temperature {
    /// Deep-frozen.
    Frozen,
    /// Chilled.
    Chilled,
    /// As it is.
    Ambient,
}

impl Temperature {
    /// All temperatures, coldest first.
    pub const ALL: [Self; 3] = [Self::Frozen, Self::Chilled, Self::Ambient];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Chilled => "chilled",
            Self::Ambient => "ambient",
        }
    }
}

impl JobMessage {
    /// The version we write and read.
    pub const VERSION: u32 = 1;

    /// The job it is about.
    #[must_use]
    pub fn job_id(&self) -> &str {
        match self {
            Self::Job(job) => &job.job_id,
            Self::Cancel { job_id } | Self::Update { job_id, .. } => job_id,
        }
    }

    /// Reads a message from JSON that already passed the limits, e.g. a line of a jobs file. See
    /// [`crate::parse_job`] for bytes.
    ///
    /// # Errors
    /// [`Rejection`] with a stable code.
    pub fn from_json(value: Value) -> Result<Self, Rejection> {
        read::message(value)
    }

    /// The message as JSON; [`Self::from_json`] gives the same message back.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Job(job) => job.to_json(),
            Self::Cancel { job_id } => json!({ "v": Self::VERSION, "cancel": job_id }),
            Self::Update { job_id, due_at_ms, priority } => {
                let mut map = Map::new();
                map.insert("v".to_owned(), Self::VERSION.into());
                map.insert("update".to_owned(), job_id.as_str().into());
                put(&mut map, "due_at", due_at_ms.map(time::format_ms));
                put(&mut map, "priority", *priority);
                Value::Object(map)
            }
        }
    }

    /// The body for the queue.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }
}

impl Serialize for JobMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl Job {
    fn to_json(&self) -> Value {
        let mut map = self.extra.clone();
        map.insert("v".to_owned(), JobMessage::VERSION.into());
        map.insert("job_id".to_owned(), self.job_id.as_str().into());
        put(&mut map, "order_id", self.order_id.as_deref());
        put(&mut map, "sequence", self.sequence.as_deref());
        map.insert("legs".to_owned(), self.legs.iter().map(Leg::to_json).collect());
        put(&mut map, "due_at", self.due_at_ms.map(time::format_ms));
        put(&mut map, "best_before", self.best_before.as_deref());
        put(&mut map, "temperature", self.temperature.map(Temperature::as_str));
        put(&mut map, "max_out_of_cold_s", self.max_out_of_cold_s);
        put(&mut map, "requires", (!self.requires.is_empty()).then(|| self.requires.clone()));
        map.insert("priority".to_owned(), self.priority.into());
        Value::Object(map)
    }
}

impl Leg {
    fn to_json(&self) -> Value {
        let mut map = self.extra.clone();
        map.insert("station".to_owned(), self.station.as_str().into());
        put(&mut map, "action", self.action.as_ref().map(LegAction::as_str));
        put(&mut map, "parameters", (!self.parameters.is_empty()).then(|| self.parameters.clone()));
        put(&mut map, "load", self.load.as_ref().map(Load::to_json));
        put(&mut map, "dwell_s", self.dwell_s);
        let lines = || self.lines.iter().map(Line::to_json).collect::<Vec<_>>();
        put(&mut map, "lines", (!self.lines.is_empty()).then(lines));
        Value::Object(map)
    }
}

impl Load {
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("id".to_owned(), self.id.as_str().into());
        put(&mut map, "type", self.load_type.as_deref());
        Value::Object(map)
    }
}

impl Line {
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("item".to_owned(), self.item.as_str().into());
        put(&mut map, "lot", self.lot.as_deref());
        put(&mut map, "use_by", self.use_by.as_deref());
        put(&mut map, "quantity", self.quantity);
        put(&mut map, "location", self.location.as_deref());
        Value::Object(map)
    }
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}
