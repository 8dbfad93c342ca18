-- Accounts behind one name, and the seats that are taken on them. A seat counts for the person at Zoom, whichever pool it
-- was taken through; one that has ended counts nowhere, and the next who takes one deletes it.

CREATE TABLE pools (
    id         TEXT COLLATE "C" PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    name       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (workspace, name)
);

-- zoom_user is empty but for a server-to-server app's account.
CREATE TABLE pool_members (
    pool       TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
    credential TEXT COLLATE "C" NOT NULL REFERENCES credentials (id),
    zoom_user  TEXT COLLATE "C" NOT NULL,
    person     TEXT COLLATE "C" NOT NULL,
    joins      BIGINT NOT NULL,
    hosted     BIGINT NOT NULL,
    taken_at   BIGINT,
    PRIMARY KEY (pool, credential, zoom_user)
);

CREATE TABLE pool_seats (
    id         TEXT COLLATE "C" PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    pool       TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
    credential TEXT COLLATE "C" NOT NULL REFERENCES credentials (id),
    zoom_user  TEXT COLLATE "C" NOT NULL,
    person     TEXT COLLATE "C" NOT NULL,
    meeting    BIGINT,
    holder     TEXT COLLATE "C" NOT NULL,
    hosting    BIGINT NOT NULL,
    taken_at   BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL
);

CREATE INDEX pool_seats_by_person ON pool_seats (workspace, person, ends_at);
CREATE INDEX pool_seats_by_holder ON pool_seats (workspace, holder);
CREATE INDEX pool_seats_by_end ON pool_seats (workspace, ends_at);
CREATE INDEX pool_seats_by_pool ON pool_seats (pool);
-- Nobody is twice in one meeting.
CREATE UNIQUE INDEX pool_seats_once ON pool_seats (workspace, meeting, person) WHERE meeting IS NOT NULL;
