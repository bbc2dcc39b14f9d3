//! Keys.

use diesel::connection::SimpleConnection;
use diesel::dsl::exists;
use diesel::prelude::*;
use token_core::key::life::{KeyRef, KeyStep};
use token_core::session::EndReason;
use token_core::store::{KeyChange, KeyChangeOutcome, KeyPurpose, KeyState, Rewrap, StoredKey};
use token_core::time::Timestamp;

use super::{Undo, audit, is_taken, sessions, undoable};
use crate::columns::Time;
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::rows::KeyRow;
use crate::schema::{keys, users};
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

/// All keys, oldest first.
pub(crate) fn list_all(conn: &mut AnyConnection) -> Result<Vec<StoredKey>, Failure> {
    let rows: Vec<KeyRow> = keys::table
        .order((keys::created_at, keys::purpose, keys::kid))
        .select(KeyRow::as_select())
        .load(conn)?;
    rows.into_iter().map(StoredKey::try_from).collect()
}

/// Stores those whose purpose has no active key, and returns all there are then.
pub(crate) fn add_missing(
    tx: &mut Tx<'_>,
    wanted: &[StoredKey],
) -> Result<Vec<StoredKey>, Failure> {
    for key in wanted {
        let active = keys::table
            .filter(keys::purpose.eq(key.purpose.as_str()))
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

/// Makes a change, if the keys still lead to it. Nobody else changes keys meanwhile, so that what
/// was decided for them is still right when it is written.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    change: &KeyChange,
    now: Timestamp,
) -> Result<KeyChangeOutcome, Failure> {
    lock(tx.conn)?;
    let stored = list(tx.conn)?;
    let sealed_alike = stored.iter().all(|key| key.master_kid == change.master_kid);
    let decided = change.task.decide(&stored, change.now);
    let creates = |step: &&KeyStep| matches!(step, KeyStep::Create { .. });
    let wanted = change.steps.iter().filter(creates).count();
    if !sealed_alike || decided.as_ref() != Ok(&change.steps) || change.fresh.len() != wanted {
        return Ok(KeyChangeOutcome::Overtaken);
    }
    let users = users_of_retired_peppers(tx.conn, &change.steps, &stored)?;
    if users > 0 {
        return Ok(KeyChangeOutcome::PepperInUse(users));
    }
    let mut fresh = change.fresh.iter();
    for step in &change.steps {
        match step {
            KeyStep::Create { .. } => {
                if let Some(key) = fresh.next() {
                    diesel::insert_into(keys::table)
                        .values(KeyRow::from(key))
                        .execute(tx.conn)?;
                }
            }
            KeyStep::Publish(key) => publish(tx.conn, key, now)?,
            KeyStep::Move { key, from, to } => advance(tx.conn, key, *from, *to, now)?,
        }
        if let Some(kid) = step.retired_refresh_key() {
            sessions::end_of_key(tx, kid, EndReason::Admin, now)?;
        }
    }
    for event in &change.events {
        audit::record(tx.conn, event)?;
    }
    list(tx.conn).map(KeyChangeOutcome::Made)
}

/// Replaces every key by the same one under another master key.
pub(crate) fn rewrap(tx: &mut Tx<'_>, rewrap: &Rewrap) -> Result<bool, Failure> {
    lock(tx.conn)?;
    if list(tx.conn)? != rewrap.before || rewrap.after.len() != rewrap.before.len() {
        return Ok(false);
    }
    for (before, after) in rewrap.before.iter().zip(&rewrap.after) {
        let written = diesel::update(keys::table)
            .filter(keys::purpose.eq(before.purpose.as_str()))
            .filter(keys::kid.eq(before.kid.as_str()))
            .set((
                keys::kid.eq(after.kid.as_str()),
                keys::sealed.eq(&after.sealed),
                keys::master_kid.eq(&after.master_kid),
            ))
            .execute(tx.conn)?;
        one_row(written)?;
    }
    audit::record(tx.conn, &rewrap.event)?;
    Ok(true)
}

/// Keeps every other transaction from changing keys; who only reads them goes on. SQLite has one
/// writer.
fn lock(conn: &mut AnyConnection) -> Result<(), Failure> {
    if let AnyConnection::Postgres(conn) = conn {
        conn.batch_execute("LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE")?;
    }
    Ok(())
}

fn publish(conn: &mut AnyConnection, key: &KeyRef, now: Timestamp) -> Result<(), Failure> {
    let written = diesel::update(keys::table)
        .filter(keys::purpose.eq(key.purpose.as_str()))
        .filter(keys::kid.eq(key.kid.as_str()))
        .filter(keys::published_at.is_null())
        .set(keys::published_at.eq(Time::from(now)))
        .execute(conn)?;
    one_row(written)
}

fn advance(
    conn: &mut AnyConnection,
    key: &KeyRef,
    from: KeyState,
    to: KeyState,
    now: Timestamp,
) -> Result<(), Failure> {
    let at = Time::from(now);
    let row = keys::table
        .filter(keys::purpose.eq(key.purpose.as_str()))
        .filter(keys::kid.eq(key.kid.as_str()))
        .filter(keys::state.eq(from.as_str()));
    let state = keys::state.eq(to.as_str());
    let update = diesel::update(row);
    let written = match to {
        KeyState::Active => update.set((state, keys::activated_at.eq(at))).execute(conn),
        KeyState::Retiring => update.set((state, keys::retiring_at.eq(at))).execute(conn),
        KeyState::Retired => {
            let wiped = keys::sealed.eq(Vec::<u8>::new());
            update
                .set((state, keys::retired_at.eq(at), wiped))
                .execute(conn)
        }
        // No decision says so.
        KeyState::Pending => Ok(0),
    };
    one_row(written?)
}

/// Under the lock a key is where it was found.
fn one_row(written: usize) -> Result<(), Failure> {
    if written == 1 {
        Ok(())
    } else {
        Err(Failure::Damaged("keys.state"))
    }
}

/// How many passwords verify only with a pepper that these steps retire; with one that is still
/// pending there are none.
fn users_of_retired_peppers(
    conn: &mut AnyConnection,
    steps: &[KeyStep],
    stored: &[StoredKey],
) -> Result<u64, Failure> {
    let mut users = 0;
    for step in steps {
        let KeyStep::Move {
            key,
            to: KeyState::Retired,
            ..
        } = step
        else {
            continue;
        };
        let is_it = |other: &&StoredKey| other.purpose == key.purpose && other.kid == key.kid;
        let pepper = stored.iter().find(is_it);
        if let Some(pepper) = pepper.filter(|key| key.purpose == KeyPurpose::Pepper) {
            users += users_of_pepper(conn, pepper)?;
        }
    }
    Ok(users)
}

/// The name of a pepper may hold an underscore, which stands for any character here: that may find
/// too many, never too few.
fn users_of_pepper(conn: &mut AnyConnection, pepper: &StoredKey) -> Result<u64, Failure> {
    let count: i64 = if pepper.is_first_pepper() {
        let unmarked = users::password_hash.not_like("%:%");
        users::table.filter(unmarked).count().get_result(conn)?
    } else {
        let marked = users::password_hash.like(format!("{}:%", pepper.kid));
        users::table.filter(marked).count().get_result(conn)?
    };
    u64::try_from(count).map_err(|_| Failure::Damaged("a count"))
}
