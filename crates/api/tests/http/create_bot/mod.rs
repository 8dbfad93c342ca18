//! `POST /api/v1/bot/`.

mod body;
mod capacity;
mod meeting_link;
mod signing_in;

use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Answer, Plan, TestApp},
};

const PICTURE: &str = include_str!("../../../src/bot/smallest.jpeg.base64");
const MEETING: &str = "https://us02web.zoom.us/j/81234567890?pwd=planted-pass";

async fn create(app: &TestApp, fields: Value) -> Answer {
    let mut body = json!({ "meeting_url": MEETING });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    app.post("/api/v1/bot/", body).await
}

#[tokio::test]
async fn a_link_is_enough() {
    let app = app().await;
    let bot = create(&app, json!({})).await.created();
    assert_eq!(
        bot,
        json!({
            "id": bot["id"],
            "meeting_url": { "meeting_id": "81234567890", "meeting_password": "planted-pass", "platform": "zoom" },
            "bot_name": "Meeting Notetaker",
            "join_at": null,
            "automatic_leave": {
                "waiting_room_timeout": 1200,
                "noone_joined_timeout": 1200,
                "everyone_left_timeout": { "timeout": 2, "activate_after": null },
                "in_call_not_recording_timeout": 3600,
                "silence_detection": { "timeout": 3600, "activate_after": 1200 },
                "bot_detection": { "using_participant_events": { "timeout": 600, "activate_after": 1200 } },
            },
            // Fields that were not given are left out: the contract has plain texts there.
            "zoom": { "start_meeting": false },
            "metadata": {},
            "status_changes": [
                { "code": "ready", "message": null, "created_at": app.env.now(), "sub_code": null },
            ],
            "recordings": [],
            "calendar_meetings": [],
            "slack_team": null,
            "latchkey_ignored": [],
        })
    );
    assert_eq!(app.look_at(bot["id"].as_str().unwrap()).await, bot);
    assert_eq!(app.get("/api/v1/bot/").await.ok()["results"], json!([bot]));
}

#[tokio::test]
async fn the_answer_repeats_the_whole_request() {
    let app = app().await;
    let asked = json!({
        "meeting_url": "https://zoom.us/j/812 3456 7890",
        "bot_name": "Nötes 🎙",
        "join_at": "2030-01-31T13:00:00.5+01:00",
        "automatic_leave": {
            "waiting_room_timeout": 30,
            "noone_joined_timeout": 31,
            "everyone_left_timeout": { "timeout": 1, "activate_after": 5 },
            "in_call_not_recording_timeout": 33,
            "silence_detection": { "timeout": 10, "activate_after": 1 },
            "bot_detection": {
                "using_participant_events": { "timeout": 11, "activate_after": 2 },
                "using_participant_names": { "timeout": 12, "activate_after": 3, "matches": ["notetaker"] },
            },
        },
        "zoom": {
            "zak_url": "https://example.com/zak?secret=planted-zak-secret",
            "join_token_url": "https://example.com/join",
            "user_email": "bot@example.com",
        },
        "metadata": { "meeting": "42", "": "nameless" },
        "variant": { "zoom": "web_4_core" },
        "recording_config": { "transcript": { "provider": { "meeting_captions": {} } } },
        "chat": { "on_bot_join": { "send_to": "everyone", "message": "Hello" } },
    });
    let bot = app.post("/api/v1/bot/", asked.clone()).await.created();
    assert_eq!(bot["meeting_url"]["meeting_id"], "81234567890");
    assert_eq!(bot["meeting_url"]["meeting_password"], Value::Null);
    assert_eq!(bot["join_at"], "2030-01-31T12:00:00.500000Z");
    for field in ["bot_name", "automatic_leave", "metadata", "variant", "recording_config", "chat"] {
        assert_eq!(bot[field], asked[field], "{field}");
    }
    for field in ["zak_url", "join_token_url", "user_email"] {
        assert_eq!(bot["zoom"][field], asked["zoom"][field], "{field}");
    }
    assert_eq!(app.look_at(bot["id"].as_str().unwrap()).await, bot);
}

