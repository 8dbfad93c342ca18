//! How a bot signs in, and misspelt field names.

use axum::body::Body;
use serde_json::json;

use super::create;
use crate::app;

/// A bot with sign-in fields never joins anonymously because one of them was ignored.
#[tokio::test]
async fn a_bot_signs_in_in_one_way_or_not_at_all() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let unknown = "01900000-0000-7000-8000-000000000000";
    let needs_zak = "Starting a meeting needs its host's ZAK: give credential, pool or zak_url.";
    for (zoom, complaints) in [
        (json!({ "credential": "x" }), json!({ "credential": ["It must be the id of an account."] })),
        (json!({ "credential": unknown }), json!({ "credential": ["This workspace has no such account."] })),
        (
            json!({ "credential": account, "zak_url": "https://example.com/" }),
            json!({ "credential": ["Give this or zak_url, not both."] }),
        ),
        (json!({ "start_meeting": true }), json!({ "start_meeting": [needs_zak] })),
        (json!({ "pool": "x" }), json!({ "pool": ["It must be the id of a pool."] })),
        (json!({ "pool": unknown }), json!({ "pool": ["This workspace has no such pool."] })),
        (
            json!({ "credential": account, "pool": unknown }),
            json!({ "pool": ["Give this or credential, not both."] }),
        ),
        (
            json!({ "obf_token_url": "https://example.com/", "start_meeting": true }),
            json!({ "start_meeting": [needs_zak] }),
        ),
        (
            json!({ "obf_token_url": "https://example.com/", "pool": unknown }),
            json!({ "obf_token_url": ["Zoom's SDK takes a ZAK or an OBF token, not both."] }),
        ),
        (
            json!({ "obf_credential": unknown }),
            json!({ "obf_credential": ["This workspace has no such account."] }),
        ),
        (
            json!({ "obf_credential": account, "credential": account }),
            json!({ "obf_credential": ["Zoom's SDK takes a ZAK or an OBF token, not both."] }),
        ),
        (
            json!({ "obf_credential": account, "obf_token_url": "https://example.com/" }),
            json!({ "obf_credential": ["Give this or obf_token_url, not both."] }),
        ),
        (
            json!({ "obf_credential": account, "user": "ada@example.test" }),
            json!({ "user": ["This account belongs to one user; only a server-to-server app has several."] }),
        ),
        (
            json!({ "obf_token_url": "https://example.com/", "zak_url": "https://example.com/" }),
            json!({ "obf_token_url": ["Zoom's SDK takes a ZAK or an OBF token, not both."] }),
        ),
    ] {
        let answer = create(&app, json!({ "zoom": zoom })).await;
        assert_eq!(answer.refused(), json!({ "zoom": complaints }), "{zoom}");
    }
    let zoom = json!({ "credential": account, "start_meeting": true });
    let bot = create(&app, json!({ "zoom": zoom })).await.created();
    assert_eq!(bot["zoom"]["credential"], account);
    assert_eq!(bot["zoom"]["start_meeting"], true);
}

/// A bot with sign-in fields never joins as a guest because of a typing mistake.
#[tokio::test]
async fn a_misspelt_sign_in_field_is_refused_with_a_suggestion() {
    let app = app().await;
    let url = "https://example.com/zak";
    for (zoom, field, complaint) in [
        (json!({ "zak_ulr": url }), "zak_ulr", "There is no such field: did you mean zak_url?"),
        (json!({ "zakUrl": url }), "zakUrl", "There is no such field: did you mean zak_url?"),
        (json!({ "ZAK_URL": url }), "ZAK_URL", "There is no such field: did you mean zak_url?"),
        (json!({ "credentials": "x" }), "credentials", "There is no such field: did you mean credential?"),
        (
            json!({ "credential_id": "x" }),
            "credential_id",
            "There is no such field: did you mean credential?",
        ),
        (json!({ "obf_token": url }), "obf_token", "There is no such field: did you mean obf_token_url?"),
        (
            json!({ "start_meating": true }),
            "start_meating",
            "There is no such field: did you mean start_meeting?",
        ),
        (json!({ "oauthapp": "x" }), "oauthapp", "There is no such field: did you mean oauth_app?"),
    ] {
        let answer = create(&app, json!({ "zoom": zoom })).await;
        assert_eq!(answer.refused(), json!({ "zoom": { field: [complaint] } }), "{zoom}");
    }
    let answer = create(&app, json!({ "zoom": { "planted": 1 } })).await.refused();
    let said = answer["zoom"]["planted"][0].as_str().unwrap();
    assert!(said.starts_with("There is no such field. The fields are: zak_url, "), "{said}");

    // Also next to `zoom`.
    for (name, complaint) in [
        ("zak_url", "There is no such field: did you mean zak_url inside zoom?"),
        ("zak_ulr", "There is no such field: did you mean zak_url inside zoom?"),
        ("zoom.zak_url", "There is no such field: did you mean zak_url inside zoom?"),
        ("zoom_credential", "There is no such field: did you mean credential inside zoom?"),
        ("Zoom", "There is no such field: did you mean zoom?"),
        ("zom", "There is no such field: did you mean zoom?"),
    ] {
        let answer = create(&app, json!({ name: { "zak_url": url } })).await;
        assert_eq!(answer.refused(), json!({ name: [complaint] }), "{name}");
    }
    // Fields of older versions of the contract, and a null.
    let older = json!({ "require_recording_permission": true, "zak_ulr": null });
    create(&app, json!({ "zoom": older, "zak_ulr": null })).await.created();
}

