-- How many bots each server can run at once, so that they share the bots by it, and a full installation says so.
ALTER TABLE bot_servers ADD COLUMN capacity BIGINT NOT NULL DEFAULT 0;
