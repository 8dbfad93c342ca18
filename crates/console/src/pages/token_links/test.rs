//! `/token-links/test`: sends a link a request like the platform's, and shows the answer that the platform would get.
//!
//! The request goes to this server's own handler of token links, inside this process: nothing is sent over the network. Only
//! links of this server can be tested.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Query},
    http::StatusCode,
    response::Response,
};
use model::Secret;
use serde::Deserialize;
use store::Dialect;
use token_links::dialects::{Platform, TestParts, TestRequest, platform_named, platforms, rules};

use crate::{
    client::Refused,
    error::{self, PageError},
    form::{Draft, Form},
    format::{State, Tone},
    layout::{Frame, Section},
    session::{Posted, Session},
};

/// How many characters of a token are shown: enough to recognize it.
const SHOWN_OF_A_TOKEN: usize = 12;
const MAX_ANSWER: usize = 64 * 1024;

#[derive(Template)]
#[template(path = "token_link_test.html")]
struct TestPage {
    frame: Frame,
    platform: Platform,
    platforms: [Platform; Dialect::ALL.len()],
    /// What was entered, and the errors.
    draft: Draft,
    sent: Option<Sent>,
}

/// The request that was sent, and its answer.
struct Sent {
    request: String,
    state: State,
    answer: String,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    dialect: String,
}

fn show(
    session: &Session,
    status: StatusCode,
    platform: Platform,
    draft: Draft,
    sent: Option<Sent>,
) -> Result<Response, PageError> {
    let page = TestPage {
        frame: session.frame("Test a token link", Section::TokenLinks),
        platform,
        platforms: platforms(),
        draft,
        sent,
    };
    error::page_with(status, &page)
}

/// The platform of a word, or the first one.
fn platform_of(word: &str) -> Platform {
    platform_named(word).unwrap_or_else(|| rules(Dialect::Recall).platform())
}

pub(crate) async fn page(session: Session, Query(asked): Query<PageQuery>) -> Result<Response, PageError> {
    show(&session, StatusCode::OK, platform_of(&asked.dialect), Draft::default(), None)
}

/// `POST /token-links/test`
pub(crate) async fn test(Posted { session, form }: Posted) -> Result<Response, PageError> {
    let (platform, address) = (platform_of(form.text("dialect")), form.text("address").to_owned());
    // The address stays for the next test of the same link. Secrets are never shown again.
    let kept = Form::of([("address", &*address)]);
    let refused = |field: &str, words: String| {
        let fields = vec![(field.to_owned(), words)];
        Draft::of(kept.clone(), Refused { status: 400, fields, ..Refused::default() })
    };
    let ours = session.console.public_base.as_str().trim_end_matches('/');
    let path = address.strip_prefix(ours).filter(|path| path.starts_with("/t/"));
    let Some(path) = path else {
        let words =
            format!("The address must be one of this server's token links: it begins with {ours}/t/.");
        return show(&session, StatusCode::BAD_REQUEST, platform, refused("address", words), None);
    };
    let TestRequest { request, shown } = match test_request(&session, &platform, path, &form) {
        Ok(made) => made,
        Err(words) => {
            let field = if platform.has_header { "authorization" } else { "signing_secret" };
            let draft = refused(field, words.to_owned());
            return show(&session, StatusCode::BAD_REQUEST, platform, draft, None);
        }
    };
    let mut request = request.map(Body::from);
    if let Some(peer) = session.client.peer {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    let answer = session.client.api.call(session.key(), request).await;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), MAX_ANSWER).await.unwrap_or_default();
    let tone = if status.is_success() { Tone::Good } else { Tone::Bad };
    let text = String::from_utf8_lossy(&body);
    let sent = Sent {
        request: shown,
        state: State::new(tone, status.to_string()),
        answer: if status.is_success() { shortened(&text) } else { text.into_owned() },
    };
    show(&session, StatusCode::OK, platform, Draft { form: kept, refused: None }, Some(sent))
}

/// The request as the platform makes it.
fn test_request(
    session: &Session,
    platform: &Platform,
    path: &str,
    form: &Form,
) -> Result<TestRequest, &'static str> {
    platform.test_request(&TestParts {
        path,
        signing_secret: &Secret::new(form.text("signing_secret")),
        authorization: form.text("authorization"),
        id: &format!("msg_test_{}", session.console.env.entropy.token()),
        now: session.now(),
    })
}

/// An answer in which long words, which are tokens, are cut.
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
    fn tokens_are_shortened() {
        let token = "eyJ0eXAiOiJKV1QiLCJzdiI6IjAwMDAwMSJ9.planted-planted-planted-planted.planted";
        let json = format!("{{\"token\":\"{token}\",\"kind\":\"zak\"}}");
        for text in [token, &json] {
            let shown = shortened(text);
            assert!(!shown.contains("planted") && shown.contains("eyJ0eXAiOiJK… (76 characters)"), "{shown}");
        }
        assert!(shortened(&json).ends_with("\",\"kind\":\"zak\"}"));
    }
}