#[tokio::test]
async fn every_field_is_validated() {
    let app = app().await;
    let whole = "It must be a whole number of seconds.";
    for (fields, complaints) in [
        (json!({ "bot_name": 5 }), json!({ "bot_name": ["It must be text."] })),
        (json!({ "bot_name": "" }), json!({ "bot_name": ["It must not be empty."] })),
        (
            json!({ "bot_name": "ö".repeat(101) }),
            json!({ "bot_name": ["It must not be longer than 100 characters."] }),
        ),
        (
            json!({ "join_at": "tomorrow" }),
            json!({ "join_at": ["It must be a time in ISO 8601, such as 2026-01-31T12:00:00Z."] }),
        ),
        (json!({ "join_at": 1_800_000_000 }), json!({ "join_at": ["It must be text."] })),
        (json!({ "automatic_leave": [] }), json!({ "automatic_leave": ["It must be an object."] })),
        (json!({ "zoom": "x" }), json!({ "zoom": ["It must be an object."] })),
        (json!({ "metadata": ["x"] }), json!({ "metadata": ["It must be an object."] })),
        (json!({ "variant": "web" }), json!({ "variant": ["It must be an object."] })),
        (
            json!({ "variant": { "zoom": "native" } }),
            json!({ "variant": { "zoom": ["Only web variants are supported here."] } }),
        ),
        (json!({ "recording_config": "all" }), json!({ "recording_config": ["It must be an object."] })),
        (
            json!({ "automatic_leave": {
                "waiting_room_timeout": 29,
                "noone_joined_timeout": "soon",
                "in_call_not_recording_timeout": 1.5,
                "everyone_left_timeout": { "timeout": 0, "activate_after": -1 },
            } }),
            json!({ "automatic_leave": {
                "waiting_room_timeout": ["It must be at least 30."],
                "noone_joined_timeout": [whole],
                "in_call_not_recording_timeout": [whole],
                "everyone_left_timeout": { "timeout": ["It must be at least 1."], "activate_after": [whole] },
            } }),
        ),
        (
            json!({ "automatic_leave": { "everyone_left_timeout": true } }),
            json!({ "automatic_leave": { "everyone_left_timeout": [whole] } }),
        ),
        (
            json!({ "zoom": { "user_email": 1, "start_meeting": "yes" } }),
            json!({ "zoom": { "user_email": ["It must be text."], "start_meeting": ["It must be true or false."] } }),
        ),
    ] {
        assert_eq!(create(&app, fields.clone()).await.refused(), complaints, "{fields}");
    }
    let all = app.post("/api/v1/bot/", json!({ "bot_name": 1, "zoom": { "zak_url": 2 } })).await.refused();
    let named: Vec<_> = all.as_object().unwrap().keys().collect();
    assert_eq!(named, ["bot_name", "meeting_url", "zoom"], "all errors at once");
}

#[tokio::test]
async fn everyone_left_may_be_a_bare_number() {
    let app = app().await;
    for (given, read) in [
        (json!(7), json!({ "timeout": 7, "activate_after": null })),
        (json!({}), json!({ "timeout": 2, "activate_after": null })),
        (json!({ "timeout": 9, "activate_after": null }), json!({ "timeout": 9, "activate_after": null })),
        (json!(null), json!({ "timeout": 2, "activate_after": null })),
    ] {
        let bot = create(&app, json!({ "automatic_leave": { "everyone_left_timeout": given } })).await;
        assert_eq!(bot.created()["automatic_leave"]["everyone_left_timeout"], read, "{given}");
    }
}

