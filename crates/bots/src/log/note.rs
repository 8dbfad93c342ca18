//! An entry of a bot's log, before it has a time and a place.

use std::collections::BTreeMap;

use serde_json::Value;

/// Characters of a text, and of a field's.
const LONGEST: usize = 1_000;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal;)*) => {
        /// What kind of thing happened. Words are never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[doc = $doc])* $name,)* }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the log.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it is, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

kinds! {
    /// The request was accepted, with the fields that have no effect here.
    Created = "created";
    /// The request was changed before the bot began.
    Changed = "changed";
    /// A caller told the bot to leave.
    LeaveAsked = "leave_asked";
    /// A server took the bot.
    Taken = "taken";
    /// The bot took a step: as in `status_changes`.
    Step = "step";
    /// What the bot does next, and why.
    Decision = "decision";
    /// A page with Zoom's SDK was opened for the bot, or could not be.
    Page = "page";
    /// The Zoom app that signs the join.
    App = "app";
    /// A seat of a pool, or none.
    Seat = "seat";
    /// A token was fetched, or could not be: from where, and how long it took.
    Token = "token";
    /// The page was told to join.
    JoinRequest = "join_request";
    /// A call of the page to Zoom has ended, with Zoom's tracking id.
    ZoomCall = "zoom_call";
    /// Zoom's SDK reported an event.
    SdkEvent = "sdk_event";
    /// A warning or an error in the page's console.
    Console = "console";
    /// The page or Zoom's SDK threw an exception.
    Exception = "exception";
    /// The camera or a chat message of the bot.
    Output = "output";
    /// A picture of the page was taken, or could not be.
    Screenshot = "screenshot";
    /// The page or the store did not answer in time.
    HeartbeatMissed = "heartbeat_missed";
    /// The page crashed, or its browser ended.
    PageGone = "page_gone";
    /// The log has no more room.
    LogFull = "log_full";
}

impl Kind {
    /// The kinds whose text is written by Zoom's SDK and may name participants. They are erased with a bot's media.
    pub const WRITTEN_BY_THE_SDK: &'static [Self] = &[Self::Console, Self::Exception];
}

/// What happened. It must hold no secret and no name of a participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) fields: BTreeMap<String, Value>,
}

impl Note {
    /// A note in words, for people.
    pub fn new(kind: Kind, text: impl AsRef<str>) -> Self {
        Self { kind, text: clean(text.as_ref()), fields: BTreeMap::new() }
    }

    /// Adds a field, for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::String(text) => clean(&text).into(),
            value => value,
        };
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// Adds a field if it has a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// One line of bounded length: texts come from Zoom, from pages and from callers' servers.
fn clean(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::{Kind, LONGEST, Note};

    #[test]
    fn texts_are_one_line_of_bounded_length() {
        let note = Note::new(Kind::Step, format!("a\0b\nc{}", "d".repeat(LONGEST))).with("reason", "e\u{7}f");
        assert!(note.text.starts_with("abcd") && note.text.len() == LONGEST);
        assert_eq!(note.fields["reason"], "ef");
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for (index, kind) in Kind::ALL.iter().enumerate() {
            assert!(!Kind::ALL[..index].iter().any(|other| other.as_str() == kind.as_str()), "{kind:?}");
            assert!(kind.meaning().ends_with('.'), "{kind:?}");
        }
    }
}
