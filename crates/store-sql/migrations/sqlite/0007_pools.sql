-- Accounts behind one name, and the seats that are taken on them. A seat counts for the person at Zoom, whichever pool it
-- was taken through; one that has ended counts nowhere, and the next who takes one deletes it.

CREATE TABLE pools (
    id         TEXT PRIMARY KEY,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace, name)
) STRICT;

-- zoom_user is empty but for a server-to-server app's account.
CREATE TABLE pool_members (
    pool       TEXT NOT NULL REFERENCES pools (id),
    credential TEXT NOT NULL REFERENCES credentials (id),
    zoom_user  TEXT NOT NULL,
    person     TEXT NOT NULL,
    joins      INTEGER NOT NULL,
    hosted     INTEGER NOT NULL,
    taken_at   INTEGER,
    PRIMARY KEY (pool, credential, zoom_user)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_seats (
    id         TEXT PRIMARY KEY,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    pool       TEXT NOT NULL REFERENCES pools (id),
    credential TEXT NOT NULL REFERENCES credentials (id),
    zoom_user  TEXT NOT NULL,
    person     TEXT NOT NULL,
    meeting    INTEGER,
    holder     TEXT NOT NULL,
    hosting    INTEGER NOT NULL,
    taken_at   INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX pool_seats_by_person ON pool_seats (workspace, person, ends_at);
CREATE INDEX pool_seats_by_holder ON pool_seats (workspace, holder);
CREATE INDEX pool_seats_by_end ON pool_seats (workspace, ends_at);
CREATE INDEX pool_seats_by_pool ON pool_seats (pool);
-- Nobody is twice in one meeting.
CREATE UNIQUE INDEX pool_seats_once ON pool_seats (workspace, meeting, person) WHERE meeting IS NOT NULL;
