-- What the servers know together of Zoom's limits, and how they share them.

CREATE TABLE zoom_limits (
    lane          TEXT PRIMARY KEY,
    version       INTEGER NOT NULL,
    per_second    INTEGER,
    strain        INTEGER NOT NULL,
    strained_at   INTEGER,
    blocked_until INTEGER,
    shares        TEXT NOT NULL,
    changed_at    INTEGER NOT NULL
) STRICT;
