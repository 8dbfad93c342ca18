-- Ids of signed requests that were used, for all servers and the next start. A row is what one server has seen since its row
-- before. Nothing is known of the time before this migration: a server that is upgraded forgets once more.
CREATE TABLE used_ids (
    id         TEXT COLLATE "C" PRIMARY KEY,
    written_at BIGINT NOT NULL,
    -- Entries of 24 bytes: a hash of the id, and the end of the link's.
    entries    BYTEA NOT NULL
);

-- Hashes can't be made smaller, so nobody shall try.
ALTER TABLE used_ids ALTER COLUMN entries SET STORAGE EXTERNAL;
CREATE INDEX used_ids_by_age ON used_ids (written_at);
