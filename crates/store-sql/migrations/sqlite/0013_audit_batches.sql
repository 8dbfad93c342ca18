-- A row holds many records: those of one tenant and one tenth of a second that were written together. `id` follows from
-- the content. No reference to anything: the audit outlives the accounts, links and bots that it names.
CREATE TABLE audit_batches (
    slice     INTEGER NOT NULL,
    workspace TEXT NOT NULL,
    id        BLOB NOT NULL,
    records   INTEGER NOT NULL,
    content   BLOB NOT NULL,
    PRIMARY KEY (slice, id)
) STRICT;

CREATE INDEX audit_batches_by_workspace ON audit_batches (workspace, slice, id);

-- Every record so far is a batch of its own, as JSON.
INSERT INTO audit_batches (slice, workspace, id, records, content)
SELECT at / 100000, workspace, unhex(replace(id, '-', '')), 1, CAST(json_object(
    'id', id,
    'at', strftime('%Y-%m-%dT%H:%M:%S', at / 1000000, 'unixepoch') || printf('.%06dZ', at % 1000000),
    'workspace', workspace,
    'credential', credential,
    'kind', kind,
    'who', who,
    'who_id', who_id,
    'from', from_address,
    'why', why,
    'outcome', outcome,
    'source', source,
    'user', user_name,
    'meeting', CAST(meeting AS INTEGER),
    'bot', bot
) AS BLOB)
FROM audit;

DROP TABLE audit;
