//! Removes the secrets from a bot's request.

use model::BotId;
use serde_json::Value;
use url::Url;

use crate::handle::reader::OpenedBot;

/// Replaces each secret.
const REDACTED: &str = "…";
/// A word of at least this length that contains a digit is treated as a token.
const TOKEN_LENGTH: usize = 20;
/// The value of a field whose name contains one of these is treated as a secret.
const SECRET_NAMES: [&str; 8] =
    ["token", "secret", "password", "passcode", "authorization", "header", "_key", "pwd"];

/// The stored request, with every link reduced to its host, and with everything redacted that may be a secret.
pub(super) fn request(bot: &OpenedBot) -> Value {
    let mut request = redact("", serde_json::to_value(&bot.request).expect("every key is a string"));
    request["metadata"] = redact("", serde_json::to_value(&bot.row.metadata).expect("every key is a string"));
    request["meeting_url"] = link(&bot.request.meeting_url).into();
    request
}

/// Reduces a meeting's link to its host, its path, and the names in its query.
fn link(text: &str) -> String {
    let Ok(url) = Url::parse(text) else { return REDACTED.to_owned() };
    let path: Vec<_> = url.path().split('/').map(word).collect();
    let names: Vec<_> = url.query_pairs().map(|(name, _)| format!("{}={REDACTED}", word(&name))).collect();
    let query = if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
    format!("{}{}{query}", origin(&url), path.join("/"))
}

fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or(REDACTED))
}

fn redact(name: &str, value: Value) -> Value {
    let is_secret = || SECRET_NAMES.iter().any(|secret| name.to_ascii_lowercase().contains(secret));
    match value {
        Value::String(text) if is_secret() && !text.contains("://") => REDACTED.into(),
        Value::String(text) => text.split(' ').map(word).collect::<Vec<_>>().join(" ").into(),
        Value::Array(items) => items.into_iter().map(|item| redact(name, item)).collect(),
        Value::Object(fields) => {
            // All fields of a secret object are secret, too.
            let inside = |field: &str| if is_secret() { name.to_owned() } else { field.to_owned() };
            fields.into_iter().map(|(field, value)| (field.clone(), redact(&inside(&field), value))).collect()
        }
        value => value,
    }
}

/// Redacts a word of a text if it may be a secret. Links keep their host, e-mail addresses their domain.
fn word(text: &str) -> String {
    if text.contains("://") {
        return Url::parse(text).map_or(REDACTED.to_owned(), |url| format!("{}/{REDACTED}", origin(&url)));
    }
    if let Some((_, domain)) = text.rsplit_once('@') {
        return format!("{REDACTED}@{domain}");
    }
    let can_be_a_token = text.len() >= TOKEN_LENGTH && text.bytes().any(|byte| byte.is_ascii_digit());
    // Ids of accounts and pools are useful for support, and give no access.
    let is_an_id = text.parse::<BotId>().is_ok();
    if can_be_a_token && !is_an_id { REDACTED.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{link, redact};

    #[test]
    fn a_redacted_meeting_link_keeps_its_number() {
        let given = "https://us05web.zoom.us/j/81234567890?pwd=planted&tk=planted2";
        assert_eq!(link(given), "https://us05web.zoom.us/j/81234567890?pwd=…&tk=…");
        assert_eq!(link("planted"), "…");
    }

    #[test]
    fn everything_that_may_be_a_secret_is_redacted() {
        let given = json!({
            "bot_name": "Notes for Ada 2026",
            "zoom": {
                "zak_url": "https://user:planted@example.com/planted?token=planted",
                "user_email": "planted@example.com",
                "credential": "01a22730-cb01-7000-8000-000000000000",
                "password": "planted",
            },
            "recording_config": { "realtime_endpoints": [
                { "url": "wss://example.com/planted", "headers": { "X-Any": "planted", "deep": ["planted"] } },
            ] },
            "metadata": { "access_token": ["planted"], "text": "see https://example.com/planted and planted0planted0planted" },
            "timeout": 12,
        });
        let struck = redact("", given);
        assert!(!struck.to_string().contains("planted"), "{struck:#}");
        assert_eq!(struck["bot_name"], "Notes for Ada 2026");
        assert_eq!(struck["zoom"]["zak_url"], "https://example.com/…");
        assert_eq!(struck["zoom"]["user_email"], "…@example.com");
        assert_eq!(struck["zoom"]["credential"], "01a22730-cb01-7000-8000-000000000000");
        assert_eq!(struck["metadata"]["text"], "see https://example.com/… and …");
        assert_eq!(struck["timeout"], 12);
    }
}
