-- Counts whatever the answer of a token link depends on. A server that has read links asks for this number, once a second,
-- instead of for each of them. No row is zero. Triggers, because a change that nobody counted would go unnoticed.
CREATE TABLE revisions (
    what     TEXT COLLATE "C" PRIMARY KEY,
    revision BIGINT NOT NULL
);

-- Once in a transaction, however many rows it changes, and at its very end (the triggers are deferred): everybody meets at
-- this row, so it has to be the last lock that anybody takes.
CREATE FUNCTION count_link_revision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    this_transaction CONSTANT TEXT := pg_current_xact_id()::text;
BEGIN
    IF current_setting('latchkey.link_revision', true) IS DISTINCT FROM this_transaction THEN
        PERFORM set_config('latchkey.link_revision', this_transaction, true);
        INSERT INTO revisions VALUES ('links', 1)
        ON CONFLICT (what) DO UPDATE SET revision = revisions.revision + 1;
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER link_revision_of_links
AFTER UPDATE OF terms, signing_secret, not_before, expires_at, max_uses, revoked_at ON token_links
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_link_revision();

-- Every refresh writes the status; few change it, and between these two a link gives the same.
CREATE CONSTRAINT TRIGGER link_revision_of_accounts
AFTER UPDATE OF status, epoch ON credentials
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (
    OLD.epoch IS DISTINCT FROM NEW.epoch
    OR OLD.status IS DISTINCT FROM NEW.status
        AND NOT (OLD.status IN ('healthy', 'degraded') AND NEW.status IN ('healthy', 'degraded'))
)
EXECUTE FUNCTION count_link_revision();

CREATE CONSTRAINT TRIGGER link_revision_of_secrets
AFTER UPDATE OF callback_secret, former_callback_secret, former_callback_secret_ends_at ON workspaces
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_link_revision();
