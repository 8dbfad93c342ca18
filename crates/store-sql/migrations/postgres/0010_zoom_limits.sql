-- What the servers know together of Zoom's limits, and how they share them.

CREATE TABLE zoom_limits (
    lane          TEXT COLLATE "C" PRIMARY KEY,
    version       BIGINT NOT NULL,
    per_second    BIGINT,
    strain        BIGINT NOT NULL,
    strained_at   BIGINT,
    blocked_until BIGINT,
    shares        JSONB NOT NULL,
    changed_at    BIGINT NOT NULL
);
