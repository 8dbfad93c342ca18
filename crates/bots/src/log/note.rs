//! An entry of a bot's log, before it has a time and a number.

use std::collections::BTreeMap;

use serde_json::Value;

/// The most characters of an entry's text, and of the text in one of its fields.
const MAX_TEXT_LEN: usize = 1_000;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal;)*) => {
        /// What an entry is about. The words are never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum LogEntryKind { $($(#[doc = $doc])* $name,)* }

        impl LogEntryKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word that the log shows.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// A sentence that explains the kind.
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
    /// The bot's status changed, as in `status_changes`.
    Step = "step";
    /// What the bot does next, and why.
    Decision = "decision";
    /// A page with Zoom's SDK was opened for the bot, or could not be opened.
    Page = "page";
    /// The Zoom app that signs the join.
    App = "app";
    /// The bot got a seat of a pool, or did not get one.
    Seat = "seat";
    /// A token was fetched, or could not be fetched: from where, and how long it took.
    Token = "token";
    /// The page was told to join.
    JoinRequest = "join_request";
    /// A call from the page to Zoom has ended, with Zoom's tracking id.
    ZoomCall = "zoom_call";
    /// Zoom's SDK reported an event.
    SdkEvent = "sdk_event";
    /// A warning or an error in the page's console.
    Console = "console";
    /// The page or Zoom's SDK threw an exception.
    Exception = "exception";
    /// The bot's camera was switched or its chat message was sent, or could not be.
    Output = "output";
    /// A picture of the page was taken, or could not be taken.
    Screenshot = "screenshot";
    /// The page or the store did not answer in time.
    HeartbeatMissed = "heartbeat_missed";
    /// The page crashed, or its browser ended.
    PageGone = "page_gone";
    /// The log has reached its size limit.
    LogFull = "log_full";
}

impl LogEntryKind {
    /// The kinds whose text comes from Zoom's SDK and may name participants. They are erased with a bot's media.
    pub const WRITTEN_BY_THE_SDK: &'static [Self] = &[Self::Console, Self::Exception];
}

/// An entry before it is queued. It must not contain a secret or the name of a participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogEntry {
    pub(crate) kind: LogEntryKind,
    pub(crate) text: String,
    pub(crate) fields: BTreeMap<String, Value>,
}

impl NewLogEntry {
    /// Creates a note with a text for people.
    pub fn new(kind: LogEntryKind, text: impl AsRef<str>) -> Self {
        Self { kind, text: clean(text.as_ref()), fields: BTreeMap::new() }
    }

    /// Adds a field for programs.
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

/// Makes a text one line of bounded length, because texts come from Zoom, from pages and from callers' servers.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MAX_TEXT_LEN).collect()
}

#[cfg(test)]
mod tests {
    use super::{LogEntryKind, MAX_TEXT_LEN, NewLogEntry};

    #[test]
    fn texts_are_one_line_of_bounded_length() {
        let note = NewLogEntry::new(LogEntryKind::Step, format!("a\0b\nc{}", "d".repeat(MAX_TEXT_LEN)))
            .with("reason", "e\u{7}f");
        assert!(note.text.starts_with("abcd") && note.text.len() == MAX_TEXT_LEN);
        assert_eq!(note.fields["reason"], "ef");
    }

    #[test]
    fn every_kind_has_a_unique_word() {
        for (index, kind) in LogEntryKind::ALL.iter().enumerate() {
            assert!(
                !LogEntryKind::ALL[..index].iter().any(|other| other.as_str() == kind.as_str()),
                "{kind:?}"
            );
            assert!(kind.meaning().ends_with('.'), "{kind:?}");
        }
    }
}
