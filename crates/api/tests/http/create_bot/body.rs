//! Bodies: forms, unreadable bodies, and size limits.

use axum::{body::Body, http::header::CONTENT_TYPE};
use serde_json::json;

use super::MEETING;
use crate::{
    PLAN, app,
    test_app::{Answer, TestApp},
};

async fn typed(app: &TestApp, content_type: &str, body: impl Into<Body>) -> Answer {
    let request = app.request("POST", "/api/v1/bot/").header(CONTENT_TYPE, content_type);
    app.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_form_says_the_same_as_json() {
    let app = app().await;
    let form = "meeting_url=https%3A%2F%2Fzoom.us%2Fj%2F81234567890%3Fpwd%3Dx&bot_name=A+B\
                &metadata.a=1&zoom.zak_url=https%3A%2F%2Fexample.com%2F%3Fs%3D1\
                &automatic_leave.waiting_room_timeout=60&automatic_leave.everyone_left_timeout.timeout=5\
                &zoom.start_meeting=true\
                &automatic_leave.bot_detection.using_participant_names.timeout=60\
                &automatic_leave.bot_detection.using_participant_names.activate_after=5\
                &automatic_leave.bot_detection.using_participant_names.matches=notetaker\
                &recording_config.transcript.provider.gladia_v2_streaming.pre_processing.speech_threshold=0.5";
    let bot = typed(&app, "application/x-www-form-urlencoded; charset=utf-8", form).await.created();
    assert_eq!(bot["bot_name"], "A B");
    assert_eq!(bot["meeting_url"]["meeting_password"], "x");
    assert_eq!(bot["metadata"], json!({ "a": "1" }));
    assert_eq!(bot["zoom"]["zak_url"], "https://example.com/?s=1");
    assert_eq!(bot["zoom"]["start_meeting"], true);
    assert_eq!(bot["automatic_leave"]["waiting_room_timeout"], 60);
    assert_eq!(bot["automatic_leave"]["everyone_left_timeout"]["timeout"], 5);
    assert_eq!(
        bot["automatic_leave"]["bot_detection"]["using_participant_names"],
        json!({ "timeout": 60, "activate_after": 5, "matches": ["notetaker"] })
    );
    let gladia = "recording_config.transcript.provider.gladia_v2_streaming";
    assert_eq!(bot["latchkey_ignored"], json!([gladia]));

    let answer = typed(&app, "application/x-www-form-urlencoded", "bot_name=x&zoom=y&zoom.zak_url=z").await;
    assert_eq!(
        answer.refused(),
        json!({ "meeting_url": ["This field is required."], "zoom": ["It must be an object."] })
    );
    let dots = format!("{}=x", "a.".repeat(100_000));
    assert_eq!(typed(&app, "application/x-www-form-urlencoded", dots).await.status, 400);
}

/// A multipart form: for each part its name, the rest of its headers, and its value.
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
        (
            in_parts(&[("metadata", JSON, "planted")]),
            "Part 1 of the form has the type JSON, but is not JSON.",
        ),
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
async fn an_unreadable_body_gives_the_position_and_not_the_content() {
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
    // An empty body has no fields, whatever its type.
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

/// `curl` without `-H` sends a type; other clients may send none.
#[tokio::test]
async fn a_body_without_a_content_type_is_read_as_json() {
    let app = app().await;
    let sent = async |body: &str| {
        let request = app.request("POST", "/api/v1/bot/").body(Body::from(body.to_owned())).unwrap();
        assert!(!request.headers().contains_key(CONTENT_TYPE));
        app.send(request).await
    };
    let bot = sent(&json!({ "meeting_url": MEETING, "bot_name": "Notes" }).to_string()).await.created();
    assert_eq!(bot["bot_name"], "Notes");
    assert_eq!(sent("").await.refused(), json!({ "meeting_url": ["This field is required."] }));
    assert_eq!(
        sent("meeting_url=planted").await.refused(),
        json!({ "code": "parse_error", "detail": "The body is not JSON: line 1, column 1." })
    );
}

#[tokio::test]
async fn bodies_above_eight_mebibytes_are_refused() {
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

#[tokio::test]
async fn the_stored_part_of_a_request_has_a_size_limit() {
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
    assert!(refused.text.contains("at most 65536 are stored"), "{}", refused.text);
}
