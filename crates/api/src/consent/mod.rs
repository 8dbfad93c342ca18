//! `/oauth/zoom/…`: a browser connects an account. Public: the invitation's secret, the state and the cookie authorize.

pub(crate) mod reconnect;

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{RawQuery, State as Extract},
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, COOKIE, LOCATION, REFERRER_POLICY, SET_COOKIE},
    },
    response::{Html, IntoResponse, Response},
};
use broker::{AuthorizationReturn, AuthorizationStart, InvitationShown};
use model::{Class, Code, Failure, Secret, ZoomOauthAppId};
use url::Url;
use utoipa::{
    IntoParams, IntoResponses, PartialSchema as _,
    openapi::{self, ContentBuilder, RefOr, ResponseBuilder},
};

use crate::{
    State,
    docs::page_of_error,
    error::{reported, status_of},
    path::Path,
    query::Query,
};

/// Binds an authorization session to the browser that began it. A consent page is not open for longer than ten minutes. For
/// ten more, a reloaded page shows the same result.
const COOKIE_NAME: &str = "latchkey_consent";
const COOKIE_SECONDS: u32 = 1200;

/// What a person reads before Zoom's consent page.
#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    simulated: bool,
    /// The workspace or person that invites.
    inviter: String,
    purpose: Option<String>,
    /// The account that it is for, if only its user may use it.
    expected: Option<String>,
    /// When it expires, to the minute.
    until: String,
    /// The address that leads to Zoom.
    next: String,
}

#[derive(Template)]
#[template(path = "connected.html")]
struct ConnectedPage {
    simulated: bool,
    name: String,
    missing_scopes: String,
    return_to: Option<ReturnTo>,
}

/// Where the person can continue, and the text of that link.
struct ReturnTo {
    url: String,
    host: String,
}

#[derive(Template)]
#[template(path = "parked.html")]
struct ParkedPage {
    simulated: bool,
    name: String,
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    simulated: bool,
    what: String,
    turn: String,
    code: &'static str,
    /// The page of the error code.
    docs: Url,
}

/// The parameters that Zoom adds to the address.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct BackFromZoom {
    code: Option<String>,
    state: Option<String>,
    /// Zoom's reason why there is no code.
    error: Option<String>,
}

/// The page says what happened and who has to act.
impl IntoResponses for TroublePage {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let page = || ContentBuilder::new().schema(Some(String::schema())).build();
        let trouble = |about: String| ResponseBuilder::new().description(about).content("text/html", page());
        let mut codes: BTreeMap<StatusCode, Vec<&str>> = BTreeMap::new();
        for code in Code::ALL {
            codes.entry(status_of(*code)).or_default().push(code.as_str());
        }
        let responses = codes.into_iter().map(|(status, codes)| {
            let about = format!("The page names one of these codes: {}.", codes.join(", "));
            (status.as_str().to_owned(), trouble(about).build().into())
        });
        responses.collect()
    }
}

/// Open an invitation
///
/// For the browser of an account's owner: a page says who invites and for what; its button leads to Zoom.
#[utoipa::path(
    get,
    path = "/oauth/zoom/authorize",
    tag = "consent",
    operation_id = "consent_authorize",
    params(
        ("invitation" = Option<String>, Query, description = "The value in the invitation's address."),
        ("go" = Option<String>, Query, description = "`zoom`: the person has read the page and continues to Zoom."),
    ),
    responses(
        (status = 200, description = "Who invites, and for what.", body = String, content_type = "text/html"),
        (status = 303, description = "To Zoom's consent page.", headers(("location" = String), ("set-cookie" = String))),
        TroublePage,
    ),
)]
pub(crate) async fn authorize(Extract(state): Extract<State>, RawQuery(query): RawQuery) -> Response {
    let query = Query::of(query.as_deref());
    let invitation = query.get("invitation").unwrap_or("");
    if query.get("go") == Some("zoom") {
        begin(&state, invitation).await
    } else {
        show(&state, invitation).await
    }
}

async fn show(state: &State, invitation: &str) -> Response {
    let shown = match state.broker.accounts.authorizations.show(invitation).await {
        Ok(shown) => shown,
        Err(failure) => return trouble(state, &failure),
    };
    let mut next = state.broker.addresses.at("oauth/zoom/authorize");
    next.query_pairs_mut().append_pair("invitation", invitation).append_pair("go", "zoom");
    invitation_page(state, shown, next.into())
}

fn invitation_page(state: &State, shown: InvitationShown, next: String) -> Response {
    let until = shown.expires_at.to_string();
    page(
        StatusCode::OK,
        &InvitationPage {
            simulated: state.simulated,
            inviter: shown.invited_by.unwrap_or(shown.workspace),
            purpose: shown.purpose,
            expected: shown.expected,
            until: until.get(..16).unwrap_or(&until).replace('T', " "),
            next,
        },
    )
}

async fn begin(state: &State, invitation: &str) -> Response {
    match state.broker.accounts.authorizations.begin_authorization(invitation).await {
        Ok(start) => to_zoom(state, &start),
        Err(failure) => trouble(state, &failure),
    }
}

