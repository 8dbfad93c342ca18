-- Counts whatever the answer of a token link depends on. A server that has read links asks for this number, once a second,
-- instead of for each of them. No row is zero. Triggers, because a change that nobody counted would go unnoticed.
CREATE TABLE revisions (
    what     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;

CREATE TRIGGER link_revision_of_links
AFTER UPDATE OF terms, signing_secret, not_before, expires_at, max_uses, revoked_at ON token_links
BEGIN
    INSERT INTO revisions VALUES ('links', 1) ON CONFLICT (what) DO UPDATE SET revision = revision + 1;
END;

-- Every refresh writes the status; few change it, and between these two a link gives the same.
CREATE TRIGGER link_revision_of_accounts
AFTER UPDATE OF status, epoch ON credentials
WHEN old.epoch IS NOT new.epoch
    OR old.status IS NOT new.status
        AND NOT (old.status IN ('healthy', 'degraded') AND new.status IN ('healthy', 'degraded'))
BEGIN
    INSERT INTO revisions VALUES ('links', 1) ON CONFLICT (what) DO UPDATE SET revision = revision + 1;
END;

CREATE TRIGGER link_revision_of_secrets
AFTER UPDATE OF callback_secret, former_callback_secret, former_callback_secret_ends_at ON workspaces
BEGIN
    INSERT INTO revisions VALUES ('links', 1) ON CONFLICT (what) DO UPDATE SET revision = revision + 1;
END;
