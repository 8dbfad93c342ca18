-- What happened in the meetings of bots: a row holds the events of a moment, sealed. Erased, the last row of a bot stays
-- without content: it keeps the count. expires_at is set by the bot's last step.
CREATE TABLE meeting_events (
    id          TEXT PRIMARY KEY,
    bot         TEXT NOT NULL REFERENCES bots (id),
    workspace   TEXT NOT NULL REFERENCES workspaces (id),
    first_event INTEGER NOT NULL,
    last_event  INTEGER NOT NULL,
    events      BLOB NOT NULL,
    captions    TEXT,
    kept_for    INTEGER NOT NULL,
    expires_at  INTEGER
) STRICT;

CREATE UNIQUE INDEX meeting_events_in_order ON meeting_events (bot, last_event);
CREATE INDEX meeting_events_by_end ON meeting_events (expires_at) WHERE expires_at IS NOT NULL;

-- Which participant of which meeting each running bot is, so that bots know each other there.
CREATE TABLE bot_places (
    bot       TEXT PRIMARY KEY REFERENCES bots (id),
    meeting   INTEGER NOT NULL,
    zoom_user INTEGER NOT NULL
) STRICT;

CREATE INDEX bot_places_by_meeting ON bot_places (meeting);
