-- The address by which somebody named a user of a server-to-server account. What a pool keeps is the user's id. Members that
-- were named by an address before keep it in place of an id, until they are put into the pool again.
ALTER TABLE pool_members ADD COLUMN address TEXT;
