-- What bots show and say. output_revision grows with each change of it, so that the server that runs the bot looks.
ALTER TABLE bots ADD COLUMN output_revision INTEGER NOT NULL DEFAULT 0;

-- The picture that a bot shows as its camera; the id is the bot's. Erased by the bot's last step.
CREATE TABLE bot_pictures (
    id        TEXT PRIMARY KEY REFERENCES bots (id),
    workspace TEXT NOT NULL REFERENCES workspaces (id),
    picture   BLOB NOT NULL
) STRICT;

-- Chat messages on their way from the API to the bot's page: minutes at most. delivery: queued, taken, sent, refused, unconfirmed.
CREATE TABLE bot_chat_messages (
    id         TEXT PRIMARY KEY,
    bot        TEXT NOT NULL REFERENCES bots (id),
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    message    BLOB NOT NULL,
    delivery   TEXT NOT NULL,
    words      TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX bot_chat_messages_by_bot ON bot_chat_messages (bot, created_at);
