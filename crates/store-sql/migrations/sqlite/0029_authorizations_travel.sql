-- What a browser takes along to Zoom lies in its cookie, sealed, and no longer here: opening an invitation changes nothing.
-- What is remembered is which answer of Zoom's connected the account, so that a page that is loaded again says so again.
-- Whoever is on the way during the upgrade is told to open the invitation again; accounts that are connected stay so.
CREATE TABLE consents_anew (
    id            TEXT PRIMARY KEY,
    workspace     TEXT NOT NULL REFERENCES workspaces (id),
    app           TEXT NOT NULL REFERENCES zoom_oauth_apps (id),
    secret_digest BLOB NOT NULL,
    credential    TEXT REFERENCES credentials (id),
    -- The state that came back with it; absent for older ones.
    connected_by  BLOB,
    connected_at  INTEGER,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT;

INSERT INTO consents_anew (id, workspace, app, secret_digest, credential, created_at, expires_at)
SELECT id, workspace, app, secret_digest, credential, created_at, expires_at FROM consents;

DROP TABLE consents;
ALTER TABLE consents_anew RENAME TO consents;

-- The code that a parked consent came with, as a hash: its page may be loaded again, too.
ALTER TABLE parked_consents ADD COLUMN code_digest BLOB;
CREATE INDEX parked_consents_by_code ON parked_consents (code_digest) WHERE code_digest IS NOT NULL;
