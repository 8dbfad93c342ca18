//! The fields of Recall's Create Bot one by one: each has an effect here or is reported as ignored, and each is checked.

use bots::request::BotRequest;
use model::BotId;
use serde_json::{Value, json};

use crate::{
    account_kinds, app, create_bot_schema,
    test_app::{Answer, TestApp},
};

const MEETING: &str = "https://us02web.zoom.us/j/81234567890";
const SETTINGS: &str = "/api/latchkey/v1/settings/";
pub(crate) const JPEG: &str = include_str!("../../src/bot/smallest.jpeg.base64");
pub(crate) const MP3: &str = "SUQzBAAAAAAA";
pub(crate) const ROOM: &str = "5f3b6c2e-8f0a-4c57-9c1b-3f1c2d3e4f50";

/// `value` at `path` inside objects; a number is an index in a list.
pub(crate) fn at(path: &str, value: &Value) -> Value {
    path.rsplit('.').fold(value.clone(), |inside, name| match name.parse::<usize>() {
        Ok(place) => {
            let before = vec![json!({}); place];
            Value::Array([before, vec![inside]].concat())
        }
        Err(_) => json!({ (name): inside }),
    })
}

pub(crate) fn merged(mut into: Value, more: Value) -> Value {
    match (&mut into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                let before = into.remove(&name).unwrap_or(Value::Null);
                into.insert(name, merged(before, value));
            }
        }
        (into, more) => *into = more,
    }
    into
}

pub(crate) async fn create(app: &TestApp, query: &str, fields: Value) -> Answer {
    let body = merged(json!({ "meeting_url": MEETING }), fields);
    app.post(&format!("/api/v1/bot/{query}"), body).await
}

/// The objects that rows of [`contract`] refer to.
pub(crate) struct Things {
    account: String,
    server_account: String,
    pool: String,
}

impl Things {
    /// Creates the app that contains them, too.
    pub(crate) async fn new() -> (TestApp, Self) {
        let (app, server_app) = account_kinds::with_server_app().await;
        let id = |made: Value| made["id"].as_str().unwrap().to_owned();
        let account = app.connect(app.zoom.host()).await;
        let server = json!({ "oauth_app": server_app, "server_to_server": {} });
        let server = app.post("/api/v2/zoom-oauth-credentials/", server).await.created();
        let members = json!([{ "credential": account, "max_joins": 2 }]);
        let pool = json!({ "name": "sales", "members": members });
        let pool = app.post("/api/latchkey/v1/pools/", pool).await.created();
        (app, Self { account, server_account: id(server), pool: id(pool) })
    }
}

