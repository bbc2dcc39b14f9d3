//! Whether the user of the connection may do what renewd does, asked before it is tried: later it
//! would be an outage of some requests, with a message in the server's language.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use crate::error::OpenError;

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    schema_name: Option<String>,
    #[diesel(sql_type = Bool)]
    may_create: bool,
}

/// Whether tables can be made where they would be made.
pub(crate) fn check_migrate(conn: &mut PgConnection) -> Result<(), OpenError> {
    let Place {
        user_name,
        schema_name,
        may_create,
    } = place(conn)?;
    let Some(schema_name) = schema_name else {
        return Err(no_schema(&user_name));
    };
    if may_create {
        return Ok(());
    }
    Err(OpenError::Unsuitable(format!(
        "the user {user_name} may not make tables in the schema {schema_name}: \
         GRANT CREATE ON SCHEMA {schema_name} TO {user_name}, or have the migrations run by \
         another user"
    )))
}

/// Whether the table of migrations, if there is one, can be read.
pub(super) fn check_status(conn: &mut PgConnection) -> Result<(), OpenError> {
    let place = place(conn)?;
    if place.schema_name.is_none() {
        return Err(no_schema(&place.user_name));
    }
    check(conn, &[("__diesel_schema_migrations", "SELECT")])
}

/// Whether everyday work can be done with every table.
pub(super) fn check_tables(conn: &mut PgConnection) -> Result<(), OpenError> {
    check(conn, &EVERYDAY)
}

/// What the queries of the server need. Nothing deletes keys, administrators alone register and
/// delete clients, and the audit log is only written.
const EVERYDAY: [(&str, &str); 22] = [
    ("users", "SELECT"),
    ("users", "INSERT"),
    ("users", "UPDATE"),
    ("users", "DELETE"),
    ("sessions", "SELECT"),
    ("sessions", "INSERT"),
    ("sessions", "UPDATE"),
    ("sessions", "DELETE"),
    ("keys", "SELECT"),
    ("keys", "INSERT"),
    ("keys", "UPDATE"),
    ("clients", "SELECT"),
    ("clients", "UPDATE"),
    ("audit_events", "INSERT"),
    ("heartbeat", "SELECT"),
    ("heartbeat", "UPDATE"),
    ("installation", "SELECT"),
    ("installation", "INSERT"),
    ("installation", "UPDATE"),
    ("name_reservations", "SELECT"),
    ("name_reservations", "INSERT"),
    ("name_reservations", "DELETE"),
];

#[derive(QueryableByName)]
struct Missing {
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    privilege: String,
}

/// A table that is not there is not this room's to miss.
fn check(conn: &mut PgConnection, needed: &[(&str, &str)]) -> Result<(), OpenError> {
    let needed: Vec<String> = needed
        .iter()
        .map(|(table, privilege)| format!("('{table}', '{privilege}')"))
        .collect();
    // Rights to columns count too, where there is such a thing.
    let missing: Option<Missing> = diesel::sql_query(format!(
        "SELECT quote_ident(current_user) AS user_name, table_name, privilege \
         FROM (VALUES {}) AS needed (table_name, privilege) \
         WHERE NOT CASE privilege \
             WHEN 'DELETE' THEN has_table_privilege(to_regclass(table_name), privilege) \
             ELSE has_any_column_privilege(to_regclass(table_name), privilege) END \
         LIMIT 1",
        needed.join(", ")
    ))
    .get_result(conn)
    .optional()?;
    match missing {
        None => Ok(()),
        Some(Missing {
            user_name,
            table_name,
            privilege,
        }) => Err(OpenError::Unsuitable(format!(
            "the user {user_name} lacks the right to {privilege} on the table {table_name}: \
             GRANT {privilege} ON {table_name} TO {user_name}"
        ))),
    }
}

fn place(conn: &mut PgConnection) -> QueryResult<Place> {
    diesel::sql_query(
        "SELECT quote_ident(current_user) AS user_name, quote_ident(current_schema()) AS schema_name, \
         coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create",
    )
    .get_result(conn)
}

fn no_schema(user_name: &str) -> OpenError {
    OpenError::Unsuitable(format!(
        "the user {user_name} may use no schema of its search_path: GRANT USAGE on one, or name \
         another with ALTER ROLE … SET search_path"
    ))
}
