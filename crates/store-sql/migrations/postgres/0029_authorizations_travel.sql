-- What a browser takes along to Zoom lies in its cookie, sealed, and no longer here: opening an invitation changes nothing.
-- What is remembered is which answer of Zoom's connected the account, so that a page that is loaded again says so again.
-- Whoever is on the way during the upgrade is told to open the invitation again; accounts that are connected stay so.
ALTER TABLE consents
    DROP COLUMN state_digest,
    DROP COLUMN browser_digest,
    DROP COLUMN code_verifier,
    -- The state that came back with it; absent for older ones.
    ADD COLUMN connected_by BYTEA,
    ADD COLUMN connected_at BIGINT;

-- The code that a parked consent came with, as a hash: its page may be loaded again, too.
ALTER TABLE parked_consents ADD COLUMN code_digest BYTEA;
CREATE INDEX parked_consents_by_code ON parked_consents (code_digest) WHERE code_digest IS NOT NULL;
