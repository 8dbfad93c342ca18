//! `/oauth/authorize`: the page on which a user grants or denies access to an app.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::Url;

use crate::ids::ClientId;
use crate::state::{SharedSim, Sim};
use crate::world::World;
use crate::world::app::{App, AppKind};
use crate::world::grant::{CODE_LIFE, Challenge, Pending, Request};

/// Parameters that the app sends with the browser (D). All are checked by hand, so that every error gets an answer like
/// Zoom's.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    response_type: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    state: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// The page's form.
#[derive(Deserialize)]
pub(crate) struct Decision {
    consent: String,
    decision: String,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    app: &'a App,
    user_name: &'a str,
    user_email: &'a str,
    consent: &'a str,
    returns_to: &'a str,
}

/// The page that is shown when no consent is requested.
#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage {
    title: &'static str,
    explanation: &'static str,
    code: Option<u16>,
}

/// Shown when no user is signed in: Zoom asks the user to sign in (D) and reports no error about the app (I).
const SIGN_IN: NoticePage = NoticePage {
    title: "Sign in",
    explanation: "Nobody is signed in at this simulator. Make a user (POST /_sim/users) or sign one in (PUT /_sim/signed-in), then \
                  open this page again.",
    code: None,
};

/// An error page of Zoom's own (D code, I page): the browser is not redirected back.
struct Refused {
    code: u16,
    explanation: &'static str,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        tracing::info!(code = self.code, "authorization request refused");
        let Self { code, explanation } = self;
        let page = NoticePage { title: "Invalid request", explanation, code: Some(code) };
        html(StatusCode::BAD_REQUEST, &page, "'none'")
    }
}

/// `GET`: the consent page, or an error page for a bad app or redirect.
pub(crate) async fn show(State(sim): State<SharedSim>, Query(asked): Query<QueryParams>) -> Response {
    consent_page(&sim, asked).into_response()
}

fn consent_page(sim: &Sim, asked: QueryParams) -> Result<Response, Refused> {
    let expires_at = sim.now() + CODE_LIFE;
    let mut world = sim.world();
    let (app, request) = check(&world, asked)?;
    let user = world.signed_in_user().filter(|user| user.active).cloned();
    let Some(user) = user else { return Ok(html(StatusCode::OK, &SIGN_IN, "'none'")) };
    let origin = Url::parse(&request.redirect_uri).map(|url| url.origin().ascii_serialization());
    let origin = origin.unwrap_or_default();
    let World { grants, entropy, .. } = &mut *world;
    let consent = grants.ask(entropy, Pending { request, user_id: user.id, expires_at });
    let page = ConsentPage {
        app: &app,
        user_name: &user.display_name,
        user_email: &user.email,
        consent: &consent,
        returns_to: &origin,
    };
    Ok(html(StatusCode::OK, &page, &format!("'self' {origin}")))
}

/// The app and its request, or the error page (codes D, texts ours).
fn check(world: &World, asked: QueryParams) -> Result<(App, Request), Refused> {
    let refuse = |code, explanation| Refused { code, explanation };
    let client_id = ClientId(asked.client_id.unwrap_or_default());
    let app = world.app(&client_id).filter(|app| app.kind != AppKind::ServerToServer);
    let app = app.ok_or(refuse(4702, "There is no app with this client id that asks for consent."))?;
    if app.disabled {
        return Err(refuse(4717, "This app is switched off."));
    }
    let redirect_uri = asked.redirect_uri.unwrap_or_default();
    if !app.allows_redirect(&redirect_uri) {
        return Err(refuse(4709, "The app has not registered this redirect URI."));
    }
    if asked.response_type.as_deref() != Some("code") {
        return Err(refuse(4700, "The response type must be “code”."));
    }
    let challenge = match (asked.code_challenge, asked.code_challenge_method.as_deref()) {
        (None, _) if app.public => return Err(refuse(4700, "A public client must send a PKCE challenge.")),
        (None, _) => None,
        (Some(challenge), Some("S256")) => Some(Challenge::S256(challenge)),
        (Some(challenge), None | Some("plain")) => Some(Challenge::Plain(challenge)),
        _ => return Err(refuse(4700, "The PKCE method must be S256 or plain.")),
    };
    Ok((app.clone(), Request { client_id, redirect_uri, state: asked.state, challenge }))
}

/// `POST`: the user pressed a button. Redirects to the app, with a code or with `access_denied` (I).
pub(crate) async fn decide(State(sim): State<SharedSim>, Form(decision): Form<Decision>) -> Response {
    decided(&sim, &decision).into_response()
}

fn decided(sim: &Sim, decision: &Decision) -> Result<Redirect, Refused> {
    let now = sim.now();
    let mut world = sim.world();
    let World { grants, entropy, history, .. } = &mut *world;
    let pending = grants.answer(&decision.consent, now);
    let mut pending = pending.ok_or(Refused {
        code: 4700,
        explanation: "This consent page was answered already, or is too old: open it again from the app.",
    })?;
    let mut back = Url::parse(&pending.request.redirect_uri)
        .map_err(|_| Refused { code: 4709, explanation: "The redirect URI is not an address." })?;
    let state = pending.request.state.take();
    if decision.decision == "allow" {
        history.stats.consents += 1;
        pending.expires_at = now + CODE_LIFE;
        let code = grants.issue_code(entropy, pending);
        history.issue("code", &code);
        back.query_pairs_mut().append_pair("code", &code);
    } else {
        back.query_pairs_mut().append_pair("error", "access_denied");
    }
    if let Some(state) = state {
        back.query_pairs_mut().append_pair("state", &state);
    }
    Ok(Redirect::to(back.as_str()))
}

/// The pages' style sheet: a separate file, so that the content security policy can forbid inline styles.
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../templates/consent.css"))
}

/// A page that may only load its style sheet and submit its form. Browsers apply `form-action` to the redirect after the
/// form too, so the app's origin is listed.
fn html(status: StatusCode, page: &impl Template, form_action: &str) -> Response {
    let Ok(text) = page.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response = (status, Html(text)).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
