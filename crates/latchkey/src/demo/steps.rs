//! One bot of the demo: created, watched, and its pictures saved.

use std::{path::Path, time::Duration};

use serde_json::Value;
use stage::{Bot, Change, Server, Simulator};

use super::{report::Step, screen::Screen};

/// Longer than any join here takes; the bot's own timeouts are shorter.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);
/// Timeout for a picture. A bot takes one two seconds after it joined.
const PICTURE_WITHIN: Duration = Duration::from_secs(15);

/// What a step needs.
pub(super) struct Stage<'a> {
    pub(super) latchkey: &'a Server,
    pub(super) simulator: &'a Simulator,
    pub(super) screen: &'a Screen,
    pub(super) out: &'a Path,
}

impl Stage<'_> {
    /// Sends a bot, and waits until it has joined or failed.
    pub(super) async fn send(&self, name: &'static str, request: &Value) -> anyhow::Result<Step> {
        let id = self.latchkey.send_bot(request).await?;
        let arrived = |bot: &Bot| bot.at("in_call_not_recording").is_some();
        let bot = self.latchkey.watch((&id, 0), WAIT_TIMEOUT, arrived, |change| self.tell(change)).await?;

        let made_at = bot.at("ready").map(|change| change.created_at.as_microsecond() / 1000);
        let bot_name = request["bot_name"].as_str().unwrap_or_default();
        let asked_at = self.simulator.join_requests(bot_name).await?.first().copied();
        let inside_at =
            bot.at("in_call_not_recording").map(|change| change.created_at.as_microsecond() / 1000);
        let since_made = |time: Option<i64>| Some(time? - made_at?);
        let step = Step {
            name,
            ok: false,
            bot_id: Some(id),
            codes: Vec::new(),
            sub_code: None,
            create_to_join_request_ms: since_made(asked_at),
            create_to_in_call_ms: since_made(inside_at),
            screenshot: self.picture(name, &bot).await?,
        };
        Ok(told(step, &bot))
    }

    /// Tells a bot to leave, and waits until it has ended.
    pub(super) async fn recall(&self, step: Step) -> anyhow::Result<(Bot, Step)> {
        let id = step.bot_id.clone().unwrap_or_default();
        self.latchkey.tell_to_leave(&id).await?;
        let seen = (id.as_str(), step.codes.len());
        let bot = self.latchkey.watch(seen, WAIT_TIMEOUT, Bot::has_ended, |change| self.tell(change)).await?;
        let step = told(step, &bot);
        Ok((bot, step))
    }

    /// Saves the bot's newest picture next to the report.
    pub(super) async fn picture(&self, name: &str, bot: &Bot) -> anyhow::Result<Option<String>> {
        let Some(png) = self.latchkey.picture(&bot.id, PICTURE_WITHIN).await? else { return Ok(None) };
        let path = self.out.join(format!("{name}.png"));
        std::fs::write(&path, png)?;
        Ok(Some(path.display().to_string()))
    }

    fn tell(&self, Change { code, sub_code, message, .. }: &Change) {
        let why = sub_code.as_ref().map(|sub_code| format!(" / {sub_code}")).unwrap_or_default();
        let words = message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
        self.screen.say(format!("      {code}{why}{words}"));
    }
}

/// Updates the step with the bot's current states.
fn told(step: Step, bot: &Bot) -> Step {
    Step {
        codes: bot.status_changes.iter().map(|change| change.code.clone()).collect(),
        sub_code: bot.status_changes.iter().rev().find_map(|change| change.sub_code.clone()),
        ..step
    }
}
