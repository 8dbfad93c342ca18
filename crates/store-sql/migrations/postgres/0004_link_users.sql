-- Whose tokens a link gives, where the account is a server-to-server app's.
ALTER TABLE token_links ADD COLUMN zoom_user TEXT;