/// Every field of the contract with a value, and the name under which it is reported as ignored, if it is.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn contract(app: &TestApp, things: &Things) -> Vec<(&'static str, Value, Option<&'static str>)> {
    let Things { account, server_account, pool } = things;
    let image = json!({ "kind": "jpeg", "b64_data": JPEG });
    let sound = json!({ "data": { "kind": "mp3", "b64_data": MP3 }, "replay_on_participant_join":
        { "debounce_mode": "trailing", "debounce_interval": 10, "disable_after": 60 } });
    let webpage = json!({ "kind": "webpage", "config": { "url": "https://example.com/" } });
    let hello = json!({ "send_to": "host", "message": "Hello" });
    let welcome = json!({ "message": "Welcome", "exclude_host": true });
    let endpoints =
        json!([{ "type": "webhook", "url": "https://example.com/", "events": ["participant_events.join"] }]);
    let of_media =
        json!([{ "type": "websocket", "url": "wss://example.com/", "events": ["audio_mixed_raw.data"] }]);
    let of_captions =
        json!([{ "type": "webhook", "url": "https://example.com/", "events": ["transcript.data"] }]);
    let silence = json!({ "timeout": 10, "activate_after": 1 });
    let names = json!({ "timeout": 10, "activate_after": 1, "matches": ["notetaker"] });
    let captions = json!({ "provider": { "meeting_captions": {} } });
    let labelled = json!([{ "type": "webhook", "url": "https://example.com/", "metadata": { "a": "b", "c": null },
                            "events": ["participant_events.join"] }]);
    let mut rows = vec![
        ("meeting_url", json!("https://zoom.us/j/98765432101?pwd=x"), None),
        ("bot_name", json!("Notes"), None),
        ("join_at", json!("2040-01-01T00:00:00Z"), None),
        ("metadata", json!({ "a": "b" }), None),
        ("metadata", json!({ "a": null, "b": "c" }), None),
        ("variant.zoom", json!("web_4_core"), None),
        ("variant.google_meet", json!("web"), Some("variant.google_meet")),
        ("variant.microsoft_teams", json!("web"), Some("variant.microsoft_teams")),
        ("variant.webex", json!("web_gpu"), Some("variant.webex")),
        ("zoom.zak_url", json!("https://example.com/"), None),
        ("zoom.zak_token_url", json!("https://example.com/"), None),
        ("zoom.credential", json!(account), None),
        ("zoom", json!({ "credential": server_account, "user": "host@example.test" }), None),
        ("zoom.pool", json!(pool), None),
        ("zoom.obf_credential", json!(account), None),
        ("zoom.oauth_app", json!(app.zoom_app), None),
        ("zoom", json!({ "credential": account, "start_meeting": true }), None),
        ("zoom.join_token_url", json!("https://example.com/"), None),
        ("zoom.obf_token_url", json!("https://example.com/"), None),
        ("zoom.user_email", json!("a@example.test"), None),
        (
            "zoom.request_recording_permission_on_host_join",
            json!(true),
            Some("zoom.request_recording_permission_on_host_join"),
        ),
        ("zoom.require_recording_permission", json!(true), Some("zoom.require_recording_permission")),
        ("automatic_leave.waiting_room_timeout", json!(30), None),
        ("automatic_leave.noone_joined_timeout", json!(30), None),
        ("automatic_leave.everyone_left_timeout", json!({ "timeout": 1, "activate_after": 1 }), None),
        ("automatic_leave.in_call_not_recording_timeout", json!(1), None),
        (
            "automatic_leave.in_call_recording_timeout",
            json!(1),
            Some("automatic_leave.in_call_recording_timeout"),
        ),
        (
            "automatic_leave.recording_permission_denied_timeout",
            json!(1),
            Some("automatic_leave.recording_permission_denied_timeout"),
        ),
        ("automatic_leave.silence_detection", silence.clone(), None),
        ("automatic_leave.bot_detection.using_participant_events", silence, None),
        ("automatic_leave.bot_detection.using_participant_names", names, None),
        ("automatic_video_output.in_call_recording", image.clone(), None),
        ("automatic_video_output.in_call_not_recording", image.clone(), None),
        (
            "automatic_video_output",
            json!({ "in_call_recording": image, "in_call_not_recording": image }),
            Some("automatic_video_output.in_call_recording"),
        ),
        ("automatic_audio_output.in_call_recording", sound, Some("automatic_audio_output")),
        ("output_media.camera", webpage.clone(), Some("output_media")),
        ("output_media.screenshare", webpage, Some("output_media")),
        ("chat.on_bot_join", hello.clone(), None),
        ("chat.on_bot_join", merged(hello, json!({ "pin": true })), Some("chat.on_bot_join.pin")),
        ("chat.on_participant_join", welcome, None),
        ("google_meet.google_login_group_id", json!(ROOM), Some("google_meet")),
        ("webex", json!({}), Some("webex")),
        ("breakout_room.mode", json!("auto_accept_all_invites"), None),
        ("breakout_room.mode", json!("join_main_room"), Some("breakout_room.mode")),
        ("breakout_room.room_id", json!(ROOM), Some("breakout_room.room_id")),
        ("recording_config.transcript.provider.meeting_captions", json!({}), None),
        (
            "recording_config.transcript",
            merged(
                captions.clone(),
                json!({ "diarization": { "use_separate_streams_when_available": true } }),
            ),
            Some("recording_config.transcript.diarization"),
        ),
        (
            "recording_config.transcript",
            merged(captions, json!({ "metadata": { "a": "b" } })),
            Some("recording_config.transcript.metadata"),
        ),
        (
            "recording_config.transcript.provider.meeting_captions.language_code",
            json!("en"),
            Some("recording_config.transcript.provider.meeting_captions.language_code"),
        ),
        ("recording_config.participant_events", json!({}), None),
        (
            "recording_config.participant_events.metadata",
            json!({ "a": "b" }),
            Some("recording_config.participant_events.metadata"),
        ),
        ("recording_config.realtime_endpoints", endpoints, None),
        ("recording_config.realtime_endpoints", labelled, None),
        ("recording_config.realtime_endpoints", of_media, Some("recording_config.realtime_endpoints.events")),
        (
            "recording_config.realtime_endpoints",
            of_captions.clone(),
            Some("recording_config.realtime_endpoints.events"),
        ),
        (
            "recording_config",
            json!({ "realtime_endpoints": of_captions,
                    "transcript": { "provider": { "meeting_captions": {} } } }),
            None,
        ),
        // The server stores meeting events for 720 hours.
        ("recording_config.retention", json!({ "type": "timed", "hours": 720 }), None),
        ("recording_config.retention", json!({ "type": "timed" }), None),
        (
            "recording_config.retention",
            json!({ "type": "timed", "hours": 721 }),
            Some("recording_config.retention.hours"),
        ),
        ("recording_config.retention", json!({ "type": "forever" }), Some("recording_config.retention.type")),
        (
            "recording_config.video_mixed_layout",
            json!("audio_only"),
            Some("recording_config.video_mixed_layout"),
        ),
        (
            "recording_config.video_mixed_participant_video_when_screenshare",
            json!("hide"),
            Some("recording_config.video_mixed_participant_video_when_screenshare"),
        ),
        (
            "recording_config.start_recording_on",
            json!("call_join"),
            Some("recording_config.start_recording_on"),
        ),
        (
            "recording_config.include_bot_in_recording",
            json!({ "audio": true }),
            Some("recording_config.include_bot_in_recording"),
        ),
        ("recording_config.metadata", json!({ "a": null, "b": "c" }), Some("recording_config.metadata")),
        ("planted", json!(1), Some("planted")),
        ("recording_config.planted", json!([]), Some("recording_config.planted")),
        (
            "automatic_leave.everyone_left_timeout.planted",
            json!(1),
            Some("automatic_leave.everyone_left_timeout.planted"),
        ),
    ];
    rows.extend(ARTIFACTS.map(|artifact| (artifact, json!({ "metadata": { "a": "b" } }), Some(artifact))));
    rows.extend(
        PROVIDERS.map(|provider| (provider, create_bot_schema::everything_of(provider), Some(provider))),
    );
    rows
}

