//! How a bot ends if Zoom does not admit it: each refusal has its sub code, and the message says what to do.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    STUDIO, TIMED, codes, show, studio,
    test_app::{CLIENT_ID, Plan, TestApp, zoom::Meeting},
    why,
};

/// Sends a bot into a meeting with each of these settings, and checks how it ended.
async fn are_refused(app: &TestApp, cases: &[(Value, Value, &str, &str)]) {
    let mut bots = Vec::new();
    for (settings, zoom, sub_code, advice) in cases {
        let meeting = app.zoom.meeting(settings.clone()).await;
        let bot = app.bot(json!({ "meeting_url": meeting.url, "zoom": zoom })).await;
        bots.push((bot, sub_code, advice));
    }
    for (bot, sub_code, advice) in bots {
        let ended = app.until(&bot, "fatal").await;
        let (found, words) = why(&ended, "fatal");
        assert_eq!(found, *sub_code, "{words}");
        assert!(words.contains(advice) && words.contains(" Details: Zoom refused the join "), "{words}");
        assert_eq!(codes(&ended), ["ready", "joining_call", "fatal"], "{words}");
        show(sub_code, &app.pictures(&bot).await);
    }
}

#[tokio::test]
async fn a_refusal_names_what_the_meeting_requires_and_the_cure() {
    let app = studio().await;
    let ada = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&ada).await;
    let email = json!({ "user_email": "bot@example.test" });
    let stranger = json!({ "email": "eve@elsewhere.test", "display_name": "Eve", "account_id": "elsewhere" });
    let stranger = app.zoom.control("POST", "users", stranger).await;
    let of_a_stranger = json!({ "host_id": stranger["id"], "external_rules": true });
    are_refused(
        &app,
        &[
            (json!({ "registration": true }), json!({}), "meeting_requires_registration", "carries a `tk`"),
            (
                json!({ "webinar": true, "registration": true }),
                email,
                "zoom_registration_required",
                "Register the bot's e-mail address for the webinar",
            ),
            (json!({ "webinar": true }), json!({}), "zoom_email_required", "Pass `zoom.user_email`."),
            (
                json!({ "bot_check": "captcha" }),
                json!({}),
                "zoom_captcha_required",
                "does not solve captchas",
            ),
            (json!({ "bot_check": "frequent_join" }), json!({}), "zoom_captcha_required", "Sign the bot in"),
            (
                of_a_stranger.clone(),
                json!({}),
                "zoom_obf_or_zak_required",
                "Pass a ZAK (`zoom.credential`) or an OBF token",
            ),
            (
                json!({}),
                json!({ "credential": account, "start_meeting": true }),
                "zoom_meeting_not_accessible",
                "What the host can do: Allow this Zoom app",
            ),
        ],
    )
    .await;
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), json!({ "published": false })).await;
    let advice = "What the operator of this server can do: Publish the Zoom app";
    are_refused(&app, &[(of_a_stranger, json!({}), "zoom_sdk_app_not_published", advice)]).await;
    app.stop().await;
}

#[tokio::test]
async fn a_refusal_known_only_by_zooms_code_has_its_cure() {
    let app = studio().await;
    let ada = app.zoom.user("ada@example.test", "Ada").await;
    let zoom = json!({ "credential": app.connect(&ada).await });
    let info =
        |code: u32, message: &str| json!({ "refusal": { "at": "info", "code": code, "message": message } });
    let socket = |code: u32| json!({ "refusal": { "at": "socket", "code": code } });
    are_refused(
        &app,
        &[
            (
                info(3001, "Meeting does not exist."),
                json!({}),
                "meeting_not_found",
                "Check the meeting's number",
            ),
            (
                info(3001, "This meeting link has expired."),
                json!({}),
                "meeting_link_expired",
                "Ask the host for a new link",
            ),
            (info(124, "Token has expired."), json!({}), "zoom_token_expired", "Register again"),
            (
                info(
                    3000,
                    "The current sdk version is no longer supported, please upgrade to the latest version.",
                ),
                json!({}),
                "zoom_sdk_update_required",
                "Update Latchkey",
            ),
            (
                info(3000, "Not support start or join meeting from web."),
                json!({}),
                "zoom_web_disallowed",
                "What the host can do: Allow joining from a browser",
            ),
            (
                info(3136, "Your account has been blocked."),
                zoom,
                "zoom_account_blocked",
                "What the account's owner can do: Have an administrator",
            ),
            (socket(3027), json!({}), "zoom_invalid_webinar_invite", "neither the host's nor a panelist's"),
            (socket(3033), json!({}), "zoom_email_blocked_by_admin", "Unblock the address"),
            (socket(1001), json!({}), "zoom_meeting_host_inactive", "Reactivate the host's Zoom account"),
            (socket(103_043), json!({}), "meeting_not_accessible", "lift the information barrier"),
        ],
    )
    .await;
    app.stop().await;
}

