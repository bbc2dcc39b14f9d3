-- Programs with a name and a secret of their own. A plain digest is enough: the secret has 256
-- random bits. `scope` has its values in order, separated by spaces; `session_id` is the session
-- that the client's own tokens belong to.
CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    secret_digest BLOB NOT NULL CHECK (length(secret_digest) = 32),
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    session_id BLOB NOT NULL CHECK (length(session_id) = 16)
) STRICT;

-- For the end of a client. The built-in one has most sessions and is never deleted.
CREATE INDEX sessions_client_id ON sessions (client_id) WHERE client_id <> 'renewd';
