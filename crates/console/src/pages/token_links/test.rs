//! `/token-links/test`: a request as the platform makes it, sent to a link; the answer, as it will be seen there.
//!
//! It goes to this server's own handler of token links, inside this process: nothing is called over the network. Only its
//! own links are tested.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Query},
    http::{
        Method, Request,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    response::Response,
};
use model::Secret;
use outbound::signature::SigningKey;
use serde::Deserialize;
use serde_json::json;
use token_links::attendee_signature::{AttendeeKey, canonical};

use super::{PLATFORMS, platform};
use crate::{
    error::{self, PageError},
    form::Form,
    frame::{Frame, Section},
    session::{Posted, Visitor},
    show::{State, Tone},
};

/// Of a token that was given, so much is shown: enough to see that it is one.
const SHOWN_OF_A_TOKEN: usize = 12;
const LARGEST_ANSWER: usize = 64 * 1024;

#[derive(Template)]
#[template(path = "token_link_test.html")]
struct TestPage {
    frame: Frame,
    dialect: String,
    platform: &'static str,
    platforms: [(&'static str, &'static str); 4],
    needs_secret: bool,
    address: String,
    wrong: String,
    sent: Option<Sent>,
}

/// What was sent, and what came back.
struct Sent {
    request: String,
    state: State,
    answer: String,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    dialect: String,
}

fn show(
    visitor: &Visitor,
    dialect: &str,
    address: &str,
    wrong: &str,
    sent: Option<Sent>,
) -> Result<Response, PageError> {
    let known = PLATFORMS.iter().find(|(word, _)| *word == dialect).map_or("recall", |(word, _)| word);
    let page = TestPage {
        frame: visitor.frame("Test a token link", Section::TokenLinks),
        dialect: known.to_owned(),
        platform: platform(known),
        platforms: PLATFORMS,
        needs_secret: matches!(known, "recall" | "attendee"),
        address: address.to_owned(),
        wrong: wrong.to_owned(),
        sent,
    };
    error::page(&page)
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    show(&visitor, &asked.dialect, "", "", None)
}

/// `POST /token-links/test`
pub(crate) async fn test(Posted { visitor, form }: Posted) -> Result<Response, PageError> {
    let (dialect, address) = (form.text("dialect"), form.text("address"));
    let ours = visitor.console.public_base.as_str().trim_end_matches('/');
    let path = address.strip_prefix(ours).filter(|path| path.starts_with("/t/"));
    let Some(path) = path else {
        let words =
            format!("The address must be one of this server's token links: it begins with {ours}/t/.");
        return show(&visitor, dialect, address, &words, None);
    };
    let (request, shown) = match request(&visitor, dialect, path, &form) {
        Ok(request) => request,
        Err(words) => return show(&visitor, dialect, address, words, None),
    };
    let answer = visitor.client.api.call(visitor.key(), request).await;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), LARGEST_ANSWER).await.unwrap_or_default();
    let tone = if status.is_success() { Tone::Good } else { Tone::Bad };
    let text = String::from_utf8_lossy(&body);
    let sent = Sent {
        request: shown,
        state: State::new(tone, status.to_string()),
        answer: if status.is_success() { shortened(&text) } else { text.into_owned() },
    };
    show(&visitor, dialect, "", "", Some(sent))
}

/// The request, and how it looks without secrets.
fn request(
    visitor: &Visitor,
    dialect: &str,
    path: &str,
    form: &Form,
) -> Result<(Request<Body>, String), &'static str> {
    let now = visitor.now();
    let secret = Secret::new(form.text("signing_secret"));
    let id = format!("msg_test_{}", visitor.console.env.entropy.token());
    let mut request = Request::builder().method(Method::GET).uri(path);
    let (body, shown) = match dialect {
        "attendee" => {
            let key =
                AttendeeKey::parse(&secret).ok_or("The secret is not one of Attendee's: it is Base64.")?;
            // Attendee's requests are remembered whole: each test is another bot.
            let body = json!({
                "bot_id": id, "callback_type": "zoom_tokens", "meeting_url": "https://zoom.us/j/81234567890",
            });
            let signature = key.sign(&canonical(body.to_string().as_bytes()).unwrap_or_default());
            request = request.method(Method::POST).header(CONTENT_TYPE, "application/json");
            request = request.header("x-webhook-signature", signature);
            (Body::from(body.to_string()), format!("POST /t/…\nx-webhook-signature: …\n\n{body}"))
        }
        "recall" => {
            let key = SigningKey::parse(&secret)
                .ok_or("The secret is not one of Recall's: it begins with whsec_.")?;
            let time = now.as_second().to_string();
            let signature = key.sign(&id, now, b"");
            request = request.header("webhook-id", &id).header("webhook-timestamp", &time);
            request = request.header("webhook-signature", signature);
            let shown =
                format!("GET /t/…\nwebhook-id: {id}\nwebhook-timestamp: {time}\nwebhook-signature: v1,…");
            (Body::empty(), shown)
        }
        "bearer" => {
            let header = form.text("authorization");
            let value = header.strip_prefix("Authorization: ").unwrap_or(header);
            request = request.header(AUTHORIZATION, value);
            (Body::empty(), "GET /t/…\nauthorization: Bearer …".to_owned())
        }
        _ => (Body::empty(), "GET /t/…".to_owned()),
    };
    let mut request =
        request.body(body).map_err(|_| "The address or the header holds signs that none can have.")?;
    if let Some(peer) = visitor.client.peer {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    Ok((request, shown))
}

/// An answer whose long words, which are tokens, are cut.
fn shortened(text: &str) -> String {
    let mut shown = String::new();
    for part in
        text.split_inclusive(|letter: char| !(letter.is_ascii_alphanumeric() || "._-+/=".contains(letter)))
    {
        if part.len() > 40 {
            let (begin, last) = (part.get(..SHOWN_OF_A_TOKEN).unwrap_or_default(), part.chars().last());
            let end = last.filter(|letter| !letter.is_ascii_alphanumeric() && !"._-+/=".contains(*letter));
            let _ = write!(shown, "{begin}… ({} characters)", part.len() - usize::from(end.is_some()));
            shown.extend(end);
        } else {
            shown.push_str(part);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn tokens_are_cut() {
        let token = "eyJ0eXAiOiJKV1QiLCJzdiI6IjAwMDAwMSJ9.planted-planted-planted-planted.planted";
        let json = format!("{{\"token\":\"{token}\",\"kind\":\"zak\"}}");
        for text in [token, &json] {
            let shown = shortened(text);
            assert!(!shown.contains("planted") && shown.contains("eyJ0eXAiOiJK… (76 characters)"), "{shown}");
        }
        assert!(shortened(&json).ends_with("\",\"kind\":\"zak\"}"));
    }
}
