-- When an endpoint that is down is tried next, with one delivery. NULL while it answers.
ALTER TABLE webhook_endpoints ADD COLUMN probe_at BIGINT;
