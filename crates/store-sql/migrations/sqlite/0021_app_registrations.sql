-- One app may be registered in several workspaces: what Zoom says of it concerns each of them.
CREATE INDEX zoom_oauth_apps_by_client ON zoom_oauth_apps (client_id);

-- The secrets before this one, newest first, with spaces between: they verify webhooks beside it for a while. Apps that were
-- registered before have none.
ALTER TABLE zoom_oauth_apps ADD COLUMN former_webhook_secret BLOB NOT NULL DEFAULT x'';
ALTER TABLE zoom_oauth_apps ADD COLUMN former_webhook_secret_ends_at INTEGER;