/// Providers of transcripts, without effect.
const PROVIDERS: [&str; 8] = [
    "recording_config.transcript.provider.recallai_streaming",
    "recording_config.transcript.provider.assembly_ai_async_chunked",
    "recording_config.transcript.provider.assembly_ai_v3_streaming",
    "recording_config.transcript.provider.aws_transcribe_streaming",
    "recording_config.transcript.provider.deepgram_streaming",
    "recording_config.transcript.provider.gladia_v2_streaming",
    "recording_config.transcript.provider.rev_streaming",
    "recording_config.transcript.provider.speechmatics_streaming",
];

/// Rows that request what every bot does anyway.
const AS_USUAL: [(&str, &str); 3] = [
    ("variant.zoom", "\"web_4_core\""),
    ("breakout_room.mode", "\"auto_accept_all_invites\""),
    ("recording_config.participant_events", "{}"),
];

/// What a bot will do, from its database row: what it reads of its request, not what answers repeat.
async fn stored(app: &TestApp, bot: &Value) -> Vec<String> {
    let id: BotId = bot["id"].as_str().unwrap().parse().unwrap();
    let row = app.store.bot(app.workspace().await, id).await.unwrap().unwrap();
    let request = BotRequest::open(&app.broker.vault, row.workspace, id, &row.request).unwrap();
    let objects = request.objects;
    vec![
        request.meeting_url,
        request.bot_name,
        format!("{:?} {:?}", row.join_at, row.metadata),
        json!([request.zoom, request.automatic_leave]).to_string(),
        format!("{:?} {:?} {:?}", objects.greetings, objects.recording, objects.realtime_endpoints),
        format!("{}", app.store.picture(id).await.unwrap().is_some()),
    ]
}

/// Artifacts without effect.
const ARTIFACTS: [&str; 10] = [
    "recording_config.meeting_metadata",
    "recording_config.video_mixed_mp4",
    "recording_config.video_mixed_flv",
    "recording_config.video_separate_mp4",
    "recording_config.video_separate_png",
    "recording_config.video_separate_h264",
    "recording_config.audio_mixed_mp3",
    "recording_config.audio_mixed_raw",
    "recording_config.audio_separate_mp3",
    "recording_config.audio_separate_raw",
];