#[tokio::test]
async fn a_callback_must_be_one_that_may_be_called() {
    let app = app().await;
    let shut = "This address may not be called";
    for (url, complaint) in [
        ("zak", "It must be an http or https URL"),
        ("ftp://example.com/zak", "It must be an http or https URL"),
        ("https://", "It must be an http or https URL"),
        ("https://127.0.0.1/zak", shut),
        ("https://[::1]/zak", shut),
        ("https://10.0.0.1/zak", shut),
        ("https://169.254.169.254/latest/meta-data", shut),
        ("http://8.8.8.8/zak", shut),
    ] {
        for field in ["zak_url", "zak_token_url", "obf_token_url", "join_token_url"] {
            let answer = create(&app, json!({ "zoom": { (field): url } })).await.refused();
            let said = answer["zoom"][field][0].as_str().unwrap();
            assert!(said.starts_with(complaint), "{url}: {answer}");
        }
    }
    let open = Plan { networks: &["127.0.0.0/8"], ..PLAN };
    let app = TestApp::build(&open).await;
    let url = "http://127.0.0.1:9/zak";
    let bot = create(&app, json!({ "zoom": { "zak_token_url": url } })).await.created();
    assert_eq!(bot["zoom"]["zak_url"], url, "the older name is read as the newer one");
    assert_eq!(create(&app, json!({ "zoom": { "zak_url": "http://10.0.0.1/" } })).await.status, 400);
}

#[tokio::test]
async fn fields_unknown_to_the_contract_are_ignored() {
    let app = app().await;
    let bot = create(
        &app,
        json!({
            "id": "mine", "status_changes": [], "recordings": [1], "planted": 1, "zoom": { "planted": null },
            "automatic_video_output": { "in_call_recording": { "kind": "jpeg", "b64_data": PICTURE } },
        }),
    );
    let bot = bot.await.created();
    assert_ne!(bot["id"], "mine");
    assert_eq!(bot["status_changes"].as_array().unwrap().len(), 1);
    assert_eq!(bot["recordings"], json!([]));
    assert_eq!(bot["automatic_video_output"], json!({ "in_call_recording": { "kind": "jpeg" } }));
    assert_eq!(bot["latchkey_ignored"], json!(["id", "planted", "recordings", "status_changes"]));
    assert!(!bot.to_string().contains(PICTURE), "{bot}");
}

#[tokio::test]
async fn labels_have_their_limits() {
    let app = app().await;
    let labels = |count: usize| (0..count).map(|n| (format!("label {n}"), json!("x"))).collect::<Value>();
    for fitting in
        [labels(50), json!({ ("k".repeat(100)): "ü".repeat(500) }), json!({ "empty": "" }), json!({})]
    {
        assert_eq!(create(&app, json!({ "metadata": fitting })).await.created()["metadata"], fitting);
    }
    let made = create(&app, json!({ "metadata": { "k": null, "a": "b" } })).await.created();
    assert_eq!(made["metadata"], json!({ "a": "b" }), "a label that is null is left out");
    let answer = create(&app, json!({ "metadata": labels(51) })).await.refused();
    assert_eq!(answer, json!({ "metadata": { "metadata": ["There must not be more than 50 labels."] } }));
    let text = "A label's value is text of at most 500 characters.";
    for (label, complaint) in [
        (json!({ "k": 1 }), text),
        (json!({ "k": { "deep": "x" } }), text),
        (json!({ "k": "x".repeat(501) }), text),
    ] {
        let answer = create(&app, json!({ "metadata": label })).await;
        assert_eq!(answer.refused(), json!({ "metadata": { "k": [complaint] } }));
    }
    let answer = create(&app, json!({ "metadata": { ("k".repeat(101)): "x" } })).await;
    assert_eq!(answer.status, 400);
}

/// A time is an instant. The hour that clocks repeat is two different hours; a time without an offset is ambiguous.
#[tokio::test]
async fn the_repeated_hour_at_a_clock_change_is_unambiguous() {
    let app = app().await;
    for (given, kept) in [
        ("2031-10-26T02:30:00+02:00", "2031-10-26T00:30:00.000000Z"),
        ("2031-10-26T02:30:00+01:00", "2031-10-26T01:30:00.000000Z"),
        ("2031-03-30T02:30:00+01:00", "2031-03-30T01:30:00.000000Z"),
        ("2031-03-30T03:30:00+02:00", "2031-03-30T01:30:00.000000Z"),
    ] {
        let bot = create(&app, json!({ "join_at": given })).await.created();
        assert_eq!(bot["join_at"], kept, "{given}");
    }
    let refused = create(&app, json!({ "join_at": "2031-10-26T02:30:00" })).await.refused();
    assert!(refused["join_at"][0].is_string(), "{refused}");
}
