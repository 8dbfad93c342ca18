-- Requests that are to be done once, and what was answered. While somebody is at one, its answer is empty.

CREATE TABLE idempotent_requests (
    id               TEXT COLLATE "C" PRIMARY KEY,
    workspace        TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    fingerprint      BYTEA NOT NULL,
    lease_token      TEXT COLLATE "C",
    lease_expires_at BIGINT,
    answer           BYTEA NOT NULL,
    expires_at       BIGINT NOT NULL
);

CREATE INDEX idempotent_requests_by_end ON idempotent_requests (expires_at);