#[tokio::test]
async fn each_field_has_an_effect_or_is_named() {
    let (app, things) = Things::new().await;
    let usual = stored(&app, &create(&app, "", json!({})).await.created()).await;
    for (path, value, named) in contract(&app, &things) {
        let fields = at(path, &value);
        let bot = create(&app, "", fields.clone()).await.created();
        assert_eq!(bot["latchkey_ignored"], json!(Vec::from_iter(named)), "{path}: {value}");
        let is_usual = AS_USUAL.contains(&(path, &*value.to_string()));
        if named.is_none() {
            assert_eq!(stored(&app, &bot).await == usual, is_usual, "{path}: {value}");
        }
        assert_eq!(app.look_at(bot["id"].as_str().unwrap()).await, bot);
        let strictly = create(&app, "?strict=1", fields).await;
        match named {
            None => assert_eq!(strictly.status, 201, "{path}: {value}"),
            Some(named) => {
                let refused = strictly.refused();
                let pointer = format!("/{}/0", named.replace('.', "/"));
                let words = refused.pointer(&pointer).unwrap_or_else(|| panic!("{path}: {refused}"));
                assert!(words.as_str().unwrap().starts_with("It has no effect:"), "{words}");
            }
        }
        // Fields inside an ignored field are not checked for an effect: the whole field is set to null then.
        let path = named.filter(|named| path.starts_with(named)).unwrap_or(path);
        let has_what_is_required = ["retention.", "transcript.diarization", "transcript.metadata"]
            .iter()
            .all(|inner| !path.starts_with(&format!("recording_config.{inner}")));
        if path != "meeting_url" && has_what_is_required {
            let nothing = create(&app, "", at(path, &Value::Null)).await.created();
            assert_eq!(nothing["latchkey_ignored"], json!([]), "null requests nothing: {path}");
        }
    }
    assert_eq!(
        create(&app, "?strict=maybe", json!({})).await.refused(),
        json!({ "strict": ["It must be 1 or 0."] })
    );
}

#[tokio::test]
async fn a_workspace_refuses_ignored_fields_unless_a_request_says_otherwise() {
    let app = app().await;
    let fields = json!({ "recording_config": { "video_mixed_mp4": {} } });
    let change = |choice: &str| json!({ "ignored_fields": choice });
    let set = async |choice: &str| app.call_as(&app.api_key, "PATCH", SETTINGS, change(choice)).await;
    assert_eq!(set("refuse").await.ok()["ignored_fields"], "refuse");
    let refused = create(&app, "", fields.clone()).await.refused();
    let words = refused["recording_config"]["video_mixed_mp4"][0].as_str().unwrap();
    assert!(words.starts_with("It has no effect:") && words.ends_with("use ?strict=0."), "{words}");
    let bot = create(&app, "?strict=0", fields.clone()).await.created();
    assert_eq!(bot["latchkey_ignored"], json!(["recording_config.video_mixed_mp4"]));
    let path = format!("/api/v1/bot/{}/", bot["id"].as_str().unwrap());
    assert_eq!(app.call_as(&app.api_key, "PATCH", &path, fields.clone()).await.status, 400);
    // Another workspace has its own setting.
    let theirs = app.another_workspace().await;
    let body = json!({ "meeting_url": MEETING, "recording_config": { "video_mixed_mp4": {} } });
    app.call_as(&theirs, "POST", "/api/v1/bot/", body).await.created();
    assert_eq!(set("drop").await.refused(), json!({ "ignored_fields": ["It must be name or refuse."] }));
    assert_eq!(set("name").await.ok()["ignored_fields"], "name");
    create(&app, "", fields).await.created();
}

