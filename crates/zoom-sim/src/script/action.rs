//! Actions of a script's steps.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::gate::activity::{Activity, Running, is_name};
use crate::gate::{captions, chat};
use crate::patch::patched;

/// Milliseconds per spoken word, if a step does not set `seconds`.
const WORD_MS: u64 = 350;
/// Longest speech.
const MAX_SPEECH_SECONDS: f64 = 600.0;

/// One action of a step.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Join(Join),
    Leave(Who),
    Change(Change),
    Chat(Chat),
    Record(Record),
    Admit(Who),
    Remove(Who),
    End,
    /// A speech begins: its speaker is unmuted and the active speaker.
    StartSpeech(Who),
    /// The words of a speech so far.
    Words {
        who: String,
        speech: usize,
        text: String,
        is_final: bool,
    },
    /// A speech ends.
    StopSpeech(Who),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Who {
    pub(super) who: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    pub(super) who: String,
    #[serde(default)]
    pub(super) host: bool,
    /// Signed in as the user with this e-mail address, who is created if there is none.
    pub(super) email: Option<String>,
}

/// A change of the name, the host's role, or any field of [`Activity`].
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Change {
    pub(super) who: String,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) host: bool,
    #[serde(flatten)]
    pub(super) activity: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chat {
    pub(super) who: String,
    pub(super) text: String,
    /// Everyone, if absent.
    pub(super) to: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) status: Running,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Talk {
    who: String,
    text: String,
    seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Reads the actions of a step, each with its milliseconds after the step's `at`. A speech has several. `speech` numbers the
/// speeches.
pub(super) fn read(mut step: toml::Table, speech: usize) -> Result<Vec<(u64, Action)>, String> {
    let action = step.remove("do").ok_or("do is missing")?;
    let action = action.as_str().ok_or("do must be text")?.to_owned();
    let step = toml::Value::Table(step);
    let one = |action| Ok(vec![(0, action)]);
    match action.as_str() {
        "join" => one(Action::Join(fields(step)?)),
        "leave" => one(Action::Leave(fields(step)?)),
        "change" => {
            let change: Change = fields(step)?;
            patched(&Activity::default(), change.activity.clone())?;
            one(Action::Change(change))
        }
        "talk" => talk(fields(step)?, speech),
        "chat" => {
            let chat: Chat = fields(step)?;
            within("text", &chat.text, chat::MAX_CHARS)?;
            one(Action::Chat(chat))
        }
        "record" => one(Action::Record(fields(step)?)),
        "admit" => one(Action::Admit(fields(step)?)),
        "remove" => one(Action::Remove(fields(step)?)),
        "end" => {
            let Nothing {} = fields(step)?;
            one(Action::End)
        }
        other => Err(format!(
            "do: unknown action {other:?}; the actions are join, leave, change, talk, chat, record, admit, remove and end"
        )),
    }
}

/// Splits a speech into words.
fn talk(talk: Talk, speech: usize) -> Result<Vec<(u64, Action)>, String> {
    let Talk { who, text, seconds } = talk;
    within("text", &text, captions::MAX_CHARS)?;
    let ends: Vec<usize> = text
        .split_whitespace()
        .map(|word| word.as_ptr().addr() - text.as_ptr().addr() + word.len())
        .collect();
    let count = u64::try_from(ends.len()).unwrap_or(u64::MAX).max(1);
    let span = match seconds {
        None => count * WORD_MS,
        Some(seconds) if (0.0..=MAX_SPEECH_SECONDS).contains(&seconds) => milliseconds(seconds),
        Some(_) => return Err(format!("seconds must be 0 to {MAX_SPEECH_SECONDS}")),
    };
    let mut actions = vec![(0, Action::StartSpeech(Who { who: who.clone() }))];
    let words =
        |text: &str, is_final| Action::Words { who: who.clone(), speech, text: text.to_owned(), is_final };
    let so_far = ends.iter().zip(1_u64..).take(ends.len().saturating_sub(1));
    actions.extend(so_far.map(|(end, index)| (span * index / count, words(&text[..*end], false))));
    actions.push((span, words(&text, true)));
    actions.push((span, Action::StopSpeech(Who { who })));
    Ok(actions)
}

/// Converts seconds to milliseconds. The callers bound the seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by its callers")]
pub(super) fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

fn fields<T: serde::de::DeserializeOwned>(step: toml::Value) -> Result<T, String> {
    step.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

fn within(field: &str, text: &str, most: usize) -> Result<(), String> {
    if (1..=most).contains(&text.chars().count()) && !text.trim().is_empty() {
        Ok(())
    } else {
        Err(format!("{field} must have 1 to {most} characters"))
    }
}

impl Action {
    /// The participant names that a step refers to, with their fields.
    pub(super) fn names(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Join(Join { who, .. })
            | Self::Leave(Who { who })
            | Self::Change(Change { who, .. })
            | Self::Admit(Who { who })
            | Self::Remove(Who { who })
            | Self::StartSpeech(Who { who })
            | Self::Words { who, .. }
            | Self::StopSpeech(Who { who }) => vec![("who", who)],
            Self::Chat(Chat { who, to, .. }) => {
                let mut names = vec![("who", who.as_str())];
                names.extend(to.as_deref().map(|to| ("to", to)));
                names
            }
            Self::Record(_) | Self::End => Vec::new(),
        }
    }

    /// The name that a participant has from this step on.
    pub(super) fn new_name(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Join(join) => Some(("who", &join.who)),
            Self::Change(change) => change.name.as_deref().map(|name| ("name", name)),
            _ => None,
        }
    }
}

/// Checks that the new name in a step is valid.
pub(super) fn check_name(action: &Action) -> Result<(), String> {
    match action.new_name() {
        Some((field, name)) if !is_name(name) => Err(format!("{field} must have 1 to 200 characters")),
        _ => Ok(()),
    }
}
