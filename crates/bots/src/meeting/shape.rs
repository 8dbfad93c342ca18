//! Events of meetings in the format of Recall's downloads and live events.

use std::collections::BTreeMap;

use model::{Audio, ChatReceiver, MeetingEvent, MeetingEventKind, Participant, Timestamp, language_code};
use serde::Serialize;
use serde_json::{Value, json};

/// A participant, as every download and live event shows one.
#[derive(Debug, Clone, Serialize)]
pub struct ShownParticipant {
    /// The participant's id, unique within the meeting.
    pub id: u32,
    /// The name, unchanged; null if Zoom gave none.
    pub name: Option<String>,
    /// Whether the participant hosts the meeting.
    pub is_host: bool,
    /// `dial-in` for a telephone participant, otherwise `unknown`, because Zoom does not report it.
    pub platform: &'static str,
    /// Data that is specific to Zoom: `{"zoom": {…}}`.
    pub extra_data: Value,
    /// Always null.
    pub email: Option<String>,
}

/// A point in time.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ShownTime {
    /// Seconds since the bot entered the meeting for the first time.
    pub relative: f64,
    /// The time in UTC.
    pub absolute: Timestamp,
}

/// One entry of `participant_events_download_url`.
#[derive(Debug, Serialize)]
pub struct ShownEvent {
    /// The event's id, unique among the bot's events.
    pub id: String,
    /// What happened: `join`, `speech_on` and so on.
    pub action: &'static str,
    /// The participant who did it.
    pub participant: ShownParticipant,
    /// When it happened.
    pub timestamp: ShownTime,
    /// The content, if it is a chat message.
    pub data: Option<ShownMessage>,
}

/// A chat message.
#[derive(Debug, Serialize)]
pub struct ShownMessage {
    /// The text, unchanged.
    pub text: String,
    /// The receiver.
    pub to: ChatReceiver,
}

/// One entry of `speaker_timeline_download_url`.
#[derive(Debug, Serialize)]
pub struct ShownSpeech {
    /// The participant who spoke.
    pub participant: ShownParticipant,
    /// When the speech began.
    pub start_timestamp: ShownTime,
    /// When the speech ended.
    pub end_timestamp: ShownTime,
}

/// One entry of the transcript: a caption.
#[derive(Debug, Serialize)]
pub struct ShownCaption {
    /// The participant who spoke.
    pub participant: ShownParticipant,
    /// The language, if Zoom reported it.
    pub language_code: Option<&'static str>,
    /// One element with the whole caption, because Zoom gives no time for each word.
    pub words: [ShownWords; 1],
}

/// The text of a caption.
#[derive(Debug, Serialize)]
pub struct ShownWords {
    /// The text, unchanged.
    pub text: String,
    /// When the first version of the caption arrived.
    pub start_timestamp: ShownTime,
    /// When this version of the caption arrived.
    pub end_timestamp: ShownTime,
}

impl From<&Participant> for ShownParticipant {
    fn from(participant: &Participant) -> Self {
        let Participant { guid, is_co_host, is_guest, muted, hand_raised, records, is_our_bot, .. } =
            participant;
        let zoom = json!({
            "user_guid": guid, "co_host": is_co_host, "guest": is_guest, "muted": muted, "hand_raised": hand_raised,
            "recording": records, "latchkey_bot": is_our_bot,
        });
        Self {
            id: participant.id,
            name: Some(participant.name.clone()).filter(|name| !name.is_empty()),
            is_host: participant.is_host,
            platform: if participant.audio == Audio::Phone { "dial-in" } else { "unknown" },
            extra_data: json!({ "zoom": zoom }),
            email: None,
        }
    }
}

impl ShownTime {
    /// Shows `at`, and how long it was after `started_at`, when the bot entered for the first time.
    pub fn new(at: Timestamp, started_at: Timestamp) -> Self {
        Self { relative: at.since(started_at).as_secs_f64(), absolute: at }
    }
}

/// Converts an event. Returns `None` if Recall's participant events have no such kind.
pub fn event(event: &MeetingEvent, started_at: Timestamp) -> Option<ShownEvent> {
    let (action, participant) = event.what.action().zip(event.what.participant())?;
    let data = match &event.what {
        MeetingEventKind::ChatMessage { text, to, .. } => Some(ShownMessage { text: text.clone(), to: *to }),
        _ => None,
    };
    Some(ShownEvent {
        id: event.number.to_string(),
        action,
        participant: participant.into(),
        timestamp: ShownTime::new(event.at, started_at),
        data,
    })
}

/// All participants that were ever in the meeting, each in their last known state, in the order of their first join.
pub fn participants(events: &[MeetingEvent]) -> Vec<ShownParticipant> {
    let mut order = Vec::new();
    let mut last: BTreeMap<u32, &Participant> = BTreeMap::new();
    for participant in events.iter().filter_map(|event| event.what.participant()) {
        if last.insert(participant.id, participant).is_none() {
            order.push(participant.id);
        }
    }
    order.into_iter().filter_map(|id| last.get(&id)).map(|participant| (*participant).into()).collect()
}

/// Who spoke from when to when, sorted by start.
pub fn speeches(events: &[MeetingEvent], started_at: Timestamp) -> Vec<ShownSpeech> {
    let time = |at| ShownTime::new(at, started_at);
    let mut begun: BTreeMap<u32, Timestamp> = BTreeMap::new();
    let mut speeches = Vec::new();
    let mut end = |begun: Option<Timestamp>, participant: &Participant, at| {
        speeches.extend(begun.map(|began| ShownSpeech {
            participant: participant.into(),
            start_timestamp: time(began),
            end_timestamp: time(at),
        }));
    };
    for event in events {
        match &event.what {
            MeetingEventKind::SpeechOn { participant } => drop(begun.insert(participant.id, event.at)),
            MeetingEventKind::SpeechOff { participant } | MeetingEventKind::Leave { participant } => {
                end(begun.remove(&participant.id), participant, event.at);
            }
            _ => {}
        }
    }
    speeches.sort_by_key(|speech| speech.start_timestamp.absolute);
    speeches
}

/// The final captions, sorted by start.
pub fn transcript(events: &[MeetingEvent], started_at: Timestamp) -> Vec<ShownCaption> {
    let is_final =
        |event: &&MeetingEvent| matches!(event.what, MeetingEventKind::Caption { is_final: true, .. });
    let said = events.iter().filter(is_final).filter_map(|event| caption(event, started_at));
    let mut said: Vec<_> = said.collect();
    said.sort_by_key(|caption| caption.words[0].start_timestamp.absolute);
    said
}

/// Converts a caption, whether or not it is final. Returns `None` for other events.
pub fn caption(event: &MeetingEvent, started_at: Timestamp) -> Option<ShownCaption> {
    match &event.what {
        MeetingEventKind::Caption { participant, text, language, began_at, .. } => Some(ShownCaption {
            participant: participant.into(),
            language_code: language_code(*language),
            words: [ShownWords {
                text: text.clone(),
                start_timestamp: ShownTime::new(*began_at, started_at),
                end_timestamp: ShownTime::new(event.at, started_at),
            }],
        }),
        _ => None,
    }
}
