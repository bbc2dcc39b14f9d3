-- Times are microseconds since the Unix epoch, ids are the 16 bytes of a UUID.
-- Names are unique by their keys, which the program folds; `roles` and `amr` are JSON arrays.

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    full_name TEXT NOT NULL,
    email_verified INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    roles TEXT NOT NULL CHECK (json_valid(roles)),
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

-- No foreign key to users: an ended session outlives its user while a token of it might still be
-- accepted somewhere.
CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL CHECK (length(user_id) = 16),
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    generation INTEGER NOT NULL CHECK (generation >= 0),
    refresh_digest BLOB NOT NULL CHECK (length(refresh_digest) = 32),
    refresh_kid TEXT NOT NULL,
    rotated_at INTEGER NOT NULL,
    recovered_generation INTEGER CHECK (recovered_generation BETWEEN 0 AND generation),
    created_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    max_expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT,
    ip TEXT,
    user_agent TEXT,
    label TEXT,
    transport TEXT NOT NULL CHECK (transport IN ('body', 'cookie')),
    remember INTEGER NOT NULL CHECK (remember IN (0, 1)),
    amr TEXT NOT NULL CHECK (json_valid(amr)),
    CHECK (expires_at <= max_expires_at),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;

-- None on a column that a rotation writes: each would be a second page to write at every refresh.
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_max_expires_at ON sessions (max_expires_at);
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE keys (
    purpose TEXT NOT NULL CHECK (purpose IN ('access', 'refresh', 'master_check')),
    kid TEXT NOT NULL,
    alg TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
    public_jwk TEXT,
    sealed BLOB NOT NULL,
    master_kid TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (purpose, kid)
) STRICT;

-- Nodes that start at once end up with one key.
CREATE UNIQUE INDEX keys_one_active ON keys (purpose, alg) WHERE state = 'active';

CREATE TABLE audit_events (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user_id BLOB CHECK (length(user_id) = 16),
    session_id BLOB CHECK (length(session_id) = 16),
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX audit_events_at ON audit_events (at);

-- Names that became free a moment ago. `user_id` is who gave the name up and may take it back;
-- NULL once that user was deleted.
CREATE TABLE name_reservations (
    kind TEXT NOT NULL CHECK (kind IN ('username', 'email')),
    name_key TEXT NOT NULL,
    user_id BLOB CHECK (length(user_id) = 16),
    reserved_until INTEGER NOT NULL,
    PRIMARY KEY (kind, name_key)
) STRICT;
