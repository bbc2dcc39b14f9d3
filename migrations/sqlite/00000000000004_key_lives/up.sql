-- When a key came to each state of its life; keys from before count from when they were made.
-- Peppers are stored like other keys. A retired key has no secret part any more, every other one
-- has. A constraint cannot be altered, so the table is made anew.
CREATE TABLE new_keys (
    purpose TEXT NOT NULL CHECK (purpose IN ('access', 'refresh', 'pepper', 'master_check')),
    kid TEXT NOT NULL,
    alg TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
    public_jwk TEXT,
    sealed BLOB NOT NULL CHECK ((state = 'retired') = (length(sealed) = 0)),
    master_kid TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    published_at INTEGER,
    activated_at INTEGER,
    retiring_at INTEGER,
    retired_at INTEGER,
    PRIMARY KEY (purpose, kid)
) STRICT;

INSERT INTO new_keys
    SELECT purpose, kid, alg, state, public_jwk, sealed, master_kid, created_at,
           iif(state = 'active', created_at, NULL), iif(state = 'active', created_at, NULL),
           NULL, NULL
    FROM keys;

DROP TABLE keys;
ALTER TABLE new_keys RENAME TO keys;

-- One active key for each purpose, whatever its algorithm, and one that comes after it.
CREATE UNIQUE INDEX keys_one_active ON keys (purpose) WHERE state = 'active';
CREATE UNIQUE INDEX keys_one_pending ON keys (purpose) WHERE state = 'pending';
