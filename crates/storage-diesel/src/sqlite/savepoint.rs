//! The savepoint around a unit of work that shares a transaction with others. Diesel's own are
//! parsed each time they are run; these stay prepared.

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use crate::connection::{AnyConnection, directly};

/// What can be done with the savepoint.
#[derive(Debug, Clone, Copy)]
pub(super) enum Savepoint {
    /// Sets it.
    Set,
    /// Undoes what was done since, and leaves it set.
    Undo,
    /// Takes it away, and keeps what was done.
    Release,
}

impl Savepoint {
    pub(super) fn run(self, conn: &mut AnyConnection) -> QueryResult<()> {
        directly!(conn, self.execute(conn)).map(drop)
    }
}

impl<DB: Backend> QueryFragment<DB> for Savepoint {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(match self {
            Self::Set => "SAVEPOINT unit",
            Self::Undo => "ROLLBACK TO unit",
            Self::Release => "RELEASE unit",
        });
        Ok(())
    }
}

/// Kept by their texts.
impl QueryId for Savepoint {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Savepoint {}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::dsl::sql;
    use diesel::sql_types::BigInt;

    use super::*;
    use crate::connection::tests::Prepared;

    #[test]
    fn each_statement_is_prepared_once() {
        let conn = SqliteConnection::establish(":memory:").unwrap();
        let mut conn = AnyConnection::Sqlite(conn);
        let conn = &mut conn;
        let prepared = Prepared::of(conn);
        conn.batch_execute("BEGIN").unwrap();
        for _ in 0..3 {
            for statement in [Savepoint::Set, Savepoint::Undo, Savepoint::Release] {
                statement.run(conn).unwrap();
            }
        }
        assert_eq!(prepared.count(), 3);
    }

    #[test]
    fn what_was_done_since_is_undone_or_kept() {
        let conn = SqliteConnection::establish(":memory:").unwrap();
        let mut conn = AnyConnection::Sqlite(conn);
        let conn = &mut conn;
        conn.batch_execute("CREATE TABLE kept (n INTEGER); BEGIN")
            .unwrap();
        for (n, undo) in [(1, false), (2, true), (4, false)] {
            Savepoint::Set.run(conn).unwrap();
            conn.batch_execute(&format!("INSERT INTO kept VALUES ({n})"))
                .unwrap();
            if undo {
                Savepoint::Undo.run(conn).unwrap();
            }
            Savepoint::Release.run(conn).unwrap();
        }
        assert!(Savepoint::Release.run(conn).is_err(), "none is set");
        let sum = diesel::select(sql::<BigInt>("(SELECT sum(n) FROM kept)"));
        assert_eq!(sum.get_result::<i64>(conn), Ok(5));
    }
}
