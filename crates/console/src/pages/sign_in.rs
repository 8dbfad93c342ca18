//! `/sign-in`: with an API key, or with a link that works once.

use askama::Template;
use axum::{
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::Response,
};
use model::Secret;
use serde::Deserialize;

use crate::{
    Console,
    error::{PageError, go, page_with},
    layout::Bare,
    session::{FirstForm, Posted, cookie, return_cookie, return_path, token},
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    bare: Bare,
    next: String,
    wrong: String,
}

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct LinkPage {
    bare: Bare,
    link: String,
    is_good: bool,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    next: String,
}

/// The page of this console to go to next. Any other address becomes the home page.
fn next(asked: &str) -> &str {
    let is_path = asked.starts_with('/') && !asked.starts_with("//") && !asked.contains(['\\', '\r', '\n']);
    if is_path && !asked.starts_with("/sign-") { asked } else { "/" }
}

fn form(console: &Console, status: StatusCode, asked: &str, wrong: String) -> Result<Response, PageError> {
    page_with(status, &SignInPage { bare: Bare::of(console), next: next(asked).to_owned(), wrong })
}

pub(crate) async fn page(
    State(console): State<Console>,
    Query(asked): Query<PageQuery>,
    request: Request,
) -> Result<Response, PageError> {
    let signed_in = match token(request.headers()) {
        Some(token) => console.sessions.check(token).await?.is_some(),
        None => false,
    };
    if signed_in {
        return Ok(go(&console, next(&asked.next)));
    }
    let mut page = form(&console, StatusCode::OK, &asked.next, String::new())?;
    // After signing in by a link, the browser returns to the same page.
    if next(&asked.next) != "/" {
        page.headers_mut().append(SET_COOKIE, return_cookie(&console, Some(next(&asked.next))));
    }
    Ok(page)
}

/// `POST /sign-in`
pub(crate) async fn with_key(
    State(console): State<Console>,
    peer: Peer,
    FirstForm(given): FirstForm,
) -> Result<Response, PageError> {
    match console.api.check_key(given.text("key"), peer.0).await {
        Ok(key) => {
            let session = console.sessions.sign_in(&key).await?;
            tracing::info!(workspace = %key.workspace, key = %key.id, "a browser signed in to the console");
            Ok(opened(&console, &session, next(given.text("next"))))
        }
        Err(refused) => {
            let status =
                if refused.is_wrong { StatusCode::UNAUTHORIZED } else { StatusCode::SERVICE_UNAVAILABLE };
            form(&console, status, given.text("next"), refused.words)
        }
    }
}

/// `GET /sign-in/{link}`. Opening the page does not use the link up: previews and scanners of links do no harm.
pub(crate) async fn link_page(
    State(console): State<Console>,
    Path(link): Path<String>,
) -> Result<Response, PageError> {
    let is_good = console.sessions.link_is_good(&link).await?;
    let status = if is_good { StatusCode::OK } else { StatusCode::GONE };
    let link = if is_good { link } else { String::new() };
    page_with(status, &LinkPage { bare: Bare::of(&console), link, is_good })
}

/// `POST /sign-in/link`
pub(crate) async fn with_link(
    State(console): State<Console>,
    headers: HeaderMap,
    FirstForm(given): FirstForm,
) -> Result<Response, PageError> {
    if let Some(session) = console.sessions.open_link(given.text("link")).await? {
        tracing::info!("a browser signed in to the console by a link");
        return Ok(opened(&console, &session, next(&return_path(&headers))));
    }
    page_with(StatusCode::GONE, &LinkPage { bare: Bare::of(&console), link: String::new(), is_good: false })
}

fn opened(console: &Console, session: &Secret, next: &str) -> Response {
    let mut response = go(console, next);
    response.headers_mut().append(SET_COOKIE, cookie(console, Some(session.expose())));
    response.headers_mut().append(SET_COOKIE, return_cookie(console, None));
    response
}

fn ended(console: &Console, path: &str) -> Response {
    let mut response = go(console, path);
    response.headers_mut().insert(SET_COOKIE, cookie(console, None));
    response
}

/// `POST /sign-out`
pub(crate) async fn out(Posted { session, .. }: Posted) -> Result<Response, PageError> {
    session.console.sessions.sign_out(&session.token).await?;
    Ok(ended(&session.console, "/sign-in"))
}

/// `POST /sign-out-everywhere`: signs out every browser that signed in with this key, including this one.
pub(crate) async fn out_everywhere(Posted { session, .. }: Posted) -> Result<Response, PageError> {
    let ended_sessions = session.console.sessions.sign_out_everywhere(session.key()).await?;
    tracing::info!(key = %session.key().id, sessions = ended_sessions, "signed out of the console everywhere");
    Ok(ended(&session.console, "/sign-in"))
}

/// The address that a request comes from.
pub(crate) struct Peer(Option<std::net::SocketAddr>);

impl<S: Sync> axum::extract::FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
        Ok(Self(peer.map(|axum::extract::ConnectInfo(peer)| *peer)))
    }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn a_sign_in_leads_only_to_pages_of_the_console() {
        for good in ["/", "/accounts?status=unhealthy", "/bots/01a2"] {
            assert_eq!(next(good), good);
        }
        for bad in
            ["", "https://evil.test", "//evil.test", "/\\evil.test", "/sign-in", "/x\r\nset-cookie: a=b"]
        {
            assert_eq!(next(bad), "/", "{bad}");
        }
    }
}
