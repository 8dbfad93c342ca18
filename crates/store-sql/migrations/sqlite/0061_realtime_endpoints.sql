-- Who is told at once what happens in a bot's meeting, and how far each was told.
CREATE TABLE realtime_endpoints (
    id               TEXT PRIMARY KEY,
    bot              TEXT NOT NULL REFERENCES bots (id),
    workspace        TEXT NOT NULL REFERENCES workspaces (id),
    -- Its place in the request's list, from 0.
    place            INTEGER NOT NULL,
    state            TEXT NOT NULL,
    -- Every event up to this number.
    told             INTEGER NOT NULL,
    failures         INTEGER NOT NULL,
    failing_since    INTEGER,
    -- While there may be something beyond what was told, or when it is tried again.
    due_at           INTEGER,
    lease_token      TEXT,
    lease_expires_at INTEGER
) STRICT;

CREATE INDEX realtime_endpoints_by_bot ON realtime_endpoints (bot);
CREATE INDEX realtime_endpoints_due ON realtime_endpoints (due_at) WHERE due_at IS NOT NULL;

-- What an endpoint is, and the lane of its host: deliveries to one host have a part of the places.
ALTER TABLE webhook_endpoints ADD COLUMN kind TEXT NOT NULL DEFAULT 'webhook';
ALTER TABLE webhook_endpoints ADD COLUMN lane TEXT NOT NULL DEFAULT '';

-- The oldest delivery that waits at an endpoint.
CREATE INDEX deliveries_oldest ON deliveries (endpoint, sequence) WHERE state = 'pending';
