//! A bot, as the contract shows it.

use bots::BotRequest;
use model::{ApiScope, ApiScopes, Failure};
use serde_json::{Value, json};
use store::Bot;
use zoom::MeetingLink;

use crate::State;

/// Stands where a URL is that is as good as a key.
const MASK: &str = "********";

/// The JSON of a bot, for a key with these scopes: what was asked for, with defaults, and what became of it.
pub(super) fn of(state: &State, bot: &Bot, scopes: ApiScopes) -> Result<Value, Failure> {
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
    if !scopes.has(ApiScope::Bots) {
        mask_urls(&mut body["zoom"]);
    }
    Ok(body)
}

/// Where tokens are fetched from: the query often holds the secret that gives them.
fn mask_urls(zoom: &mut Value) {
    let fields = zoom.as_object_mut().into_iter().flatten();
    for (_, url) in fields.filter(|(name, value)| name.ends_with("_url") && !value.is_null()) {
        *url = MASK.into();
    }
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
