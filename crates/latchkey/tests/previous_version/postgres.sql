SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.count_link_revision() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    this_transaction CONSTANT TEXT := pg_current_xact_id()::text;
BEGIN
    IF current_setting('latchkey.link_revision', true) IS DISTINCT FROM this_transaction THEN
        PERFORM set_config('latchkey.link_revision', this_transaction, true);
        INSERT INTO revisions VALUES ('links', 1)
        ON CONFLICT (what) DO UPDATE SET revision = revisions.revision + 1;
    END IF;
    RETURN NULL;
END
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.account_log (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    app text NOT NULL COLLATE pg_catalog."C",
    credential text COLLATE pg_catalog."C",
    became text,
    code text,
    message text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.api_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    digest bytea NOT NULL,
    created_at bigint NOT NULL,
    prefix text DEFAULT 'lk_'::text NOT NULL,
    scopes text DEFAULT 'read,bots,tokens,admin'::text NOT NULL,
    per_minute bigint,
    expires_at bigint,
    last_used_at bigint,
    revoked_at bigint
);
CREATE TABLE public.audit_batches (
    slice bigint NOT NULL,
    workspace text NOT NULL COLLATE pg_catalog."C",
    id bytea NOT NULL,
    records bigint NOT NULL,
    content bytea NOT NULL
);
CREATE TABLE public.bot_screenshots (
    id text NOT NULL COLLATE pg_catalog."C",
    bot text NOT NULL COLLATE pg_catalog."C",
    recorded_at bigint NOT NULL,
    file text NOT NULL
);
CREATE TABLE public.bot_servers (
    id text NOT NULL,
    seen_at bigint NOT NULL
);
CREATE TABLE public.bot_steps (
    bot text NOT NULL COLLATE pg_catalog."C",
    step bigint NOT NULL,
    code text NOT NULL,
    sub_code text,
    message text,
    created_at bigint NOT NULL
);
CREATE TABLE public.bots (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    request bytea NOT NULL,
    meeting_digest bytea NOT NULL,
    join_at bigint,
    metadata jsonb NOT NULL,
    status text NOT NULL,
    leave_requested_at bigint,
    lease_token text COLLATE pg_catalog."C",
    lease_expires_at bigint,
    created_at bigint NOT NULL
);
CREATE TABLE public.consents (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    app text NOT NULL COLLATE pg_catalog."C",
    secret_digest bytea NOT NULL,
    credential text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    connected_by bytea,
    connected_at bigint
);
CREATE TABLE public.credentials (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    app text NOT NULL COLLATE pg_catalog."C",
    zoom_user_id text NOT NULL COLLATE pg_catalog."C",
    zoom_account_id text NOT NULL,
    display_name text NOT NULL,
    status text NOT NULL,
    generation bigint NOT NULL,
    access_token bytea NOT NULL,
    access_expires_at bigint NOT NULL,
    refresh_token bytea NOT NULL,
    scopes jsonb NOT NULL,
    api_url text,
    spent_at bigint,
    lease_token text COLLATE pg_catalog."C",
    lease_expires_at bigint,
    created_at bigint NOT NULL,
    granted_at bigint NOT NULL,
    kind text DEFAULT 'user_oauth'::text NOT NULL,
    callback_url bytea,
    status_since bigint DEFAULT 0 NOT NULL,
    trouble text,
    failures bigint DEFAULT 0 NOT NULL,
    retry_at bigint,
    refresh_at bigint,
    used_at bigint,
    epoch bigint DEFAULT 0 NOT NULL,
    consented_at bigint DEFAULT 0 NOT NULL,
    meeting_sync text DEFAULT 'not_started'::text NOT NULL,
    sync_due_at bigint,
    sync_failures bigint DEFAULT 0 NOT NULL,
    sync_lease_token text,
    sync_lease_expires_at bigint
);
CREATE TABLE public.idempotent_requests (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    fingerprint bytea NOT NULL,
    lease_token text COLLATE pg_catalog."C",
    lease_expires_at bigint,
    answer bytea NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.meetings (
    credential text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    workspace text NOT NULL COLLATE pg_catalog."C",
    host text NOT NULL,
    personal bigint NOT NULL,
    gone bigint NOT NULL,
    synced_at bigint NOT NULL
);
CREATE TABLE public.parked_consents (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL,
    app text NOT NULL,
    zoom_user_id text NOT NULL,
    zoom_account_id text NOT NULL,
    display_name text NOT NULL,
    access_token bytea NOT NULL,
    access_expires_at bigint NOT NULL,
    refresh_token bytea NOT NULL,
    scopes jsonb NOT NULL,
    api_url text,
    parked_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    code_digest bytea
);
CREATE TABLE public.pool_members (
    pool text NOT NULL COLLATE pg_catalog."C",
    credential text NOT NULL COLLATE pg_catalog."C",
    zoom_user text NOT NULL COLLATE pg_catalog."C",
    person text NOT NULL COLLATE pg_catalog."C",
    joins bigint NOT NULL,
    hosted bigint NOT NULL,
    taken_at bigint,
    address text
);
CREATE TABLE public.pool_seats (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    pool text NOT NULL COLLATE pg_catalog."C",
    credential text NOT NULL COLLATE pg_catalog."C",
    zoom_user text NOT NULL COLLATE pg_catalog."C",
    person text NOT NULL COLLATE pg_catalog."C",
    meeting bigint,
    holder text NOT NULL COLLATE pg_catalog."C",
    hosting bigint NOT NULL,
    taken_at bigint NOT NULL,
    ends_at bigint NOT NULL
);
CREATE TABLE public.pools (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);
CREATE TABLE public.revisions (
    what text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL
);
CREATE TABLE public.schema_steps (
    number bigint NOT NULL,
    name text NOT NULL
);
CREATE TABLE public.seen_requests (
    request bytea NOT NULL,
    first_seen_at bigint NOT NULL
);
CREATE TABLE public.token_links (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    secret_digest bytea NOT NULL,
    signing_secret bytea,
    expires_at bigint,
    created_at bigint NOT NULL,
    revoked_at bigint,
    name text DEFAULT ''::text NOT NULL,
    terms jsonb NOT NULL,
    pool text COLLATE pg_catalog."C",
    not_before bigint,
    max_uses bigint,
    uses bigint DEFAULT 0 NOT NULL,
    last_uses jsonb DEFAULT '[]'::jsonb NOT NULL,
    revision bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.used_ids (
    id text NOT NULL COLLATE pg_catalog."C",
    written_at bigint NOT NULL,
    entries bytea NOT NULL
);
ALTER TABLE ONLY public.used_ids ALTER COLUMN entries SET STORAGE EXTERNAL;
CREATE TABLE public.workspaces (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    callback_secret bytea NOT NULL,
    created_at bigint NOT NULL,
    former_callback_secret bytea DEFAULT '\x'::bytea NOT NULL,
    former_callback_secret_ends_at bigint,
    second_authorization text DEFAULT 'replace'::text NOT NULL,
    bot_limit bigint
);
CREATE TABLE public.zoom_events (
    key bytea NOT NULL,
    workspace text NOT NULL COLLATE pg_catalog."C",
    app text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    ended text COLLATE pg_catalog."C",
    finished bigint NOT NULL,
    received_at bigint NOT NULL
);
CREATE TABLE public.zoom_limits (
    lane text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    per_second bigint,
    strain bigint NOT NULL,
    strained_at bigint,
    blocked_until bigint,
    shares jsonb NOT NULL,
    changed_at bigint NOT NULL
);
CREATE TABLE public.zoom_oauth_apps (
    id text NOT NULL COLLATE pg_catalog."C",
    workspace text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    client_id text NOT NULL COLLATE pg_catalog."C",
    client_secret bytea NOT NULL,
    webhook_secret bytea NOT NULL,
    webhook_last_validation bigint,
    created_at bigint NOT NULL,
    zoom_account_id text,
    refused_since bigint,
    probe_at bigint,
    deleted_at bigint,
    former_webhook_secret bytea DEFAULT '\x'::bytea NOT NULL,
    former_webhook_secret_ends_at bigint,
    signature_accepted_at bigint,
    signature_refused_at bigint
);
INSERT INTO public.account_log VALUES ('01a227f6-5c9e-7549-a1eb-f05c220fdefa', '01a227f6-5b91-73ce-9dee-fdc70373086a', '01a227f6-5c30-7b35-98b2-e3e3ddd38f5e', '01a227f6-5c9e-7fda-be4b-4789509a2939', 'healthy', NULL, 'connected', 1795966786718432);
INSERT INTO public.api_keys VALUES ('01a227f6-5b91-77ff-ba89-97832ce09e49', '01a227f6-5b91-73ce-9dee-fdc70373086a', 'first', '\x031375cb2e8873cd071b39db69c54d96dba1bde089819528fc97d57746ee5984', 1795966786449818, 'lk_--BY', 'read,bots,tokens,admin', NULL, NULL, 1795966786600002, NULL);
INSERT INTO public.audit_batches VALUES (17959667868, '01a227f6-5b91-73ce-9dee-fdc70373086a', '\x50b97ff1d0d97449b41d699d4ba4e254', 1, '\x0101edc8011001a227f65d097c9183d0d9d1524c2bb91001a227f65c9e7fdabe4b4789509a2939037a616b0a746f6b656e5f6c696e6b1001a227f65cc876ce86a625a3f555645701007f0000010a746f6b656e5f6c696e6b05676976656e01046b657074000000');
INSERT INTO public.audit_batches VALUES (17959667868, '01a227f6-5b91-73ce-9dee-fdc70373086a', '\x5521885784032b1ae0ce45488c64c74a', 1, '\x0101a0a2011001a227f65d047883a96413ca59994b861001a227f65c9e7fdabe4b4789509a2939037a616b0a746f6b656e5f6c696e6b1001a227f65cc876ce86a625a3f555645701007f0000010a746f6b656e5f6c696e6b05676976656e01066d696e746564000000');
INSERT INTO public.audit_batches VALUES (17959667868, '01a227f6-5b91-73ce-9dee-fdc70373086a', '\x9dae9ae9b6be3550665b68a0688f07b5', 1, '\x0101f2e6011001a227f65d0d793888d0ee86272403b41001a227f65c9e7fdabe4b4789509a2939037a616b0a746f6b656e5f6c696e6b1001a227f65cc876ce86a625a3f555645701007f0000010a746f6b656e5f6c696e6b05676976656e01046b657074000000');
INSERT INTO public.bot_servers VALUES ('MyGI5WtteDlDNP8L2d6JIlxYJjkfvOrFm3GkZYTbbZY', 1795966786540051);
INSERT INTO public.bot_steps VALUES ('01a227f6-5d19-70e3-9af6-1809bf09fdcb', 0, 'ready', NULL, NULL, 1795966786841260);
INSERT INTO public.bots VALUES ('01a227f6-5d19-70e3-9af6-1809bf09fdcb', '01a227f6-5b91-73ce-9dee-fdc70373086a', '\x010c6b2d323931343432373736336ca0f1ee14900e1cf7af3cf185e9336e3c42c2cb9d20025528d5c1203a0b7a3309a0c79a147ad58ef7408d8454b9a0b39d73e7234cc603a88b71557b28a307eb77f4873d1e55c470050e438fec36ef864aa4c752ae1449eccc60062d5e7e2e813021c648ec11804541799a0452ebb626b997b132a80e429bcbdd808c1af22d2b20c900b8325a7c904e3817d4e438ba751e42fb8ae8186d969e1335d05c028a6933bff1acd1a87187f851ec2b0094f07a470f26bb3f067b6cb31560419ceba841ce5bd8082c1c195e3c7f9a6df76a8f5ef5d84f5054faaad47b4d6aaec0116f2c41fd1c3a6b4de43253224acfcbcc00c5a8639d03a5e8b4705225554b282bef9cd69c40757120997dfee1a7245a69281ee01e9e5294b92e0be6b982869306b9e001bd407e226df1748be1d5feddcfa2a9b3c863c885fc61f7a54488119f1d8cfde6098945cc2d2fb82a4f4f429587b1f89197c5a5174b3ed80a2e24620a27894a953fbbd63aa38ff1f9190aad653268a8b720435562781d89b18c6f7a47022362e33e59f45fb2cf218b88bcf2d128d81f390a0b7de8be6a5f7b6ca978b691ce2c94f26a731e4c15577c81e80c8c5ac4059b5dab39977b94f7a5c5c2dd7a7640971f11a2027e747bcd37f2f7b10083c4fa279acf43d607a4d6ed6eae601f8ebbc0777a5f8a24d0de8210bee360cc9b75f3961b031d29236b1476e9b7ad461347bae7950644ef5c28c520a6e1', '\x350840a672704e063cfcb9213be3143fc8a54859b15057362f799f71e584b672', 3786955200000000, '{"customer": "ada"}', 'ready', NULL, NULL, NULL, 1795966786841260);
INSERT INTO public.consents VALUES ('01a227f6-5c6b-7b1c-8a75-9c7128f4fb74', '01a227f6-5b91-73ce-9dee-fdc70373086a', '01a227f6-5c30-7b35-98b2-e3e3ddd38f5e', '\x0f2114db940b4cc49c8a78c653287a834d5fbaa3983805dd114f90bbc3f291a7', '01a227f6-5c9e-7fda-be4b-4789509a2939', 1795966786667403, 1796053186667403, '\xb200dca8c1b5e7ed23010197deb521c955265aefa455cea573ec09590b4d3062', 1795966786718432);
INSERT INTO public.credentials VALUES ('01a227f6-5c9e-7fda-be4b-4789509a2939', '01a227f6-5b91-73ce-9dee-fdc70373086a', '01a227f6-5c30-7b35-98b2-e3e3ddd38f5e', 'WoBJ422EhuOq7ukCipF0UA', 'qlM-wQYuaSD0FibqxKrckg', 'Ada', 'healthy', 1, '\x010c6b2d32393134343237373633da4f4d62d7e8f8ec92c1b1075f44c0cc390d765c2341e0b7b6c6e216effbed4abb0f12cb34f72a42f593eea5935b7890c04be20bc11698b35a7aac630035913df169d7d56258f82e9c4286e28d86fa6aff9a074f5dee3a7a37ba73aeec7051be906550c9dae9fbd37c97f8972afce5783859ee618cd6d2e7a41718df6c6a64dff7530caada3398735d044b2bfed72202fd6b1a8801cd322d3f89b6d4aee50683a131cbfed5ea0ca5bf576d5f1696fb5641250833bbd03a0a30e53fd06ae938bc71ac2c2771123db09b79a9bb555e926a1a3f365c843841c9bc13b0c82d58ec338079082a8a872342b181156bd5bfb08e3f748f7f3b8f612bc5e70e2b5f23406b2c802210de00408aad4f39d4e987c8a1e10e11a3013d93d4e7fc18499c50b8a5c02df47d8a9fc8312e4985cf49342e7f432b322983a4525688b74aa5173d1f9a7929d73c0292bbd02d3526bf6ad8785b065817a123d8ebef39eac9a8966c41b98c2543855b3c0322e589fc43be33b9ec42f0719dd604ad61f7f2a3ecf83236a10400eea90332c301b6e62d9f494551bf93f2a5abbcca57e3749cb89236d89ac83d59134c5399a34ba2cd9c79ce2a6ddd62a01d9688857291d1beed9813ae04637dc35389dd49e073cd87823254a7f5a3e795b399750d5a047cd15d458b648b20c397a0d2bcfd2093b4b270cce56eacc86be91aa506cb5580bfa992699cfe708bc38b72d2e7313e98937d4c3fba6122fe67175f8e8f4f89ae2d04b38f4cd3e95f6b60e39b49625688f36b4d2d4ffadd86', 1795970386717405, '\x010c6b2d3239313434323737363325e1a3382f4891bd98f8ac71c0e109a5d2d22454db259ada6501deb527a7679f42f85431715953f3e29c97ebcfc7a7bc3aa4222ea7ebc29e186c2ab64204bd3a243bebbbdbf07f5d4c5532f5ace2d7fe6ba8c582d362211957de0cc82dcacb87ad5693b82acc4b03732c83bf93f5336849d1bf754731f58d30e78eec2a6a8390a9b9f4', '["user:read:user", "user:read:token", "user:read:zak"]', 'https://127.0.0.1:45605/', NULL, NULL, NULL, 1795966786717418, 1795966786717404, 'user_oauth', NULL, 1795966786717418, NULL, 0, NULL, 1795969760317404, 1795966786717418, 1, 1795966786717404, 'not_started', 1795982988666732, 0, NULL, NULL);
INSERT INTO public.pool_members VALUES ('01a227f6-5cd5-7c3d-9540-147cdb3ede60', '01a227f6-5c9e-7fda-be4b-4789509a2939', '', 'WoBJ422EhuOq7ukCipF0UA', 2, 1, NULL, NULL);
INSERT INTO public.pools VALUES ('01a227f6-5cd5-7c3d-9540-147cdb3ede60', '01a227f6-5b91-73ce-9dee-fdc70373086a', 'notes', 1795966786773531);
INSERT INTO public.schema_steps VALUES (1, '0001_first');
INSERT INTO public.schema_steps VALUES (2, '0002_health');
INSERT INTO public.schema_steps VALUES (3, '0003_zoom_inbox');
INSERT INTO public.schema_steps VALUES (4, '0004_link_users');
INSERT INTO public.schema_steps VALUES (5, '0005_audit');
INSERT INTO public.schema_steps VALUES (6, '0006_parked_consents');
INSERT INTO public.schema_steps VALUES (7, '0007_pools');
INSERT INTO public.schema_steps VALUES (8, '0008_audit_about');
INSERT INTO public.schema_steps VALUES (9, '0009_meetings');
INSERT INTO public.schema_steps VALUES (10, '0010_zoom_limits');
INSERT INTO public.schema_steps VALUES (11, '0011_api_keys');
INSERT INTO public.schema_steps VALUES (12, '0012_link_terms');
INSERT INTO public.schema_steps VALUES (13, '0013_audit_batches');
INSERT INTO public.schema_steps VALUES (14, '0014_idempotent_requests');
INSERT INTO public.schema_steps VALUES (15, '0015_management');
INSERT INTO public.schema_steps VALUES (16, '0016_link_revision');
INSERT INTO public.schema_steps VALUES (17, '0017_bot_limits');
INSERT INTO public.schema_steps VALUES (18, '0021_app_registrations');
INSERT INTO public.schema_steps VALUES (19, '0022_member_addresses');
INSERT INTO public.schema_steps VALUES (20, '0025_app_signatures');
INSERT INTO public.schema_steps VALUES (21, '0026_bot_servers');
INSERT INTO public.schema_steps VALUES (22, '0029_authorizations_travel');
INSERT INTO public.schema_steps VALUES (23, '0030_used_ids');
INSERT INTO public.seen_requests VALUES ('\xb200dca8c1b5e7ed23010197deb521c955265aefa455cea573ec09590b4d3062', 1795966786707458);
INSERT INTO public.token_links VALUES ('01a227f6-5cc8-76ce-86a6-25a3f5556457', '01a227f6-5b91-73ce-9dee-fdc70373086a', '\xd520d5e5dab42eb6e4d4aa92c056613cfe318c6370aff14b3a03980ab3c9c5c1', NULL, NULL, 1795966786760746, NULL, '', '{"kinds": ["zak"], "proof": "signature", "source": {"accounts": [{"user": null, "credential": "01a227f6-5c9e-7fda-be4b-4789509a2939"}]}, "dialect": "recall", "hosting": false, "meeting": null, "networks": [], "optional": false, "per_minute": null, "allow_repeat": false, "seat_seconds": 14400, "meeting_in_request": false, "zak_outlives_seconds": 600}', NULL, NULL, NULL, 0, '[{"at": "2026-11-29T15:39:46.829467Z", "bot": null, "from": "127.0.0.1", "kind": "zak", "meeting": null, "outcome": "given"}, {"at": "2026-11-29T15:39:46.825601Z", "bot": null, "from": "127.0.0.1", "kind": "zak", "meeting": null, "outcome": "given"}, {"at": "2026-11-29T15:39:46.801028Z", "bot": null, "from": "127.0.0.1", "kind": "zak", "meeting": null, "outcome": "given"}]', 0);
INSERT INTO public.used_ids VALUES ('01a227f6-5dd9-7915-a7cc-bed373061227', 1795966787033393, '\x12b171e18df82bb301adbc92483ac79f86a625a3f555645782768a8e937eb21fd0119ea0b58f396786a625a3f55564577f31c315391b7d5c2ddb0ca5af0dcdbb86a625a3f5556457');
INSERT INTO public.workspaces VALUES ('01a227f6-5b91-73ce-9dee-fdc70373086a', 'default', '\x010c6b2d323931343432373736334fc01b56f971c42b93c1200a488b9afc4855d7355f9ff441c36e0112a4996a68b2256aae6772cb5e9db1eb6235a4ce8abe8e55bd14cb46037e714edd7d53c672ad686e6454fe110c6a76abd723a9ce9e56c646a7397a30931422abf58b3c1a5bfafb4e7c36f2b5af9e22ccb974fc263330b5ff189f0b85afddfdcc5ae9ea20fe9506ad98c326ce356644', 1795966786449785, '\x', NULL, 'replace', NULL);
INSERT INTO public.zoom_limits VALUES ('account/qlM-wQYuaSD0FibqxKrckg/light', 2, NULL, 0, NULL, NULL, '[]', 1795966789384353);
INSERT INTO public.zoom_limits VALUES ('newcomers/01a227f6-5c30-7b35-98b2-e3e3ddd38f5e/light', 2, NULL, 0, NULL, NULL, '[]', 1795966789382165);
INSERT INTO public.zoom_oauth_apps VALUES ('01a227f6-5c30-7b35-98b2-e3e3ddd38f5e', '01a227f6-5b91-73ce-9dee-fdc70373086a', 'user_level', 'client', '\x010c6b2d32393134343237373633ab876128de03ff267e247680dace6cbd3dcf58a942e3b4b0bf734ae770a22cc3bce6107cdaaa4dc69cbe14e70bf65ff3bc84ea15d54e23253666caf38f799769a5c765eb305e7240d17aa8a9e6a12a9ce73d45bffe6152d24bd12a2cc919', '\x010c6b2d323931343432373736330ce94a251028aa039f935d55abacaf7561152c5f45b33ac893805e5f397c2de339f5ce01633d22286b0481d35a3d5af3c79c4709310a514680a08009936915f2547c2118fd2552143a5eb27caa3f4ae4a312e6eee0e092b5bd8a7d54bcd12e', NULL, 1795966786608747, NULL, NULL, NULL, NULL, '\x', NULL, NULL, NULL);
ALTER TABLE ONLY public.account_log
    ADD CONSTRAINT account_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_batches
    ADD CONSTRAINT audit_batches_pkey PRIMARY KEY (slice, id);
ALTER TABLE ONLY public.bot_screenshots
    ADD CONSTRAINT bot_screenshots_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.bot_servers
    ADD CONSTRAINT bot_servers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.bot_steps
    ADD CONSTRAINT bot_steps_pkey PRIMARY KEY (bot, step);
ALTER TABLE ONLY public.bots
    ADD CONSTRAINT bots_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.consents
    ADD CONSTRAINT consents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_app_zoom_user_id_key UNIQUE (app, zoom_user_id);
ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.idempotent_requests
    ADD CONSTRAINT idempotent_requests_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.meetings
    ADD CONSTRAINT meetings_pkey PRIMARY KEY (credential, number);
ALTER TABLE ONLY public.parked_consents
    ADD CONSTRAINT parked_consents_app_zoom_user_id_key UNIQUE (app, zoom_user_id);
ALTER TABLE ONLY public.parked_consents
    ADD CONSTRAINT parked_consents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pool_members
    ADD CONSTRAINT pool_members_pkey PRIMARY KEY (pool, credential, zoom_user);
ALTER TABLE ONLY public.pool_seats
    ADD CONSTRAINT pool_seats_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pools
    ADD CONSTRAINT pools_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pools
    ADD CONSTRAINT pools_workspace_name_key UNIQUE (workspace, name);
ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (what);
ALTER TABLE ONLY public.schema_steps
    ADD CONSTRAINT schema_steps_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.seen_requests
    ADD CONSTRAINT seen_requests_pkey PRIMARY KEY (request);
ALTER TABLE ONLY public.token_links
    ADD CONSTRAINT token_links_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.used_ids
    ADD CONSTRAINT used_ids_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.zoom_events
    ADD CONSTRAINT zoom_events_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.zoom_limits
    ADD CONSTRAINT zoom_limits_pkey PRIMARY KEY (lane);
ALTER TABLE ONLY public.zoom_oauth_apps
    ADD CONSTRAINT zoom_oauth_apps_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.zoom_oauth_apps
    ADD CONSTRAINT zoom_oauth_apps_workspace_client_id_key UNIQUE (workspace, client_id);
CREATE INDEX account_log_by_credential ON public.account_log USING btree (workspace, credential, id);
CREATE INDEX account_log_of_apps ON public.account_log USING btree (workspace, app, id) WHERE (credential IS NULL);
CREATE INDEX api_keys_by_workspace ON public.api_keys USING btree (workspace, created_at);
CREATE INDEX audit_batches_by_workspace ON public.audit_batches USING btree (workspace, slice, id);
CREATE INDEX bot_screenshots_by_bot ON public.bot_screenshots USING btree (bot, recorded_at);
CREATE INDEX bots_alive ON public.bots USING btree (COALESCE(join_at, created_at)) WHERE (status <> ALL (ARRAY['done'::text, 'fatal'::text]));
CREATE INDEX bots_by_workspace ON public.bots USING btree (workspace, created_at);
CREATE INDEX credentials_by_status ON public.credentials USING btree (status);
CREATE INDEX credentials_by_workspace ON public.credentials USING btree (workspace, created_at);
CREATE INDEX credentials_due ON public.credentials USING btree (refresh_at) WHERE (refresh_at IS NOT NULL);
CREATE INDEX credentials_sync_due ON public.credentials USING btree (sync_due_at) WHERE (sync_due_at IS NOT NULL);
CREATE INDEX idempotent_requests_by_end ON public.idempotent_requests USING btree (expires_at);
CREATE INDEX meetings_by_number ON public.meetings USING btree (workspace, number, credential);
CREATE INDEX meetings_gone ON public.meetings USING btree (synced_at) WHERE (gone <> 0);
CREATE INDEX parked_consents_by_code ON public.parked_consents USING btree (code_digest) WHERE (code_digest IS NOT NULL);
CREATE INDEX parked_consents_by_workspace ON public.parked_consents USING btree (workspace, parked_at);
CREATE INDEX pool_seats_by_end ON public.pool_seats USING btree (workspace, ends_at);
CREATE INDEX pool_seats_by_holder ON public.pool_seats USING btree (workspace, holder);
CREATE INDEX pool_seats_by_person ON public.pool_seats USING btree (workspace, person, ends_at);
CREATE INDEX pool_seats_by_pool ON public.pool_seats USING btree (pool);
CREATE UNIQUE INDEX pool_seats_once ON public.pool_seats USING btree (workspace, meeting, person) WHERE (meeting IS NOT NULL);
CREATE INDEX seen_requests_by_age ON public.seen_requests USING btree (first_seen_at);
CREATE INDEX token_links_by_pool ON public.token_links USING btree (pool) WHERE (pool IS NOT NULL);
CREATE INDEX token_links_by_workspace ON public.token_links USING btree (workspace, id);
CREATE INDEX used_ids_by_age ON public.used_ids USING btree (written_at);
CREATE INDEX zoom_events_ended ON public.zoom_events USING btree (received_at) WHERE (ended IS NOT NULL);
CREATE INDEX zoom_events_finished ON public.zoom_events USING btree (received_at) WHERE (finished <> 0);
CREATE INDEX zoom_events_unfinished ON public.zoom_events USING btree (received_at) WHERE (finished = 0);
CREATE INDEX zoom_oauth_apps_by_client ON public.zoom_oauth_apps USING btree (client_id);
CREATE CONSTRAINT TRIGGER link_revision_of_accounts AFTER UPDATE OF status, epoch ON public.credentials DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((old.epoch IS DISTINCT FROM new.epoch) OR ((old.status IS DISTINCT FROM new.status) AND (NOT ((old.status = ANY (ARRAY['healthy'::text, 'degraded'::text])) AND (new.status = ANY (ARRAY['healthy'::text, 'degraded'::text]))))))) EXECUTE FUNCTION public.count_link_revision();
CREATE CONSTRAINT TRIGGER link_revision_of_links AFTER UPDATE OF terms, signing_secret, not_before, expires_at, max_uses, revoked_at ON public.token_links DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.count_link_revision();
CREATE CONSTRAINT TRIGGER link_revision_of_secrets AFTER UPDATE OF callback_secret, former_callback_secret, former_callback_secret_ends_at ON public.workspaces DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.count_link_revision();
ALTER TABLE ONLY public.account_log
    ADD CONSTRAINT account_log_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.bot_screenshots
    ADD CONSTRAINT bot_screenshots_bot_fkey FOREIGN KEY (bot) REFERENCES public.bots(id);
ALTER TABLE ONLY public.bot_steps
    ADD CONSTRAINT bot_steps_bot_fkey FOREIGN KEY (bot) REFERENCES public.bots(id);
ALTER TABLE ONLY public.bots
    ADD CONSTRAINT bots_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.consents
    ADD CONSTRAINT consents_app_fkey FOREIGN KEY (app) REFERENCES public.zoom_oauth_apps(id);
ALTER TABLE ONLY public.consents
    ADD CONSTRAINT consents_credential_fkey FOREIGN KEY (credential) REFERENCES public.credentials(id);
ALTER TABLE ONLY public.consents
    ADD CONSTRAINT consents_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_app_fkey FOREIGN KEY (app) REFERENCES public.zoom_oauth_apps(id);
ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.idempotent_requests
    ADD CONSTRAINT idempotent_requests_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.meetings
    ADD CONSTRAINT meetings_credential_fkey FOREIGN KEY (credential) REFERENCES public.credentials(id);
ALTER TABLE ONLY public.meetings
    ADD CONSTRAINT meetings_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.parked_consents
    ADD CONSTRAINT parked_consents_app_fkey FOREIGN KEY (app) REFERENCES public.zoom_oauth_apps(id);
ALTER TABLE ONLY public.parked_consents
    ADD CONSTRAINT parked_consents_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.pool_members
    ADD CONSTRAINT pool_members_credential_fkey FOREIGN KEY (credential) REFERENCES public.credentials(id);
ALTER TABLE ONLY public.pool_members
    ADD CONSTRAINT pool_members_pool_fkey FOREIGN KEY (pool) REFERENCES public.pools(id);
ALTER TABLE ONLY public.pool_seats
    ADD CONSTRAINT pool_seats_credential_fkey FOREIGN KEY (credential) REFERENCES public.credentials(id);
ALTER TABLE ONLY public.pool_seats
    ADD CONSTRAINT pool_seats_pool_fkey FOREIGN KEY (pool) REFERENCES public.pools(id);
ALTER TABLE ONLY public.pool_seats
    ADD CONSTRAINT pool_seats_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.pools
    ADD CONSTRAINT pools_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.token_links
    ADD CONSTRAINT token_links_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.zoom_events
    ADD CONSTRAINT zoom_events_app_fkey FOREIGN KEY (app) REFERENCES public.zoom_oauth_apps(id);
ALTER TABLE ONLY public.zoom_events
    ADD CONSTRAINT zoom_events_ended_fkey FOREIGN KEY (ended) REFERENCES public.credentials(id);
ALTER TABLE ONLY public.zoom_events
    ADD CONSTRAINT zoom_events_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
ALTER TABLE ONLY public.zoom_oauth_apps
    ADD CONSTRAINT zoom_oauth_apps_workspace_fkey FOREIGN KEY (workspace) REFERENCES public.workspaces(id);