#[tokio::test]
async fn a_change_lists_all_fields_without_effect() {
    let app = app().await;
    let asked = json!({ "join_at": "2040-01-01T00:00:00Z", "planted": 1, "recording_config": { "video_mixed_mp4": {} } });
    let bot = create(&app, "", asked).await.created();
    let path = format!("/api/v1/bot/{}/", bot["id"].as_str().unwrap());
    assert_eq!(bot["latchkey_ignored"], json!(["planted", "recording_config.video_mixed_mp4"]));
    let change = json!({ "recording_config": { "audio_mixed_mp3": {} } });
    let changed = app.call_as(&app.api_key, "PATCH", &path, change.clone()).await.ok();
    assert_eq!(changed["latchkey_ignored"], json!(["planted", "recording_config.audio_mixed_mp3"]));
    let strictly = app.call_as(&app.api_key, "PATCH", &format!("{path}?strict=1"), change).await;
    assert_eq!(strictly.status, 400);
}

/// One wrong body for each rule of the contract: path, value, and expected error.
#[expect(clippy::too_many_lines, reason = "a table")]
fn wrong() -> Vec<(&'static str, Value, &'static str)> {
    const OBJECT: &str = "It must be an object.";
    const TEXT: &str = "It must be text.";
    const FLAG: &str = "It must be true or false.";
    const WHOLE: &str = "It must be a whole number.";
    const SECONDS: &str = "It must be a whole number of seconds.";
    const EMPTY: &str = "It must not be empty.";
    const LEAST_1: &str = "It must be at least 1.";
    const LEAST_10: &str = "It must be at least 10.";
    const LEAST_30: &str = "It must be at least 30.";
    const UUID: &str = "It must be a UUID.";
    const WEB: &str = "It must be web, web_4_core or web_gpu.";
    const CHAT: &str = "It must not be longer than 4096 characters.";
    const HTTP: &str = "It must be a URL that begins with http or https.";
    const EMAIL: &str = "It must be an e-mail address.";
    const COLON: &str = "It must be base64 in the standard alphabet, with padding, without line breaks or a data: prefix: Invalid symbol 58, offset 4.";
    const DASH: &str = "It must be base64 in the standard alphabet, with padding, without line breaks or a data: prefix: Invalid symbol 95, offset 0.";
    const TEXTS: &str = "It must be a list of 1 to 100 texts of 1 to 100 characters.";
    const IMAGE: &str = "automatic_video_output.in_call_recording";
    let mut rows = vec![
        ("meeting_url", json!(5), TEXT),
        ("meeting_url", json!(""), EMPTY),
        ("bot_name", json!(5), TEXT),
        ("bot_name", json!(""), EMPTY),
        ("bot_name", json!("x".repeat(101)), "It must not be longer than 100 characters."),
        ("bot_name", json!("a\u{0}b"), "It must not contain U+0000."),
        ("join_at", json!("soon"), "It must be a time in ISO 8601, such as 2026-01-31T12:00:00Z."),
        ("join_at", json!(1_800_000_000), TEXT),
        ("metadata", json!([]), OBJECT),
        ("metadata.a", json!(1), "A label's value is text of at most 500 characters."),
        ("zoom", json!([]), OBJECT),
        ("zoom.zak_url", json!(1), TEXT),
        ("zoom.zak_url", json!("no"), "It must be an http or https URL without user and password."),
        ("zoom.join_token_url", json!("no"), "It must be an http or https URL without user and password."),
        ("zoom.user_email", json!(1), TEXT),
        ("zoom.user_email", json!("ada"), EMAIL),
        ("zoom.user_email", json!("ada@"), EMAIL),
        ("zoom.user_email", json!("ada@example..test"), EMAIL),
        ("zoom.user_email", json!("Ada <ada@example.test>"), EMAIL),
        ("zoom.require_recording_permission", json!("x"), FLAG),
        ("zoom.request_recording_permission_on_host_join", json!(1), FLAG),
        ("zoom.zak_ulr", json!("x"), "There is no such field: did you mean zak_url?"),
        ("automatic_leave", json!(1), OBJECT),
        ("automatic_leave.waiting_room_timeout", json!(29), LEAST_30),
        ("automatic_leave.waiting_room_timeout", json!("x"), SECONDS),
        ("automatic_leave.noone_joined_timeout", json!(29), LEAST_30),
        ("automatic_leave.noone_joined_timeout", json!(30.5), SECONDS),
        ("automatic_leave.everyone_left_timeout", json!(0), LEAST_1),
        ("automatic_leave.everyone_left_timeout", json!(true), SECONDS),
        ("automatic_leave.everyone_left_timeout.timeout", json!(0), LEAST_1),
        ("automatic_leave.everyone_left_timeout.activate_after", json!(0), LEAST_1),
        ("automatic_leave.in_call_not_recording_timeout", json!(0), LEAST_1),
        ("automatic_leave.in_call_recording_timeout", json!(0), LEAST_1),
        ("automatic_leave.in_call_recording_timeout", json!("x"), WHOLE),
        ("automatic_leave.recording_permission_denied_timeout", json!(0), LEAST_1),
        ("automatic_leave.silence_detection", json!(1), OBJECT),
        ("automatic_leave.silence_detection.timeout", json!(9), LEAST_10),
        ("automatic_leave.silence_detection.activate_after", json!(0), LEAST_1),
        ("automatic_leave.bot_detection", json!(1), OBJECT),
        ("automatic_leave.bot_detection.using_participant_events", json!(1), OBJECT),
        ("automatic_leave.bot_detection.using_participant_events.timeout", json!(9), LEAST_10),
        ("automatic_leave.bot_detection.using_participant_events.activate_after", json!(0), LEAST_1),
        ("automatic_leave.bot_detection.using_participant_names", json!("x"), OBJECT),
        ("variant", json!("web"), OBJECT),
        ("variant.zoom", json!("native"), "Only web variants are supported here."),
        ("variant.zoom", json!("webbish"), WEB),
        ("variant.zoom", json!(1), TEXT),
        ("variant.google_meet", json!("native"), WEB),
        ("variant.microsoft_teams", json!("x"), WEB),
        ("variant.webex", json!(1), TEXT),
        ("automatic_video_output", json!("x"), OBJECT),
        (IMAGE, json!("x"), OBJECT),
        ("automatic_video_output.in_call_not_recording", json!([]), OBJECT),
        ("automatic_audio_output", json!("x"), OBJECT),
        ("automatic_audio_output", json!({}), "in_call_recording"),
        ("automatic_audio_output.in_call_recording", json!(1), OBJECT),
        ("automatic_audio_output.in_call_recording", json!({}), "data"),
        ("output_media", json!(1), OBJECT),
        ("output_media.camera", json!(1), OBJECT),
        ("output_media.camera", json!({ "kind": "webpage" }), "config"),
        ("output_media.screenshare", json!({ "config": { "url": "https://example.com/" } }), "kind"),
        ("chat", json!("x"), OBJECT),
        ("chat.on_bot_join", json!("x"), OBJECT),
        ("chat.on_bot_join", json!({ "message": "x" }), "send_to"),
        ("chat.on_bot_join", json!({ "send_to": "host" }), "message"),
        ("chat.on_participant_join", json!("x"), OBJECT),
        ("chat.on_participant_join", json!({ "exclude_host": true }), "message"),
        ("chat.on_participant_join", json!({ "message": "x" }), "exclude_host"),
        ("google_meet", json!(1), OBJECT),
        ("google_meet.google_login_group_id", json!("x"), UUID),
        ("webex", json!(1), OBJECT),
        ("breakout_room", json!("x"), OBJECT),
        (
            "breakout_room.mode",
            json!("x"),
            "It must be join_main_room, join_specific_room or auto_accept_all_invites.",
        ),
        ("breakout_room", json!({ "mode": "join_specific_room" }), "room_id"),
        ("breakout_room.room_id", json!("x"), UUID),
        ("recording_config", json!(1), OBJECT),
        ("recording_config.transcript", json!(1), OBJECT),
        ("recording_config.transcript", json!({}), "provider"),
        ("recording_config.transcript.provider", json!("meeting_captions"), OBJECT),
        ("recording_config.transcript.provider.meeting_captions", json!(true), OBJECT),
        ("recording_config.transcript.provider.deepgram_streaming", json!("x"), OBJECT),
        ("recording_config.transcript.provider.aws_transcribe_streaming", json!({}), "language_code"),
        (
            "recording_config.transcript.provider.aws_transcribe_streaming",
            json!({ "identify_language": true }),
            "language_options",
        ),
        ("recording_config.transcript.provider.speechmatics_streaming", json!({}), "language"),
        (
            "recording_config.transcript.provider.assembly_ai_async_chunked.boost_param",
            json!("x"),
            "It must be low, default or high.",
        ),
        (
            "recording_config.transcript.provider.assembly_ai_async_chunked.content_safety_confidence",
            json!(101),
            "It must be at most 100.",
        ),
        (
            "recording_config.transcript.provider.deepgram_streaming.smart_format",
            json!("x"),
            "It must be true or false.",
        ),
        (
            "recording_config.transcript.provider.gladia_v2_streaming.endpointing",
            json!(10.5),
            "It must be a number from 0.01 to 10.",
        ),
        (
            "recording_config.transcript.provider.rev_streaming.metadata",
            json!("x".repeat(513)),
            "It must not be longer than 512 characters.",
        ),
        ("recording_config.participant_events", json!(true), OBJECT),
        ("recording_config.realtime_endpoints", json!({}), "It must be a list."),
        ("recording_config.realtime_endpoints", json!([1]), "It must be a list of objects."),
        (
            "recording_config.realtime_endpoints",
            json!(vec![json!({}); 21]),
            "There must not be more than 20.",
        ),
        ("recording_config.retention", json!({}), "type"),
        ("recording_config.retention", json!(1), OBJECT),
        ("recording_config.retention.hours", json!(0), LEAST_1),
        (
            "recording_config.video_mixed_layout",
            json!("x"),
            "It must be speaker_view, gallery_view, gallery_view_v2 or audio_only.",
        ),
        (
            "recording_config.video_mixed_participant_video_when_screenshare",
            json!("x"),
            "It must be hide, beside or overlap.",
        ),
        (
            "recording_config.start_recording_on",
            json!("x"),
            "It must be call_join, participant_join, participant_speak or manual.",
        ),
        ("recording_config.include_bot_in_recording", json!(true), OBJECT),
        ("recording_config.include_bot_in_recording.audio", json!("x"), FLAG),
        ("recording_config.metadata", json!(1), OBJECT),
        ("recording_config.metadata.a", json!(1), TEXT),
    ];
    rows.extend(ARTIFACTS.map(|artifact| (artifact, json!(true), OBJECT)));
    // In addition to the required fields.
    rows.extend([
        (
            "automatic_video_output.in_call_recording.kind",
            json!("gif"),
            "\"gif\" is not a valid choice: give jpeg.",
        ),
        ("automatic_video_output.in_call_recording.b64_data", json!("data:image/jpeg;base64,xx"), COLON),
        ("automatic_video_output.in_call_recording.b64_data", json!("_9j_4AAQSkZJRgABAQ=="), DASH),
        (
            "automatic_video_output.in_call_recording.b64_data",
            json!("cGxhbnRlZA=="),
            "It is not a JPEG. PNG and WebP are converted to JPEG; other formats are not supported.",
        ),
        (
            "automatic_video_output.in_call_recording.b64_data",
            json!("A".repeat(1_835_009)),
            "It must not be longer than 1835008 characters.",
        ),
        ("automatic_audio_output.in_call_recording.data.kind", json!("wav"), "It must be mp3."),
        (
            "automatic_audio_output.in_call_recording.data.b64_data",
            json!("cGxhbnRlZA=="),
            "It must be MP3 audio.",
        ),
        (
            "automatic_audio_output.in_call_recording.replay_on_participant_join.debounce_mode",
            json!("x"),
            "It must be leading or trailing.",
        ),
        (
            "automatic_audio_output.in_call_recording.replay_on_participant_join.debounce_interval",
            json!("x"),
            WHOLE,
        ),
        ("output_media.camera.kind", json!("x"), "It must be webpage."),
        ("output_media.camera.config.url", json!("ftp://example.com/"), HTTP),
        (
            "chat.on_bot_join.send_to",
            json!("x"),
            "\"x\" is not a valid choice: give everyone, host, everyone_except_host.",
        ),
        ("chat.on_bot_join.message", json!("x".repeat(4097)), CHAT),
        ("chat.on_bot_join.pin", json!("x"), FLAG),
        ("chat.on_participant_join.message", json!("x".repeat(4097)), CHAT),
        ("chat.on_participant_join.exclude_host", json!(1), FLAG),
        ("automatic_leave.bot_detection.using_participant_names.timeout", json!(9), LEAST_10),
        ("automatic_leave.bot_detection.using_participant_names.matches", json!(5), TEXTS),
        ("recording_config.retention.type", json!("x"), "It must be timed or forever."),
    ]);
    rows
}

