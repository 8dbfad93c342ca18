-- What happens, in one stream for each workspace, and who is told of it. Of what happened before this migration nothing is
-- told.

-- The number of each workspace's last event. Whoever writes an event holds this row until it commits, so that numbers have
-- no gaps and are committed in their order.
CREATE TABLE event_numbers (
    workspace TEXT PRIMARY KEY REFERENCES workspaces (id),
    last      INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    id          TEXT PRIMARY KEY,
    workspace   TEXT NOT NULL REFERENCES workspaces (id),
    sequence    INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    -- JSON, as it is sent.
    body        TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    UNIQUE (workspace, sequence)
) STRICT;

CREATE INDEX events_by_age ON events (happened_at);

CREATE TABLE webhook_endpoints (
    id               TEXT PRIMARY KEY,
    workspace        TEXT NOT NULL REFERENCES workspaces (id),
    url              BLOB NOT NULL,
    secrets          BLOB NOT NULL,
    description      TEXT NOT NULL,
    -- A list of text; an empty one stands for every type.
    event_types      TEXT NOT NULL,
    svix_headers     INTEGER NOT NULL,
    state            TEXT NOT NULL,
    disabled_at      INTEGER,
    -- The first failure since it last answered 2xx, and since when failures count toward switching it off.
    first_failure_at INTEGER,
    failing_since    INTEGER,
    -- When the next of its deliveries is due, or earlier.
    due_at           INTEGER,
    lease_token      TEXT,
    lease_expires_at INTEGER,
    created_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX webhook_endpoints_by_workspace ON webhook_endpoints (workspace, created_at);
CREATE INDEX webhook_endpoints_due ON webhook_endpoints (due_at) WHERE due_at IS NOT NULL AND state = 'enabled';

CREATE TABLE deliveries (
    endpoint     TEXT NOT NULL REFERENCES webhook_endpoints (id),
    event        TEXT NOT NULL REFERENCES events (id),
    -- Those of the event.
    sequence     INTEGER NOT NULL,
    subject      TEXT NOT NULL,
    state        TEXT NOT NULL,
    attempts     INTEGER NOT NULL,
    -- Of the first that is pending of each subject; of those behind it nothing.
    due_at       INTEGER,
    attempted_at INTEGER,
    -- JSON: status, headers, the beginning of the body, the error.
    answer       TEXT,
    PRIMARY KEY (endpoint, event)
) STRICT;

CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE INDEX deliveries_by_sequence ON deliveries (endpoint, sequence);
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE state = 'pending' AND due_at IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (endpoint, subject, sequence) WHERE state = 'pending';
