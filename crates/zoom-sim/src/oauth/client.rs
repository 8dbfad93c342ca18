//! Client authentication and parameters of the token endpoint.

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

/// A form request: the body's parameters, then the query's, and the Basic header.
pub(crate) struct Params {
    values: HashMap<String, String>,
    basic: Option<(String, String)>,
}

impl Params {
    /// Reads the request. Query parameters count only if the switch allows them (D; O says Zoom refuses them since 2025).
    pub(crate) fn read(headers: &HeaderMap, query: Option<&str>, body: &str) -> Self {
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let body = form_urlencoded::parse(body.as_bytes());
        let values = query.chain(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self { values, basic: basic(headers) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The client id that the caller claims, unverified.
    pub(crate) fn client_id(&self) -> ClientId {
        let basic = self.basic.as_ref().map(|(id, _)| id.as_str());
        ClientId(basic.or(self.get("client_id")).unwrap_or_default().to_owned())
    }

    /// The app that calls, identified by Basic, or by `client_id` and `client_secret` among the parameters (D; O). A public
    /// client sends only its id (D).
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

/// Decodes an id or secret from the Basic header. Both are form-encoded before they are joined (D: RFC 6749, 2.3.1).
/// Unencoded ones work too, unless they contain `+` or `%` (ours).
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
