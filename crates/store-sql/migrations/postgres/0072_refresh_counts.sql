-- How refreshes of a workspace's accounts ended, by the hour. The log has changes of state alone: most refreshes are none.
CREATE TABLE refresh_counts (
    workspace TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    -- Its beginning, in microseconds since 1970.
    hour      BIGINT NOT NULL,
    -- `refreshed`, or the code of the failure.
    outcome   TEXT COLLATE "C" NOT NULL,
    refreshes BIGINT NOT NULL,
    PRIMARY KEY (workspace, hour, outcome)
);
