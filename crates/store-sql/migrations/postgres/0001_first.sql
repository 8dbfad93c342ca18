-- Times are microseconds since 1970, ids are UUIDs as text, digests and sealed secrets are bytes.
--
-- What is a key or points at one is COLLATE "C": compared byte by byte, as SQLite does, and its index outlives an upgrade
-- of the system's locales.

CREATE TABLE workspaces (
    id              TEXT COLLATE "C" PRIMARY KEY,
    name            TEXT NOT NULL,
    callback_secret BYTEA NOT NULL,
    created_at      BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id         TEXT COLLATE "C" PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    name       TEXT NOT NULL,
    digest     BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE zoom_oauth_apps (
    id                      TEXT COLLATE "C" PRIMARY KEY,
    workspace               TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    kind                    TEXT NOT NULL,
    client_id               TEXT COLLATE "C" NOT NULL,
    client_secret           BYTEA NOT NULL,
    webhook_secret          BYTEA NOT NULL,
    webhook_last_validation BIGINT,
    created_at              BIGINT NOT NULL,
    UNIQUE (workspace, client_id)
);

CREATE TABLE credentials (
    id                TEXT COLLATE "C" PRIMARY KEY,
    workspace         TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    app               TEXT COLLATE "C" NOT NULL REFERENCES zoom_oauth_apps (id),
    zoom_user_id      TEXT COLLATE "C" NOT NULL,
    zoom_account_id   TEXT NOT NULL,
    display_name      TEXT NOT NULL,
    status            TEXT NOT NULL,
    generation        BIGINT NOT NULL,
    access_token      BYTEA NOT NULL,
    access_expires_at BIGINT NOT NULL,
    refresh_token     BYTEA NOT NULL,
    scopes            JSONB NOT NULL,
    api_url           TEXT,
    spent_at          BIGINT,
    lease_token       TEXT COLLATE "C",
    lease_expires_at  BIGINT,
    created_at        BIGINT NOT NULL,
    granted_at        BIGINT NOT NULL,
    UNIQUE (app, zoom_user_id)
);

CREATE INDEX credentials_by_workspace ON credentials (workspace, created_at);

CREATE TABLE consents (
    id             TEXT COLLATE "C" PRIMARY KEY,
    workspace      TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    app            TEXT COLLATE "C" NOT NULL REFERENCES zoom_oauth_apps (id),
    secret_digest  BYTEA NOT NULL,
    state_digest   BYTEA UNIQUE,
    browser_digest BYTEA,
    code_verifier  BYTEA,
    credential     TEXT COLLATE "C" REFERENCES credentials (id),
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL
);

CREATE TABLE token_links (
    id             TEXT COLLATE "C" PRIMARY KEY,
    workspace      TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    secret_digest  BYTEA NOT NULL,
    kind           TEXT NOT NULL,
    credential     TEXT COLLATE "C" NOT NULL REFERENCES credentials (id),
    signing_secret BYTEA,
    expires_at     BIGINT,
    created_at     BIGINT NOT NULL,
    revoked_at     BIGINT
);

CREATE INDEX token_links_by_workspace ON token_links (workspace, created_at);

CREATE TABLE bots (
    id                 TEXT COLLATE "C" PRIMARY KEY,
    workspace          TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    request            BYTEA NOT NULL,
    meeting_digest     BYTEA NOT NULL,
    join_at            BIGINT,
    metadata           JSONB NOT NULL,
    status             TEXT NOT NULL,
    leave_requested_at BIGINT,
    lease_token        TEXT COLLATE "C",
    lease_expires_at   BIGINT,
    created_at         BIGINT NOT NULL
);

CREATE INDEX bots_by_workspace ON bots (workspace, created_at);
-- Only living bots: finding what is due costs the same after a million dead ones.
CREATE INDEX bots_alive ON bots (coalesce(join_at, created_at)) WHERE status NOT IN ('done', 'fatal');

CREATE TABLE bot_steps (
    bot        TEXT COLLATE "C" NOT NULL REFERENCES bots (id),
    step       BIGINT NOT NULL,
    code       TEXT NOT NULL,
    sub_code   TEXT,
    message    TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bot, step)
);

CREATE TABLE bot_screenshots (
    id          TEXT COLLATE "C" PRIMARY KEY,
    bot         TEXT COLLATE "C" NOT NULL REFERENCES bots (id),
    recorded_at BIGINT NOT NULL,
    file        TEXT NOT NULL
);

CREATE INDEX bot_screenshots_by_bot ON bot_screenshots (bot, recorded_at);
