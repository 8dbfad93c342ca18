-- What records of the audit can be asked for by: a row for each minute in which a record is about the account, token link,
-- API key or bot. `subject` is its id, or the bot's id at its platform.
CREATE TABLE audit_subjects (
    subject   TEXT NOT NULL,
    workspace TEXT NOT NULL,
    -- Since 1970. A slice is a tenth of a second: this minute's are `minute * 600` to `minute * 600 + 599`.
    minute    INTEGER NOT NULL,
    PRIMARY KEY (subject, workspace, minute)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_subjects_by_minute ON audit_subjects (minute);

-- 0: written by a version that noted no subjects. Its records are found by reading it.
ALTER TABLE audit_batches ADD COLUMN is_indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX audit_batches_not_indexed ON audit_batches (workspace, slice) WHERE is_indexed = 0;

-- The audit as a person reads it: a row for each record. Narrow it by `workspace` and `slice`, which have an index.
CREATE VIEW audit_records AS
SELECT
    batch.workspace,
    batch.slice,
    strftime('%Y-%m-%dT%H:%M:%S', batch.slice / 10, 'unixepoch')
        || printf('.%06dZ', batch.slice % 10 * 100000 + (record.value ->> '$.at')) AS at,
    record.value ->> '$.id' AS id,
    record.value ->> '$.credential' AS credential,
    record.value ->> '$.kind' AS kind,
    record.value ->> '$.who' AS who,
    record.value ->> '$.who_id' AS who_id,
    record.value ->> '$.from' AS from_address,
    record.value ->> '$.why' AS why,
    record.value ->> '$.outcome' AS outcome,
    record.value ->> '$.source' AS source,
    record.value ->> '$.user' AS user_name,
    record.value ->> '$.meeting' AS meeting,
    record.value ->> '$.bot' AS bot
FROM
    audit_batches AS batch,
    json_each(
        CASE WHEN substr(batch.content, 1, 1) = X'5B' THEN CAST(batch.content AS TEXT) ELSE '[]' END
    ) AS record;

-- The records about a subject. Narrow it by `subject`, which has an index.
CREATE VIEW audit_about AS
SELECT subject.subject, record.*
FROM audit_subjects AS subject
JOIN audit_records AS record
    ON record.workspace = subject.workspace
    AND record.slice BETWEEN subject.minute * 600 AND subject.minute * 600 + 599
    AND subject.subject IN (record.credential, record.who_id, record.bot);
