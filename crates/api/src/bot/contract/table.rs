//! The table of fields.

use bots::request::{EndpointKind, REALTIME_EVENTS};
use serde_json::Value;

use super::{
    checker::MAX_URL_LEN,
    providers,
    rule::{Member, Rule, honoured, ignored, nothing_more, only, required},
};
use crate::{bot::field_types::WEB_VARIANTS, fields::Fields};

pub(super) const RECORDS: &str = "Bots do not record here.";
const SPEAKS: &str = "Bots do not speak here.";
const SHOWS: &str = "Bots show no picture here.";
const PINS: &str = "Zoom's SDK pins a message for the bot alone.";
const TRANSCRIBES: &str = "The only transcript here is Zoom's captions: `meeting_captions`.";
const TELLS: &str = "Bots store no data about the meeting itself here.";
const STREAMS: &str = "Real-time endpoints support participant, chat and caption events only.";
pub(super) const NOT_KEPT: &str =
    "Captions need transcript.provider.meeting_captions; events of participants need participant_events.";
const ZOOM_ONLY: &str = "Bots join Zoom meetings only.";
const FOLLOWS: &str = "A bot joins the main session, and follows the host's move into a breakout room.";
pub(super) const KEPT_SHORTER: &str =
    "This server stores meeting events for a shorter time: `meeting_events.keep_days`.";
/// Every field of a new bot. Fields inside an ignored field are checked, but not reported again.
pub(super) const FIELDS: &[Member] = &[
    honoured("meeting_url", Rule::Typed),
    honoured("bot_name", Rule::Typed),
    honoured("join_at", Rule::Typed),
    honoured("metadata", Rule::Typed),
    honoured("zoom", Rule::Inside(ZOOM, nothing_more)),
    honoured("automatic_leave", Rule::Inside(AUTOMATIC_LEAVE, nothing_more)),
    honoured("variant", Rule::Inside(VARIANT, nothing_more)),
    honoured("breakout_room", Rule::Inside(BREAKOUT_ROOM, room_of_its_mode)),
    honoured("chat", Rule::Inside(CHAT, nothing_more)),
    honoured("automatic_video_output", Rule::Inside(VIDEO_OUTPUT, nothing_more)),
    ignored("automatic_audio_output", Rule::Inside(AUDIO_OUTPUT, nothing_more), SPEAKS),
    honoured("recording_config", Rule::Inside(RECORDING_CONFIG, nothing_more)),
    ignored("output_media", Rule::Inside(OUTPUT_MEDIA, nothing_more), SHOWS),
    ignored("google_meet", Rule::Inside(GOOGLE_MEET, nothing_more), ZOOM_ONLY),
    ignored("webex", Rule::Inside(&[], nothing_more), ZOOM_ONLY),
];

const ZOOM: &[Member] = &[
    honoured("zak_url", Rule::Typed),
    honoured("zak_token_url", Rule::Typed),
    honoured("credential", Rule::Typed),
    honoured("user", Rule::Typed),
    honoured("pool", Rule::Typed),
    honoured("obf_token_url", Rule::Typed),
    honoured("obf_credential", Rule::Typed),
    honoured("oauth_app", Rule::Typed),
    honoured("start_meeting", Rule::Typed),
    honoured("join_token_url", Rule::Typed),
    honoured("user_email", Rule::Typed),
    ignored("request_recording_permission_on_host_join", Rule::Flag, RECORDS),
    ignored("require_recording_permission", Rule::Flag, RECORDS),
];

const AUTOMATIC_LEAVE: &[Member] = &[
    honoured("waiting_room_timeout", Rule::Typed),
    honoured("noone_joined_timeout", Rule::Typed),
    honoured(
        "everyone_left_timeout",
        Rule::Inside(
            &[honoured("timeout", Rule::Typed), honoured("activate_after", Rule::Typed)],
            nothing_more,
        ),
    ),
    honoured("in_call_not_recording_timeout", Rule::Typed),
    ignored("in_call_recording_timeout", Rule::Whole(1), RECORDS),
    ignored("recording_permission_denied_timeout", Rule::Whole(1), RECORDS),
    honoured("silence_detection", Rule::Inside(TIMES, nothing_more)),
    honoured(
        "bot_detection",
        Rule::Inside(
            &[
                honoured("using_participant_events", Rule::Inside(TIMES, nothing_more)),
                honoured("using_participant_names", Rule::Inside(TIMES_AND_NAMES, nothing_more)),
            ],
            nothing_more,
        ),
    ),
];

const TIMES: &[Member] = &[honoured("timeout", Rule::Typed), honoured("activate_after", Rule::Typed)];

