-- The last sub code of a bot's steps. A column, so that bots are counted and listed by it in an index.
ALTER TABLE bots ADD COLUMN sub_code TEXT;
UPDATE bots SET sub_code =
    (SELECT sub_code FROM bot_steps WHERE bot = bots.id AND sub_code IS NOT NULL ORDER BY step DESC LIMIT 1)
WHERE id IN (SELECT bot FROM bot_steps WHERE sub_code IS NOT NULL);
DROP INDEX bot_steps_by_sub_code;
CREATE INDEX bots_by_sub_code ON bots (workspace, sub_code, created_at, id) WHERE sub_code IS NOT NULL;

-- With the whole order of a list: a page in its middle is found without reading the rows before it.
DROP INDEX bots_by_workspace;
CREATE INDEX bots_by_workspace ON bots (workspace, created_at, id);
DROP INDEX bots_by_status;
CREATE INDEX bots_by_status ON bots (workspace, status, created_at, id);
DROP INDEX bots_by_account;
CREATE INDEX bots_by_account ON bots (account, workspace, created_at, id) WHERE account IS NOT NULL;
