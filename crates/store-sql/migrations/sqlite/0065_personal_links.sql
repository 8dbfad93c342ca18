-- The name in a personal room's link (/my/NAME), in lower case. Accounts from before: listed again at once, for the names.
ALTER TABLE meetings ADD COLUMN personal_name TEXT;

CREATE INDEX meetings_by_personal_name ON meetings (workspace, personal_name) WHERE personal_name IS NOT NULL;

UPDATE credentials SET sync_due_at = created_at WHERE sync_due_at IS NOT NULL AND status IN ('healthy', 'degraded');
