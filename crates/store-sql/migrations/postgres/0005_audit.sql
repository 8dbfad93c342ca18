-- No reference to anything: the audit outlives the accounts, links and bots that it names.
CREATE TABLE audit (
    at           BIGINT NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    workspace    TEXT COLLATE "C" NOT NULL,
    credential   TEXT COLLATE "C" NOT NULL,
    kind         TEXT NOT NULL,
    who          TEXT NOT NULL,
    who_id       TEXT COLLATE "C" NOT NULL,
    from_address TEXT,
    why          TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    source       TEXT,
    PRIMARY KEY (at, id)
);

CREATE INDEX audit_by_workspace ON audit (workspace, at, id);

-- Counting accounts by state must not read their rows.
CREATE INDEX credentials_by_status ON credentials (status);
