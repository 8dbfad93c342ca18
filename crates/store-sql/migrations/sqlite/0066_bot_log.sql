-- What each bot did, and why.
CREATE TABLE bot_log (
    id        TEXT PRIMARY KEY,
    bot       TEXT NOT NULL REFERENCES bots (id),
    workspace TEXT NOT NULL REFERENCES workspaces (id),
    number    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    message   TEXT NOT NULL,
    fields    TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX bot_log_in_order ON bot_log (bot, number);
CREATE INDEX bot_log_by_age ON bot_log (at);
