-- When a refresh token was last made, at the most a second too early: one row, written along with a
-- session. A program that starts looks here, and need not read every session, to know since when
-- nobody could refresh.
CREATE TABLE heartbeat (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    beat_at INTEGER
) STRICT;

-- Not those of clients, who have no refresh tokens.
INSERT INTO heartbeat SELECT 1, max(rotated_at) FROM sessions WHERE refresh_kid <> 'none';
