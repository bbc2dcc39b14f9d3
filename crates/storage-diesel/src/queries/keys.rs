//! Keys.

use diesel::dsl::exists;
use diesel::prelude::*;
use token_core::store::{KeyState, StoredKey};

use super::{Undo, is_taken, undoable};
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::rows::KeyRow;
use crate::schema::keys;
use crate::unit::Tx;

/// All keys that are not retired, oldest first.
pub(crate) fn list(conn: &mut AnyConnection) -> Result<Vec<StoredKey>, Failure> {
    let rows: Vec<KeyRow> = keys::table
        .filter(keys::state.ne(KeyState::Retired.as_str()))
        .order((keys::created_at, keys::purpose, keys::kid))
        .select(KeyRow::as_select())
        .load(conn)?;
    rows.into_iter().map(StoredKey::try_from).collect()
}

/// Stores those whose purpose and algorithm have no active key, and returns all there are then.
pub(crate) fn add_missing(
    tx: &mut Tx<'_>,
    wanted: &[StoredKey],
) -> Result<Vec<StoredKey>, Failure> {
    for key in wanted {
        let active = keys::table
            .filter(keys::purpose.eq(key.purpose.as_str()))
            .filter(keys::alg.eq(key.alg.as_str()))
            .filter(keys::state.eq(KeyState::Active.as_str()));
        if diesel::select(exists(active)).get_result(tx.conn)? {
            continue;
        }
        undoable(tx.conn, |conn| {
            let inserted = diesel::insert_into(keys::table)
                .values(KeyRow::from(key))
                .execute(conn);
            match inserted {
                // Another node was faster, and its key is the one.
                Err(error) if is_taken(&error) => Err(Undo::With(())),
                other => Ok(other.map(drop)?),
            }
        })?;
    }
    list(tx.conn)
}
