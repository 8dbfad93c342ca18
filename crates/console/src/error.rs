//! Pages for what cannot be shown or done.

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

/// A page loads its own stylesheet, scripts and pictures, and sends forms to this server. Nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Why there is no page.
#[derive(Debug, Clone)]
pub(crate) enum PageError {
    /// The browser is not signed in. After the sign-in it returns to this address.
    SignIn { back: String, by_htmx: bool },
    /// The form's token is not this session's: it was open since before the last sign-in, or comes from elsewhere.
    StaleForm,
    /// The form did not come whole.
    Form(BodyError),
    /// More requests than people make; one more is welcome after this.
    TooMany(Duration),
    /// The API refused.
    Refused(Refused),
    /// There is no such thing; the list of them is here.
    Missing { what: &'static str, list: &'static str },
    /// The address leads nowhere.
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

/// What is missing here.
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
                what: "Nothing was done. The form was opened before the last sign-in, or comes from another site.".into(),
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
                what: "With this key, more pages were asked for in the last minute than the console gives.".into(),
                turn: format!("Wait {} s, and load the page again.", wait.as_secs().max(1)),
                ..page
            },
            Self::Refused(refused) if refused.code == "permission_denied" => ErrorPage {
                title: "Your key may not do this",
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
                    500.. => "The person who runs this server has to look: the server's log has a line about it.".into(),
                    404 => "Perhaps it was deleted meanwhile.".into(),
                    _ => String::new(),
                },
                code: refused.code,
                ..page
            },
            Self::Missing { what, list } => ErrorPage {
                title: "There is no such thing here",
                what: format!("This workspace has no {what} with this id. It may have been deleted, or be another workspace's."),
                list: Some((list, what)),
                ..page
            },
            Self::Unknown => ErrorPage {
                title: "There is no such page",
                what: "The address leads nowhere: it may be cut off.".into(),
                ..page
            },
            Self::Failed => ErrorPage {
                what: "Something went wrong on this server.".into(),
                turn: "The person who runs this server has to look: the server's log has a line about it.".into(),
                ..page
            },
        }
    }
}

/// Makes pages of errors, and gives every page its headers.
pub(crate) async fn finish(State(console): State<Console>, mut response: Response) -> Response {
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        response = rendered(&console, error);
    }
    let headers = response.headers_mut();
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        // Forms that come back after a new sign-in lead to the page that they stood on. No other site learns an address.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    response
}

fn rendered(console: &Console, error: PageError) -> Response {
    if let PageError::SignIn { back, by_htmx } = &error {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", back).finish();
        let address = format!("{}/sign-in?{query}", console.base);
        // A part that is fetched again can't show the sign-in page inside of itself: the whole page goes there.
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

/// A page, or that it could not be made.
pub(crate) fn page(template: &impl Template) -> Result<Response, PageError> {
    page_with(StatusCode::OK, template)
}

/// The same with another status: a form that was refused.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, PageError> {
    let html = template.render().map_err(|error| {
        tracing::error!(error = %chain(&error), "a page of the console cannot be rendered");
        PageError::Failed
    })?;
    Ok((status, Html(html)).into_response())
}

/// On to a page of the console.
pub(crate) fn go(console: &Console, path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, format!("{}{path}", console.base))]).into_response()
}
