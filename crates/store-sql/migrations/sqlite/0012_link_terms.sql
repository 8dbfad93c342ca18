-- Links of every dialect and kind. What no query asks about lies in one text, `terms`; a link names several accounts, a
-- pool, or none.
CREATE TABLE token_links_anew (
    id             TEXT PRIMARY KEY,
    workspace      TEXT NOT NULL REFERENCES workspaces (id),
    name           TEXT NOT NULL,
    secret_digest  BLOB NOT NULL,
    terms          TEXT NOT NULL,
    -- The pool that the terms name, for whoever wants to delete it.
    pool           TEXT,
    signing_secret BLOB,
    not_before     INTEGER,
    expires_at     INTEGER,
    max_uses       INTEGER,
    uses           INTEGER NOT NULL DEFAULT 0,
    last_uses      TEXT NOT NULL DEFAULT '[]',
    revision       INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    revoked_at     INTEGER
) STRICT;

INSERT INTO token_links_anew (id, workspace, name, secret_digest, terms, signing_secret, expires_at, created_at, revoked_at)
SELECT id, workspace, '', secret_digest,
       json_object(
           'dialect', 'recall', 'kinds', json_array(kind),
           'source', json_object('accounts', json_array(json_object('credential', credential, 'user', zoom_user))),
           'meeting', NULL, 'meeting_in_request', json('false'), 'proof', 'signature', 'networks', json_array(),
           'optional', json('false'), 'allow_repeat', json('false'), 'zak_outlives_seconds', 600,
           'seat_seconds', 14400, 'per_minute', NULL),
       signing_secret, expires_at, created_at, revoked_at
FROM token_links;

DROP TABLE token_links;
ALTER TABLE token_links_anew RENAME TO token_links;
CREATE INDEX token_links_by_workspace ON token_links (workspace, id);
CREATE INDEX token_links_by_pool ON token_links (pool) WHERE pool IS NOT NULL;

-- Requests of a dialect whose signatures never end, by their hash.
CREATE TABLE seen_requests (
    request       BLOB PRIMARY KEY,
    first_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_requests_by_age ON seen_requests (first_seen_at);
