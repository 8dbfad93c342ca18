-- An app that was removed stays as a tombstone without secrets, because accounts, events and links point at it.
ALTER TABLE zoom_oauth_apps ADD COLUMN deleted_at BIGINT;

-- What a second authorization of a connected user comes to over the API: 'replace', or 'conflict'.
ALTER TABLE workspaces ADD COLUMN second_authorization TEXT NOT NULL DEFAULT 'replace';
