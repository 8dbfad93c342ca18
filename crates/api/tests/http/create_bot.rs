//! `POST /api/v1/bot/`.

use std::time::Duration;

use axum::{body::Body, http::header::CONTENT_TYPE};
use model::Timestamp;
use serde_json::{Value, json};
use store::BotServer;

use crate::{
    PLAN, app,
    test_app::{Answer, Plan, TestApp},
};

const PICTURE: &str = include_str!("../../src/bot/smallest.jpeg.base64");
const MEETING: &str = "https://us02web.zoom.us/j/81234567890?pwd=planted-pass";

async fn create(app: &TestApp, fields: Value) -> Answer {
    let mut body = json!({ "meeting_url": MEETING });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    app.post("/api/v1/bot/", body).await
}

async fn typed(app: &TestApp, content_type: &str, body: impl Into<Body>) -> Answer {
    let request = app.request("POST", "/api/v1/bot/").header(CONTENT_TYPE, content_type);
    app.send(request.body(body.into()).unwrap()).await
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
            // What was not given is left out: the contract has plain texts there.
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
async fn everything_that_is_asked_for_is_answered() {
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
async fn what_is_not_a_zoom_meeting_is_refused() {
    let app = app().await;
    let unsupported = "The meeting URL is malformed, or belongs to a platform that is not supported.";
    for (url, complaint) in [
        (json!(null), "This field is required."),
        (json!(""), "It must not be empty."),
        (json!("  "), "It must not be empty."),
        (json!(5), "It must be text."),
        (json!({ "meeting_id": "81234567890", "platform": "zoom" }), "It must be text."),
        (json!("a".repeat(2001)), "It must not be longer than 2000 characters."),
        (json!("zoom"), unsupported),
        (json!("https://meet.google.com/abc-defg-hij"), unsupported),
        (json!("https://zoom.us.evil.example/j/81234567890"), unsupported),
        (json!("https://zoom.us@evil.example/j/81234567890"), unsupported),
        (json!("https://zoom.us/pricing"), "The address is Zoom's, but it is not a link to a meeting."),
        (json!("https://zoom.us/j/123"), "The meeting number in the URL does not have 9 to 11 digits."),
        (
            json!("https://zoom.us/my/ada"),
            "No account that is connected here is known to have the personal link /my/ada: connect its owner's account, or use the link that it leads to, with a meeting number.",
        ),
        (
            json!("https://zoom.us/my/ada/room"),
            "This personal link (/my/…) does not say which meeting it is: use the link that it leads to, with a meeting number.",
        ),
        (
            json!("https://agency.zoomgov.com/j/1601234567"),
            "Zoom for Government (zoomgov.com) is not supported.",
        ),
    ] {
        let answer = app.post("/api/v1/bot/", json!({ "meeting_url": url })).await;
        assert_eq!(answer.refused(), json!({ "meeting_url": [complaint] }), "{url}");
    }
    assert_eq!(
        app.post("/api/v1/bot/", json!({})).await.refused(),
        json!({ "meeting_url": ["This field is required."] })
    );
    assert_eq!(app.get("/api/v1/bot/").await.ok()["count"], 0, "nothing is kept of them");
}

#[tokio::test]
async fn every_field_is_read_with_care() {
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
            json!({ "variant": { "zoom": ["Only web variants run here."] } }),
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
    assert_eq!(named, ["bot_name", "meeting_url", "zoom"], "all of them at once");
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

/// A bot that was told to sign in never comes anonymously because a field of it was passed over.
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
            json!({ "user": ["This account is one user's; only a server-to-server app has several."] }),
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

#[tokio::test]
async fn what_the_contract_does_not_know_is_passed_over() {
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
    let answer = create(&app, json!({ "metadata": labels(51) })).await.refused();
    assert_eq!(answer, json!({ "metadata": { "metadata": ["There must not be more than 50 labels."] } }));
    let text = "A label's value is text of at most 500 characters.";
    for (label, complaint) in [
        (json!({ "k": 1 }), text),
        (json!({ "k": null }), text),
        (json!({ "k": { "deep": "x" } }), text),
        (json!({ "k": "x".repeat(501) }), text),
    ] {
        let answer = create(&app, json!({ "metadata": label })).await;
        assert_eq!(answer.refused(), json!({ "metadata": { "k": [complaint] } }));
    }
    let answer = create(&app, json!({ "metadata": { ("k".repeat(101)): "x" } })).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_form_says_the_same_as_json() {
    let app = app().await;
    let form = "meeting_url=https%3A%2F%2Fzoom.us%2Fj%2F81234567890%3Fpwd%3Dx&bot_name=A+B\
                &metadata.a=1&zoom.zak_url=https%3A%2F%2Fexample.com%2F%3Fs%3D1\
                &automatic_leave.waiting_room_timeout=60&automatic_leave.everyone_left_timeout.timeout=5\
                &zoom.start_meeting=true";
    let bot = typed(&app, "application/x-www-form-urlencoded; charset=utf-8", form).await.created();
    assert_eq!(bot["bot_name"], "A B");
    assert_eq!(bot["meeting_url"]["meeting_password"], "x");
    assert_eq!(bot["metadata"], json!({ "a": "1" }));
    assert_eq!(bot["zoom"]["zak_url"], "https://example.com/?s=1");
    assert_eq!(bot["zoom"]["start_meeting"], true);
    assert_eq!(bot["automatic_leave"]["waiting_room_timeout"], 60);
    assert_eq!(bot["automatic_leave"]["everyone_left_timeout"]["timeout"], 5);

    let answer = typed(&app, "application/x-www-form-urlencoded", "bot_name=x&zoom=y&zoom.zak_url=z").await;
    assert_eq!(
        answer.refused(),
        json!({ "meeting_url": ["This field is required."], "zoom": ["It must be an object."] })
    );
    let dots = format!("{}=x", "a.".repeat(100_000));
    assert_eq!(typed(&app, "application/x-www-form-urlencoded", dots).await.status, 400);
}

/// A form in parts: the headers of each part after its name, and its value.
fn in_parts(parts: &[(&str, &str, &str)]) -> String {
    let part = |(name, more, value): &(&str, &str, &str)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--x--\r\n"
}

#[tokio::test]
async fn a_form_in_parts_says_the_same_as_json() {
    const PARTS: &str = "multipart/form-data; boundary=x";
    const JSON: &str = "\r\nContent-Type: application/json";
    let app = app().await;
    let form = in_parts(&[
        ("meeting_url", "", "https://zoom.us/j/81234567890?pwd=x"),
        ("bot_name", "", "A — B"),
        ("metadata", JSON, "{\"a\": \"1\"}"),
        ("zoom.zak_url", "", "https://example.com/?s=1"),
        ("zoom.start_meeting", "", "true"),
        ("automatic_leave", JSON, "{\"everyone_left_timeout\": {\"timeout\": 5}}"),
        ("automatic_leave.waiting_room_timeout", "", "60"),
    ]);
    let bot = typed(&app, PARTS, form).await.created();
    assert_eq!((&bot["bot_name"], &bot["meeting_url"]["meeting_password"]), (&json!("A — B"), &json!("x")));
    assert_eq!(bot["metadata"], json!({ "a": "1" }));
    assert_eq!(bot["zoom"]["zak_url"], "https://example.com/?s=1");
    assert_eq!(bot["zoom"]["start_meeting"], true);
    assert_eq!(bot["automatic_leave"]["waiting_room_timeout"], 60);
    assert_eq!(bot["automatic_leave"]["everyone_left_timeout"]["timeout"], 5);

    let misspelt =
        in_parts(&[("meeting_url", "", "https://zoom.us/j/81234567890"), ("zoom.zak_ur", "", "planted")]);
    let refused = typed(&app, PARTS, misspelt).await.refused();
    assert!(refused["zoom"]["zak_ur"][0].as_str().unwrap().contains("zak_url"), "{refused}");
    let many = in_parts(&vec![("a", "", "1"); 1001]);
    for (form, detail) in [
        (in_parts(&[("metadata", JSON, "planted")]), "Part 1 of the form says that it is JSON, and is not."),
        (
            in_parts(&[("image", "; filename=\"planted.jpeg\"", "x")]),
            "Part 1 of the form is a file: send images and sounds in Base64, as b64_data.",
        ),
        ("--x\r\nplanted".to_owned(), "A part of the form cannot be read."),
        (many, "Part 1001 of the form is one too many."),
    ] {
        let answer = typed(&app, PARTS, form).await;
        assert_eq!(answer.refused(), json!({ "code": "parse_error", "detail": detail }));
    }
    let detail = "The Content-Type names no boundary between the parts of the form.";
    let answer = typed(&app, "multipart/form-data", "--x--").await;
    assert_eq!(answer.refused(), json!({ "code": "parse_error", "detail": detail }));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_says_where_and_not_what() {
    let app = app().await;
    let answer = typed(&app, "application/json", "{\n\"zak_url\": \"planted\",,}").await;
    assert_eq!(
        answer.refused(),
        json!({ "code": "parse_error", "detail": "The body is not JSON: line 2, column 22." })
    );
    for body in ["[]", "\"planted\"", "5", "null"] {
        let answer = typed(&app, "application/json", body).await;
        let detail = "The body must be a JSON object.";
        assert_eq!(answer.refused(), json!({ "code": "parse_error", "detail": detail }), "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(typed(&app, "application/json", deep).await.status, 400);
    assert_eq!(typed(&app, "application/json", &b"{\"a\":\"\xff\"}"[..]).await.status, 400);
    // An empty body has no fields, in whatever words it comes.
    for content_type in ["application/json", "multipart/form-data", ""] {
        let complaint = json!({ "meeting_url": ["This field is required."] });
        assert_eq!(typed(&app, content_type, "").await.refused(), complaint);
    }
    for content_type in ["multipart/mixed; boundary=x", "text/plain", "application/xml", "application/jsonx"]
    {
        let answer = typed(&app, content_type, "{}").await;
        assert_eq!(answer.status, 415);
        let detail = "The body is neither JSON nor a form: send `Content-Type: application/json`.";
        assert_eq!(answer.json(), json!({ "code": "unsupported_media_type", "detail": detail }));
    }
}

#[tokio::test]
async fn nobody_sends_more_than_eight_mebibytes() {
    let app = app().await;
    let image = |megabytes: usize| {
        let data = "A".repeat(megabytes << 20);
        json!({ "meeting_url": MEETING, "automatic_audio_output": { "in_call_recording": { "data": { "kind": "mp3", "b64_data": data } } } })
    };
    let answer = typed(&app, "application/json", image(7).to_string()).await;
    assert!(answer.status == 400 && answer.text.contains("1835008 characters"), "{}", answer.text);
    let answer = typed(&app, "application/json", image(9).to_string()).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json(), json!({ "code": "too_large", "detail": "The body is larger than 8 MiB." }));
}

/// A bot that was told to sign in never comes as a guest because of a typing mistake.
#[tokio::test]
async fn a_misspelt_name_in_what_says_how_to_sign_in_is_refused_with_the_right_one() {
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
    assert!(said.starts_with("There is no such field. There are: zak_url, "), "{said}");

    // Beside it as well.
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
    // Of the contract's older versions; and nothing at all.
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
        assert!(said.contains("connect it again, by POST /api/latchkey/v1/connect-links/"), "{said}");
    }
    let answer = create(&app, json!({ "zoom": { "pool": pool } })).await.refused();
    let said = answer["zoom"]["pool"][0].as_str().unwrap();
    assert!(said.contains("the pool dead") && said.contains(&account), "{said}");
}

#[tokio::test]
async fn the_app_that_signs_is_one_that_can() {
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

#[tokio::test]
async fn without_a_server_that_runs_bots_there_are_none() {
    let app = TestApp::build(&Plan { bots_elsewhere: false, ..PLAN }).await;
    let refused = async |fields| {
        let answer = create(&app, fields).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["code"]), (507, &json!("out_of_adhoc_bots")), "{body}");
        assert_eq!(answer.header("retry-after"), "30");
        body["detail"].as_str().unwrap().to_owned()
    };
    let later = |hours: u64| json!({ "join_at": app.env.now() + Duration::from_secs(hours * 3600) });
    for fields in [json!({}), later(1)] {
        let said = refused(fields).await;
        assert!(said.contains("set bots.capacity above 0"), "{said}");
    }
    assert_eq!(app.get("/api/v1/bot/").await.ok()["count"], 0, "nothing is kept of them");

    // Another server of the installation runs them. It ends; the next one may come in a moment, and has time for later ones.
    let other = app.another(&Plan { capacity: 1, bots_elsewhere: false, ..PLAN }).await;
    let accepted = async || (create(&app, json!({})).await.status == 201).then_some(());
    app.wait_for("it is known", accepted).await;
    other.stop().await;
    app.jump(Duration::from_secs(599));
    create(&app, json!({})).await.created();
    app.jump(Duration::from_secs(61));
    let said = refused(json!({})).await;
    assert!(said.starts_with("The last server that runs bots was seen at "), "{said}");
    create(&app, later(1)).await.created();
    app.jump(Duration::from_secs(8 * 24 * 3600));
    refused(later(1)).await;
}

#[tokio::test]
async fn while_every_place_is_taken_there_is_none_for_a_bot_that_joins_soon() {
    let app = TestApp::build(&Plan { bots_elsewhere: false, manual: true, ..PLAN }).await;
    let report = async |capacity| {
        let server = BotServer { id: "other".to_owned(), capacity, seen_at: app.env.now() };
        app.store.see_bot_server(&server, Timestamp::MIN).await.unwrap();
    };
    report(3).await;
    let at = |minutes: u64| json!({ "join_at": app.env.now() + Duration::from_secs(60 * minutes) });
    create(&app, json!({})).await.created();
    create(&app, at(5)).await.created();
    create(&app, json!({})).await.created();
    let answer = create(&app, at(5)).await;
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["code"], answer.header("retry-after")),
        (507, &json!("out_of_adhoc_bots"), "30")
    );
    assert!(
        body["detail"].as_str().unwrap().starts_with("All 3 bots that this installation can run"),
        "{body}"
    );
    create(&app, at(4)).await.created();
    assert_eq!(create(&app, at(4)).await.status, 507);
    create(&app, json!({})).await.created();
    assert_eq!(create(&app, json!({})).await.status, 507);
    create(&app, at(11)).await.created();
    report(5).await;
    create(&app, json!({})).await.created();
}

/// A time is an instant. The hour that clocks show twice has two; one without an offset has none.
#[tokio::test]
async fn the_hour_that_clocks_show_twice_is_told_apart() {
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

/// The links themselves are `zoom`'s business; this is what a caller sees of it.
#[tokio::test]
async fn a_pasted_link_is_read_or_refused() {
    let app = app().await;
    for text in [
        "Join: <https://zoom.us/j/81234567890?uname=x&amp;pwd=planted-pass>.",
        "https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fzoom.us%2Fj%2F81234567890%3Fpwd%3Dplanted-pass&data=05&reserved=0",
        "https://zoom.us/j/81234567890?password=planted-pass Meeting ID: 812 3456 7890",
    ] {
        let bot = app.post("/api/v1/bot/", json!({ "meeting_url": text })).await.created();
        let read =
            json!({ "meeting_id": "81234567890", "meeting_password": "planted-pass", "platform": "zoom" });
        assert_eq!(bot["meeting_url"], read, "{text}");
    }
    for (text, complaint) in [
        ("https://zoom.us/meeting/register/tJx", "This is a registration page"),
        ("https://zoom.us/j/81234567890?pwd=abc\nAda", "The link is cut or joined to other text"),
        ("https://zoom.us/j/81234567890\nPasscode: 12", "The link has no passcode"),
    ] {
        let answer = app.post("/api/v1/bot/", json!({ "meeting_url": text })).await.refused();
        assert!(answer["meeting_url"][0].as_str().unwrap().starts_with(complaint), "{answer}");
    }
}

#[tokio::test]
async fn a_workspace_has_so_many_bots_that_have_not_ended() {
    let app = TestApp::build(&Plan { bots_of_a_workspace: 2, manual: true, ..PLAN }).await;
    let request = || json!({ "meeting_url": "https://zoom.us/j/99912345678" });
    let first = app.bot(request()).await;
    app.bot(request()).await;
    let refused = app.post("/api/v1/bot/", request()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"), "{}", refused.text);
    let words = "2 bots of this workspace have not ended, and it may have 2 (bots.most_of_a_workspace";
    assert!(refused.text.contains(words), "{}", refused.text);
    let theirs = app.another_workspace().await;
    assert_eq!(app.call_as(&theirs, "POST", "/api/v1/bot/", request()).await.status, 201);

    app.post(&format!("/api/v1/bot/{first}/leave_call/"), json!({})).await.ok();
    app.until(&first, "done").await;
    app.bot(request()).await;
    assert_eq!(app.post("/api/v1/bot/", request()).await.status, 429);
}

#[tokio::test]
async fn what_is_stored_of_a_request_has_a_limit() {
    let app = TestApp::build(&PLAN).await;
    let request = |text: &str, sound: &str| {
        json!({ "meeting_url": "https://zoom.us/j/99912345678", "recording_config": { "planted": text },
                "automatic_audio_output": { "in_call_recording": { "data": { "kind": "mp3", "b64_data": sound } } } })
    };
    // Sounds are not stored.
    let sound = |size: usize| format!("SUQz{}", "A".repeat(size));
    app.bot(request("small", &sound(100_000))).await;
    let refused = app.post("/api/v1/bot/", request(&"A".repeat(70_000), &sound(4))).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("a bot's is stored up to 65536"), "{}", refused.text);
}
