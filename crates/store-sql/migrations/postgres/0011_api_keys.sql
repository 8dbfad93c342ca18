-- Keys with scopes, an end, a limit of their own and a last use.

ALTER TABLE api_keys ADD COLUMN prefix TEXT NOT NULL DEFAULT 'lk_';
-- Keys from before may do all that there was to do.
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read,bots,tokens,admin';
ALTER TABLE api_keys ADD COLUMN per_minute BIGINT;
ALTER TABLE api_keys ADD COLUMN expires_at BIGINT;
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;
ALTER TABLE api_keys ADD COLUMN revoked_at BIGINT;

CREATE INDEX api_keys_by_workspace ON api_keys (workspace, created_at);

-- Verifies beside its successor until it ends; erased, it is an empty string of bytes.
ALTER TABLE workspaces ADD COLUMN former_callback_secret BYTEA NOT NULL DEFAULT '';
ALTER TABLE workspaces ADD COLUMN former_callback_secret_ends_at BIGINT;
