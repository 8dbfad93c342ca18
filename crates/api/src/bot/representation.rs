//! A bot, as the contract shows it.

use bots::BotRequest;
use model::Failure;
use serde_json::{Value, json};
use store::Bot;
use zoom::MeetingLink;

use crate::State;

/// The JSON of a bot: what was asked for, with defaults, and what became of it.
pub(super) fn of(state: &State, bot: &Bot) -> Result<Value, Failure> {
    let request = BotRequest::open(state.broker.vault(), bot.workspace, bot.id, &bot.request)?;
    let mut body = json!({
        "id": bot.id,
        "meeting_url": meeting(&request.meeting_url),
        "bot_name": request.bot_name,
        "join_at": bot.join_at,
        "automatic_leave": request.automatic_leave,
        "zoom": request.zoom,
        "metadata": bot.metadata,
        "status_changes": bot.status_changes,
        "recordings": [],
        "calendar_meetings": [],
        "slack_team": null,
    });
    for (field, value) in request.echoed {
        body[field] = value;
    }
    Ok(body)
}

/// The contract answers an object where the request has a link.
fn meeting(link: &str) -> Value {
    MeetingLink::parse(link).map_or(Value::Null, |link| {
        json!({
            "meeting_id": link.meeting_number.to_string(),
            "meeting_password": link.passcode.map(|passcode| passcode.expose().to_owned()),
            "platform": "zoom",
        })
    })
}
