//! Sessions of signed-in browsers.

use api::Sender;
use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
    http::{
        HeaderMap, HeaderValue, Method,
        header::{COOKIE, REFERER},
        request::Parts,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{ApiScope, Timestamp};
use std::{num::NonZeroU32, time::Duration};
use store::ApiKey;
use tenants::{LINK_TTL, SESSION_TTL, digest};

use crate::{Console, client::Client, error::PageError, form::Form, layout::Frame, layout::Section};

pub(crate) const COOKIE_NAME: &str = "latchkey_session";
/// The cookie with the page that a person was at before the sign-in.
const BACK_NAME: &str = "latchkey_back";
/// Requests a minute with one key: more than people make with several tabs that show live data.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(1200).expect("not zero");

/// A browser that is signed in.
pub(crate) struct Session {
    pub(crate) console: Console,
    pub(crate) client: Client,
    /// The token in the cookie; never shown.
    pub(crate) token: String,
    /// The workspace's name.
    pub(crate) workspace: String,
    /// The requested path and query, without the base.
    pub(crate) address: String,
    /// The last action, by its word in the address.
    pub(crate) said: Option<String>,
    /// When the session expires.
    pub(crate) until: Timestamp,
}

impl Session {
    pub(crate) fn key(&self) -> &ApiKey {
        &self.client.key
    }

    pub(crate) fn may(&self, scope: ApiScope) -> bool {
        self.key().scopes.has(scope)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.console.env.now()
    }

    /// The token that forms of this session must contain: other sites can't know it.
    pub(crate) fn csrf(&self) -> String {
        csrf(&self.token)
    }

    pub(crate) fn frame(&self, title: impl Into<String>, section: Section) -> Frame {
        Frame::of(self, title.into(), section)
    }
}

fn csrf(token: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&format!("csrf {token}")))
}

/// The session's token in a browser's cookies.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, COOKIE_NAME)
}

fn cookie_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The cookie of a session; without a token, the cookie that deletes it.
pub(crate) fn cookie(console: &Console, token: Option<&str>) -> HeaderValue {
    made(console, COOKIE_NAME, token, SESSION_TTL)
}

/// The cookie with the page of a person who has to sign in; without a page, the cookie that deletes it. It lives as long as
/// a sign-in link.
pub(crate) fn return_cookie(console: &Console, page: Option<&str>) -> HeaderValue {
    let page = page.map(|page| url::form_urlencoded::byte_serialize(page.as_bytes()).collect::<String>());
    made(console, BACK_NAME, page.as_deref(), LINK_TTL)
}

/// The page in that cookie. It is checked before a browser is sent there: others can set cookies too.
pub(crate) fn return_path(headers: &HeaderMap) -> String {
    let page = cookie_of(headers, BACK_NAME).unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(page.as_bytes());
    pairs.next().map(|(page, _)| page.into_owned()).unwrap_or_default()
}

fn made(console: &Console, name: &str, value: Option<&str>, age: Duration) -> HeaderValue {
    let path = if console.base.is_empty() { "/" } else { &console.base };
    let secure = if console.public_base.scheme() == "https" { "; Secure" } else { "" };
    let age = value.map_or(0, |_| age.as_secs());
    let value = value.unwrap_or_default();
    let text = format!("{name}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

impl FromRequestParts<Console> for Session {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let address = parts.uri.path_and_query().map_or("/", |asked| asked.as_str()).to_owned();
        let token = token(&parts.headers).unwrap_or_default().to_owned();
        let signed_in = if token.is_empty() { None } else { console.sessions.check(&token).await? };
        let Some(signed_in) = signed_in else {
            // After a form, the browser returns to the form's page.
            let back = match parts.method {
                Method::GET | Method::HEAD => address,
                _ => referer(&parts.headers, console).unwrap_or_else(|| "/".to_owned()),
            };
            return Err(PageError::SignIn { back, by_htmx: parts.headers.contains_key("hx-request") });
        };
        let now = console.env.now();
        console.requests.admit(&signed_in.key.id, PER_MINUTE, now).map_err(PageError::TooMany)?;
        let peer = parts.extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
        let peer = peer.map(|axum::extract::ConnectInfo(peer)| *peer);
        let query = parts.uri.query().unwrap_or_default();
        let said = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "said");
        Ok(Self {
            workspace: console.api.workspace_name(&signed_in.key).await?,
            client: Client { api: console.api.clone(), key: signed_in.key, peer },
            console: console.clone(),
            token,
            said: said.map(|(_, word)| word.into_owned()),
            address,
            until: signed_in.until,
        })
    }
}

/// The page of this server that a request came from.
fn referer(headers: &HeaderMap, console: &Console) -> Option<String> {
    let url = url::Url::parse(headers.get(REFERER)?.to_str().ok()?).ok()?;
    let path = url.path().strip_prefix(&console.base)?;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{path}{query}"))
}

/// A form from a signed-in browser, sent from a page of this session.
pub(crate) struct Posted {
    pub(crate) session: Session,
    pub(crate) form: Form,
}

impl FromRequest<Console> for Posted {
    type Rejection = PageError;

    async fn from_request(request: Request, console: &Console) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let session = Session::from_request_parts(&mut parts, console).await?;
        let form = read(body, Sender::Browser, console).await?;
        let (given, expected) = (digest(form.text("csrf")), digest(&session.csrf()));
        if aws_lc_rs::constant_time::verify_slices_are_equal(&given, &expected).is_err() {
            return Err(PageError::StaleForm);
        }
        Ok(Self { session, form })
    }
}

/// A form before the sign-in. The browser states its origin: it must not be another site.
pub(crate) struct FirstForm(pub(crate) Form);

impl FromRequest<Console> for FirstForm {
    type Rejection = PageError;

    async fn from_request(request: Request, console: &Console) -> Result<Self, PageError> {
        let site = request.headers().get("sec-fetch-site").and_then(|site| site.to_str().ok());
        if site.is_some_and(|site| site == "cross-site" || site == "same-site") {
            return Err(PageError::StaleForm);
        }
        read(request.into_body(), Sender::Unauthenticated, console).await.map(Self)
    }
}

async fn read(body: Body, sender: Sender, console: &Console) -> Result<Form, PageError> {
    let bytes = console.api.read_form(body, sender).await.map_err(PageError::Form)?;
    Ok(Form::read(&bytes))
}

/// An id in an address. It becomes part of API paths, so it contains no characters with a meaning there.
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let id = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let is_id = |id: &str| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        match id {
            Ok(axum::extract::Path(id)) if is_id(&id) => Ok(Self(id)),
            _ => Err(PageError::Unknown),
        }
    }
}
