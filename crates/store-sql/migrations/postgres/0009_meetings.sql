-- Which account knows which meeting, and when each account's meetings are listed next.

ALTER TABLE credentials ADD COLUMN meeting_sync TEXT NOT NULL DEFAULT 'not_started';
ALTER TABLE credentials ADD COLUMN sync_due_at BIGINT;
ALTER TABLE credentials ADD COLUMN sync_failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE credentials ADD COLUMN sync_lease_token TEXT;
ALTER TABLE credentials ADD COLUMN sync_lease_expires_at BIGINT;

-- Accounts from before: at once, the oldest first.
UPDATE credentials SET sync_due_at = created_at WHERE status IN ('healthy', 'degraded');

CREATE INDEX credentials_sync_due ON credentials (sync_due_at) WHERE sync_due_at IS NOT NULL;

CREATE TABLE meetings (
    credential TEXT COLLATE "C" NOT NULL REFERENCES credentials (id),
    number     BIGINT NOT NULL,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    -- Zoom's id of the host, and whether this is the host's personal room.
    host       TEXT NOT NULL,
    personal   BIGINT NOT NULL,
    -- Deleted at Zoom. The row keeps what is older from bringing the meeting back, and goes after a day.
    gone       BIGINT NOT NULL,
    synced_at  BIGINT NOT NULL,
    PRIMARY KEY (credential, number)
);

CREATE INDEX meetings_by_number ON meetings (workspace, number, credential);
CREATE INDEX meetings_gone ON meetings (synced_at) WHERE gone <> 0;
