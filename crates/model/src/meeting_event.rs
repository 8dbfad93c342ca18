//! The events of a bot's meeting, as they are stored with the bot and sent to real-time endpoints.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The state of a participant of a bot's meeting at some time. The bot itself is not a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Zoom's number of them in this meeting when the bot first saw them. It stays the same when the bot joins again.
    pub id: u32,
    /// Zoom's id of them across rejoins and breakout rooms (`userGUID`); empty if Zoom gave none.
    pub guid: String,
    /// The name as received, including HTML and emoji.
    pub name: String,
    /// Whether they host the meeting.
    pub is_host: bool,
    /// Whether they are a co-host.
    pub is_co_host: bool,
    /// Whether they are not a Zoom user; `None` if Zoom did not say.
    pub is_guest: Option<bool>,
    /// Their audio connection.
    pub audio: Audio,
    /// Whether their microphone is off; `None` without audio.
    pub muted: Option<bool>,
    /// Whether they have raised a hand.
    pub hand_raised: bool,
    /// Whether they record on their own computer.
    pub records: bool,
    /// Whether it is a bot of this installation.
    pub is_our_bot: bool,
}

/// A participant's audio connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audio {
    /// Not connected, or not yet.
    #[default]
    None,
    /// By computer.
    Computer,
    /// By telephone.
    Phone,
}

/// To whom a chat message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChatReceiver {
    /// All participants.
    Everyone,
    /// Only the bot.
    OnlyBot,
}

/// The state of a recording in the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// It is running.
    On,
    /// It is paused.
    Paused,
    /// It has ended.
    Off,
}

macro_rules! captions {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Whether the bot gets captions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Captions { $(
            $(#[$doc])*
            #[serde(rename = $word)]
            $name,
        )* }

        impl Captions {
            /// The word as it is stored and sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        impl std::str::FromStr for Captions {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$name),)*
                    _ => Err(format!("{text:?} is not a state of captions")),
                }
            }
        }
    };
}

captions! {
    /// It receives captions.
    On = "on",
    /// The bot has requested captions, but none has arrived: nobody spoke, or the host does not allow them. Zoom does not
    /// say which.
    Asked = "captions_none_received",
    /// The host's account does not offer captions.
    NotOffered = "captions_not_offered",
    /// The SDK's button for captions has no effect.
    NotAllowed = "captions_not_allowed",
}

impl Captions {
    /// The reason why a transcript failed, if captions are the reason.
    pub const fn failure(self) -> Option<&'static str> {
        match self {
            Self::On => None,
            failed => Some(failed.as_str()),
        }
    }
}

/// The kind of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MeetingEventKind {
    /// The bot has entered: for the first time, after a lost connection, or another room.
    BotEntered {
        /// The breakout room; `None` is the main session.
        room: Option<String>,
    },
    /// The bot has left its room. Events until it enters again are unknown.
    BotLeft,
    /// A participant has joined.
    Join {
        /// Who.
        participant: Participant,
    },
    /// A participant has left.
    Leave {
        /// Who.
        participant: Participant,
    },
    /// A participant's name, role, audio, microphone, hand or recording has changed.
    Update {
        /// The participant after the change.
        participant: Participant,
    },
    /// A participant has started to speak.
    SpeechOn {
        /// Who.
        participant: Participant,
    },
    /// A participant has stopped speaking.
    SpeechOff {
        /// Who.
        participant: Participant,
    },
    /// A participant has switched a camera on.
    WebcamOn {
        /// Whose.
        participant: Participant,
    },
    /// A participant has switched a camera off.
    WebcamOff {
        /// Whose.
        participant: Participant,
    },
    /// A participant has started to share a screen.
    ScreenshareOn {
        /// Who.
        participant: Participant,
    },
    /// A participant has stopped sharing.
    ScreenshareOff {
        /// Who.
        participant: Participant,
    },
    /// A message in the chat.
    ChatMessage {
        /// Who wrote it.
        participant: Participant,
        /// Who got it.
        to: ChatReceiver,
        /// The text as received.
        text: String,
        /// Zoom's id of it.
        message: String,
    },
    /// Speech of a participant, from Zoom's captions.
    Caption {
        /// Who speaks.
        participant: Participant,
        /// Zoom's id of the caption: the same for each version.
        caption: String,
        /// The whole text so far.
        text: String,
        /// Zoom's number of the language: see [`language_code`].
        language: u32,
        /// When its first words arrived.
        began_at: Timestamp,
        /// Whether it is complete.
        is_final: bool,
    },
    /// The state of a recording in Zoom's cloud has changed.
    CloudRecording {
        /// The new state.
        state: RecordingState,
    },
    /// Whether the bot gets the captions that it requested.
    CaptionState {
        /// The state of the captions.
        captions: Captions,
    },
    /// Too many events came at once, and some are missing here.
    Missed {
        /// How many.
        events: u64,
    },
}

