-- When an endpoint that is down is tried next, with one delivery. NULL while it answers.
ALTER TABLE webhook_endpoints ADD COLUMN probe_at BIGINT;

-- In the order in which deliveries are sent. All that wait are due at the same moment when an endpoint is back.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at, sequence)
    WHERE state = 'pending' AND due_at IS NOT NULL;
