-- How many bots of a workspace may run at once, on all servers together; NULL: no limit. What is there has none.
ALTER TABLE workspaces ADD COLUMN bot_limit BIGINT;