/// The rest of an object in which the value of a row of [`wrong`] is.
fn beside(path: &str) -> Value {
    let image = json!({ "kind": "jpeg", "b64_data": JPEG });
    let sound = json!({ "data": { "kind": "mp3", "b64_data": MP3 },
        "replay_on_participant_join": { "debounce_interval": 1 } });
    let deep = |path: &str, prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    for (prefix, rest) in [
        ("automatic_video_output.in_call_recording", image),
        ("automatic_audio_output.in_call_recording", sound),
        ("output_media.camera", json!({ "kind": "webpage", "config": { "url": "https://example.com/" } })),
        ("chat.on_bot_join", json!({ "send_to": "host", "message": "x" })),
        ("chat.on_participant_join", json!({ "message": "x", "exclude_host": true })),
        (
            "automatic_leave.bot_detection.using_participant_names",
            json!({ "timeout": 10, "activate_after": 1, "matches": ["x"] }),
        ),
        ("recording_config.retention", json!({ "type": "timed" })),
    ] {
        if deep(path, prefix) {
            return at(prefix, &rest);
        }
    }
    json!({})
}

#[tokio::test]
async fn a_hundred_wrong_bodies_each_get_an_error_at_the_right_field() {
    let app = app().await;
    let rows = wrong();
    assert!(rows.len() >= 100, "{}", rows.len());
    for (path, value, complaint) in rows {
        let shown: String = value.to_string().chars().take(80).collect();
        let body = merged(beside(path), at(path, &value));
        let refused = create(&app, "", body).await.refused();
        // The error of a missing inner field is under its own name.
        let (path, complaint) = if complaint.contains(' ') {
            (path.to_owned(), complaint)
        } else {
            (format!("{path}.{complaint}"), "This field is required.")
        };
        assert_eq!(refused, at(&path, &json!([complaint])), "{path}: {shown}");
    }
    assert_eq!(app.get("/api/v1/bot/").await.ok()["count"], 0);
}

