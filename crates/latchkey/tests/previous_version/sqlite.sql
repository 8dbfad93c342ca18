BEGIN TRANSACTION;
CREATE TABLE account_log (
    id         TEXT PRIMARY KEY,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    app        TEXT NOT NULL,
    credential TEXT,
    became     TEXT,
    code       TEXT,
    message    TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "account_log" VALUES('01a227f6-5c9e-7549-a1eb-f05c220fdefa','01a227f6-5b91-73ce-9dee-fdc70373086a','01a227f6-5c30-7b35-98b2-e3e3ddd38f5e','01a227f6-5c9e-7fda-be4b-4789509a2939','healthy',NULL,'connected',1795966786718432);
CREATE TABLE api_keys (
    id         TEXT PRIMARY KEY,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    name       TEXT NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
, prefix TEXT NOT NULL DEFAULT 'lk_', scopes TEXT NOT NULL DEFAULT 'read,bots,tokens,admin', per_minute INTEGER, expires_at INTEGER, last_used_at INTEGER, revoked_at INTEGER) STRICT;
INSERT INTO "api_keys" VALUES('01a227f6-5b91-77ff-ba89-97832ce09e49','01a227f6-5b91-73ce-9dee-fdc70373086a','first',X'031375CB2E8873CD071B39DB69C54D96DBA1BDE089819528FC97D57746EE5984',1795966786449818,'lk_--BY','read,bots,tokens,admin',NULL,NULL,1795966786600002,NULL);
CREATE TABLE audit_batches (
    slice     INTEGER NOT NULL,
    workspace TEXT NOT NULL,
    id        BLOB NOT NULL,
    records   INTEGER NOT NULL,
    content   BLOB NOT NULL,
    PRIMARY KEY (slice, id)
) STRICT;
INSERT INTO "audit_batches" VALUES(17959667868,'01a227f6-5b91-73ce-9dee-fdc70373086a',X'5521885784032B1AE0CE45488C64C74A',1,X'0101A0A2011001A227F65D047883A96413CA59994B861001A227F65C9E7FDABE4B4789509A2939037A616B0A746F6B656E5F6C696E6B1001A227F65CC876CE86A625A3F555645701007F0000010A746F6B656E5F6C696E6B05676976656E01066D696E746564000000');
INSERT INTO "audit_batches" VALUES(17959667868,'01a227f6-5b91-73ce-9dee-fdc70373086a',X'50B97FF1D0D97449B41D699D4BA4E254',1,X'0101EDC8011001A227F65D097C9183D0D9D1524C2BB91001A227F65C9E7FDABE4B4789509A2939037A616B0A746F6B656E5F6C696E6B1001A227F65CC876CE86A625A3F555645701007F0000010A746F6B656E5F6C696E6B05676976656E01046B657074000000');
INSERT INTO "audit_batches" VALUES(17959667868,'01a227f6-5b91-73ce-9dee-fdc70373086a',X'9DAE9AE9B6BE3550665B68A0688F07B5',1,X'0101F2E6011001A227F65D0D793888D0EE86272403B41001A227F65C9E7FDABE4B4789509A2939037A616B0A746F6B656E5F6C696E6B1001A227F65CC876CE86A625A3F555645701007F0000010A746F6B656E5F6C696E6B05676976656E01046B657074000000');
CREATE TABLE bot_screenshots (
    id          TEXT PRIMARY KEY,
    bot         TEXT NOT NULL REFERENCES bots (id),
    recorded_at INTEGER NOT NULL,
    file        TEXT NOT NULL
) STRICT;
CREATE TABLE bot_servers (
    id      TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT;
INSERT INTO "bot_servers" VALUES('MyGI5WtteDlDNP8L2d6JIlxYJjkfvOrFm3GkZYTbbZY',1795966786540051);
CREATE TABLE bot_steps (
    bot        TEXT NOT NULL REFERENCES bots (id),
    step       INTEGER NOT NULL,
    code       TEXT NOT NULL,
    sub_code   TEXT,
    message    TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (bot, step)
) STRICT, WITHOUT ROWID;
INSERT INTO "bot_steps" VALUES('01a227f6-5d19-70e3-9af6-1809bf09fdcb',0,'ready',NULL,NULL,1795966786841260);
CREATE TABLE bots (
    id                 TEXT PRIMARY KEY,
    workspace          TEXT NOT NULL REFERENCES workspaces (id),
    request            BLOB NOT NULL,
    meeting_digest     BLOB NOT NULL,
    join_at            INTEGER,
    metadata           TEXT NOT NULL,
    status             TEXT NOT NULL,
    leave_requested_at INTEGER,
    lease_token        TEXT,
    lease_expires_at   INTEGER,
    created_at         INTEGER NOT NULL
) STRICT;
INSERT INTO "bots" VALUES('01a227f6-5d19-70e3-9af6-1809bf09fdcb','01a227f6-5b91-73ce-9dee-fdc70373086a',X'010C6B2D323931343432373736336CA0F1EE14900E1CF7AF3CF185E9336E3C42C2CB9D20025528D5C1203A0B7A3309A0C79A147AD58EF7408D8454B9A0B39D73E7234CC603A88B71557B28A307EB77F4873D1E55C470050E438FEC36EF864AA4C752AE1449ECCC60062D5E7E2E813021C648EC11804541799A0452EBB626B997B132A80E429BCBDD808C1AF22D2B20C900B8325A7C904E3817D4E438BA751E42FB8AE8186D969E1335D05C028A6933BFF1ACD1A87187F851EC2B0094F07A470F26BB3F067B6CB31560419CEBA841CE5BD8082C1C195E3C7F9A6DF76A8F5EF5D84F5054FAAAD47B4D6AAEC0116F2C41FD1C3A6B4DE43253224ACFCBCC00C5A8639D03A5E8B4705225554B282BEF9CD69C40757120997DFEE1A7245A69281EE01E9E5294B92E0BE6B982869306B9E001BD407E226DF1748BE1D5FEDDCFA2A9B3C863C885FC61F7A54488119F1D8CFDE6098945CC2D2FB82A4F4F429587B1F89197C5A5174B3ED80A2E24620A27894A953FBBD63AA38FF1F9190AAD653268A8B720435562781D89B18C6F7A47022362E33E59F45FB2CF218B88BCF2D128D81F390A0B7DE8BE6A5F7B6CA978B691CE2C94F26A731E4C15577C81E80C8C5AC4059B5DAB39977B94F7A5C5C2DD7A7640971F11A2027E747BCD37F2F7B10083C4FA279ACF43D607A4D6ED6EAE601F8EBBC0777A5F8A24D0DE8210BEE360CC9B75F3961B031D29236B1476E9B7AD461347BAE7950644EF5C28C520A6E1',X'350840A672704E063CFCB9213BE3143FC8A54859B15057362F799F71E584B672',3786955200000000,'{"customer":"ada"}','ready',NULL,NULL,NULL,1795966786841260);
CREATE TABLE "consents" (
    id            TEXT PRIMARY KEY,
    workspace     TEXT NOT NULL REFERENCES workspaces (id),
    app           TEXT NOT NULL REFERENCES zoom_oauth_apps (id),
    secret_digest BLOB NOT NULL,
    credential    TEXT REFERENCES credentials (id),
    -- The state that came back with it; absent for older ones.
    connected_by  BLOB,
    connected_at  INTEGER,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT;
INSERT INTO "consents" VALUES('01a227f6-5c6b-7b1c-8a75-9c7128f4fb74','01a227f6-5b91-73ce-9dee-fdc70373086a','01a227f6-5c30-7b35-98b2-e3e3ddd38f5e',X'0F2114DB940B4CC49C8A78C653287A834D5FBAA3983805DD114F90BBC3F291A7','01a227f6-5c9e-7fda-be4b-4789509a2939',X'B200DCA8C1B5E7ED23010197DEB521C955265AEFA455CEA573EC09590B4D3062',1795966786718432,1795966786667403,1796053186667403);
CREATE TABLE credentials (
    id                TEXT PRIMARY KEY,
    workspace         TEXT NOT NULL REFERENCES workspaces (id),
    app               TEXT NOT NULL REFERENCES zoom_oauth_apps (id),
    zoom_user_id      TEXT NOT NULL,
    zoom_account_id   TEXT NOT NULL,
    display_name      TEXT NOT NULL,
    status            TEXT NOT NULL,
    generation        INTEGER NOT NULL,
    access_token      BLOB NOT NULL,
    access_expires_at INTEGER NOT NULL,
    refresh_token     BLOB NOT NULL,
    scopes            TEXT NOT NULL,
    api_url           TEXT,
    spent_at          INTEGER,
    lease_token       TEXT,
    lease_expires_at  INTEGER,
    created_at        INTEGER NOT NULL,
    granted_at        INTEGER NOT NULL, kind TEXT NOT NULL DEFAULT 'user_oauth', callback_url BLOB, status_since INTEGER NOT NULL DEFAULT 0, trouble TEXT, failures INTEGER NOT NULL DEFAULT 0, retry_at INTEGER, refresh_at INTEGER, used_at INTEGER, epoch INTEGER NOT NULL DEFAULT 0, consented_at INTEGER NOT NULL DEFAULT 0, meeting_sync TEXT NOT NULL DEFAULT 'not_started', sync_due_at INTEGER, sync_failures INTEGER NOT NULL DEFAULT 0, sync_lease_token TEXT, sync_lease_expires_at INTEGER,
    UNIQUE (app, zoom_user_id)
) STRICT;
INSERT INTO "credentials" VALUES('01a227f6-5c9e-7fda-be4b-4789509a2939','01a227f6-5b91-73ce-9dee-fdc70373086a','01a227f6-5c30-7b35-98b2-e3e3ddd38f5e','WoBJ422EhuOq7ukCipF0UA','qlM-wQYuaSD0FibqxKrckg','Ada','healthy',1,X'010C6B2D32393134343237373633DA4F4D62D7E8F8EC92C1B1075F44C0CC390D765C2341E0B7B6C6E216EFFBED4ABB0F12CB34F72A42F593EEA5935B7890C04BE20BC11698B35A7AAC630035913DF169D7D56258F82E9C4286E28D86FA6AFF9A074F5DEE3A7A37BA73AEEC7051BE906550C9DAE9FBD37C97F8972AFCE5783859EE618CD6D2E7A41718DF6C6A64DFF7530CAADA3398735D044B2BFED72202FD6B1A8801CD322D3F89B6D4AEE50683A131CBFED5EA0CA5BF576D5F1696FB5641250833BBD03A0A30E53FD06AE938BC71AC2C2771123DB09B79A9BB555E926A1A3F365C843841C9BC13B0C82D58EC338079082A8A872342B181156BD5BFB08E3F748F7F3B8F612BC5E70E2B5F23406B2C802210DE00408AAD4F39D4E987C8A1E10E11A3013D93D4E7FC18499C50B8A5C02DF47D8A9FC8312E4985CF49342E7F432B322983A4525688B74AA5173D1F9A7929D73C0292BBD02D3526BF6AD8785B065817A123D8EBEF39EAC9A8966C41B98C2543855B3C0322E589FC43BE33B9EC42F0719DD604AD61F7F2A3ECF83236A10400EEA90332C301B6E62D9F494551BF93F2A5ABBCCA57E3749CB89236D89AC83D59134C5399A34BA2CD9C79CE2A6DDD62A01D9688857291D1BEED9813AE04637DC35389DD49E073CD87823254A7F5A3E795B399750D5A047CD15D458B648B20C397A0D2BCFD2093B4B270CCE56EACC86BE91AA506CB5580BFA992699CFE708BC38B72D2E7313E98937D4C3FBA6122FE67175F8E8F4F89AE2D04B38F4CD3E95F6B60E39B49625688F36B4D2D4FFADD86',1795970386717405,X'010C6B2D3239313434323737363325E1A3382F4891BD98F8AC71C0E109A5D2D22454DB259ADA6501DEB527A7679F42F85431715953F3E29C97EBCFC7A7BC3AA4222EA7EBC29E186C2AB64204BD3A243BEBBBDBF07F5D4C5532F5ACE2D7FE6BA8C582D362211957DE0CC82DCACB87AD5693B82ACC4B03732C83BF93F5336849D1BF754731F58D30E78EEC2A6A8390A9B9F4','["user:read:user","user:read:token","user:read:zak"]','https://127.0.0.1:45605/',NULL,NULL,NULL,1795966786717418,1795966786717404,'user_oauth',NULL,1795966786717418,NULL,0,NULL,1795969760317404,1795966786717418,1,1795966786717404,'not_started',1795982988666732,0,NULL,NULL);
CREATE TABLE idempotent_requests (
    id               TEXT PRIMARY KEY,
    workspace        TEXT NOT NULL REFERENCES workspaces (id),
    fingerprint      BLOB NOT NULL,
    lease_token      TEXT,
    lease_expires_at INTEGER,
    answer           BLOB NOT NULL,
    expires_at       INTEGER NOT NULL
) STRICT;
CREATE TABLE meetings (
    credential TEXT NOT NULL REFERENCES credentials (id),
    number     INTEGER NOT NULL,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    -- Zoom's id of the host, and whether this is the host's personal room.
    host       TEXT NOT NULL,
    personal   INTEGER NOT NULL,
    -- Deleted at Zoom. The row keeps what is older from bringing the meeting back, and goes after a day.
    gone       INTEGER NOT NULL,
    synced_at  INTEGER NOT NULL,
    PRIMARY KEY (credential, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE parked_consents (
    id                TEXT PRIMARY KEY,
    workspace         TEXT NOT NULL REFERENCES workspaces (id),
    app               TEXT NOT NULL REFERENCES zoom_oauth_apps (id),
    zoom_user_id      TEXT NOT NULL,
    zoom_account_id   TEXT NOT NULL,
    display_name      TEXT NOT NULL,
    access_token      BLOB NOT NULL,
    access_expires_at INTEGER NOT NULL,
    refresh_token     BLOB NOT NULL,
    scopes            TEXT NOT NULL,
    api_url           TEXT,
    parked_at         INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL, code_digest BLOB,
    UNIQUE (app, zoom_user_id)
) STRICT;
CREATE TABLE pool_members (
    pool       TEXT NOT NULL REFERENCES pools (id),
    credential TEXT NOT NULL REFERENCES credentials (id),
    zoom_user  TEXT NOT NULL,
    person     TEXT NOT NULL,
    joins      INTEGER NOT NULL,
    hosted     INTEGER NOT NULL,
    taken_at   INTEGER, address TEXT,
    PRIMARY KEY (pool, credential, zoom_user)
) STRICT, WITHOUT ROWID;
INSERT INTO "pool_members" VALUES('01a227f6-5cd5-7c3d-9540-147cdb3ede60','01a227f6-5c9e-7fda-be4b-4789509a2939','','WoBJ422EhuOq7ukCipF0UA',2,1,NULL,NULL);
CREATE TABLE pool_seats (
    id         TEXT PRIMARY KEY,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    pool       TEXT NOT NULL REFERENCES pools (id),
    credential TEXT NOT NULL REFERENCES credentials (id),
    zoom_user  TEXT NOT NULL,
    person     TEXT NOT NULL,
    meeting    INTEGER,
    holder     TEXT NOT NULL,
    hosting    INTEGER NOT NULL,
    taken_at   INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL
) STRICT;
CREATE TABLE pools (
    id         TEXT PRIMARY KEY,
    workspace  TEXT NOT NULL REFERENCES workspaces (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace, name)
) STRICT;
INSERT INTO "pools" VALUES('01a227f6-5cd5-7c3d-9540-147cdb3ede60','01a227f6-5b91-73ce-9dee-fdc70373086a','notes',1795966786773531);
CREATE TABLE revisions (
    what     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;
CREATE TABLE seen_requests (
    request       BLOB PRIMARY KEY,
    first_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "seen_requests" VALUES(X'B200DCA8C1B5E7ED23010197DEB521C955265AEFA455CEA573EC09590B4D3062',1795966786707458);
CREATE TABLE "token_links" (
    id             TEXT PRIMARY KEY,
    workspace      TEXT NOT NULL REFERENCES workspaces (id),
    name           TEXT NOT NULL,
    secret_digest  BLOB NOT NULL,
    terms          TEXT NOT NULL,
    -- The pool that the terms name, for whoever wants to delete it.
    pool           TEXT,
    signing_secret BLOB,
    not_before     INTEGER,
    expires_at     INTEGER,
    max_uses       INTEGER,
    uses           INTEGER NOT NULL DEFAULT 0,
    last_uses      TEXT NOT NULL DEFAULT '[]',
    revision       INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    revoked_at     INTEGER
) STRICT;
INSERT INTO "token_links" VALUES('01a227f6-5cc8-76ce-86a6-25a3f5556457','01a227f6-5b91-73ce-9dee-fdc70373086a','',X'D520D5E5DAB42EB6E4D4AA92C056613CFE318C6370AFF14B3A03980AB3C9C5C1','{"dialect":"recall","kinds":["zak"],"source":{"accounts":[{"credential":"01a227f6-5c9e-7fda-be4b-4789509a2939","user":null}]},"meeting":null,"meeting_in_request":false,"proof":"signature","networks":[],"optional":false,"allow_repeat":false,"zak_outlives_seconds":600,"seat_seconds":14400,"hosting":false,"per_minute":null}',NULL,NULL,NULL,NULL,NULL,0,'[{"at":"2026-11-29T15:39:46.829467Z","kind":"zak","outcome":"given","from":"127.0.0.1","bot":null,"meeting":null},{"at":"2026-11-29T15:39:46.825601Z","kind":"zak","outcome":"given","from":"127.0.0.1","bot":null,"meeting":null},{"at":"2026-11-29T15:39:46.801028Z","kind":"zak","outcome":"given","from":"127.0.0.1","bot":null,"meeting":null}]',0,1795966786760746,NULL);
CREATE TABLE used_ids (
    id         TEXT PRIMARY KEY,
    written_at INTEGER NOT NULL,
    -- Entries of 24 bytes: a hash of the id, and the end of the link's.
    entries    BLOB NOT NULL
) STRICT;
INSERT INTO "used_ids" VALUES('01a227f6-5dd9-7915-a7cc-bed373061227',1795966787033393,X'12B171E18DF82BB301ADBC92483AC79F86A625A3F555645782768A8E937EB21FD0119EA0B58F396786A625A3F55564577F31C315391B7D5C2DDB0CA5AF0DCDBB86A625A3F5556457');
CREATE TABLE workspaces (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    callback_secret BLOB NOT NULL,
    created_at      INTEGER NOT NULL
, former_callback_secret BLOB NOT NULL DEFAULT x'', former_callback_secret_ends_at INTEGER, second_authorization TEXT NOT NULL DEFAULT 'replace', bot_limit INTEGER) STRICT;
INSERT INTO "workspaces" VALUES('01a227f6-5b91-73ce-9dee-fdc70373086a','default',X'010C6B2D323931343432373736334FC01B56F971C42B93C1200A488B9AFC4855D7355F9FF441C36E0112A4996A68B2256AAE6772CB5E9DB1EB6235A4CE8ABE8E55BD14CB46037E714EDD7D53C672AD686E6454FE110C6A76ABD723A9CE9E56C646A7397A30931422ABF58B3C1A5BFAFB4E7C36F2B5AF9E22CCB974FC263330B5FF189F0B85AFDDFDCC5AE9EA20FE9506AD98C326CE356644',1795966786449785,X'',NULL,'replace',NULL);
CREATE TABLE zoom_events (
    key         BLOB PRIMARY KEY,
    workspace   TEXT NOT NULL REFERENCES workspaces (id),
    app         TEXT NOT NULL REFERENCES zoom_oauth_apps (id),
    name        TEXT NOT NULL,
    ended       TEXT REFERENCES credentials (id),
    finished    INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE zoom_limits (
    lane          TEXT PRIMARY KEY,
    version       INTEGER NOT NULL,
    per_second    INTEGER,
    strain        INTEGER NOT NULL,
    strained_at   INTEGER,
    blocked_until INTEGER,
    shares        TEXT NOT NULL,
    changed_at    INTEGER NOT NULL
) STRICT;
INSERT INTO "zoom_limits" VALUES('newcomers/01a227f6-5c30-7b35-98b2-e3e3ddd38f5e/light',2,NULL,0,NULL,NULL,'[]',1795966789382165);
INSERT INTO "zoom_limits" VALUES('account/qlM-wQYuaSD0FibqxKrckg/light',2,NULL,0,NULL,NULL,'[]',1795966789384353);
CREATE TABLE zoom_oauth_apps (
    id                      TEXT PRIMARY KEY,
    workspace               TEXT NOT NULL REFERENCES workspaces (id),
    kind                    TEXT NOT NULL,
    client_id               TEXT NOT NULL,
    client_secret           BLOB NOT NULL,
    webhook_secret          BLOB NOT NULL,
    webhook_last_validation INTEGER,
    created_at              INTEGER NOT NULL, zoom_account_id TEXT, refused_since INTEGER, probe_at INTEGER, deleted_at INTEGER, former_webhook_secret BLOB NOT NULL DEFAULT x'', former_webhook_secret_ends_at INTEGER, signature_accepted_at INTEGER, signature_refused_at INTEGER,
    UNIQUE (workspace, client_id)
) STRICT;
INSERT INTO "zoom_oauth_apps" VALUES('01a227f6-5c30-7b35-98b2-e3e3ddd38f5e','01a227f6-5b91-73ce-9dee-fdc70373086a','user_level','client',X'010C6B2D32393134343237373633AB876128DE03FF267E247680DACE6CBD3DCF58A942E3B4B0BF734AE770A22CC3BCE6107CDAAA4DC69CBE14E70BF65FF3BC84EA15D54E23253666CAF38F799769A5C765EB305E7240D17AA8A9E6A12A9CE73D45BFFE6152D24BD12A2CC919',X'010C6B2D323931343432373736330CE94A251028AA039F935D55ABACAF7561152C5F45B33AC893805E5F397C2DE339F5CE01633D22286B0481D35A3D5AF3C79C4709310A514680A08009936915F2547C2118FD2552143A5EB27CAA3F4AE4A312E6EEE0E092B5BD8A7D54BCD12E',NULL,1795966786608747,NULL,NULL,NULL,NULL,X'',NULL,NULL,NULL);
CREATE INDEX credentials_by_workspace ON credentials (workspace, created_at);
CREATE INDEX bots_by_workspace ON bots (workspace, created_at);
CREATE INDEX bots_alive ON bots (coalesce(join_at, created_at)) WHERE status NOT IN ('done', 'fatal');
CREATE INDEX bot_screenshots_by_bot ON bot_screenshots (bot, recorded_at);
CREATE INDEX credentials_due ON credentials (refresh_at) WHERE refresh_at IS NOT NULL;
CREATE INDEX account_log_by_credential ON account_log (workspace, credential, id);
CREATE INDEX account_log_of_apps ON account_log (workspace, app, id) WHERE credential IS NULL;
CREATE INDEX zoom_events_unfinished ON zoom_events (received_at) WHERE finished = 0;
CREATE INDEX zoom_events_finished ON zoom_events (received_at) WHERE finished <> 0;
CREATE INDEX zoom_events_ended ON zoom_events (received_at) WHERE ended IS NOT NULL;
CREATE INDEX credentials_by_status ON credentials (status);
CREATE INDEX parked_consents_by_workspace ON parked_consents (workspace, parked_at);
CREATE INDEX pool_seats_by_person ON pool_seats (workspace, person, ends_at);
CREATE INDEX pool_seats_by_holder ON pool_seats (workspace, holder);
CREATE INDEX pool_seats_by_end ON pool_seats (workspace, ends_at);
CREATE INDEX pool_seats_by_pool ON pool_seats (pool);
CREATE UNIQUE INDEX pool_seats_once ON pool_seats (workspace, meeting, person) WHERE meeting IS NOT NULL;
CREATE INDEX credentials_sync_due ON credentials (sync_due_at) WHERE sync_due_at IS NOT NULL;
CREATE INDEX meetings_by_number ON meetings (workspace, number, credential);
CREATE INDEX meetings_gone ON meetings (synced_at) WHERE gone <> 0;
CREATE INDEX api_keys_by_workspace ON api_keys (workspace, created_at);
CREATE INDEX token_links_by_workspace ON token_links (workspace, id);
CREATE INDEX token_links_by_pool ON token_links (pool) WHERE pool IS NOT NULL;
CREATE INDEX seen_requests_by_age ON seen_requests (first_seen_at);
CREATE INDEX audit_batches_by_workspace ON audit_batches (workspace, slice, id);
CREATE INDEX idempotent_requests_by_end ON idempotent_requests (expires_at);
CREATE TRIGGER link_revision_of_links
AFTER UPDATE OF terms, signing_secret, not_before, expires_at, max_uses, revoked_at ON token_links
BEGIN
    INSERT INTO revisions VALUES ('links', 1) ON CONFLICT (what) DO UPDATE SET revision = revision + 1;
END;
CREATE TRIGGER link_revision_of_accounts
AFTER UPDATE OF status, epoch ON credentials
WHEN old.epoch IS NOT new.epoch
    OR old.status IS NOT new.status
        AND NOT (old.status IN ('healthy', 'degraded') AND new.status IN ('healthy', 'degraded'))
BEGIN
    INSERT INTO revisions VALUES ('links', 1) ON CONFLICT (what) DO UPDATE SET revision = revision + 1;
END;
CREATE TRIGGER link_revision_of_secrets
AFTER UPDATE OF callback_secret, former_callback_secret, former_callback_secret_ends_at ON workspaces
BEGIN
    INSERT INTO revisions VALUES ('links', 1) ON CONFLICT (what) DO UPDATE SET revision = revision + 1;
END;
CREATE INDEX zoom_oauth_apps_by_client ON zoom_oauth_apps (client_id);
CREATE INDEX parked_consents_by_code ON parked_consents (code_digest) WHERE code_digest IS NOT NULL;
CREATE INDEX used_ids_by_age ON used_ids (written_at);
COMMIT;
PRAGMA user_version = 23;
