//! The statement that advances one session: Diesel's own `UPDATE` is parsed by the database each
//! time it is run, which on SQLite took longer than all the rest of a refresh.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use crate::schema::sessions;

/// An `UPDATE` of sessions, kept as a prepared statement.
///
/// Diesel keeps none, because the text of one may depend on what is set. Here it does not: there is
/// one of these in the program, and nothing in it comes and goes with the values.
pub(super) struct Advance<Set, When> {
    set: Set,
    when: When,
}

impl<Set, When> Advance<Set, When> {
    /// Sets that where this holds.
    pub(super) fn new<Changes>(set: Changes, when: When) -> Self
    where
        Changes: AsChangeset<Target = sessions::table, Changeset = Set>,
    {
        Self {
            set: set.as_changeset(),
            when,
        }
    }
}

impl<Set, When, DB> QueryFragment<DB> for Advance<Set, When>
where
    DB: diesel::backend::Backend,
    Set: QueryFragment<DB>,
    When: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE sessions SET ");
        self.set.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.when.walk_ast(out)
    }
}

impl<Set, When> QueryId for Advance<Set, When> {
    type QueryId = Advance<(), ()>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Set, When, Conn> RunQueryDsl<Conn> for Advance<Set, When> {}

#[cfg(test)]
mod tests {
    use token_core::id::SessionId;
    use uuid::Uuid;

    use super::*;
    use crate::columns::Id;
    use crate::connection::tests::Prepared;
    use crate::connection::{AnyConnection, directly};
    use crate::migrate;

    /// Both of what would make it slow again: that nothing is kept, and that each has its own.
    #[test]
    fn the_statement_is_prepared_once() {
        let conn = SqliteConnection::establish(":memory:").unwrap();
        let mut conn = AnyConnection::Sqlite(conn);
        migrate::run(&mut conn).unwrap();
        let prepared = Prepared::of(&mut conn);
        for n in 0..3_u8 {
            let nobody = Id::from(SessionId::from_uuid(Uuid::from_bytes([n; 16])));
            let digest = [n; 32];
            let set = sessions::refresh_digest.eq(digest.as_slice());
            let advance = Advance::new(set, sessions::id.eq(nobody));
            let conn = &mut conn;
            let written = directly!(conn, advance.execute(conn));
            assert_eq!(written, Ok(0));
        }
        assert_eq!(prepared.count(), 1);
    }
}
