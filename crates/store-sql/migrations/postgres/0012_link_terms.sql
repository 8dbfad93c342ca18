-- Links of every dialect and kind. What no query asks about lies in one document, `terms`; a link names several accounts, a
-- pool, or none.
ALTER TABLE token_links
    ADD COLUMN name       TEXT NOT NULL DEFAULT '',
    ADD COLUMN terms      JSONB,
    -- The pool that the terms name, for whoever wants to delete it.
    ADD COLUMN pool       TEXT COLLATE "C",
    ADD COLUMN not_before BIGINT,
    ADD COLUMN max_uses   BIGINT,
    ADD COLUMN uses       BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN last_uses  JSONB NOT NULL DEFAULT '[]',
    ADD COLUMN revision   BIGINT NOT NULL DEFAULT 0;

UPDATE token_links SET terms = jsonb_build_object(
    'dialect', 'recall', 'kinds', jsonb_build_array(kind),
    'source', jsonb_build_object('accounts', jsonb_build_array(jsonb_build_object('credential', credential, 'user', zoom_user))),
    'meeting', NULL, 'meeting_in_request', false, 'proof', 'signature', 'networks', jsonb_build_array(),
    'optional', false, 'allow_repeat', false, 'zak_outlives_seconds', 600, 'seat_seconds', 14400, 'per_minute', NULL);

ALTER TABLE token_links ALTER COLUMN terms SET NOT NULL;
ALTER TABLE token_links DROP COLUMN kind, DROP COLUMN credential, DROP COLUMN zoom_user;
DROP INDEX token_links_by_workspace;
CREATE INDEX token_links_by_workspace ON token_links (workspace, id);
CREATE INDEX token_links_by_pool ON token_links (pool) WHERE pool IS NOT NULL;

-- Requests of a dialect whose signatures never end, by their hash.
CREATE TABLE seen_requests (
    request       BYTEA PRIMARY KEY,
    first_seen_at BIGINT NOT NULL
);

CREATE INDEX seen_requests_by_age ON seen_requests (first_seen_at);
