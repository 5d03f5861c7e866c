//! The closed list of types that cross between Rust and a column.

use std::str::FromStr;

use model::ids::*;
use model::{SiteId, UtcMs};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// One cell, in the few shapes both databases share.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `bigint`: numbers, instants, minor units.
    Int(i64),
    /// `text`: words, JSON, hashes as hex.
    Text(String),
    /// `boolean`.
    Bool(bool),
    /// `double precision`: measured rates only, never money.
    Real(f64),
    /// No value.
    Null,
}

impl Value {
    /// What stands there, in words: for a fault's sentence.
    fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bool(_) => "a flag",
            Self::Real(_) => "a number with a fraction",
            Self::Null => "nothing",
        }
    }
}

/// A type that may stand in a column.
pub trait Column: Sized {
    /// As it is bound.
    fn to_value(self) -> Value;
    /// As it is read; `None` where the cell holds something else.
    fn from_value(value: Value) -> Option<Self>;
}

impl Column for i64 {
    fn to_value(self) -> Value {
        Value::Int(self)
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Int(n) = value { Some(n) } else { None }
    }
}

impl Column for bool {
    fn to_value(self) -> Value {
        Value::Bool(self)
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(flag),
            // SQLite keeps flags as 0 and 1.
            Value::Int(n) => Some(n != 0),
            _ => None,
        }
    }
}

impl Column for f64 {
    fn to_value(self) -> Value {
        Value::Real(self)
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Real(x) = value { Some(x) } else { None }
    }
}

impl Column for String {
    fn to_value(self) -> Value {
        Value::Text(self)
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl Column for UtcMs {
    fn to_value(self) -> Value {
        Value::Int(self.0)
    }
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(Self)
    }
}

impl<T: Column> Column for Option<T> {
    fn to_value(self) -> Value {
        self.map_or(Value::Null, T::to_value)
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

macro_rules! id_columns {
    ($($id:ident),+ $(,)?) => {$(
        impl Column for $id {
            fn to_value(self) -> Value {
                Value::Int(self.0)
            }
            fn from_value(value: Value) -> Option<Self> {
                i64::from_value(value).map(Self)
            }
        }
    )+};
}

id_columns!(
    SiteId,
    OperatorId,
    SessionId,
    KeyId,
    ContactId,
    FormId,
    MagnetId,
    TopicId,
    ConsentId,
    WordingId,
    SequenceId,
    SequenceVersionId,
    SequenceRunId,
    SegmentId,
    StepId,
    EnrolmentId,
    TemplateId,
    TemplateVersionId,
    MessageId,
    AttemptId,
    LinkId,
    ChannelRuleId,
    ClickId,
    PageId,
    PageVersionId,
    ProductId,
    OfferId,
    PathId,
    CouponId,
    CartId,
    OrderId,
    LineId,
    PaymentId,
    RefundId,
    LedgerLineId,
    EntitlementId,
    ReferralId,
    TouchId,
    SpendId,
    EventId,
    JobId,
    AuditId,
    FileId,
    ShortLinkId,
    ImportId,
    SubmissionId,
    ConfirmationId,
    ClaimId,
    ScoreRuleId,
);

/// A structure bound as JSON text. SQL never looks inside.
pub struct Json<'a, T>(pub &'a T);

/// What `bind` takes.
pub trait Bind {
    /// The cell to bind.
    fn bind_value(self) -> Result<Value, StoreError>;
}

impl<T: Column> Bind for T {
    fn bind_value(self) -> Result<Value, StoreError> {
        Ok(self.to_value())
    }
}

impl Bind for &str {
    fn bind_value(self) -> Result<Value, StoreError> {
        Ok(Value::Text(self.to_owned()))
    }
}

impl Bind for &String {
    fn bind_value(self) -> Result<Value, StoreError> {
        Ok(Value::Text(self.clone()))
    }
}

impl Bind for Option<&str> {
    fn bind_value(self) -> Result<Value, StoreError> {
        Ok(self.map_or(Value::Null, |text| Value::Text(text.to_owned())))
    }
}

impl<T: Serialize> Bind for Json<'_, T> {
    fn bind_value(self) -> Result<Value, StoreError> {
        serde_json::to_string(self.0)
            .map(Value::Text)
            .map_err(|e| StoreError::Driver(format!("a value could not be written as JSON: {e}")))
    }
}

/// One row, read from left to right: the order of the columns is the order of the `take`s.
#[derive(Debug)]
pub struct Row {
    cells: std::vec::IntoIter<Value>,
    column: usize,
}

impl Row {
    pub(crate) fn new(cells: Vec<Value>) -> Self {
        Self { cells: cells.into_iter(), column: 0 }
    }

    /// The next column.
    pub fn take<T: Column>(&mut self) -> Result<T, StoreError> {
        let column = self.column;
        self.column += 1;
        let value = self.cells.next().ok_or_else(|| StoreError::Corrupt {
            column,
            found: "the statement gives fewer columns than are read".to_owned(),
        })?;
        let kind = value.kind();
        T::from_value(value).ok_or_else(|| StoreError::Corrupt { column, found: kind.to_owned() })
    }

    /// The next column, a word of a closed list kept as text.
    pub fn word<T: FromStr>(&mut self) -> Result<T, StoreError> {
        let column = self.column;
        let text: String = self.take()?;
        text.parse().map_err(|_| StoreError::Corrupt { column, found: text })
    }

    /// The next column, such a word or nothing.
    pub fn maybe_word<T: FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        let column = self.column;
        let text: Option<String> = self.take()?;
        let word = text.map(|text| {
            text.parse().map_err(|_| StoreError::Corrupt { column, found: text.clone() })
        });
        word.transpose()
    }

    /// The next column, JSON text.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let column = self.column;
        let text: String = self.take()?;
        serde_json::from_str(&text)
            .map_err(|e| StoreError::Corrupt { column, found: format!("{e} in {text:.80}") })
    }
}

/// A noun that can be read from a row.
pub trait FromRow: Sized {
    /// Reads the columns in the order its statements list them.
    fn from_row(row: &mut Row) -> Result<Self, StoreError>;
}

impl<T: Column> FromRow for T {
    fn from_row(row: &mut Row) -> Result<Self, StoreError> {
        row.take()
    }
}

macro_rules! tuples {
    ($(($($part:ident),+)),+ $(,)?) => {$(
        impl<$($part: Column),+> FromRow for ($($part,)+) {
            fn from_row(row: &mut Row) -> Result<Self, StoreError> {
                Ok(($(row.take::<$part>()?,)+))
            }
        }
    )+};
}

tuples!(
    (A, B),
    (A, B, C),
    (A, B, C, D),
    (A, B, C, D, E),
    (A, B, C, D, E, F),
    (A, B, C, D, E, F, G),
    (A, B, C, D, E, F, G, H),
);
