//! Who calls the token endpoint, and with which parameters.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::error::OAuthError;
use crate::ids::ClientId;
use crate::world::World;
use crate::world::app::App;

/// A form request: the body's parameters, the query's below them, and the Basic header.
pub(crate) struct Params {
    values: HashMap<String, String>,
    basic: Option<(String, String)>,
}

impl Params {
    /// Reads them. The query counts only where the switch lets it (D; O says Zoom refuses it since 2025).
    pub(crate) fn read(headers: &HeaderMap, query: Option<&str>, body: &str) -> Self {
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let body = form_urlencoded::parse(body.as_bytes());
        let values = query.chain(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self { values, basic: basic(headers) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Who the caller says it is.
    pub(crate) fn client_id(&self) -> ClientId {
        let basic = self.basic.as_ref().map(|(id, _)| id.as_str());
        ClientId(basic.or(self.get("client_id")).unwrap_or_default().to_owned())
    }

    /// The app that calls: by Basic, or by `client_id` and `client_secret` among the parameters
    /// (D; O). A public client names itself only (D).
    pub(crate) fn client<'w>(&self, world: &'w World) -> Result<&'w App, OAuthError> {
        let secret = match &self.basic {
            Some((_, secret)) => Some(secret.as_str()),
            None => self.get("client_secret"),
        };
        let app = world.app(&self.client_id()).ok_or(OAuthError::InvalidClient)?;
        let known = match secret {
            Some(secret) => secret == app.client_secret,
            None => app.public,
        };
        if known && !app.disabled { Ok(app) } else { Err(OAuthError::InvalidClient) }
    }
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id), decoded(secret)))
}

/// Both are encoded as in a form before they are joined (D: RFC 6749, 2.3.1). A client that doesn't is understood as well,
/// unless there is a `+` or a `%` in what it sends (ours).
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
