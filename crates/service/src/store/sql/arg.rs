//! Values on their way into a statement.

use std::borrow::Cow;

use sqlx::Arguments;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

/// One bound value.
#[derive(Clone, Debug)]
pub(super) enum Arg<'a> {
    Text(Option<Cow<'a, str>>),
    Int(Option<i64>),
    Float(f64),
    Id(Uuid),
    Bytes(&'a [u8]),
}

/// `args![a, b]`: values of any kind that can be bound.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::sql::arg::Arg::from($value)),*] };
}
pub(super) use args;

/// Text as every database takes it: PostgreSQL has no NUL, so ours have U+FFFD in its place, everywhere alike.
/// JSON is untouched by this: it spells a NUL `\u0000`.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(storable(text)))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Arg<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(Cow::Owned(storable(&text).into_owned())))
    }
}

impl From<Option<String>> for Arg<'_> {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Text(None), Self::from)
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text.map(storable))
    }
}

impl From<i64> for Arg<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<u32> for Arg<'_> {
    fn from(number: u32) -> Self {
        Self::Int(Some(i64::from(number)))
    }
}

/// Spans of time and counts; none comes near the limit.
impl From<u64> for Arg<'_> {
    fn from(number: u64) -> Self {
        Self::Int(Some(i64::try_from(number).unwrap_or(i64::MAX / 4)))
    }
}

impl From<f64> for Arg<'_> {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Uuid> for Arg<'_> {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// Binds each value by itself.
pub(super) fn postgres(args: &[Arg<'_>]) -> Result<PgArguments, BoxDynError> {
    let mut bound = PgArguments::default();
    for arg in args {
        bind(&mut bound, arg)?;
    }
    Ok(bound)
}

/// Binds each value by itself.
pub(super) fn sqlite(args: &[Arg<'_>]) -> Result<SqliteArguments, BoxDynError> {
    let mut bound = SqliteArguments::default();
    for arg in args {
        bind(&mut bound, arg)?;
    }
    Ok(bound)
}

/// Binds each column of `rows` as one array, then `scalars`.
pub(super) fn postgres_arrays(
    rows: &[Vec<Arg<'_>>],
    scalars: &[Arg<'_>],
) -> Result<PgArguments, BoxDynError> {
    /// The values of one column, all of the kind that the first one has.
    macro_rules! column {
        ($i:expr, $($kind:pat => $value:expr),+) => {
            rows.iter().filter_map(|row| match &row[$i] { $($kind => Some($value),)+ _ => None }).collect::<Vec<_>>()
        };
    }
    let mut bound = PgArguments::default();
    let Some(first) = rows.first() else { return postgres(scalars) };
    for (i, kind) in first.iter().enumerate() {
        match kind {
            Arg::Text(_) => bound.add(column!(i, Arg::Text(text) => text.as_deref()))?,
            Arg::Int(_) => bound.add(column!(i, Arg::Int(number) => *number))?,
            Arg::Float(_) => bound.add(column!(i, Arg::Float(number) => *number))?,
            Arg::Id(_) => bound.add(column!(i, Arg::Id(id) => *id))?,
            Arg::Bytes(_) => bound.add(column!(i, Arg::Bytes(bytes) => *bytes))?,
        }
    }
    for arg in scalars {
        bind(&mut bound, arg)?;
    }
    Ok(bound)
}

fn bind<'q, A>(bound: &mut A, arg: &'q Arg<'q>) -> Result<(), BoxDynError>
where
    A: Arguments,
    Option<&'q str>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    Option<i64>: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    f64: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    Uuid: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    &'q [u8]: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
{
    match arg {
        Arg::Text(text) => bound.add(text.as_deref()),
        Arg::Int(number) => bound.add(*number),
        Arg::Float(number) => bound.add(*number),
        Arg::Id(id) => bound.add(*id),
        Arg::Bytes(bytes) => bound.add(*bytes),
    }
}
