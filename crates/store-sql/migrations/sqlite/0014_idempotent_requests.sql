-- Requests that are to be done once, and what was answered. While somebody is at one, its answer is an empty blob.

CREATE TABLE idempotent_requests (
    id               TEXT PRIMARY KEY,
    workspace        TEXT NOT NULL REFERENCES workspaces (id),
    fingerprint      BLOB NOT NULL,
    lease_token      TEXT,
    lease_expires_at INTEGER,
    answer           BLOB NOT NULL,
    expires_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX idempotent_requests_by_end ON idempotent_requests (expires_at);
