-- Health of accounts and apps, kinds of accounts, when each is to be refreshed, and their log.
-- An erased or absent token is empty.

ALTER TABLE zoom_oauth_apps ADD COLUMN zoom_account_id TEXT;
-- Zoom refuses the app's own credentials since then; asked again at probe_at.
ALTER TABLE zoom_oauth_apps ADD COLUMN refused_since BIGINT;
ALTER TABLE zoom_oauth_apps ADD COLUMN probe_at BIGINT;

ALTER TABLE credentials ADD COLUMN kind TEXT NOT NULL DEFAULT 'user_oauth';
ALTER TABLE credentials ADD COLUMN callback_url BYTEA;
ALTER TABLE credentials ADD COLUMN status_since BIGINT NOT NULL DEFAULT 0;
-- What the last refresh failed with, how often in a row, and until when nobody tries again.
ALTER TABLE credentials ADD COLUMN trouble TEXT;
ALTER TABLE credentials ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE credentials ADD COLUMN retry_at BIGINT;
-- When the refresher looks at it next, and when it was last used.
ALTER TABLE credentials ADD COLUMN refresh_at BIGINT;
ALTER TABLE credentials ADD COLUMN used_at BIGINT;
-- Counts what ends tokens in memory: consents and disconnections.
ALTER TABLE credentials ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;

-- Accounts from before: as if each had just been used.
UPDATE credentials SET status_since = granted_at, used_at = granted_at;
UPDATE credentials SET refresh_at = access_expires_at WHERE status = 'healthy';

-- What is due is found in this index alone, however many accounts there are.
CREATE INDEX credentials_due ON credentials (refresh_at) WHERE refresh_at IS NOT NULL;

CREATE TABLE account_log (
    id         TEXT COLLATE "C" PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    app        TEXT COLLATE "C" NOT NULL,
    credential TEXT COLLATE "C",
    became     TEXT,
    code       TEXT,
    message    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX account_log_by_credential ON account_log (workspace, credential, id);
CREATE INDEX account_log_of_apps ON account_log (workspace, app, id) WHERE credential IS NULL;