impl MeetingEventKind {
    /// Recall's name of the event; `None` if Recall's participant events have none.
    pub const fn action(&self) -> Option<&'static str> {
        Some(match self {
            Self::Join { .. } => "join",
            Self::Leave { .. } => "leave",
            Self::Update { .. } => "update",
            Self::SpeechOn { .. } => "speech_on",
            Self::SpeechOff { .. } => "speech_off",
            Self::WebcamOn { .. } => "webcam_on",
            Self::WebcamOff { .. } => "webcam_off",
            Self::ScreenshareOn { .. } => "screenshare_on",
            Self::ScreenshareOff { .. } => "screenshare_off",
            Self::ChatMessage { .. } => "chat_message",
            Self::BotEntered { .. }
            | Self::BotLeft
            | Self::Caption { .. }
            | Self::CloudRecording { .. }
            | Self::CaptionState { .. }
            | Self::Missed { .. } => return None,
        })
    }

    /// The participant that it is about.
    pub const fn participant(&self) -> Option<&Participant> {
        match self {
            Self::Join { participant }
            | Self::Leave { participant }
            | Self::Update { participant }
            | Self::SpeechOn { participant }
            | Self::SpeechOff { participant }
            | Self::WebcamOn { participant }
            | Self::WebcamOff { participant }
            | Self::ScreenshareOn { participant }
            | Self::ScreenshareOff { participant }
            | Self::ChatMessage { participant, .. }
            | Self::Caption { participant, .. } => Some(participant),
            Self::BotEntered { .. }
            | Self::BotLeft
            | Self::CloudRecording { .. }
            | Self::CaptionState { .. }
            | Self::Missed { .. } => None,
        }
    }
}

/// An event of a bot's meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingEvent {
    /// Its number among the bot's events: it starts at 1 and increases. Numbers may be missing.
    pub number: u64,
    /// When the bot received it.
    pub at: Timestamp,
    /// The kind of event.
    #[serde(flatten)]
    pub what: MeetingEventKind,
}

/// The BCP 47 code of a caption's language, from the number that Zoom's SDK (6.2.0) has for it. `None` for untranslated
/// speech (400), because Zoom does not say which language it is, and for unknown numbers.
pub const fn language_code(number: u32) -> Option<&'static str> {
    Some(match number {
        0 => "en",
        1 => "zh",
        2 => "ja",
        3 => "de",
        4 => "fr",
        5 => "ru",
        6 => "pt",
        7 => "es",
        8 => "ko",
        9 => "it",
        11 => "vi",
        12 => "nl",
        13 => "uk",
        14 => "ar",
        15 => "bn",
        16 => "zh-Hant",
        17 => "cs",
        18 => "et",
        19 => "fi",
        20 => "el",
        21 => "he",
        22 => "hi",
        23 => "hu",
        24 => "id",
        25 => "ms",
        26 => "fa",
        27 => "pl",
        28 => "ro",
        29 => "sv",
        30 => "ta",
        31 => "te",
        32 => "tl",
        33 => "tr",
        34 => "fr-CA",
        35 => "da",
        36 => "no",
        37 => "th",
        44 => "yue",
        45 => "so",
        48 => "ca",
        49 => "af",
        50 => "ar-AE",
        51 => "hr",
        56 => "gl",
        57 => "de-CH",
        58 => "lv",
        59 => "sr",
        60 => "sk",
        61 => "zu",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Audio, ChatReceiver, MeetingEvent, MeetingEventKind, Participant};
    use crate::Timestamp;

    #[test]
    fn an_event_is_read_as_it_is_written() {
        let participant = Participant {
            id: 16_778_240,
            guid: "G".into(),
            name: "<b>Zoë</b> \u{202e}👩\u{1f3fd}".into(),
            is_host: true,
            is_co_host: false,
            is_guest: None,
            audio: Audio::Phone,
            muted: Some(false),
            hand_raised: false,
            records: false,
            is_our_bot: false,
        };
        let what = MeetingEventKind::ChatMessage {
            participant,
            to: ChatReceiver::OnlyBot,
            text: "<script>".into(),
            message: "M1".into(),
        };
        let event =
            MeetingEvent { number: u64::from(u32::MAX) + 7, at: Timestamp::from_microsecond(9), what };
        let text = serde_json::to_string(&event).unwrap_or_default();
        assert_eq!(serde_json::from_str::<MeetingEvent>(&text).ok(), Some(event));
    }
}
