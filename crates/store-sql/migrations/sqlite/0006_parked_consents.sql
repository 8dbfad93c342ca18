-- Consents that arrived without an invitation, until the operator adopts them or they expire.

CREATE TABLE parked_consents (
    id                TEXT PRIMARY KEY,
    workspace         TEXT NOT NULL REFERENCES workspaces (id),
    app               TEXT NOT NULL REFERENCES zoom_oauth_apps (id),
    zoom_user_id      TEXT NOT NULL,
    zoom_account_id   TEXT NOT NULL,
    display_name      TEXT NOT NULL,
    access_token      BLOB NOT NULL,
    access_expires_at INTEGER NOT NULL,
    refresh_token     BLOB NOT NULL,
    scopes            TEXT NOT NULL,
    api_url           TEXT,
    parked_at         INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    UNIQUE (app, zoom_user_id)
) STRICT;

CREATE INDEX parked_consents_by_workspace ON parked_consents (workspace, parked_at);
