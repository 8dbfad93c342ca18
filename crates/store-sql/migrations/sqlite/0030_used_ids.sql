-- Ids of signed requests that were used, for all servers and the next start. A row is what one server has seen since its row
-- before. Nothing is known of the time before this migration: a server that is upgraded forgets once more.
CREATE TABLE used_ids (
    id         TEXT PRIMARY KEY,
    written_at INTEGER NOT NULL,
    -- Entries of 24 bytes: a hash of the id, and the end of the link's.
    entries    BLOB NOT NULL
) STRICT;

CREATE INDEX used_ids_by_age ON used_ids (written_at);
