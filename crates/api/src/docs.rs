//! `/docs/error-codes` and `/docs/sub-codes`: the two generated pages of the documentation, which errors link to. A server
//! serves the pages of its own version, so a link never leads to another version's page or to none.

use std::{fmt::Write as _, sync::LazyLock};

use askama::Template;
use axum::{
    extract::State as Extract,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use broker::Addresses;
use model::{Class, Code, sub_codes_page, wrapped};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use url::Url;

use crate::{
    State,
    error::{status_of, status_of_request},
    request_code::RequestCode,
};

static ERROR_CODES: LazyLock<String> = LazyLock::new(|| to_html(&error_codes_page()));
static SUB_CODES: LazyLock<String> = LazyLock::new(|| to_html(&sub_codes_page()));

/// The address of an error code on its page.
pub(crate) fn page_of_error(addresses: &Addresses, code: &str) -> Url {
    let mut url = addresses.at("docs/error-codes");
    url.set_fragment(Some(code));
    url
}

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage {
    simulated: bool,
    title: &'static str,
    /// The other page: its address and title.
    other: (Url, &'static str),
    content: &'static str,
}

/// Read what each error code means
#[utoipa::path(
    get,
    path = "/docs/error-codes",
    tag = "server",
    operation_id = "docs_error_codes",
    responses((status = 200, description = "A page; each code is a fragment.", body = String, content_type = "text/html"))
)]
pub(crate) async fn error_codes(Extract(state): Extract<State>) -> Response {
    let other = (state.broker.addresses.at("docs/sub-codes"), "Sub codes of bots");
    page(&DocsPage { simulated: state.simulated, title: "Error codes", other, content: &ERROR_CODES })
}

/// Read what each sub code of a bot means
#[utoipa::path(
    get,
    path = "/docs/sub-codes",
    tag = "server",
    operation_id = "docs_sub_codes",
    responses((status = 200, description = "A page; each code is a fragment.", body = String, content_type = "text/html"))
)]
pub(crate) async fn sub_codes(Extract(state): Extract<State>) -> Response {
    let other = (state.broker.addresses.at("docs/error-codes"), "Error codes");
    page(&DocsPage { simulated: state.simulated, title: "Sub codes", other, content: &SUB_CODES })
}

fn page(page: &DocsPage) -> Response {
    page.render()
        .map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |html| Html(html).into_response())
}

/// The text of `docs/error-codes.md`.
pub fn error_codes_page() -> String {
    let mut page = "\
# Error codes

These are the values of `code` in refusals of the API and of token links, in the audit log, and in
an account's log. Codes are never renamed. A refusal of the API links to its code here, in `docs`.
Wrong fields have no code: the answer lists the errors by field. An object that does not exist is a
404 without a code.

This page is printed by `latchkey error-codes`, from `model/src/failure.rs` and
`api/src/request_code.rs`. Every server shows it at `/docs/error-codes`.
"
    .to_owned();
    page.push_str("\n## What failed behind a request\n");
    for code in Code::ALL {
        section(&mut page, code.as_str(), code.about(), status_of(*code), code.class(), code.advice());
    }
    page.push_str("\n## What is wrong with a request\n");
    for code in RequestCode::ALL {
        let status = status_of_request(*code);
        section(&mut page, code.as_str(), code.about(), status, code.class(), code.advice());
    }
    page
}

fn section(page: &mut String, code: &str, about: &str, status: StatusCode, class: Class, advice: &str) {
    let turn = match class {
        Class::Retry => "The same call may work later",
        Class::PersonMustAct => "A person has to act",
        Class::OurFault => "Our fault",
    };
    let _ = write!(page, "\n### `{code}`\n\n");
    page.extend(wrapped(about));
    page.push('\n');
    page.extend(wrapped(&format!("Status {}. **{turn}**: {advice}.", status.as_str())));
}

/// Headings get the same ids as on GitHub and in mdBook.
fn to_html(markdown: &str) -> String {
    let mut events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut heading = None;
    for place in 0..events.len() {
        match &events[place] {
            Event::Start(Tag::Heading { .. }) => heading = Some((place, String::new())),
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, words)) = &mut heading {
                    words.push_str(text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let Some((start, words)) = heading.take() else { continue };
                if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
                    *id = Some(CowStr::from(words.to_lowercase().replace(' ', "-")));
                }
            }
            _ => {}
        }
    }
    let mut page = String::new();
    html::push_html(&mut page, events.into_iter());
    page
}
