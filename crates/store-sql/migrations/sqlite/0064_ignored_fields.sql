-- What becomes of the fields of a new bot that have no effect: 'name' them, or 'refuse' the request.
ALTER TABLE workspaces ADD COLUMN ignored_fields TEXT NOT NULL DEFAULT 'name';
