//! The tables as queries see them: one schema for both databases. What PostgreSQL has beyond it
//! (`sessions.ended_xid`) is written by a trigger and read by the feed alone.

diesel::table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use crate::columns::sql::{IdColumn, TimeColumn};

    users (id) {
        id -> IdColumn,
        username -> Text,
        username_key -> Text,
        email -> Text,
        email_key -> Text,
        full_name -> Text,
        email_verified -> Bool,
        roles -> Text,
        password_hash -> Text,
        created_at -> TimeColumn,
        disabled_at -> Nullable<TimeColumn>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
    use crate::columns::sql::{IdColumn, TimeColumn};

    sessions (id) {
        id -> IdColumn,
        user_id -> IdColumn,
        client_id -> Text,
        scope -> Text,
        generation -> BigInt,
        refresh_digest -> Binary,
        refresh_kid -> Text,
        rotated_at -> TimeColumn,
        recovered_generation -> Nullable<BigInt>,
        created_at -> TimeColumn,
        authenticated_at -> TimeColumn,
        expires_at -> TimeColumn,
        max_expires_at -> TimeColumn,
        ended_at -> Nullable<TimeColumn>,
        end_reason -> Nullable<Text>,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        label -> Nullable<Text>,
        transport -> Text,
        remember -> Bool,
        amr -> Text,
        status_list -> Nullable<Integer>,
        status_index -> Nullable<Integer>,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::columns::sql::TimeColumn;

    keys (purpose, kid) {
        purpose -> Text,
        kid -> Text,
        alg -> Text,
        state -> Text,
        public_jwk -> Nullable<Text>,
        sealed -> Binary,
        master_kid -> Text,
        created_at -> TimeColumn,
        published_at -> Nullable<TimeColumn>,
        activated_at -> Nullable<TimeColumn>,
        retiring_at -> Nullable<TimeColumn>,
        retired_at -> Nullable<TimeColumn>,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Text};
    use crate::columns::sql::{IdColumn, TimeColumn};

    clients (id) {
        id -> Text,
        name -> Text,
        secret_digest -> Binary,
        scope -> Text,
        created_at -> TimeColumn,
        session_id -> IdColumn,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::columns::sql::{IdColumn, TimeColumn};

    audit_events (id) {
        id -> IdColumn,
        at -> TimeColumn,
        kind -> Text,
        user_id -> Nullable<IdColumn>,
        session_id -> Nullable<IdColumn>,
        detail -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::columns::sql::{IdColumn, TimeColumn};

    name_reservations (kind, name_key) {
        kind -> Text,
        name_key -> Text,
        user_id -> Nullable<IdColumn>,
        reserved_until -> TimeColumn,
    }
}

diesel::table! {
    use diesel::sql_types::{Integer, Nullable, Text};
    use crate::columns::sql::TimeColumn;

    installation (id) {
        id -> Integer,
        place -> Text,
        backup_at -> Nullable<TimeColumn>,
    }
}

diesel::table! {
    use diesel::sql_types::{Integer, Nullable};
    use crate::columns::sql::TimeColumn;

    heartbeat (id) {
        id -> Integer,
        beat_at -> Nullable<TimeColumn>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(users, sessions);
