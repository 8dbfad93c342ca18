-- Sessions of the console, and links that open one once. A row is found by the hash of a token that only the browser has,
-- and holds no right of its own: what a session may do is what its API key may do at that moment.
CREATE TABLE console_sessions (
    digest     BLOB PRIMARY KEY,
    kind       TEXT NOT NULL,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    api_key    TEXT NOT NULL REFERENCES api_keys (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX console_sessions_by_key ON console_sessions (api_key);
CREATE INDEX console_sessions_by_end ON console_sessions (expires_at);

-- An invitation may be for one account alone, and says who invites and for what. return_url is where the browser goes on.
ALTER TABLE consents ADD COLUMN expected TEXT REFERENCES credentials (id);
ALTER TABLE consents ADD COLUMN invited_by TEXT;
ALTER TABLE consents ADD COLUMN purpose TEXT;
ALTER TABLE consents ADD COLUMN return_url TEXT;
ALTER TABLE consents ADD COLUMN revoked_at INTEGER;

CREATE INDEX consents_by_workspace ON consents (workspace, created_at);

-- The account or the pool that a bot signs in with; its request is sealed. NULL of bots that are older than this.
ALTER TABLE bots ADD COLUMN account TEXT;
ALTER TABLE bots ADD COLUMN pool TEXT;

CREATE INDEX bots_by_account ON bots (account, created_at) WHERE account IS NOT NULL;
-- What bots came to, by time and by reason.
CREATE INDEX bot_steps_of_outcomes ON bot_steps (created_at) WHERE code IN ('in_call_not_recording', 'done', 'fatal');
CREATE INDEX bot_steps_by_sub_code ON bot_steps (sub_code) WHERE sub_code IS NOT NULL;

-- The address that the user signs in to Zoom with, for people. NULL: Zoom has withheld it, or it was connected before this.
ALTER TABLE credentials ADD COLUMN email TEXT;
