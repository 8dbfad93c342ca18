-- What a token was about, beyond the account. `user` is a word of SQL.
ALTER TABLE audit ADD COLUMN user_name TEXT;
ALTER TABLE audit ADD COLUMN meeting TEXT;
ALTER TABLE audit ADD COLUMN bot TEXT;
