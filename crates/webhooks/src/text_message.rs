//! Formats an event as a few lines for a person: what happened, which bots are affected, what to do, and one link.

use broker::Addresses;
use serde_json::Value;

/// A text with a subject.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TextMessage {
    pub(crate) subject: String,
    pub(crate) lines: Vec<String>,
}

/// Formats the body of an event as it is sent. The link reconnects an account, or opens the page of the event's subject.
pub(crate) fn text_message(kind: &str, body: &str, addresses: &Addresses) -> TextMessage {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let data = &body["data"];
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(one_line);
    let became = &data["data"];
    let account = &data["zoom_oauth_credential"];
    let who = text(&account["display_name"]).or_else(|| text(&account["id"]));
    let subject = match (kind, who) {
        ("zoom_oauth_credential.needs_reauth", Some(who)) => {
            format!("The Zoom account {who} must be connected again")
        }
        ("zoom_oauth_credential.disconnected", Some(who)) => {
            format!("The Zoom account {who} is disconnected")
        }
        ("zoom_oauth_credential.degraded", Some(who)) => {
            format!("The Zoom account {who} could not be refreshed; it is tried again")
        }
        ("zoom_oauth_credential.healthy", Some(who)) => format!("The Zoom account {who} works"),
        ("pool.full", _) => format!("The pool {} is full", pool(data)),
        ("pool.nearly_full", _) => format!("The pool {} is nearly full", pool(data)),
        ("webhook_endpoint.test", _) => "This is a test".to_owned(),
        ("token_link.refused", _) => format!("The token link {} gave no token", link(data)),
        ("webhook_endpoint.disabled", _) => format!("The endpoint {} is switched off", endpoint(data)),
        ("audit.failing", _) => "Tokens were refused: the audit could not be written".to_owned(),
        ("clock.off", _) => "The clock of a server is wrong".to_owned(),
        _ => match text(&data["bot"]["id"]) {
            Some(bot) => format!("Bot {bot}: {kind}"),
            None => kind.to_owned(),
        },
    };
    let mut lines = Vec::new();
    let why = [text(&became["sub_code"]), text(&data["message"])];
    let why: Vec<_> = why.into_iter().flatten().collect();
    if !why.is_empty() {
        lines.push(format!("Why: {}", why.join(": ")));
    }
    let times = data["count"].as_u64().map(|count| format!("How often: {count} times"));
    lines.extend(times);
    let since = text(&data["since"]).or_else(|| text(&became["updated_at"]));
    lines.extend(since.map(|at| format!("Since: {at}")));
    lines.extend(at_stake(&data["at_stake"]));
    lines.extend(text(&data["advice"]).map(|advice| format!("What to do: {advice}")));
    let link = match text(&data["connect_link"]) {
        Some(link) => Some(format!("Connect it: {link}")),
        None => page_of(kind, data).map(|page| format!("See: {}", addresses.at(&page))),
    };
    lines.extend(link);
    TextMessage { subject, lines }
}

/// The page with more information: a page of the console, or `readyz` for a problem of a server.
fn page_of(kind: &str, data: &Value) -> Option<String> {
    let (pages, thing) = match kind.split('.').next()? {
        "bot" | "realtime_endpoint" => ("bots", "bot"),
        "zoom_oauth_credential" => ("accounts", "zoom_oauth_credential"),
        "pool" => ("pools", "pool"),
        "token_link" => ("token-links", "token_link"),
        "webhook_endpoint" => ("events", "webhook_endpoint"),
        "audit" | "clock" => return Some("readyz".to_owned()),
        _ => return None,
    };
    Some(format!("console/{pages}/{}", data[thing]["id"].as_str()?))
}

fn pool(data: &Value) -> String {
    one_line(data["pool"]["name"].as_str().unwrap_or(""))
}

/// The name of a token link, or its id.
fn link(data: &Value) -> String {
    named(&data["token_link"], "name")
}

fn endpoint(data: &Value) -> String {
    named(&data["webhook_endpoint"], "description")
}

fn named(thing: &Value, name: &str) -> String {
    let text = |field: &str| thing[field].as_str().filter(|text| !text.trim().is_empty()).map(one_line);
    text(name).or_else(|| text("id")).unwrap_or_default()
}

