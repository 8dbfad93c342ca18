//! `/token-links/test`: a request as the platform makes it, sent to a link; the answer, as it will be seen there.
//!
//! It goes to this server's own handler of token links, inside this process: nothing is called over the network. Only its
//! own links are tested.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    body::to_bytes,
    extract::{ConnectInfo, Query},
    response::Response,
};
use model::Secret;
use serde::Deserialize;
use store::Dialect;

use crate::{
    error::{self, PageError},
    form::Form,
    frame::{Frame, Section},
    platforms::{self, Asked as AskedByPlatform, Platform, Test},
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
    platform: Platform,
    platforms: [Platform; Dialect::ALL.len()],
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
    platform: Platform,
    address: &str,
    wrong: &str,
    sent: Option<Sent>,
) -> Result<Response, PageError> {
    let page = TestPage {
        frame: visitor.frame("Test a token link", Section::TokenLinks),
        platform,
        platforms: platforms::all(),
        address: address.to_owned(),
        wrong: wrong.to_owned(),
        sent,
    };
    error::page(&page)
}

/// The platform of a word; the first one where there is none.
fn platform_of(word: &str) -> Platform {
    platforms::named(word).unwrap_or_else(|| platforms::of(Dialect::Recall))
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    show(&visitor, platform_of(&asked.dialect), "", "", None)
}

/// `POST /token-links/test`
pub(crate) async fn test(Posted { visitor, form }: Posted) -> Result<Response, PageError> {
    let (platform, address) = (platform_of(form.text("dialect")), form.text("address"));
    let ours = visitor.console.public_base.as_str().trim_end_matches('/');
    let path = address.strip_prefix(ours).filter(|path| path.starts_with("/t/"));
    let Some(path) = path else {
        let words =
            format!("The address must be one of this server's token links: it begins with {ours}/t/.");
        return show(&visitor, platform, address, &words, None);
    };
    let AskedByPlatform { mut request, shown } = match ask(&visitor, &platform, path, &form) {
        Ok(asked) => asked,
        Err(words) => return show(&visitor, platform, address, words, None),
    };
    if let Some(peer) = visitor.client.peer {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
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
    show(&visitor, platform, "", "", Some(sent))
}

/// The request that the platform makes.
fn ask(
    visitor: &Visitor,
    platform: &Platform,
    path: &str,
    form: &Form,
) -> Result<AskedByPlatform, &'static str> {
    platform.ask(&Test {
        path,
        signing_secret: &Secret::new(form.text("signing_secret")),
        authorization: form.text("authorization"),
        id: &format!("msg_test_{}", visitor.console.env.entropy.token()),
        now: visitor.now(),
    })
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
