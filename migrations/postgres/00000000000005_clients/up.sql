-- Programs with a name and a secret of their own. A plain digest is enough: the secret has 256
-- random bits. `scope` has its values in order, separated by spaces; `session_id` is the session
-- that the client's own tokens belong to.
CREATE TABLE clients (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    name text NOT NULL,
    secret_digest bytea NOT NULL CHECK (length(secret_digest) = 32),
    scope text NOT NULL,
    created_at timestamptz NOT NULL,
    session_id uuid NOT NULL
);

-- For the end of a client. The built-in one has most sessions and is never deleted.
CREATE INDEX sessions_client_id ON sessions (client_id) WHERE client_id <> 'renewd';
