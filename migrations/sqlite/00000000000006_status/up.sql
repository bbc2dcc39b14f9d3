-- Where a session's bit is in the status lists: drawn at random when it is opened, and never
-- changed, so that the index is none of those that a rotation writes. Sessions that were opened
-- before have none.
ALTER TABLE sessions ADD COLUMN status_list INTEGER CHECK (status_list >= 0);
ALTER TABLE sessions ADD COLUMN status_index INTEGER
    CHECK (status_index BETWEEN 0 AND 131071)
    CHECK ((status_list IS NULL) = (status_index IS NULL));

CREATE UNIQUE INDEX sessions_status ON sessions (status_list, status_index)
    WHERE status_list IS NOT NULL;
