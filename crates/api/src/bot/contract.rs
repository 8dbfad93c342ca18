//! Every field of the contract's Create Bot: what may stand there, and whether it has an effect here.
//!
//! [`FIELDS`] is the one list. A field that is [`Effect::Ignored`] is checked like the others, and named: in
//! `latchkey_ignored` of the answer, in the log, and as 400 where the caller asks for that. When a field begins to work, its
//! row becomes [`honoured`].

mod providers;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bots::request::{EndpointKind, REALTIME_EVENTS};
use serde_json::{Map, Value, json};

use crate::fields::{FieldErrors, Fields};

const RECORDS: &str = "Bots do not record here.";
const SPEAKS: &str = "Bots do not speak here.";
const SHOWS: &str = "Bots show no picture here.";
const PINS: &str = "Zoom's SDK pins a message for the bot alone.";
const TRANSCRIBES: &str = "The only transcript here is Zoom's captions: `meeting_captions`.";
const TELLS: &str = "Bots keep no data about the meeting itself here.";
const STREAMS: &str = "Bots tell here of participants, chat and captions: by webhook or websocket.";
const NOT_KEPT: &str =
    "Captions need transcript.provider.meeting_captions, and events of participants participant_events.";
const ZOOM_ONLY: &str = "Bots join Zoom meetings only.";
const STAYS: &str = "Bots stay in the main room.";
const UNKNOWN: &str = "The contract has no such field.";

/// Characters of an image or a sound, in Base64.
const LONGEST_MEDIA: usize = 1_835_008;
const LONGEST_TEXT: usize = 1000;
const LONGEST_URL: usize = 2000;
const MOST_ENDPOINTS: usize = 20;

/// Whether a field has an effect.
#[derive(Clone, Copy)]
enum Effect {
    Honoured,
    /// It is named, and why.
    Ignored(&'static str),
    /// These words have an effect here; any other is reported as ignored.
    Only(&'static [&'static str], &'static str),
}

/// What may stand in a field.
#[derive(Clone, Copy)]
enum Rule {
    /// Its type in `request.rs` reads it.
    Typed,
    /// Its type in `request.rs` sees that it is an object; these are its members, and a rule for several of them at once.
    Inside(&'static [Member], fn(&mut Fields<'_>)),
    Object(&'static [Member]),
    Objects(&'static [Member], fn(&mut Fields<'_>)),
    AnyObject,
    Text,
    /// A number, whole or not.
    Number,
    List,
    Word(&'static [&'static str]),
    Words(&'static [&'static str]),
    Flag,
    Whole(u32),
    Url(&'static [&'static str]),
    Uuid,
    /// Names, each with a text or null.
    Labels,
    Sound,
}

/// A field of an object.
#[derive(Clone, Copy)]
struct Member {
    name: &'static str,
    rule: Rule,
    effect: Effect,
    required: bool,
}

const fn honoured(name: &'static str, rule: Rule) -> Member {
    Member { name, rule, effect: Effect::Honoured, required: false }
}

const fn ignored(name: &'static str, rule: Rule, why: &'static str) -> Member {
    Member { name, rule, effect: Effect::Ignored(why), required: false }
}

