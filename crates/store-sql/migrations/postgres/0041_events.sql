-- What happens, in one stream for each workspace, and who is told of it. Of what happened before this migration nothing is
-- told.

-- The number of each workspace's last event. Whoever writes an event holds this row until it commits, so that numbers have
-- no gaps and are committed in their order.
CREATE TABLE event_numbers (
    workspace TEXT COLLATE "C" PRIMARY KEY REFERENCES workspaces (id),
    last      BIGINT NOT NULL
);

CREATE TABLE events (
    id          TEXT COLLATE "C" PRIMARY KEY,
    workspace   TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    sequence    BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    -- JSON, as it is sent.
    body        TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    UNIQUE (workspace, sequence)
);

CREATE INDEX events_by_age ON events (happened_at);

CREATE TABLE webhook_endpoints (
    id               TEXT COLLATE "C" PRIMARY KEY,
    workspace        TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    url              BYTEA NOT NULL,
    secrets          BYTEA NOT NULL,
    description      TEXT NOT NULL,
    -- A list of text; an empty one stands for every type.
    event_types      JSONB NOT NULL,
    svix_headers     BIGINT NOT NULL,
    state            TEXT NOT NULL,
    disabled_at      BIGINT,
    -- The first failure since it last answered 2xx, and since when failures count toward switching it off.
    first_failure_at BIGINT,
    failing_since    BIGINT,
    -- When the next of its deliveries is due, or earlier.
    due_at           BIGINT,
    lease_token      TEXT COLLATE "C",
    lease_expires_at BIGINT,
    created_at       BIGINT NOT NULL
);

CREATE INDEX webhook_endpoints_by_workspace ON webhook_endpoints (workspace, created_at);
CREATE INDEX webhook_endpoints_due ON webhook_endpoints (due_at) WHERE due_at IS NOT NULL AND state = 'enabled';

CREATE TABLE deliveries (
    endpoint     TEXT COLLATE "C" NOT NULL REFERENCES webhook_endpoints (id),
    event        TEXT COLLATE "C" NOT NULL REFERENCES events (id),
    -- Those of the event.
    sequence     BIGINT NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    state        TEXT NOT NULL,
    attempts     BIGINT NOT NULL,
    -- Of the first that is pending of each subject; of those behind it nothing.
    due_at       BIGINT,
    attempted_at BIGINT,
    -- JSON: status, headers, the beginning of the body, the error.
    answer       TEXT,
    PRIMARY KEY (endpoint, event)
);

CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE INDEX deliveries_by_sequence ON deliveries (endpoint, sequence);
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE state = 'pending' AND due_at IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (endpoint, subject, sequence) WHERE state = 'pending';