/// Redirects to Zoom's consent page, with the cookie that binds the session to this browser.
fn to_zoom(state: &State, start: &AuthorizationStart) -> Response {
    let base = state.broker.addresses.public_base();
    let secure = if base.scheme() == "https" { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE_NAME}={}; Path={}/oauth/zoom; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}",
        start.browser.expose(),
        base.path().trim_end_matches('/'),
    );
    let headers = [
        (LOCATION, start.zoom_url.expose().to_owned()),
        (SET_COOKIE, cookie),
        (CACHE_CONTROL, "no-store".into()),
        (REFERRER_POLICY, "no-referrer".into()),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Finish an authorization at Zoom
///
/// With a `code` and a `state`, an account is connected; with a `code` alone, an install from Zoom's Marketplace is parked.
#[utoipa::path(
    get,
    path = "/oauth/zoom/callback",
    tag = "consent",
    operation_id = "consent_callback",
    params(BackFromZoom),
    responses(
        (status = 200, description = "Connected.", body = String, content_type = "text/html"),
        (status = 202, description = "Parked.", body = String, content_type = "text/html"),
        TroublePage,
    ),
)]
pub(crate) async fn callback(
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::of(query.as_deref());
    match query.get("code") {
        // This browser did not start here: it comes from the Marketplace.
        Some(code) if query.get("state").is_none() => install(&state, None, code).await,
        _ => finish(&state, &query, &headers).await,
    }
}

/// Finish an authorization at Zoom, at an app's own address
///
/// For installs from Zoom's Marketplace.
#[utoipa::path(
    get,
    path = "/oauth/zoom/callback/{app}",
    tag = "consent",
    operation_id = "consent_callback_of_app",
    params(("app" = ZoomOauthAppId, Path), BackFromZoom),
    responses(
        (status = 200, description = "Connected.", body = String, content_type = "text/html"),
        (status = 202, description = "Parked.", body = String, content_type = "text/html"),
        TroublePage,
    ),
)]
pub(crate) async fn installed(
    Extract(state): Extract<State>,
    Path(app): Path<ZoomOauthAppId>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::of(query.as_deref());
    match query.get("code") {
        Some(code) if query.get("state").is_none() => install(&state, Some(app), code).await,
        _ => finish(&state, &query, &headers).await,
    }
}

async fn install(state: &State, app: Option<ZoomOauthAppId>, code: &str) -> Response {
    match state.broker.accounts.parked.receive_install(app, Secret::new(code)).await {
        Ok(installed) => page(
            StatusCode::ACCEPTED,
            &ParkedPage { simulated: state.simulated, name: installed.display_name },
        ),
        Err(failure) => trouble(state, &failure),
    }
}

async fn finish(state: &State, query: &Query, headers: &HeaderMap) -> Response {
    let returned = AuthorizationReturn {
        state: Secret::new(query.get("state").unwrap_or("")),
        browser: cookie(headers).map(Secret::new),
        code: match query.get("code") {
            Some(code) => Ok(Secret::new(code)),
            None => Err(query.get("error").unwrap_or("").to_owned()),
        },
    };
    match state.broker.accounts.authorizations.finish_authorization(returned).await {
        Ok(connected) => page(
            StatusCode::OK,
            &ConnectedPage {
                simulated: state.simulated,
                name: connected.display_name,
                missing_scopes: connected.missing_scopes.join(", "),
                return_to: connected.return_url.and_then(|url| return_to(state, &url)),
            },
        ),
        Err(failure) => trouble(state, &failure),
    }
}

/// Checked once more: the operator may have removed the origin in the meantime.
fn return_to(state: &State, url: &str) -> Option<ReturnTo> {
    let url = state.return_urls.check(url).ok()?;
    Some(ReturnTo { host: url.host_str()?.to_owned(), url: url.into() })
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

fn trouble(state: &State, failure: &Failure) -> Response {
    let what = match failure.class() {
        Class::OurFault => "Something went wrong on this server.".to_owned(),
        Class::Retry | Class::PersonMustAct => failure.detail.clone(),
    };
    let turn = turn_of(failure);
    let code = failure.code.as_str();
    let docs = page_of_error(&state.broker.addresses, code);
    let trouble = TroublePage { simulated: state.simulated, what, turn, code, docs };
    reported(failure, page(status_of(failure.code), &trouble))
}

/// Who has to act, if the message doesn't say so. The reader owns a Zoom account and is not the operator of the app
/// or the server.
fn turn_of(failure: &Failure) -> String {
    match failure.code {
        Code::AppUnhealthy | Code::ScopeMissing | Code::CredentialBlocked => {
            format!("Tell the person who sent you the link. They have to do this: {}.", failure.code.advice())
        }
        code => match code.class() {
            Class::Retry => {
                "Nothing is wrong with your account. Open the invitation again in a minute.".to_owned()
            }
            Class::OurFault => "Tell the person who sent you the link.".to_owned(),
            Class::PersonMustAct => String::new(),
        },
    }
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    let Ok(html) = template.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    (status, Html(html)).into_response()
}