#[tokio::test]
async fn a_realtime_endpoint_accepts_only_the_events_of_its_type() {
    let app = app().await;
    for (kind, event, fits) in [
        ("webhook", "transcript.data", true),
        ("webhook", "audio_mixed_raw.data", false),
        ("websocket", "audio_separate_raw.data", true),
        ("websocket", "video_mixed_flv.data", false),
        ("rtmp", "video_mixed_flv.data", true),
        ("rtmp", "transcript.data", false),
        ("desktop_sdk_callback", "audio_mixed_raw.data", true),
        ("desktop_sdk_callback", "audio_separate_raw.data", false),
    ] {
        let url = if kind == "webhook" { "https://example.com/" } else { "wss://example.com/" };
        let endpoint = json!({ "type": kind, "url": url, "events": [event] });
        let fields = json!({ "recording_config": { "realtime_endpoints": [endpoint] } });
        let answer = create(&app, "", fields).await;
        if fits {
            answer.created();
        } else {
            let words = format!("An endpoint of the type {kind} does not get {event}.");
            let complaints = json!({ "recording_config": { "realtime_endpoints": [{ "events": [words] }] } });
            assert_eq!(answer.refused(), complaints);
        }
    }
    let lacking = json!({ "recording_config": { "realtime_endpoints": [{ "type": "webhook" }] } });
    let required = json!(["This field is required."]);
    assert_eq!(
        create(&app, "", lacking).await.refused(),
        json!({ "recording_config": { "realtime_endpoints": [{ "events": required, "url": required }] } })
    );
}

#[tokio::test]
async fn names_arrive_unchanged() {
    let app = app().await;
    for name in [
        "🎙️👩‍💻 Notes 🇩🇪",
        "ملاحظات الاجتماع",
        "\u{202e}gnp.eton",
        "<img src=x onerror=\"alert(1)\"> & <b>bold</b>",
        &format!("Z{}", "\u{0301}".repeat(99)),
        "line\nbreak\ttab",
    ] {
        let bot = create(&app, "", json!({ "bot_name": name, "metadata": { "name": name } })).await.created();
        assert_eq!((&bot["bot_name"], &bot["metadata"]["name"]), (&json!(name), &json!(name)));
        assert_eq!(app.look_at(bot["id"].as_str().unwrap()).await, bot);
    }
}
