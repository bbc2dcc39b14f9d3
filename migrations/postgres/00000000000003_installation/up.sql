-- The place this database lives in: one row, written by the first program that opens the database
-- there. `place` is the cluster's identifier, the oid of the database and the oid of this very table;
-- whatever copies the database (a restored dump, a template, a logical copy) changes one of them,
-- and what goes on with it (a restart, a promoted standby) changes none.
-- `backup_at` is set in backups that renewctl makes of SQLite files, and in nothing else.
CREATE TABLE installation (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    place text NOT NULL,
    backup_at timestamptz
);
