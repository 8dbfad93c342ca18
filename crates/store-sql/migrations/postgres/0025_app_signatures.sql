-- What Zoom said of joins that an app has signed: when the last one was let in, and when Zoom refused the app or its
-- signature (nothing, once one was let in again). Of the apps there are by now, nothing is known.
ALTER TABLE zoom_oauth_apps ADD COLUMN signature_accepted_at BIGINT;
ALTER TABLE zoom_oauth_apps ADD COLUMN signature_refused_at BIGINT;
