//! Error pages.

use std::time::Duration;

use api::BodyError;
use askama::Template;
use axum::{
    extract::State,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY},
    },
    response::{Html, IntoResponse, Response},
};
use model::{Failure, chain};

use crate::{Console, client::Refused, layout::Bare};

/// A page may load its own stylesheet, scripts and pictures, and send forms to this server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Why there is no page.
#[derive(Debug, Clone)]
pub(crate) enum PageError {
    /// The browser is not signed in. After the sign-in it returns to this address.
    SignIn { back: String, by_htmx: bool },
    /// The form's token is not this session's: the form was opened before the last sign-in, or comes from another site.
    StaleForm,
    /// The form was not received completely.
    Form(BodyError),
    /// More requests than people make; one more is accepted after this time.
    TooMany(Duration),
    /// The API refused.
    Refused(Refused),
    /// The object does not exist; the path leads to the list of its kind.
    Missing { what: &'static str, list: &'static str },
    /// There is no page at this address.
    Unknown,
    /// The server failed.
    Failed,
}

impl From<Refused> for PageError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failure> for PageError {
    fn from(failure: Failure) -> Self {
        tracing::error!(failure = %chain(&failure), "a page of the console failed");
        Self::Refused(Refused {
            status: 503,
            code: failure.code.as_str().to_owned(),
            detail: format!("Something behind this page failed; {}.", failure.code.advice()),
            fields: Vec::new(),
        })
    }
}

/// Replaces a 404 by the page for a missing object.
pub(crate) fn missing(what: &'static str, list: &'static str) -> impl FnOnce() -> PageError {
    move || PageError::Missing { what, list }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    bare: Bare,
    title: &'static str,
    what: String,
    turn: String,
    code: String,
    list: Option<(&'static str, &'static str)>,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } => StatusCode::SEE_OTHER,
            Self::Form(BodyError::NoMemory) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Form(BodyError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::StaleForm | Self::Form(_) => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Refused(refused) => {
                StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::Missing { .. } | Self::Unknown => StatusCode::NOT_FOUND,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn page(self, console: &Console) -> ErrorPage {
        let page = ErrorPage {
            bare: Bare::of(console),
            title: "This did not work",
            what: String::new(),
            turn: String::new(),
            code: String::new(),
            list: None,
        };
        match self {
            Self::SignIn { .. } => page,
            Self::StaleForm => ErrorPage {
                title: "This form has expired",
                what: "Nothing was done. The form was opened before the last sign-in, or it comes from another site.".into(),
                turn: "Go back, load the page again, and send the form from there.".into(),
                ..page
            },
            Self::Form(error) => ErrorPage {
                title: "This form did not arrive",
                what: format!("Nothing was done. The {}.", error.to_string().replacen("body", "form", 1)),
                turn: match error {
                    BodyError::TooLarge(_) => "Go back, and send less text.",
                    BodyError::TooSlow(_) | BodyError::Broken => "Go back, and send it again.",
                    BodyError::NoMemory => "Go back, and send it again in a moment.",
                }
                .into(),
                ..page
            },
            Self::TooMany(wait) => ErrorPage {
                title: "Too many requests",
                what: "This key has reached the console's limit of pages in one minute.".into(),
                turn: format!("Wait {} s, and load the page again.", wait.as_secs().max(1)),
                ..page
            },
            Self::Refused(refused) if refused.code == "permission_denied" => ErrorPage {
                title: "Your key has no permission for this",
                what: refused.detail,
                turn: "Sign in with a key that has this scope, or ask a person who has one: Settings lists the keys of \
                       the workspace."
                    .into(),
                code: refused.code,
                ..page
            },
            Self::Refused(refused) => ErrorPage {
                what: refused.words(),
                turn: match refused.status {
                    429 | 503 => "It may pass: load the page again in a moment.".into(),
                    500.. => "The operator of this server has to check the server's log.".into(),
                    404 => "It may have been deleted in the meantime.".into(),
                    _ => String::new(),
                },
                code: refused.code,
                ..page
            },
            Self::Missing { what, list } => ErrorPage {
                title: "This does not exist here",
                what: format!("This workspace has no {what} with this id. It may have been deleted, or it belongs to another workspace."),
                list: Some((list, what)),
                ..page
            },
            Self::Unknown => ErrorPage {
                title: "There is no such page",
                what: "There is nothing at this address: it may be incomplete.".into(),
                ..page
            },
            Self::Failed => ErrorPage {
                what: "Something went wrong on this server.".into(),
                turn: "The operator of this server has to check the server's log.".into(),
                ..page
            },
        }
    }
}

/// Makes error pages, and adds the headers to every page.
pub(crate) async fn finish(State(console): State<Console>, mut response: Response) -> Response {
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        response = rendered(&console, error);
    }
    let headers = response.headers_mut();
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        // A form that is shown again after a sign-in leads back to its page. Other sites never learn an address.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    response
}

fn rendered(console: &Console, error: PageError) -> Response {
    if let PageError::SignIn { back, by_htmx } = &error {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", back).finish();
        let address = format!("{}/sign-in?{query}", console.base);
        // A part of a page cannot show the sign-in page inside itself: the whole page is redirected.
        return match by_htmx {
            true => (StatusCode::OK, [("hx-redirect", address)]).into_response(),
            false => (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response(),
        };
    }
    let status = error.status();
    match error.page(console).render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A rendered page, or an error if it cannot be rendered.
pub(crate) fn page(template: &impl Template) -> Result<Response, PageError> {
    page_with(StatusCode::OK, template)
}

/// The same with another status, such as for a refused form.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, PageError> {
    let html = template.render().map_err(|error| {
        tracing::error!(error = %chain(&error), "a page of the console cannot be rendered");
        PageError::Failed
    })?;
    Ok((status, Html(html)).into_response())
}

/// Redirects to a page of the console.
pub(crate) fn go(console: &Console, path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, format!("{}{path}", console.base))]).into_response()
}
