-- No reference to anything: the audit outlives the accounts, links and bots that it names.
CREATE TABLE audit (
    at           INTEGER NOT NULL,
    id           TEXT NOT NULL,
    workspace    TEXT NOT NULL,
    credential   TEXT NOT NULL,
    kind         TEXT NOT NULL,
    who          TEXT NOT NULL,
    who_id       TEXT NOT NULL,
    from_address TEXT,
    why          TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    source       TEXT,
    PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_workspace ON audit (workspace, at, id);

-- Counting accounts by state must not read their rows.
CREATE INDEX credentials_by_status ON credentials (status);
