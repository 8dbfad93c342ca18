//! What bot B kept of its meeting: who was there and what was said.

use std::time::Duration;

use anyhow::Context as _;
use model::Environment;
use serde::Serialize;
use serde_json::Value;
use stage::Server;

/// What happens there: played by the simulator.
pub(super) const SCRIPT: &str = include_str!("meeting.toml");
/// The end of the script, and what Latchkey needs to store it.
const WAIT_TIMEOUT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(200);

/// From the events that the bot kept.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Minutes {
    /// In the order in which they came.
    pub(super) people: Vec<Person>,
    /// Zoom's captions, once they were final.
    pub(super) spoken: Vec<Line>,
    pub(super) chat: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) is_host: bool,
    /// Whether they left before the bot did.
    pub(super) left: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub(super) who: String,
    pub(super) text: String,
}

impl Minutes {
    /// What a bot has kept by now.
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

    /// Waits until everything that the script has was kept; what there is when that takes too long.
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
            // Zoom says who is the host in a message of its own.
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

    /// Whether it is what the script has.
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

    /// In lines for the screen.
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
