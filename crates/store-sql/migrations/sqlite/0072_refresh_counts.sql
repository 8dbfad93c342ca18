-- How refreshes of a workspace's accounts ended, by the hour. The log has changes of state alone: most refreshes are none.
CREATE TABLE refresh_counts (
    workspace TEXT NOT NULL REFERENCES workspaces (id),
    -- Its beginning, in microseconds since 1970.
    hour      INTEGER NOT NULL,
    -- `refreshed`, or the code of the failure.
    outcome   TEXT NOT NULL,
    refreshes INTEGER NOT NULL,
    PRIMARY KEY (workspace, hour, outcome)
) STRICT, WITHOUT ROWID;
