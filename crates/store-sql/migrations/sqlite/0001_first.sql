-- Times are microseconds since 1970, ids are UUIDs as text, digests and sealed secrets are blobs.

CREATE TABLE workspaces (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    callback_secret BLOB NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
    id         TEXT PRIMARY KEY,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    name       TEXT NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE zoom_oauth_apps (
    id                      TEXT PRIMARY KEY,
    workspace               TEXT NOT NULL REFERENCES workspaces (id),
    kind                    TEXT NOT NULL,
    client_id               TEXT NOT NULL,
    client_secret           BLOB NOT NULL,
    webhook_secret          BLOB NOT NULL,
    webhook_last_validation INTEGER,
    created_at              INTEGER NOT NULL,
    UNIQUE (workspace, client_id)
) STRICT;

CREATE TABLE consents (
    id             TEXT PRIMARY KEY,
    workspace      TEXT NOT NULL REFERENCES workspaces (id),
    app            TEXT NOT NULL REFERENCES zoom_oauth_apps (id),
    secret_digest  BLOB NOT NULL,
    state_digest   BLOB UNIQUE,
    browser_digest BLOB,
    code_verifier  BLOB,
    credential     TEXT REFERENCES credentials (id),
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
    id                TEXT PRIMARY KEY,
    workspace         TEXT NOT NULL REFERENCES workspaces (id),
    app               TEXT NOT NULL REFERENCES zoom_oauth_apps (id),
    zoom_user_id      TEXT NOT NULL,
    zoom_account_id   TEXT NOT NULL,
    display_name      TEXT NOT NULL,
    status            TEXT NOT NULL,
    generation        INTEGER NOT NULL,
    access_token      BLOB NOT NULL,
    access_expires_at INTEGER NOT NULL,
    refresh_token     BLOB NOT NULL,
    scopes            TEXT NOT NULL,
    api_url           TEXT,
    spent_at          INTEGER,
    lease_token       TEXT,
    lease_expires_at  INTEGER,
    created_at        INTEGER NOT NULL,
    granted_at        INTEGER NOT NULL,
    UNIQUE (app, zoom_user_id)
) STRICT;

CREATE INDEX credentials_by_workspace ON credentials (workspace, created_at);

CREATE TABLE token_links (
    id             TEXT PRIMARY KEY,
    workspace      TEXT NOT NULL REFERENCES workspaces (id),
    secret_digest  BLOB NOT NULL,
    kind           TEXT NOT NULL,
    credential     TEXT NOT NULL REFERENCES credentials (id),
    signing_secret BLOB,
    expires_at     INTEGER,
    created_at     INTEGER NOT NULL,
    revoked_at     INTEGER
) STRICT;

CREATE INDEX token_links_by_workspace ON token_links (workspace, created_at);

CREATE TABLE bots (
    id                 TEXT PRIMARY KEY,
    workspace          TEXT NOT NULL REFERENCES workspaces (id),
    request            BLOB NOT NULL,
    meeting_digest     BLOB NOT NULL,
    join_at            INTEGER,
    metadata           TEXT NOT NULL,
    status             TEXT NOT NULL,
    leave_requested_at INTEGER,
    lease_token        TEXT,
    lease_expires_at   INTEGER,
    created_at         INTEGER NOT NULL
) STRICT;

CREATE INDEX bots_by_workspace ON bots (workspace, created_at);
-- Only living bots: finding what is due costs the same after a million dead ones.
CREATE INDEX bots_alive ON bots (coalesce(join_at, created_at)) WHERE status NOT IN ('done', 'fatal');

CREATE TABLE bot_steps (
    bot        TEXT NOT NULL REFERENCES bots (id),
    step       INTEGER NOT NULL,
    code       TEXT NOT NULL,
    sub_code   TEXT,
    message    TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (bot, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE bot_screenshots (
    id          TEXT PRIMARY KEY,
    bot         TEXT NOT NULL REFERENCES bots (id),
    recorded_at INTEGER NOT NULL,
    file        TEXT NOT NULL
) STRICT;

CREATE INDEX bot_screenshots_by_bot ON bot_screenshots (bot, recorded_at);
