//! Many people with many sessions, written by SQL alone, with the columns that real ones have.

use anyhow::{Context, Result};
use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use e2e::database::Store;
use e2e::{Person, Server, Setup};
use token_core::key::RefreshKey;

use crate::stage::REFRESH_SECRET;

/// Sessions for each person.
const EACH: u64 = 10;

/// What a browser says of itself.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/142.0.0.0 Safari/537.36";

/// Starts a server on a database with so many live sessions, of a tenth as many people, opened
/// over the last 29 days. Everybody has the password of [`e2e::person::PASSWORD`] and is called
/// `person0` and so on.
pub fn stocked(setup: Setup, sessions: u64) -> Result<Server> {
    let mut server = setup.start();
    // Somebody whose password was hashed with this installation's pepper.
    Person::registered(&server, "seed");
    server.terminate();
    server.wait();
    fill(server.store(), sessions)?;
    server.restart();
    Ok(server)
}

/// How many people there are beside so many sessions.
pub const fn people(sessions: u64) -> u64 {
    if sessions < 1_000 {
        100
    } else {
        sessions / EACH
    }
}

/// The key that signs refresh tokens and derives their successors.
pub fn refresh_key() -> RefreshKey {
    RefreshKey::from_material(REFRESH_SECRET.as_bytes())
}

fn fill(store: &Store, sessions: u64) -> Result<()> {
    let key = refresh_key();
    let fill_in = |sql: &str| {
        sql.replace("{people}", &people(sessions).to_string())
            .replace("{sessions}", &sessions.to_string())
            .replace("{kid}", key.kid().as_str())
            .replace("{agent}", AGENT)
    };
    match store {
        Store::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(path)?;
            run(&mut connection, SQLITE_FAST)?;
            run(&mut connection, &fill_in(SQLITE_PEOPLE))?;
            run(&mut connection, &fill_in(SQLITE_SESSIONS))?;
            run(&mut connection, "PRAGMA journal_mode = WAL")
        }
        Store::Given(_) | Store::Postgres { .. } => {
            let mut connection = PgConnection::establish(&store.url())?;
            run(&mut connection, &fill_in(POSTGRES_PEOPLE))?;
            run(&mut connection, &fill_in(POSTGRES_SESSIONS))?;
            // As autovacuum would have done it long ago.
            run(&mut connection, "VACUUM (ANALYZE) users")?;
            run(&mut connection, "VACUUM (ANALYZE) sessions")?;
            run(&mut connection, "CHECKPOINT")
        }
    }
}

fn run(connection: &mut impl SimpleConnection, sql: &str) -> Result<()> {
    connection
        .batch_execute(sql)
        .with_context(|| sql.to_owned())
}

/// Nobody else has the file open, and nobody minds if this is cut short.
const SQLITE_FAST: &str = "
PRAGMA journal_mode = DELETE;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -1000000;
";

const SQLITE_PEOPLE: &str = "
INSERT INTO users (id, username, username_key, email, email_key, full_name, email_verified, roles,
                   password_hash, created_at)
WITH RECURSIVE numbers(i) AS (
    SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < {people}
)
SELECT unhex(printf('0199b0f500007000a000%012x', i)), 'person' || i, 'person' || i,
       'person' || i || '@example.com', 'person' || i || '@example.com',
       'Person ' || i || ' of Example', 0, '[]',
       (SELECT password_hash FROM users WHERE username = 'seed'), unixepoch() * 1000000
FROM numbers
";

const SQLITE_SESSIONS: &str = "
INSERT INTO sessions (id, user_id, client_id, scope, generation, refresh_digest, refresh_kid,
                      rotated_at, created_at, authenticated_at, expires_at, max_expires_at, ip,
                      user_agent, transport, remember, amr, status_list, status_index)
WITH RECURSIVE numbers(i) AS (
    SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < {sessions}
), times(i, at) AS (
    SELECT i, (unixepoch() - 29 * 86400) * 1000000 + i * (29 * 86400000000 / {sessions}) FROM numbers
)
SELECT unhex(printf('%012x', at / 1000) || '7' || substr(hex(randomblob(2)), 1, 3)
             || 'a' || substr(hex(randomblob(2)), 1, 3) || hex(randomblob(6))),
       unhex(printf('0199b0f500007000a000%012x', i * 7919 % {people})), 'renewd', '', i % 100,
       randomblob(32), '{kid}', at, at, at,
       (at / 1000000 + 30 * 86400) * 1000000, (at / 1000000 + 90 * 86400) * 1000000,
       '203.0.113.' || (i % 250), '{agent}', 'body', 1, '[\"pwd\"]',
       i / 32000, i % 32000 * 40503 % 131072
FROM times
";

const POSTGRES_PEOPLE: &str = "
INSERT INTO users (id, username, username_key, email, email_key, full_name, email_verified, roles,
                   password_hash, created_at)
SELECT ('0199b0f500007000a000' || lpad(to_hex(i), 12, '0'))::uuid, 'person' || i, 'person' || i,
       'person' || i || '@example.com', 'person' || i || '@example.com',
       'Person ' || i || ' of Example', false, '[]',
       (SELECT password_hash FROM users WHERE username = 'seed'), now()
FROM generate_series(0::bigint, {people} - 1) AS numbers(i)
";

const POSTGRES_SESSIONS: &str = "
INSERT INTO sessions (id, user_id, client_id, scope, generation, refresh_digest, refresh_kid,
                      rotated_at, created_at, authenticated_at, expires_at, max_expires_at, ip,
                      user_agent, transport, remember, amr, status_list, status_index)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(random()::text), 1, 3) || 'a' || substr(md5(random()::text), 1, 15))::uuid,
       ('0199b0f500007000a000' || lpad(to_hex(i * 7919 % {people}), 12, '0'))::uuid, 'renewd', '',
       i % 100, decode(md5(random()::text) || md5(random()::text), 'hex'), '{kid}', at, at, at,
       date_trunc('second', at) + interval '30 days', date_trunc('second', at) + interval '90 days',
       '203.0.113.' || (i % 250), '{agent}', 'body', true, '[\"pwd\"]',
       i / 32000, i % 32000 * 40503 % 131072
FROM (SELECT i, now() - interval '29 days' + i * (interval '29 days' / {sessions}) AS at
      FROM generate_series(0::bigint, {sessions} - 1) AS numbers(i)) AS times
";
