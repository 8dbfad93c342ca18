-- Servers that run bots, and when each was last there: so that a server that runs none knows whether anybody does.
CREATE TABLE bot_servers (
    id      TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT;