const TIMES_AND_NAMES: &[Member] = &[
    honoured("timeout", Rule::Typed),
    honoured("activate_after", Rule::Typed),
    honoured("matches", Rule::Typed),
];

const VARIANT: &[Member] = &[
    honoured("zoom", Rule::Typed),
    ignored("google_meet", Rule::Word(WEB_VARIANTS), ZOOM_ONLY),
    ignored("microsoft_teams", Rule::Word(WEB_VARIANTS), ZOOM_ONLY),
    ignored("webex", Rule::Word(WEB_VARIANTS), ZOOM_ONLY),
];

const BREAKOUT_ROOM: &[Member] = &[
    only(
        "mode",
        &["auto_accept_all_invites"],
        Rule::Word(&["join_main_room", "join_specific_room", "auto_accept_all_invites"]),
        FOLLOWS,
    ),
    ignored("room_id", Rule::Uuid, FOLLOWS),
];

fn room_of_its_mode(fields: &mut Fields<'_>) {
    if fields.anything("mode").and_then(Value::as_str) == Some("join_specific_room") {
        let room = fields.anything("room_id");
        fields.required("room_id", room);
    }
}

const CHAT: &[Member] = &[
    honoured(
        "on_bot_join",
        Rule::Inside(
            &[
                honoured("send_to", Rule::Typed),
                honoured("message", Rule::Typed),
                ignored("pin", Rule::Typed, PINS),
            ],
            nothing_more,
        ),
    ),
    honoured(
        "on_participant_join",
        Rule::Inside(
            &[honoured("message", Rule::Typed), honoured("exclude_host", Rule::Typed)],
            nothing_more,
        ),
    ),
];

const PICTURE: Rule =
    Rule::Inside(&[honoured("kind", Rule::Typed), honoured("b64_data", Rule::Typed)], nothing_more);

/// Bots do not record: the picture for recordings is shown only if the other one is not given ([`super::second_picture`]).
const VIDEO_OUTPUT: &[Member] =
    &[honoured("in_call_recording", PICTURE), honoured("in_call_not_recording", PICTURE)];

const AUDIO_OUTPUT: &[Member] = &[required(honoured(
    "in_call_recording",
    Rule::Object(&[
        required(honoured(
            "data",
            Rule::Object(&[
                required(honoured("kind", Rule::Word(&["mp3"]))),
                required(honoured("b64_data", Rule::Sound)),
            ]),
        )),
        honoured(
            "replay_on_participant_join",
            Rule::Object(&[
                honoured("debounce_mode", Rule::Word(&["leading", "trailing"])),
                required(honoured("debounce_interval", Rule::Whole(0))),
                honoured("disable_after", Rule::Whole(0)),
            ]),
        ),
    ]),
))];

const WEBPAGE: Rule = Rule::Object(&[
    required(honoured("kind", Rule::Word(&["webpage"]))),
    required(honoured("config", Rule::Object(&[required(honoured("url", Rule::Url(&["http", "https"])))]))),
]);

const OUTPUT_MEDIA: &[Member] = &[honoured("camera", WEBPAGE), honoured("screenshare", WEBPAGE)];

const GOOGLE_MEET: &[Member] = &[honoured("google_login_group_id", Rule::Uuid)];

/// A recorded artifact.
const ARTIFACT: Rule = Rule::Object(&[honoured("metadata", Rule::Labels)]);

const RECORDING_CONFIG: &[Member] = &[
    honoured("transcript", Rule::Object(TRANSCRIPT)),
    honoured("realtime_endpoints", Rule::Objects(REALTIME_ENDPOINT, endpoint_of_its_type)),
    honoured(
        "retention",
        Rule::Object(&[
            required(only("type", &["timed"], Rule::Word(&["timed", "forever"]), KEPT_SHORTER)),
            honoured("hours", Rule::Whole(1)),
        ]),
    ),
    ignored(
        "video_mixed_layout",
        Rule::Word(&["speaker_view", "gallery_view", "gallery_view_v2", "audio_only"]),
        RECORDS,
    ),
    ignored(
        "video_mixed_participant_video_when_screenshare",
        Rule::Word(&["hide", "beside", "overlap"]),
        RECORDS,
    ),
    ignored(
        "start_recording_on",
        Rule::Word(&["call_join", "participant_join", "participant_speak", "manual"]),
        RECORDS,
    ),
    ignored("include_bot_in_recording", Rule::Object(&[honoured("audio", Rule::Flag)]), RECORDS),
    ignored("metadata", Rule::Labels, RECORDS),
    honoured("participant_events", Rule::Object(&[ignored("metadata", Rule::Labels, RECORDS)])),
    ignored("meeting_metadata", ARTIFACT, TELLS),
    ignored("video_mixed_mp4", ARTIFACT, RECORDS),
    ignored("video_mixed_flv", ARTIFACT, RECORDS),
    ignored("video_separate_mp4", ARTIFACT, RECORDS),
    ignored("video_separate_png", ARTIFACT, RECORDS),
    ignored("video_separate_h264", ARTIFACT, RECORDS),
    ignored("audio_mixed_mp3", ARTIFACT, RECORDS),
    ignored("audio_mixed_raw", ARTIFACT, RECORDS),
    ignored("audio_separate_mp3", ARTIFACT, RECORDS),
    ignored("audio_separate_raw", ARTIFACT, RECORDS),
];

