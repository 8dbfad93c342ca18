//! Signing in: with a link, with an account, as a host, and not at all.

use std::time::Duration;

use serde_json::json;

use crate::{TIMED, codes, show, studio, test_app::TestApp, why};

/// The product in one test: the bot is refused without a ZAK, and with one it joins as that user.
#[tokio::test]
async fn a_zak_opens_a_meeting_for_signed_in_users() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    let robin = app.zoom.user("robin@example.test", "Robin Notes").await;
    let account = app.connect(&robin).await;
    let zak_url = app.token_link(&account).await;

    let anonymous = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Nobody" })).await;
    let zoom = json!({ "zak_url": zak_url });
    let signed_in = json!({ "meeting_url": meeting.url, "bot_name": "Notes for Ada", "zoom": zoom });
    let signed_in = app.bot(signed_in).await;

    let refused = app.until(&anonymous, "fatal").await;
    assert_eq!(codes(&refused), ["ready", "joining_call", "fatal"]);
    let (sub_code, words) = why(&refused, "fatal");
    assert_eq!(sub_code, "meeting_requires_sign_in");
    assert!(words.contains("3051"), "{words}");
    let pictures = app.pictures(&anonymous).await;
    assert!(!pictures.is_empty(), "what Zoom showed is stored");
    show("refused-without-zak", &pictures);

    let inside = app.until(&signed_in, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    let seen = meeting.person("Notes for Ada").await;
    assert_eq!((&seen["user_id"], &seen["avatar"]), (&robin["id"], &robin["pic_url"]));

    // Zoom admits the same user only once.
    let again = json!({ "meeting_url": meeting.url, "bot_name": "Twin", "zoom": zoom });
    let again = app.until(&app.bot(again).await, "fatal").await;
    assert_eq!(why(&again, "fatal").0, "zoom_error_multiple_device_join");
    assert_eq!(meeting.people().await.len(), 1, "and the first is still there");

    app.post(&format!("/api/v1/bot/{signed_in}/leave_call/"), json!({})).await.ok();
    let left = app.until(&signed_in, "done").await;
    assert_eq!(codes(&left), ["ready", "joining_call", "in_call_not_recording", "call_ended", "done"]);
    assert_eq!(why(&left, "call_ended").0, "bot_received_leave_call");
    assert!(meeting.people().await.is_empty());
    show("signed-in", &app.pictures(&signed_in).await);
    app.stop().await;
}

#[tokio::test]
async fn an_account_starts_its_meeting_and_survives_a_sign_out() {
    let app = studio().await;
    let host = app.zoom.host().clone();
    let account = app.connect(&host).await;
    let meeting = app.zoom.meeting(json!({ "started": false, "sign_in": "any", "waiting_room": true })).await;
    let zoom = json!({ "credential": account, "start_meeting": true });
    let request = json!({ "meeting_url": meeting.url, "bot_name": "For Hana", "zoom": zoom });
    let bot = app.bot(request.clone()).await;
    app.until(&bot, "in_call_not_recording").await;
    let seen = meeting.person("For Hana").await;
    assert_eq!((&seen["role"], &seen["user_id"]), (&json!("host"), &host["id"]));
    assert_eq!(app.zoom.count("zak_mints").await, 1);
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(&bot, "done").await;

    // All previous ZAKs are invalid, and the cached one too: Zoom refuses it, and a fresh one works.
    let signed_out = format!("users/{}/sign-out-everywhere", host["id"].as_str().unwrap());
    app.zoom.control("POST", &signed_out, json!({})).await;
    let bot = app.bot(request).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    assert_eq!(app.zoom.count("zak_mints").await, 2);
    let joins = meeting.join_requests().await;
    let outcomes: Vec<_> = joins.iter().map(|join| join["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["admitted", "3136", "admitted"]);
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(&bot, "done").await;

    // The same through a token link: the refused ZAK shows which account's cache is stale.
    app.zoom.control("POST", &signed_out, json!({})).await;
    let zoom = json!({ "zak_url": app.token_link(&account).await, "start_meeting": true });
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "By link", "zoom": zoom })).await;
    app.until(&bot, "in_call_not_recording").await;
    assert_eq!(app.zoom.count("zak_mints").await, 3);
    app.stop().await;
}

#[tokio::test]
async fn an_account_that_cannot_mint_never_joins() {
    let app = studio().await;
    let robin = app.zoom.user("robin@example.test", "Robin Notes").await;
    let account = app.connect(&robin).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let change = json!({ "active": false });
    app.zoom.control("PATCH", &format!("users/{}", robin["id"].as_str().unwrap()), change).await;
    let bot = json!({ "meeting_url": meeting.url, "zoom": { "credential": account } });
    let ended = app.until(&app.bot(bot).await, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_credential_unhealthy");
    assert!(words.ends_with("connect the Zoom account again"), "{words}");
    assert_eq!(app.zoom.count("join_requests").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn an_email_address_that_moved_to_another_user_is_reported() {
    let app = TestApp::build(&TIMED).await;
    let scopes = ["user:read:zak:admin", "user:read:user:admin"];
    let registered = json!({ "client_id": "s2s", "client_secret": "planted-s2s-secret", "kind": "server_to_server",
                             "scopes": scopes });
    app.zoom.control("POST", "apps", registered).await;
    let registered = json!({ "kind": "server_to_server", "client_id": "s2s", "client_secret": "planted-s2s-secret",
                             "webhook_secret": "planted-webhook", "account_id": app.zoom.host()["account_id"] });
    let server = app.post("/api/v2/zoom-oauth-apps/", registered).await.created();
    let connect = json!({ "oauth_app": server["id"], "server_to_server": {} });
    let account = app.post("/api/v2/zoom-oauth-credentials/", connect).await.created();
    let robin = app.zoom.user("robin@example.test", "Robin Notes").await;
    let meeting = app.zoom.meeting(json!({})).await;
    let in_four_minutes = (app.env.now() + Duration::from_secs(240)).to_string();
    let bot = json!({ "meeting_url": meeting.url, "join_at": in_four_minutes,
                      "zoom": { "credential": account["id"], "user": "robin@example.test" } });
    let bot = app.bot(bot).await;

    app.zoom.control("DELETE", &format!("users/{}", robin["id"].as_str().unwrap()), json!(null)).await;
    app.zoom.user("robin@example.test", "Another Robin").await;
    app.pass(Duration::from_secs(245)).await;
    let ended = app.until(&bot, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_credential_unhealthy");
    assert!(words.contains("robin@example.test now belongs to another user"), "{words}");
    assert!(meeting.join_requests().await.is_empty());
    app.stop().await;
}
