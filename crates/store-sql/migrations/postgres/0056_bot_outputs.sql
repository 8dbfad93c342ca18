-- What bots show and say. output_revision grows with each change of it, so that the server that runs the bot looks.
ALTER TABLE bots ADD COLUMN output_revision BIGINT NOT NULL DEFAULT 0;

-- The picture that a bot shows as its camera; the id is the bot's. Erased by the bot's last step.
CREATE TABLE bot_pictures (
    id        TEXT COLLATE "C" PRIMARY KEY REFERENCES bots (id),
    workspace TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    picture   BYTEA NOT NULL
);

-- Chat messages on their way from the API to the bot's page: minutes at most. delivery: queued, taken, sent, refused, unconfirmed.
CREATE TABLE bot_chat_messages (
    id         TEXT COLLATE "C" PRIMARY KEY,
    bot        TEXT COLLATE "C" NOT NULL REFERENCES bots (id),
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    message    BYTEA NOT NULL,
    delivery   TEXT NOT NULL,
    words      TEXT,
    created_at BIGINT NOT NULL
);

CREATE INDEX bot_chat_messages_by_bot ON bot_chat_messages (bot, created_at);
