-- Webhooks that Zoom sent: each counts once. What it says is not kept, but for the account that it ended.

CREATE TABLE zoom_events (
    key         BYTEA PRIMARY KEY,
    workspace   TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    app         TEXT COLLATE "C" NOT NULL REFERENCES zoom_oauth_apps (id),
    name        TEXT NOT NULL,
    ended       TEXT COLLATE "C" REFERENCES credentials (id),
    finished    BIGINT NOT NULL,
    received_at BIGINT NOT NULL
);

CREATE INDEX zoom_events_unfinished ON zoom_events (received_at) WHERE finished = 0;
CREATE INDEX zoom_events_finished ON zoom_events (received_at) WHERE finished <> 0;
CREATE INDEX zoom_events_ended ON zoom_events (received_at) WHERE ended IS NOT NULL;

-- A webhook that comes late may tell of a consent that was replaced meanwhile. Refreshes move granted_at, not this.
ALTER TABLE credentials ADD COLUMN consented_at BIGINT NOT NULL DEFAULT 0;
UPDATE credentials SET consented_at = created_at;