const TRANSCRIPT: &[Member] = &[
    required(honoured("provider", Rule::Object(PROVIDERS))),
    ignored(
        "diarization",
        Rule::Object(&[honoured("use_separate_streams_when_available", Rule::Flag)]),
        TRANSCRIBES,
    ),
    ignored("metadata", Rule::Labels, RECORDS),
];

const PROVIDERS: &[Member] = &[
    honoured("meeting_captions", Rule::Object(providers::MEETING_CAPTIONS)),
    ignored("recallai_streaming", Rule::Object(providers::RECALLAI), TRANSCRIBES),
    ignored("assembly_ai_async_chunked", Rule::Object(providers::ASSEMBLY_AI_ASYNC), TRANSCRIBES),
    ignored("assembly_ai_v3_streaming", Rule::Object(providers::ASSEMBLY_AI_STREAMING), TRANSCRIBES),
    ignored(
        "aws_transcribe_streaming",
        Rule::ObjectWhere(providers::AWS, providers::language_of_aws),
        TRANSCRIBES,
    ),
    ignored("deepgram_streaming", Rule::Object(providers::DEEPGRAM), TRANSCRIBES),
    ignored("gladia_v2_streaming", Rule::Object(providers::GLADIA), TRANSCRIBES),
    ignored("rev_streaming", Rule::Object(providers::REV), TRANSCRIBES),
    ignored("speechmatics_streaming", Rule::Object(providers::SPEECHMATICS), TRANSCRIBES),
];

const REALTIME_ENDPOINT: &[Member] = &[
    required(only(
        "type",
        EndpointKind::WORDS,
        Rule::Word(&["rtmp", "websocket", "webhook", "desktop_sdk_callback"]),
        STREAMS,
    )),
    honoured("url", Rule::Url(&["http", "https", "ws", "wss", "rtmp", "rtmps"])),
    required(only(
        "events",
        REALTIME_EVENTS,
        Rule::Words(&[
            "participant_events.join",
            "participant_events.leave",
            "participant_events.update",
            "participant_events.speech_on",
            "participant_events.speech_off",
            "participant_events.webcam_on",
            "participant_events.webcam_off",
            "participant_events.screenshare_on",
            "participant_events.screenshare_off",
            "participant_events.chat_message",
            "transcript.data",
            "transcript.partial_data",
            "transcript.provider_data",
            "audio_mixed_raw.data",
            "audio_separate_raw.data",
            "video_separate_png.data",
            "video_separate_h264.data",
            "video_mixed_flv.data",
        ]),
        STREAMS,
    )),
    honoured("metadata", Rule::Labels),
];

/// Which addresses and events an endpoint of this type accepts.
fn endpoint_of_its_type(fields: &mut Fields<'_>) {
    let kind = fields.anything("type").and_then(Value::as_str).unwrap_or_default();
    if kind != "desktop_sdk_callback" {
        let url = fields.anything("url");
        fields.required("url", url);
    }
    match kind {
        "webhook" => drop(fields.callback_url("url", MAX_URL_LEN)),
        "websocket" => drop(fields.socket_url("url", MAX_URL_LEN)),
        _ => {}
    }
    let (is_media, is_flv) = (["audio_", "video_"], "video_mixed_flv.data");
    let events = fields.anything("events").and_then(Value::as_array).into_iter().flatten();
    let mut events = events.filter_map(Value::as_str);
    let wrong = events.find(|event| match kind {
        "rtmp" => *event != is_flv,
        "webhook" => is_media.iter().any(|media| event.starts_with(media)),
        "websocket" => *event == is_flv,
        "desktop_sdk_callback" => [is_flv, "audio_separate_raw.data"].contains(event),
        _ => false,
    });
    if let Some(wrong) = wrong {
        fields.complain("events", format!("An endpoint of the type {kind} does not get {wrong}."));
    }
}
