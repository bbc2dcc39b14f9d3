//! Whether a database that was killed is whole.

use e2e::database::Store;

/// What no client could tell from outside: the file, or tables and indexes, and how rows
/// belong together.
///
/// # Panics
/// Where it is not.
pub fn check(store: &Store) {
    match store {
        Store::Sqlite(_) => sqlite(store),
        Store::Given(_) | Store::Postgres { .. } => postgres(store),
    }
    // There is no foreign key: ended sessions outlive their users.
    let orphans = store.texts(
        "count(*)",
        "FROM sessions WHERE ended_at IS NULL AND user_id NOT IN (SELECT id FROM users)",
    );
    assert_eq!(orphans, ["0"], "live sessions without a user");
}

fn sqlite(store: &Store) {
    let found = store.texts("integrity_check", "FROM pragma_integrity_check");
    assert_eq!(found, ["ok"]);
    let found = store.texts("\"table\"", "FROM pragma_foreign_key_check");
    assert!(found.is_empty(), "foreign keys of {found:?}");
}

/// Every index against its table and the table against itself, by the extension that
/// PostgreSQL has for that; from version 14 on it looks at tables too.
fn postgres(store: &Store) {
    let there = store.texts(
        "count(*)",
        "FROM pg_available_extensions WHERE name = 'amcheck'",
    );
    if there == ["0"] {
        println!("skipped: amcheck, which is not installed; rows were looked at alone");
        return;
    }
    store.execute("CREATE EXTENSION IF NOT EXISTS amcheck");
    let indexes = store.texts(
        "count(bt_index_check(i.indexrelid, true))",
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam \
         WHERE a.amname = 'btree' AND c.relnamespace = 'public'::regnamespace",
    );
    assert_ne!(indexes, ["0"], "no index was looked at");
    let tables = store.texts("count(*)", "FROM pg_proc WHERE proname = 'verify_heapam'");
    if tables != ["0"] {
        let found = store.texts(
            "c.relname || ': ' || v.msg",
            "FROM pg_class c, LATERAL verify_heapam(c.oid) v \
             WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace",
        );
        assert!(found.is_empty(), "{found:?}");
    }
}