#[tokio::test]
async fn the_same_holds_for_links_pools_and_accounts() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let id = "01900000-0000-7000-8000-000000000000";
    let meant = |name: &str| format!("There is no such field: did you mean {name}?");
    for (path, body, complaints) in [
        (
            "/api/latchkey/v1/token-links/",
            json!({ "credential": account, "signing_secrets": "whsec_x" }),
            json!({ "signing_secrets": [meant("signing_secret")] }),
        ),
        (
            "/api/latchkey/v1/token-links/",
            json!({ "accounts": [{ "credential": account, "usr": "x@example.test" }] }),
            json!({ "accounts": [{ "usr": [meant("user")] }] }),
        ),
        (
            "/api/latchkey/v1/pools/",
            json!({ "name": "robins", "members": [{ "credential": account, "max_joins": 2, "max_host": 1 }] }),
            json!({ "members": [{ "max_host": [meant("max_hosted")] }] }),
        ),
        (
            "/api/v2/zoom-oauth-credentials/",
            json!({ "oauth_app": id, "server_to_server": { "user": "x" } }),
            json!({ "server_to_server": { "user": ["There is no such field."] } }),
        ),
        (
            "/api/v2/zoom-oauth-credentials/",
            json!({ "oauth_app": id, "authorization_code":
                { "code": "x", "redirect_uri": "https://example.com/", "codeVerifier": "x" } }),
            json!({ "authorization_code": { "codeVerifier": [meant("code_verifier")] } }),
        ),
    ] {
        assert_eq!(app.post(path, body.clone()).await.refused(), complaints, "{body}");
    }
}

#[tokio::test]
async fn a_dead_account_is_refused_at_once_with_the_cure() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let member = json!({ "credential": account, "max_joins": 1 });
    let pool = json!({ "name": "dead", "members": [member] });
    let pool = app.post("/api/latchkey/v1/pools/", pool).await.created()["id"].clone();
    create(&app, json!({ "zoom": { "pool": pool } })).await.created();

    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    for field in ["credential", "obf_credential"] {
        let answer = create(&app, json!({ "zoom": { field: account } })).await.refused();
        let said = answer["zoom"][field][0].as_str().unwrap();
        assert!(said.contains(&account) && said.contains("disconnected:asked"), "{said}");
        assert!(said.contains("connect it again by POST /api/latchkey/v1/connect-links/"), "{said}");
    }
    let answer = create(&app, json!({ "zoom": { "pool": pool } })).await.refused();
    let said = answer["zoom"]["pool"][0].as_str().unwrap();
    assert!(said.contains("the pool dead") && said.contains(&account), "{said}");
}

#[tokio::test]
async fn the_signing_app_must_be_able_to_sign() {
    let app = app().await;
    let server = json!({ "kind": "server_to_server", "client_id": "server", "client_secret": "planted-secret-2",
                         "webhook_secret": "planted-webhook-secret", "account_id": "account-1" });
    let server = app.post("/api/v2/zoom-oauth-apps/", server).await.created()["id"].clone();
    for (zoom_app, complaint) in [
        (json!("x"), "It must be the id of a registered app."),
        (json!("01900000-0000-7000-8000-000000000000"), "This workspace has no such app."),
        (server, "A server-to-server app cannot sign a join: name a General app."),
    ] {
        let answer = create(&app, json!({ "zoom": { "oauth_app": zoom_app } })).await;
        assert_eq!(answer.refused(), json!({ "zoom": { "oauth_app": [complaint] } }));
    }
    let bot = create(&app, json!({ "zoom": { "oauth_app": app.zoom_app } })).await.created();
    assert_eq!(bot["zoom"]["oauth_app"], app.zoom_app);
}
