-- Who is told at once what happens in a bot's meeting, and how far each was told.
CREATE TABLE realtime_endpoints (
    id               TEXT COLLATE "C" PRIMARY KEY,
    bot              TEXT COLLATE "C" NOT NULL REFERENCES bots (id),
    workspace        TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    -- Its place in the request's list, from 0.
    place            BIGINT NOT NULL,
    state            TEXT NOT NULL,
    -- Every event up to this number.
    told             BIGINT NOT NULL,
    failures         BIGINT NOT NULL,
    failing_since    BIGINT,
    -- While there may be something beyond what was told, or when it is tried again.
    due_at           BIGINT,
    lease_token      TEXT COLLATE "C",
    lease_expires_at BIGINT
);

CREATE INDEX realtime_endpoints_by_bot ON realtime_endpoints (bot);
CREATE INDEX realtime_endpoints_due ON realtime_endpoints (due_at) WHERE due_at IS NOT NULL;

-- What an endpoint is, and the lane of its host: deliveries to one host have a part of the places.
ALTER TABLE webhook_endpoints ADD COLUMN kind TEXT NOT NULL DEFAULT 'webhook';
ALTER TABLE webhook_endpoints ADD COLUMN lane TEXT NOT NULL DEFAULT '';

-- The oldest delivery that waits at an endpoint.
CREATE INDEX deliveries_oldest ON deliveries (endpoint, sequence) WHERE state = 'pending';
