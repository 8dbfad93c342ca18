-- Finds leases on lists of meetings that a wrong clock gave, without looking at every account.
CREATE INDEX credentials_sync_held ON credentials (sync_lease_expires_at) WHERE sync_lease_expires_at IS NOT NULL;