const fn only(name: &'static str, words: &'static [&'static str], rule: Rule, why: &'static str) -> Member {
    Member { name, rule, effect: Effect::Only(words, why), required: false }
}

const fn required(member: Member) -> Member {
    Member { required: true, ..member }
}

const fn nothing_more(_: &mut Fields<'_>) {}

/// Every field of a new bot. What is inside an ignored field is checked, and not named again.
const FIELDS: &[Member] = &[
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

const WEB_VARIANTS: Rule = Rule::Word(&["web", "web_4_core", "web_gpu"]);

const VARIANT: &[Member] = &[
    honoured("zoom", Rule::Typed),
    ignored("google_meet", WEB_VARIANTS, ZOOM_ONLY),
    ignored("microsoft_teams", WEB_VARIANTS, ZOOM_ONLY),
    ignored("webex", WEB_VARIANTS, ZOOM_ONLY),
];

const BREAKOUT_ROOM: &[Member] = &[
    only(
        "mode",
        &["join_main_room"],
        Rule::Word(&["join_main_room", "join_specific_room", "auto_accept_all_invites"]),
        STAYS,
    ),
    ignored("room_id", Rule::Uuid, STAYS),
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

/// Bots do not record: the picture of a recording is shown if the other one is not given ([`second_picture`]).
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

/// An artifact of a recording.
const ARTIFACT: Rule = Rule::Object(&[honoured("metadata", Rule::Labels)]);

const RECORDING_CONFIG: &[Member] = &[
    honoured("transcript", Rule::Object(TRANSCRIPT)),
    honoured("realtime_endpoints", Rule::Objects(REALTIME_ENDPOINT, endpoint_of_its_type)),
    honoured(
        "retention",
        Rule::Object(&[
            required(honoured("type", Rule::Word(&["timed", "forever"]))),
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

/// Deepgram's options have no types in the contract.
const PROVIDERS: &[Member] = &[
    honoured("meeting_captions", Rule::Object(providers::MEETING_CAPTIONS)),
    ignored("recallai_streaming", Rule::Object(providers::RECALLAI), TRANSCRIBES),
    ignored("assembly_ai_async_chunked", Rule::Object(providers::ASSEMBLY_AI_ASYNC), TRANSCRIBES),
    ignored("assembly_ai_v3_streaming", Rule::Object(providers::ASSEMBLY_AI_STREAMING), TRANSCRIBES),
    ignored("aws_transcribe_streaming", Rule::Object(providers::AWS), TRANSCRIBES),
    ignored("deepgram_streaming", Rule::AnyObject, TRANSCRIBES),
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

/// Which addresses and events an endpoint of its type takes.
fn endpoint_of_its_type(fields: &mut Fields<'_>) {
    let kind = fields.anything("type").and_then(Value::as_str).unwrap_or_default();
    if kind != "desktop_sdk_callback" {
        let url = fields.anything("url");
        fields.required("url", url);
    }
    match kind {
        "webhook" => drop(fields.callback_url("url", LONGEST_URL)),
        "websocket" => drop(fields.socket_url("url", LONGEST_URL)),
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

/// A field without effect, and why it has none.
pub(super) struct Ignored {
    path: Vec<String>,
    why: &'static str,
}

impl Ignored {
    /// `recording_config.video_mixed_mp4`.
    pub(super) fn name(&self) -> String {
        self.path.join(".")
    }
}

/// Reports every field that does not fit the contract. Returns those that have no effect here.
pub(super) fn check(fields: &mut Fields<'_>) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    let mut naming = Naming { path: Vec::new(), ignored: Some(&mut ignored) };
    members(fields, FIELDS, &mut naming);
    second_picture(fields, &mut naming);
    what_is_not_kept(fields, &mut naming);
    ignored
}

/// An endpoint can be told of what the bot keeps of its meeting, and of nothing else.
fn what_is_not_kept(fields: &Fields<'_>, naming: &mut Naming<'_>) {
    let Some(config) = fields.anything("recording_config") else { return };
    let captions = config["transcript"]["provider"]["meeting_captions"].is_object();
    let participants = config.get("participant_events") != Some(&Value::Null);
    let is_kept = |event: &str| match event.split_once('.') {
        Some(("transcript", _)) => captions,
        Some(("participant_events", _)) => participants,
        _ => true,
    };
    let endpoints = config["realtime_endpoints"].as_array().into_iter().flatten();
    let events = endpoints.flat_map(|endpoint| endpoint["events"].as_array().into_iter().flatten());
    if events.filter_map(Value::as_str).any(|event| !is_kept(event)) {
        naming.path = ["recording_config", "realtime_endpoints"].map(str::to_owned).to_vec();
        naming.note("events", NOT_KEPT);
    }
}

/// A bot shows one picture: that of a recording gives way to the other one, and is named then.
fn second_picture(fields: &Fields<'_>, naming: &mut Naming<'_>) {
    const OUTPUT: &str = "automatic_video_output";
    let Some(pictures) = fields.anything(OUTPUT) else { return };
    if ["in_call_recording", "in_call_not_recording"].iter().all(|name| pictures[name].is_object()) {
        naming.path = vec![OUTPUT.to_owned()];
        naming.note("in_call_recording", RECORDS);
    }
}

/// Says of each ignored field that it is refused.
pub(super) fn refuse(ignored: &[Ignored]) -> Result<(), FieldErrors> {
    let mut errors = Map::new();
    for Ignored { path, why } in ignored {
        let Some((last, objects)) = path.split_last() else { continue };
        let mut inside = &mut errors;
        for name in objects {
            let object = inside.entry(name).or_insert_with(|| json!({}));
            inside = object.as_object_mut().expect("inside of an ignored field nothing is named");
        }
        inside.insert(
            last.clone(),
            json!([format!("It has no effect: {why} Leave it out, or ask with ?strict=0.")]),
        );
    }
    if errors.is_empty() { Ok(()) } else { Err(FieldErrors(errors)) }
}

/// Where the check is, and where ignored fields are noted.
struct Naming<'a> {
    path: Vec<String>,
    /// `None` inside of a field that is named already.
    ignored: Option<&'a mut Vec<Ignored>>,
}

impl Naming<'_> {
    fn note(&mut self, name: &str, why: &'static str) {
        let path = [&self.path[..], &[name.to_owned()]].concat();
        if let Some(ignored) = &mut self.ignored
            && !ignored.iter().any(|noted| noted.path == path)
        {
            ignored.push(Ignored { path, why });
        }
    }
}

fn members(fields: &mut Fields<'_>, table: &'static [Member], naming: &mut Naming<'_>) {
    for name in fields.names() {
        let Some(member) = table.iter().find(|member| member.name == name) else {
            naming.note(name, UNKNOWN);
            continue;
        };
        let named = match member.effect {
            Effect::Honoured => None,
            Effect::Ignored(why) => Some(why),
            Effect::Only(words, why) => {
                let happens = |word: &Value| word.as_str().is_some_and(|word| words.contains(&word));
                let all_happen = match fields.anything(name) {
                    Some(Value::Array(given)) => given.iter().all(happens),
                    Some(word) => happens(word),
                    None => false,
                };
                (!all_happen).then_some(why)
            }
        };
        if let Some(why) = named {
            naming.note(name, why);
        }
        let path = [&naming.path[..], &[name.to_owned()]].concat();
        let below = naming.ignored.as_deref_mut().filter(|_| named.is_none());
        member.check(fields, &mut Naming { path, ignored: below });
    }
    for member in table.iter().filter(|member| member.required) {
        let value = fields.anything(member.name);
        fields.required(member.name, value);
    }
}

impl Member {
    fn check(&self, fields: &mut Fields<'_>, naming: &mut Naming<'_>) {
        let name = self.name;
        match self.rule {
            Rule::Typed => {}
            Rule::Inside(table, all) => {
                if fields.anything(name).is_some_and(Value::is_object) {
                    fields.object(name, |inner| {
                        members(inner, table, naming);
                        all(inner);
                    });
                }
            }
            Rule::Object(table) => {
                fields.object(name, |inner| members(inner, table, naming));
            }
            Rule::Objects(table, all) => {
                fields.objects(name, MOST_ENDPOINTS, |inner| {
                    members(inner, table, naming);
                    all(inner);
                });
            }
            Rule::AnyObject => {
                fields.object(name, |_| ());
            }
            Rule::Text => {
                fields.text(name, LONGEST_TEXT);
            }
            Rule::Number => {
                if fields.anything(name).is_some_and(|value| !value.is_number()) {
                    fields.complain(name, "It must be a number.");
                }
            }
            Rule::List => {
                if fields.anything(name).is_some_and(|value| !value.is_array()) {
                    fields.complain(name, "It must be a list.");
                }
            }
            Rule::Word(words) => word(fields, name, words),
            Rule::Words(words) => every_word(fields, name, words),
            Rule::Flag => {
                fields.boolean(name);
            }
            Rule::Whole(least) => {
                fields.number(name, least);
            }
            Rule::Url(schemes) => url(fields, name, schemes),
            Rule::Uuid => {
                fields.parsed::<uuid::Uuid>(name, "It must be a UUID.");
            }
            Rule::Labels => labels(fields, name),
            Rule::Sound => media(fields, name, is_mp3, "It must be MP3 audio."),
        }
    }
}

/// `a, b or c`.
fn any_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn word(fields: &mut Fields<'_>, name: &str, words: &[&str]) {
    if let Some(given) = fields.text(name, LONGEST_TEXT)
        && !words.contains(&given)
    {
        fields.complain(name, format!("It must be {}.", any_of(words)));
    }
}

fn every_word(fields: &mut Fields<'_>, name: &str, words: &[&str]) {
    let known = |word: &Value| word.as_str().is_some_and(|word| words.contains(&word));
    match fields.anything(name) {
        Some(Value::Array(given)) if given.iter().all(known) => {}
        _ => fields.complain(name, format!("It must be a list of {}.", any_of(words))),
    }
}

fn url(fields: &mut Fields<'_>, name: &str, schemes: &[&str]) {
    if let Some(given) = fields.text(name, LONGEST_URL)
        && !url::Url::parse(given).is_ok_and(|url| url.has_host() && schemes.contains(&url.scheme()))
    {
        fields.complain(name, format!("It must be a URL that begins with {}.", any_of(schemes)));
    }
}

fn labels(fields: &mut Fields<'_>, name: &str) {
    fields.object(name, |inner| {
        for label in inner.names() {
            if !inner.anything(label).is_some_and(Value::is_string) {
                inner.complain(label, "It must be text.");
            }
        }
    });
}

fn media(fields: &mut Fields<'_>, name: &str, is_so: fn(&[u8]) -> bool, complaint: &str) {
    let Some(text) = fields.text(name, LONGEST_MEDIA) else { return };
    match BASE64_STANDARD.decode(text) {
        Ok(bytes) if is_so(&bytes) => {}
        Ok(_) => fields.complain(name, complaint),
        Err(_) => fields.complain(
            name,
            "It must be Base64 in the standard alphabet, with its padding and without a data: prefix.",
        ),
    }
}

fn is_mp3(bytes: &[u8]) -> bool {
    bytes.starts_with(b"ID3") || matches!(bytes, [0xff, second, ..] if second & 0xe0 == 0xe0)
}
