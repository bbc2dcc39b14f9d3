-- The place this database lives in: one row, written by the first program that opens the database
-- there. A file knows nothing of its place, so `place` is the same in all of them.
-- `backup_at` is set in a backup that renewctl made, never in the original.
CREATE TABLE installation (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    place TEXT NOT NULL,
    backup_at INTEGER
) STRICT;
