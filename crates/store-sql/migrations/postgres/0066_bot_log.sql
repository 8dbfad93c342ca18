-- What each bot did, and why.
CREATE TABLE bot_log (
    id        TEXT COLLATE "C" PRIMARY KEY,
    bot       TEXT COLLATE "C" NOT NULL REFERENCES bots (id),
    workspace TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    number    BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    kind      TEXT NOT NULL,
    message   TEXT NOT NULL,
    fields    JSONB NOT NULL
);

CREATE UNIQUE INDEX bot_log_in_order ON bot_log (bot, number);
CREATE INDEX bot_log_by_age ON bot_log (at);
