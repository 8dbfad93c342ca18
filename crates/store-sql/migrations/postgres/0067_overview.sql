-- Lists and counts of bots in one state, and counts of accounts: what the console asks again whenever something happens.
CREATE INDEX bots_by_status ON bots (workspace, status, created_at);
CREATE INDEX credentials_by_workspace_and_status ON credentials (workspace, status, refresh_at);
