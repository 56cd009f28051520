//! Declared fields: name, type, place and sensitivity, and the typed values they become.

use serde_json::Value as Json;
use std::time::Duration;

/// One declared input of a route.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As clients write it.
    pub name: &'static str,
    /// What it may hold.
    pub kind: FieldKind,
    /// Where it is read from.
    pub place: Place,
    /// A call without it is refused.
    pub required: bool,
    /// Whether its value may appear in audit records and errors.
    pub sensitivity: Sensitivity,
    /// One sentence for help and OpenAPI.
    pub help: &'static str,
}

impl Field {
    /// An optional body or query field whose value is secret unless said otherwise.
    #[must_use]
    pub const fn new(name: &'static str, kind: FieldKind, help: &'static str) -> Self {
        Self {
            name,
            kind,
            place: Place::Input,
            required: false,
            sensitivity: Sensitivity::Sensitive,
            help,
        }
    }

    /// Its value may be shown in the clear.
    #[must_use]
    pub const fn public(mut self) -> Self {
        self.sensitivity = Sensitivity::Public;
        self
    }

    /// A call without it is refused.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// It is read from the query alone, never from the body. For routes with a payload, where a member of the same name
    /// belongs to the client.
    #[must_use]
    pub const fn in_query(mut self) -> Self {
        self.place = Place::Query;
        self
    }

    /// It is the path parameter of the same name in the route's pattern.
    #[must_use]
    pub const fn in_path(mut self) -> Self {
        self.place = Place::Path;
        self
    }
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text; numbers and booleans are taken as their text.
    Text,
    /// A whole number; text with digits is taken.
    Integer,
    /// True or false; the usual texts are taken.
    Boolean,
    /// Seconds, or text with units.
    Duration,
    /// A list of texts; one text with commas is taken.
    TextList,
    /// A list of whole numbers; one number, or text with commas, is taken.
    IntegerList,
    /// An object whose values are texts.
    TextMap,
    /// Any object.
    Object,
    /// Any JSON value.
    Any,
}

impl FieldKind {
    /// How an error names it.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "a whole number",
            Self::Boolean => "a boolean",
            Self::Duration => "a duration in seconds or with a unit",
            Self::TextList => "a list of strings",
            Self::IntegerList => "a list of whole numbers",
            Self::TextMap => "an object with string values",
            Self::Object => "an object",
            Self::Any => "a JSON value",
        }
    }
}

/// Where a field is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The path, by the pattern's parameter of the same name.
    Path,
    /// The body, or the query for operations without a body.
    Input,
    /// The query alone.
    Query,
}

/// Whether a value may appear outside the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// May be written to audit records and errors in the clear.
    Public,
    /// Never leaves but as a keyed hash.
    Sensitive,
}

/// A decoded field.
///
/// No `Debug`: it may hold a secret.
#[derive(Clone)]
pub enum Value {
    /// [`FieldKind::Text`].
    Text(String),
    /// [`FieldKind::Integer`].
    Integer(i64),
    /// [`FieldKind::Boolean`].
    Boolean(bool),
    /// [`FieldKind::Duration`].
    Duration(Duration),
    /// [`FieldKind::TextList`].
    TextList(Vec<String>),
    /// [`FieldKind::IntegerList`].
    IntegerList(Vec<i64>),
    /// [`FieldKind::TextMap`], in the order written.
    TextMap(Vec<(String, String)>),
    /// [`FieldKind::Object`] and [`FieldKind::Any`].
    Json(Json),
}
