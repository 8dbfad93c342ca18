-- A row holds many records: those of one tenant and one tenth of a second that were written together. `id` follows from
-- the content. No reference to anything: the audit outlives the accounts, links and bots that it names.
CREATE TABLE audit_batches (
    slice     BIGINT NOT NULL,
    workspace TEXT COLLATE "C" NOT NULL,
    id        BYTEA NOT NULL,
    records   BIGINT NOT NULL,
    content   BYTEA NOT NULL,
    PRIMARY KEY (slice, id)
);

CREATE INDEX audit_batches_by_workspace ON audit_batches (workspace, slice, id);

-- Every record so far is a batch of its own, as JSON.
INSERT INTO audit_batches (slice, workspace, id, records, content)
SELECT at / 100000, workspace, decode(replace(id, '-', ''), 'hex'), 1, convert_to(json_build_object(
    'id', id,
    'at', to_char(to_timestamp(at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
        || '.' || lpad((at % 1000000)::text, 6, '0') || 'Z',
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
    'meeting', meeting::bigint,
    'bot', bot
)::text, 'UTF8')
FROM audit;

DROP TABLE audit;
