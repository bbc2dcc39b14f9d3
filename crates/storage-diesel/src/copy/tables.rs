//! The tables, each with its way out of one database and into another. Rows go as they are: what
//! they mean is nobody's business here, and a damaged one arrives as damaged as it was.

use diesel::prelude::*;

use crate::columns::{Id, Time};
use crate::connection::AnyConnection;
use crate::rows::{ClientRow, KeyRow, SessionRow, UserRow};
use crate::schema::{audit_events, clients, keys, name_reservations, sessions, users};

/// A table that is copied.
pub(super) trait Table {
    /// Its name.
    const NAME: &'static str;

    /// A whole row.
    type Row;

    /// The first rows behind that one, in the order of the primary key.
    fn page(
        conn: &mut AnyConnection,
        after: Option<&Self::Row>,
        limit: i64,
    ) -> QueryResult<Vec<Self::Row>>;

    /// Writes rows in one statement, and says how many were written.
    fn insert(conn: &mut AnyConnection, rows: &[Self::Row]) -> QueryResult<usize>;

    /// How many rows there are.
    fn count(conn: &mut AnyConnection) -> QueryResult<u64>;
}

/// The names of all that are copied.
pub(super) const NAMES: [&str; 6] = [
    Users::NAME,
    NameReservations::NAME,
    Keys::NAME,
    Clients::NAME,
    AuditEvents::NAME,
    Sessions::NAME,
];

/// How many rows each table has, by name.
pub(super) fn counts(conn: &mut AnyConnection) -> QueryResult<[(&'static str, u64); 6]> {
    Ok([
        (Users::NAME, Users::count(conn)?),
        (NameReservations::NAME, NameReservations::count(conn)?),
        (Keys::NAME, Keys::count(conn)?),
        (Clients::NAME, Clients::count(conn)?),
        (AuditEvents::NAME, AuditEvents::count(conn)?),
        (Sessions::NAME, Sessions::count(conn)?),
    ])
}

/// Many rows in one statement, which the shared connection type cannot say; and the number of rows.
macro_rules! in_bulk {
    ($table:expr) => {
        fn insert(conn: &mut AnyConnection, rows: &[Self::Row]) -> QueryResult<usize> {
            let statement = diesel::insert_into($table).values(rows);
            match conn {
                AnyConnection::Postgres(conn) => statement.execute(conn),
                AnyConnection::Sqlite(conn) => statement.execute(conn),
            }
        }

        fn count(conn: &mut AnyConnection) -> QueryResult<u64> {
            let count: i64 = $table.count().get_result(conn)?;
            Ok(u64::try_from(count).unwrap_or_default())
        }
    };
}

pub(super) struct Users;

/// A user with the hash of the password.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
#[diesel(treat_none_as_default_value = false)]
pub(super) struct WholeUser {
    #[diesel(embed)]
    user: UserRow,
    password_hash: String,
}

impl Table for Users {
    const NAME: &'static str = "users";
    type Row = WholeUser;

    fn page(
        conn: &mut AnyConnection,
        after: Option<&WholeUser>,
        limit: i64,
    ) -> QueryResult<Vec<WholeUser>> {
        let mut query = users::table
            .select(WholeUser::as_select())
            .order(users::id)
            .limit(limit)
            .into_boxed();
        if let Some(last) = after {
            query = query.filter(users::id.gt(last.user.id));
        }
        query.load(conn)
    }

    in_bulk!(users::table);
}

pub(super) struct NameReservations;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = name_reservations)]
#[diesel(treat_none_as_default_value = false)]
pub(super) struct ReservationRow {
    kind: String,
    name_key: String,
    user_id: Option<Id>,
    reserved_until: Time,
}

impl Table for NameReservations {
    const NAME: &'static str = "name_reservations";
    type Row = ReservationRow;

    fn page(
        conn: &mut AnyConnection,
        after: Option<&ReservationRow>,
        limit: i64,
    ) -> QueryResult<Vec<ReservationRow>> {
        use name_reservations::{kind, name_key, table};
        let mut query = table
            .select(ReservationRow::as_select())
            .order((kind, name_key))
            .limit(limit)
            .into_boxed();
        if let Some(last) = after {
            let same = kind
                .eq(last.kind.as_str())
                .and(name_key.gt(last.name_key.as_str()));
            query = query.filter(kind.gt(last.kind.as_str()).or(same));
        }
        query.load(conn)
    }

    in_bulk!(name_reservations::table);
}

pub(super) struct Keys;

impl Table for Keys {
    const NAME: &'static str = "keys";
    type Row = KeyRow;

    fn page(
        conn: &mut AnyConnection,
        after: Option<&KeyRow>,
        limit: i64,
    ) -> QueryResult<Vec<KeyRow>> {
        use keys::{kid, purpose, table};
        let mut query = table
            .select(KeyRow::as_select())
            .order((purpose, kid))
            .limit(limit)
            .into_boxed();
        if let Some(last) = after {
            let same = purpose
                .eq(last.purpose.as_str())
                .and(kid.gt(last.kid.as_str()));
            query = query.filter(purpose.gt(last.purpose.as_str()).or(same));
        }
        query.load(conn)
    }

    in_bulk!(keys::table);
}

pub(super) struct Clients;

impl Table for Clients {
    const NAME: &'static str = "clients";
    type Row = ClientRow;

    fn page(
        conn: &mut AnyConnection,
        after: Option<&ClientRow>,
        limit: i64,
    ) -> QueryResult<Vec<ClientRow>> {
        let mut query = clients::table
            .select(ClientRow::as_select())
            .order(clients::id)
            .limit(limit)
            .into_boxed();
        if let Some(last) = after {
            query = query.filter(clients::id.gt(last.id.as_str()));
        }
        query.load(conn)
    }

    in_bulk!(clients::table);
}

pub(super) struct AuditEvents;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events)]
#[diesel(treat_none_as_default_value = false)]
pub(super) struct AuditRow {
    id: Id,
    at: Time,
    kind: String,
    user_id: Option<Id>,
    session_id: Option<Id>,
    detail: String,
}

impl Table for AuditEvents {
    const NAME: &'static str = "audit_events";
    type Row = AuditRow;

    fn page(
        conn: &mut AnyConnection,
        after: Option<&AuditRow>,
        limit: i64,
    ) -> QueryResult<Vec<AuditRow>> {
        let mut query = audit_events::table
            .select(AuditRow::as_select())
            .order(audit_events::id)
            .limit(limit)
            .into_boxed();
        if let Some(last) = after {
            query = query.filter(audit_events::id.gt(last.id));
        }
        query.load(conn)
    }

    in_bulk!(audit_events::table);
}

pub(super) struct Sessions;

impl Table for Sessions {
    const NAME: &'static str = "sessions";
    type Row = SessionRow;

    fn page(
        conn: &mut AnyConnection,
        after: Option<&SessionRow>,
        limit: i64,
    ) -> QueryResult<Vec<SessionRow>> {
        let mut query = sessions::table
            .select(SessionRow::as_select())
            .order(sessions::id)
            .limit(limit)
            .into_boxed();
        if let Some(last) = after {
            query = query.filter(sessions::id.gt(last.id));
        }
        query.load(conn)
    }

    in_bulk!(sessions::table);
}
