//! Two column types that are native on both databases: ids are `uuid` on PostgreSQL and 16 bytes
//! on SQLite, times are `timestamptz` and an integer of microseconds.

use std::io::Write;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, HasSqlType};
use diesel::sqlite::Sqlite;
use token_core::id::{AuditId, SessionId, UserId};
use token_core::time::Timestamp;
use uuid::Uuid;

use crate::connection::MultiBackend;

/// The types as SQL knows them.
pub(crate) mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// An id.
    #[derive(Debug, Clone, Copy, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 2950, array_oid = 2951))]
    #[diesel(sqlite_type(name = "Binary"))]
    pub struct IdColumn;

    /// A point in time.
    #[derive(Debug, Clone, Copy, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 1184, array_oid = 1185))]
    #[diesel(sqlite_type(name = "Long"))]
    pub struct TimeColumn;
}

/// The value of an id column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::IdColumn)]
pub(crate) struct Id(Uuid);

/// The value of a time column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::TimeColumn)]
pub(crate) struct Time(Timestamp);

macro_rules! id_conversions {
    ($($domain:ty),*) => {$(
        impl From<$domain> for Id {
            fn from(id: $domain) -> Self {
                Self(*id.as_uuid())
            }
        }

        impl From<Id> for $domain {
            fn from(id: Id) -> Self {
                Self::from_uuid(id.0)
            }
        }
    )*};
}

id_conversions!(UserId, SessionId, AuditId);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        time.0
    }
}

/// PostgreSQL counts from 2000-01-01, in microseconds since the Unix epoch.
const PG_EPOCH: i64 = 946_684_800_000_000;

/// A time that PostgreSQL can hold and renewd cannot, or the reverse.
#[derive(Debug, thiserror::Error)]
#[error("a time is out of range")]
struct OutOfRange;

impl HasSqlType<sql::IdColumn> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<sql::IdColumn>(lookup)
    }
}

impl HasSqlType<sql::TimeColumn> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<sql::TimeColumn>(lookup)
    }
}

impl ToSql<sql::IdColumn, MultiBackend> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((sql::IdColumn, self));
        Ok(IsNull::No)
    }
}

impl ToSql<sql::IdColumn, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<sql::IdColumn, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::IdColumn, MultiBackend> for Id {
    fn from_sql(bytes: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        bytes.from_sql::<Self, sql::IdColumn>()
    }
}

impl FromSql<sql::IdColumn, Pg> for Id {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.as_bytes())?))
    }
}

impl FromSql<sql::IdColumn, Sqlite> for Id {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?))
    }
}

impl ToSql<sql::TimeColumn, MultiBackend> for Time {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((sql::TimeColumn, self));
        Ok(IsNull::No)
    }
}

impl ToSql<sql::TimeColumn, Pg> for Time {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = self.0.as_micros().checked_sub(PG_EPOCH).ok_or(OutOfRange)?;
        ToSql::<BigInt, Pg>::to_sql(&micros, &mut out.reborrow())
    }
}

impl ToSql<sql::TimeColumn, Sqlite> for Time {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::TimeColumn, MultiBackend> for Time {
    fn from_sql(bytes: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        bytes.from_sql::<Self, sql::TimeColumn>()
    }
}

impl FromSql<sql::TimeColumn, Pg> for Time {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Pg>>::from_sql(value)?;
        let micros = micros.checked_add(PG_EPOCH).ok_or(OutOfRange)?;
        Ok(Self(Timestamp::from_micros(micros)))
    }
}

impl FromSql<sql::TimeColumn, Sqlite> for Time {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Timestamp::from_micros(value.read_long())))
    }
}
