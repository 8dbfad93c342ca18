//! The meeting report of bot B: the participants, and what was said.

use std::time::Duration;

use anyhow::Context as _;
use model::Environment;
use serde::Serialize;
use serde_json::Value;
use stage::Server;

/// The script of the meeting, played by the simulator.
pub(super) const SCRIPT: &str = include_str!("meeting.toml");
/// Timeout for the script's end and for storing its events.
const WAIT_TIMEOUT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(200);

/// Built from the bot's stored events.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Minutes {
    /// In order of arrival.
    pub(super) people: Vec<Person>,
    /// Zoom's final captions.
    pub(super) spoken: Vec<Line>,
    pub(super) chat: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) is_host: bool,
    /// Whether the person left before the bot.
    pub(super) left: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub(super) who: String,
    pub(super) text: String,
}

impl Minutes {
    /// The report from the events stored so far.
    async fn of(latchkey: &Server, bot: &str) -> anyhow::Result<Self> {
        let (mut minutes, mut after) = (Self::default(), 0);
        loop {
            let path = format!("/api/latchkey/v1/bot/{bot}/meeting-events/?after={after}");
            let page = latchkey.get(&path).await?;
            let events = page["results"].as_array().context("meeting-events has no results")?;
            if events.is_empty() {
                return Ok(minutes);
            }
            for event in events {
                minutes.add(event);
            }
            after = page["last"].as_u64().context("meeting-events has no last")?;
        }
    }

    /// Waits until all events of the script are stored. After the timeout, returns the report so far.
    pub(super) async fn once_complete(
        latchkey: &Server,
        bot: &str,
        env: &Environment,
    ) -> anyhow::Result<Self> {
        let deadline = env.now() + WAIT_TIMEOUT;
        loop {
            let minutes = Self::of(latchkey, bot).await?;
            if minutes.is_complete() || env.now() >= deadline {
                return Ok(minutes);
            }
            env.clock.sleep(POLL).await;
        }
    }

    fn add(&mut self, event: &Value) {
        let who = &event["participant"];
        let name = who["name"].as_str().unwrap_or_default();
        let line =
            || Line { who: name.to_owned(), text: event["text"].as_str().unwrap_or_default().to_owned() };
        match event["kind"].as_str() {
            Some("join") => self.people.push(Person {
                name: name.to_owned(),
                is_host: who["is_host"] == true,
                left: false,
            }),
            // Zoom announces the host in a separate message.
            Some("update") => self.person(name, |person| person.is_host = who["is_host"] == true),
            Some("leave") => self.person(name, |person| person.left = true),
            Some("chat_message") => self.chat.push(line()),
            Some("caption") if event["is_final"] == true => self.spoken.push(line()),
            _ => {}
        }
    }

    fn person(&mut self, name: &str, change: impl FnOnce(&mut Person)) {
        self.people.iter_mut().find(|person| person.name == name).map(change);
    }

    /// Whether the report contains everything in the script.
    pub(super) fn is_complete(&self) -> bool {
        let line = |who: &str, text: &str| Line { who: who.into(), text: text.into() };
        let person = |name: &str, is_host, left| Person { name: name.into(), is_host, left };
        self.people == [person("Sam Strict", true, false), person("Kim Lee", false, true)]
            && self.spoken
                == [
                    line("Sam Strict", "Good morning. The bot takes the notes."),
                    line("Kim Lee", "Then let us begin."),
                ]
            && self.chat == [line("Kim Lee", "The agenda: https://example.com/agenda")]
    }

    /// The report as lines for the screen.
    pub(super) fn lines(&self) -> Vec<String> {
        let names: Vec<_> = self.people.iter().map(Person::in_words).collect();
        let mut lines = vec![format!("there: {}", names.join(", "))];
        lines.extend(self.spoken.iter().map(|line| format!("{} said: {}", line.who, line.text)));
        lines.extend(self.chat.iter().map(|line| format!("{} wrote: {}", line.who, line.text)));
        lines
    }
}

impl Person {
    fn in_words(&self) -> String {
        let host = if self.is_host { " (host)" } else { "" };
        let left = if self.left { " (left)" } else { "" };
        format!("{}{host}{left}", self.name)
    }
}