async fn refused_once(app: &TestApp, meeting: &Meeting<'_>, times: usize) {
    let joins = async || {
        let joins = meeting.join_requests().await;
        (joins.len() == times && joins.iter().all(|join| join["outcome"] != "pending")).then_some(())
    };
    app.wait_for("the bot has been refused", joins).await;
}

#[tokio::test]
async fn a_temporary_refusal_is_waited_for_and_then_reported() {
    let app = TestApp::build(&Plan { capacity: 3, ..TIMED }).await;
    let locked = app.zoom.meeting(json!({ "locked": true })).await;
    let full = app.zoom.meeting(json!({ "capacity": 1 })).await;
    full.seat("Ada").await;
    let held = app.zoom.meeting(json!({ "waiting_room": true })).await;
    let leave = json!({ "waiting_room_timeout": 30 });
    let mut bots = Vec::new();
    for meeting in [&locked, &full, &held] {
        bots.push(app.bot(json!({ "meeting_url": meeting.url, "automatic_leave": leave })).await);
    }
    app.until(&bots[2], "in_waiting_room").await;
    for meeting in [&locked, &full] {
        refused_once(&app, meeting, 1).await;
    }
    app.pass(Duration::from_secs(25)).await;
    for (bot, sub_code, waits) in [
        (&bots[0], "meeting_locked", "Waiting for the host to unlock the meeting, until "),
        (&bots[1], "meeting_full", "Waiting for a participant to leave the meeting, which is full, until "),
    ] {
        let ended = app.until(bot, "fatal").await;
        assert_eq!(why(&ended, "fatal").0, sub_code);
        let (waited_for, words) = why(&ended, "joining_call");
        assert_eq!(waited_for, sub_code);
        assert!(words.starts_with(waits) && words.contains("at most. What the host can do: "), "{words}");
    }
    let ended = app.until(&bots[2], "done").await;
    let (sub_code, words) = why(&ended, "call_ended");
    assert_eq!(sub_code, "timeout_exceeded_waiting_room");
    assert!(words.starts_with("The host did not admit the bot in time. What the host can do: Admit the bot"));
    app.stop().await;
}

#[tokio::test]
async fn an_unexplained_refusal_is_retried_before_the_bot_ends() {
    let app = TestApp::build(&Plan { capacity: 1, ..TIMED }).await;
    let meeting = app.zoom.meeting(json!({ "bot_check": "blocked" })).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url })).await;
    for times in 1..4 {
        refused_once(&app, &meeting, times).await;
        app.pass(Duration::from_secs(10)).await;
    }
    let ended = app.until(&bot, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_internal_error");
    assert!(words.contains("What the operator of this server can do: Send a new bot."), "{words}");
    assert_eq!(meeting.join_requests().await.len(), 4, "three more attempts");
    app.stop().await;
}

#[tokio::test]
async fn a_message_has_the_details_last() {
    let app = TestApp::build(&Plan { capacity: 1, ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url })).await;
    let ended = app.until(&bot, "fatal").await;
    assert_eq!(
        why(&ended, "fatal"),
        (
            "meeting_requires_sign_in",
            "The host admits only signed-in users, and the bot had no valid ZAK. Connect a Zoom account and \
             pass `zoom.credential`, or pass `zoom.pool` or `zoom.zak_url`. If the host admits only users of \
             some domains, the account must be one of them. Details: Zoom refused the join with code 3051: \
             Require login"
        )
    );
    app.stop().await;
}
