//! Signing in: with a link, with an account, as a host, and not at all.

use serde_json::json;

use crate::{codes, show, studio, why};

/// The product in one test: refused without a ZAK, in with one, as that user.
#[tokio::test]
async fn a_zak_opens_a_meeting_for_signed_in_users() {
    let house = studio().await;
    let meeting = house.zoom.meeting(json!({ "sign_in": "any" })).await;
    let robin = house.zoom.user("robin@example.test", "Robin Notes").await;
    let account = house.connect(&robin).await;
    let zak_url = house.token_link(&account).await;

    let anonymous = house.bot(json!({ "meeting_url": meeting.url, "bot_name": "Nobody" })).await;
    let zoom = json!({ "zak_url": zak_url });
    let signed_in = json!({ "meeting_url": meeting.url, "bot_name": "Notes for Ada", "zoom": zoom });
    let signed_in = house.bot(signed_in).await;

    let refused = house.until(&anonymous, "fatal").await;
    assert_eq!(codes(&refused), ["ready", "joining_call", "fatal"]);
    let (sub_code, words) = why(&refused, "fatal");
    assert_eq!(sub_code, "meeting_requires_sign_in");
    assert!(words.contains("3051"), "{words}");
    let pictures = house.pictures(&anonymous).await;
    assert!(!pictures.is_empty(), "what Zoom showed is kept");
    show("refused-without-zak", &pictures);

    let inside = house.until(&signed_in, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    let seen = meeting.person("Notes for Ada").await;
    assert_eq!((&seen["user_id"], &seen["avatar"]), (&robin["id"], &robin["pic_url"]));

    // Zoom lets the same user in once.
    let again = json!({ "meeting_url": meeting.url, "bot_name": "Twin", "zoom": zoom });
    let again = house.until(&house.bot(again).await, "fatal").await;
    assert_eq!(why(&again, "fatal").0, "zoom_error_multiple_device_join");
    assert_eq!(meeting.people().await.len(), 1, "and the first is still there");

    house.post(&format!("/api/v1/bot/{signed_in}/leave_call/"), json!({})).await.ok();
    let left = house.until(&signed_in, "done").await;
    assert_eq!(codes(&left), ["ready", "joining_call", "in_call_not_recording", "call_ended", "done"]);
    assert_eq!(why(&left, "call_ended").0, "bot_received_leave_call");
    assert!(meeting.people().await.is_empty());
    show("signed-in", &house.pictures(&signed_in).await);
    house.stop().await;
}

#[tokio::test]
async fn an_account_starts_its_meeting_and_survives_a_sign_out() {
    let house = studio().await;
    let host = house.zoom.host().clone();
    let account = house.connect(&host).await;
    let meeting =
        house.zoom.meeting(json!({ "started": false, "sign_in": "any", "waiting_room": true })).await;
    let zoom = json!({ "credential": account, "start_meeting": true });
    let request = json!({ "meeting_url": meeting.url, "bot_name": "For Hana", "zoom": zoom });
    let bot = house.bot(request.clone()).await;
    house.until(&bot, "in_call_not_recording").await;
    let seen = meeting.person("For Hana").await;
    assert_eq!((&seen["role"], &seen["user_id"]), (&json!("host"), &host["id"]));
    assert_eq!(house.zoom.count("zak_mints").await, 1);
    house.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    house.until(&bot, "done").await;

    // Every ZAK so far is void, and the one in memory with them: Zoom refuses it, and one fresh mint helps.
    let signed_out = format!("users/{}/sign-out-everywhere", host["id"].as_str().unwrap());
    house.zoom.control("POST", &signed_out, json!({})).await;
    let bot = house.bot(request).await;
    let inside = house.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    assert_eq!(house.zoom.count("zak_mints").await, 2);
    let joins = meeting.join_requests().await;
    let outcomes: Vec<_> = joins.iter().map(|join| join["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["admitted", "3136", "admitted"]);
    house.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    house.until(&bot, "done").await;

    // The same through a token link: the refused ZAK tells which account's memory is stale.
    house.zoom.control("POST", &signed_out, json!({})).await;
    let zoom = json!({ "zak_url": house.token_link(&account).await, "start_meeting": true });
    let bot = house.bot(json!({ "meeting_url": meeting.url, "bot_name": "By link", "zoom": zoom })).await;
    house.until(&bot, "in_call_not_recording").await;
    assert_eq!(house.zoom.count("zak_mints").await, 3);
    house.stop().await;
}

#[tokio::test]
async fn an_account_that_cannot_mint_never_joins() {
    let house = studio().await;
    let robin = house.zoom.user("robin@example.test", "Robin Notes").await;
    let account = house.connect(&robin).await;
    let meeting = house.zoom.meeting(json!({})).await;
    let change = json!({ "active": false });
    house.zoom.control("PATCH", &format!("users/{}", robin["id"].as_str().unwrap()), change).await;
    let bot = json!({ "meeting_url": meeting.url, "zoom": { "credential": account } });
    let ended = house.until(&house.bot(bot).await, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_credential_unhealthy");
    assert!(words.ends_with("connect the Zoom account again"), "{words}");
    assert_eq!(house.zoom.count("join_requests").await, 0);
    house.stop().await;
}