fn at_stake(stake: &Value) -> Option<String> {
    let count = stake["count"].as_u64()?;
    if count == 0 {
        return Some("At stake: no bot is scheduled with it".into());
    }
    let bots = stake["bots"].as_array()?.iter().take(5).filter_map(|bot| {
        let pool = if bot["through_pool"] == true { ", unless its pool has another account" } else { "" };
        Some(format!("{} at {}{pool}", bot["id"].as_str()?, bot["join_at"].as_str()?))
    });
    let named: Vec<_> = bots.collect();
    let more = if count > named.len() as u64 {
        format!(" and {} more", count - named.len() as u64)
    } else {
        String::new()
    };
    let noun = if count == 1 { "bot is" } else { "bots are" };
    Some(format!("At stake: {count} {noun} scheduled with it: {}{more}", named.join("; ")))
}

/// Names come from Zoom's users, so control characters become spaces.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

impl TextMessage {
    /// The body for Slack's incoming webhooks. Characters are escaped, so that names can't become mentions or links.
    pub(crate) fn for_slack(&self) -> String {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let lines: Vec<_> = self.lines.iter().map(|line| escaped(line)).collect();
        serde_json::json!({ "text": format!("*{}*\n{}", escaped(&self.subject), lines.join("\n")) })
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Addresses, TextMessage};
    use crate::event_types;

    fn text_message(kind: &str, body: &str) -> TextMessage {
        super::text_message(kind, body, &Addresses::new("https://latchkey.test/base".parse().unwrap()))
    }

    #[test]
    fn the_text_about_an_account_names_the_affected_bots_and_the_link() {
        let bots = [json!({ "id": "B1", "join_at": "2026-01-31T12:00:00.000000Z", "through_pool": false })];
        let body = json!({ "event": "zoom_oauth_credential.needs_reauth", "data": {
            "data": { "code": "needs_reauth", "sub_code": "revoked", "updated_at": "2026-01-30T12:00:00.000000Z" },
            "zoom_oauth_credential": { "id": "C1", "display_name": "<!channel> Ada\n& Co" },
            "message": "Zoom refused the token", "advice": "connect the Zoom account again",
            "at_stake": { "count": 3, "bots": bots }, "connect_link": "https://a.test/x",
        }});
        let text = text_message("zoom_oauth_credential.needs_reauth", &body.to_string());
        assert_eq!(text.subject, "The Zoom account <!channel> Ada & Co must be connected again");
        let expected = [
            "Why: revoked: Zoom refused the token",
            "Since: 2026-01-30T12:00:00.000000Z",
            "At stake: 3 bots are scheduled with it: B1 at 2026-01-31T12:00:00.000000Z and 2 more",
            "What to do: connect the Zoom account again",
            "Connect it: https://a.test/x",
        ];
        assert_eq!(text.lines, expected);
        let slack = text.for_slack();
        assert!(slack.contains("*The Zoom account &lt;!channel&gt; Ada &amp; Co must"), "{slack}");
    }

    #[test]
    fn every_event_has_a_text() {
        let body = json!({ "event": "bot.fatal", "data": {
            "data": { "code": "fatal", "sub_code": "meeting_requires_sign_in", "updated_at": "T" },
            "bot": { "id": "B1", "metadata": {} } }});
        let text = text_message("bot.fatal", &body.to_string());
        assert_eq!(text.subject, "Bot B1: bot.fatal");
        let see = "See: https://latchkey.test/base/console/bots/B1";
        assert_eq!(text.lines, ["Why: meeting_requires_sign_in", "Since: T", see]);
        assert_eq!(text_message("new.kind", "no JSON").subject, "new.kind");
    }

    #[test]
    fn each_text_has_one_link() {
        for kind in event_types().into_iter().chain(["webhook_endpoint.test".to_owned()]) {
            let things = ["bot", "pool", "token_link", "webhook_endpoint", "zoom_oauth_credential"];
            let data: serde_json::Map<_, _> =
                things.iter().map(|thing| ((*thing).to_owned(), json!({ "id": thing }))).collect();
            let body = json!({ "event": kind, "data": data });
            let text = text_message(&kind, &body.to_string());
            let links = text.lines.iter().filter(|line| line.contains("https://latchkey.test/base/")).count();
            assert_eq!(links, 1, "{kind}: {:?}", text.lines);
        }
    }
}
