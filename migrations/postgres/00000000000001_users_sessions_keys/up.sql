-- Names are unique by their keys, which the program folds; they are compared byte by byte ("C"),
-- so that both databases sort alike. `roles` and `amr` are JSON arrays.

CREATE TABLE users (
    id uuid NOT NULL PRIMARY KEY,
    username text NOT NULL,
    username_key text COLLATE "C" NOT NULL UNIQUE,
    email text NOT NULL,
    email_key text COLLATE "C" NOT NULL UNIQUE,
    full_name text NOT NULL,
    email_verified boolean NOT NULL,
    roles text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);

-- No foreign key to users: an ended session outlives its user while a token of it might still be
-- accepted somewhere. The fill factor leaves room on the page for the next version of a row, so
-- that a rotation is a heap-only update.
CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    client_id text NOT NULL,
    scope text NOT NULL,
    generation bigint NOT NULL CHECK (generation >= 0),
    refresh_digest bytea NOT NULL CHECK (length(refresh_digest) = 32),
    refresh_kid text NOT NULL,
    rotated_at timestamptz NOT NULL,
    recovered_generation bigint CHECK (recovered_generation BETWEEN 0 AND generation),
    created_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    max_expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    ended_xid xid8,
    ip text,
    user_agent text,
    label text,
    transport text NOT NULL CHECK (transport IN ('body', 'cookie')),
    remember boolean NOT NULL,
    amr text NOT NULL,
    CHECK (expires_at <= max_expires_at),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK ((ended_at IS NULL) = (ended_xid IS NULL))
) WITH (fillfactor = 75);

-- None on a column that a rotation writes, or its updates are no longer heap-only.
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_max_expires_at ON sessions (max_expires_at);
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_ended_xid ON sessions (ended_xid) WHERE ended_at IS NOT NULL;

-- Stamps every end, whoever writes it, with the transaction that wrote it: the feed reads from the
-- oldest transaction that was still running at its last poll, and so misses none that commits late.
-- It fires for writes of `ended_at` alone, never for a rotation.
CREATE FUNCTION sessions_stamp_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ended_xid := pg_current_xact_id();
    RETURN NEW;
END
$$;

CREATE TRIGGER sessions_stamp_end
    BEFORE INSERT OR UPDATE OF ended_at ON sessions
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION sessions_stamp_end();

CREATE TABLE keys (
    purpose text NOT NULL CHECK (purpose IN ('access', 'refresh', 'master_check')),
    kid text NOT NULL,
    alg text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
    public_jwk text,
    sealed bytea NOT NULL,
    master_kid text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (purpose, kid)
);

-- Nodes that start at once end up with one key.
CREATE UNIQUE INDEX keys_one_active ON keys (purpose, alg) WHERE state = 'active';

CREATE TABLE audit_events (
    id uuid NOT NULL PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    user_id uuid,
    session_id uuid,
    detail text NOT NULL
);

CREATE INDEX audit_events_at ON audit_events (at);

-- Names that became free a moment ago. `user_id` is who gave the name up and may take it back;
-- NULL once that user was deleted.
CREATE TABLE name_reservations (
    kind text NOT NULL CHECK (kind IN ('username', 'email')),
    name_key text COLLATE "C" NOT NULL,
    user_id uuid,
    reserved_until timestamptz NOT NULL,
    PRIMARY KEY (kind, name_key)
);
