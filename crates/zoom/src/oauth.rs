//! Zoom's OAuth: consents, and the tokens from them.

use std::time::Duration;

use model::Secret;
use reqwest::RequestBuilder;
use url::{Url, form_urlencoded};

use crate::{
    ZoomClient, ZoomError,
    http::address,
    refusal::{self, Presented},
    token_answer::TokenAnswer,
};

/// The id and secret of a Zoom OAuth app; the same pair signs for the Meeting SDK.
#[derive(Debug, Clone)]
pub struct AppKeys {
    /// The public id of the app.
    pub client_id: String,
    /// The secret. It is sent only in an `Authorization` header, or used as a signing key.
    pub client_secret: Secret,
}

/// The tokens that Zoom issued.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Gives access to the REST API. `None` if Zoom's answer had a new refresh token but no readable access token: the next
    /// refresh returns one.
    pub access_token: Option<Secret>,
    /// Can be exchanged for the next grant, once. `None` from [`ZoomClient::account_credentials`].
    pub refresh_token: Option<Secret>,
    /// How long the access token is valid, counted from Zoom's answer: one hour (documented). Longer than a day is never
    /// assumed.
    pub expires_in: Duration,
    /// The scopes of the access token; `None` if Zoom didn't say.
    pub scopes: Option<Vec<String>>,
    /// The account's REST API, if Zoom named an address that may get an access token: `https` under `zoom.us` or
    /// `zoomgov.com`, or the configured API's own origin. Any other address is ignored (ours), because a forged
    /// answer could otherwise collect every token of the account.
    pub api_url: Option<Url>,
}

impl ZoomClient {
    /// The URL to which the browser of a person who is to consent is sent.
    ///
    /// Zoom takes the scopes from the app's configuration (documented). `pkce_challenge` is an S256 challenge from
    /// [`challenge`](crate::challenge).
    pub fn authorize_url(
        &self,
        client_id: &str,
        redirect_uri: &str,
        state: &str,
        pkce_challenge: &str,
    ) -> Url {
        let mut url = address(&self.endpoints.oauth_base, &["oauth", "authorize"]);
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state)
            .append_pair("code_challenge", pkce_challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Requests the consent page at `page`, as a browser without a session would. Returns `None` if Zoom reports no error of
    /// the app and its redirect URL, else the number that Zoom's error page shows (documented: 47xx), or 0 for a refusal
    /// without a number. A sign-in page, and a redirect to it, are not errors (inferred).
    pub async fn consent_page_error(&self, page: Url) -> Result<Option<u16>, ZoomError> {
        match self.send("consent_page", self.get(page)).await {
            Ok(answer) => {
                let number = error_number(&String::from_utf8_lossy(answer.body()), answer.is_success());
                Ok(number.or((!answer.is_success()).then_some(0)))
            }
            Err(ZoomError::Unexpected { status: 300..=399, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Exchanges the code from the consent page for the first grant. `redirect_uri` is the one of the consent.
    pub async fn exchange_code(
        &self,
        app: &AppKeys,
        code: &Secret,
        redirect_uri: &str,
        code_verifier: Option<&Secret>,
    ) -> Result<Grant, ZoomError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri),
        ];
        form.extend(code_verifier.map(|verifier| ("code_verifier", verifier.expose())));
        self.grant("exchange_code", app, &form, Presented::Code, None).await
    }

    /// Spends `refresh_token` and returns the next one. Zoom invalidates the old one when it answers (documented), so after
    /// an error that is [in doubt](ZoomError::in_doubt) it is uncertain which of the two is valid.
    pub async fn refresh(&self, app: &AppKeys, refresh_token: &Secret) -> Result<Grant, ZoomError> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
        self.grant("refresh", app, &form, Presented::Token, Some(refresh_token)).await
    }

    /// An access token of a server-to-server app. It has no refresh token: request another one when it has expired.
    pub async fn account_credentials(&self, app: &AppKeys, account_id: &str) -> Result<Grant, ZoomError> {
        let form = [("grant_type", "account_credentials"), ("account_id", account_id)];
        let grant = self.grant("account_credentials", app, &form, Presented::App, None).await?;
        Ok(Grant { refresh_token: None, ..grant })
    }

    /// Ends the authorisation of `token`. [`ZoomError::GrantDead`] means that it had already ended.
    pub async fn revoke(&self, app: &AppKeys, token: &Secret) -> Result<(), ZoomError> {
        let url = address(&self.endpoints.oauth_base, &["oauth", "revoke"]);
        let request = basic_auth(self.post(url), app).form(&[("token", token.expose())]);
        let answer = self.send("revoke", request).await?;
        if answer.is_success() { Ok(()) } else { Err(refusal::of_oauth(&answer, Presented::Token)) }
    }

    /// Always uses a form body and Basic authentication: parameters in the address have failed since 2025 (observed), and
    /// would put tokens into logs.
    async fn grant(
        &self,
        call: &'static str,
        app: &AppKeys,
        form: &[(&str, &str)],
        presented: Presented,
        spent: Option<&Secret>,
    ) -> Result<Grant, ZoomError> {
        let url = address(&self.endpoints.oauth_base, &["oauth", "token"]);
        let request = basic_auth(self.post(url), app).form(form);
        let (answer, end) = self.send_for_tokens(call, request).await?;
        let body = TokenAnswer::read(answer.body());
        let trusted = |url: &str| trusted_api_url(url, &self.endpoints.api_base);
        if end.is_ok() && answer.is_success() {
            let of_app = matches!(presented, Presented::App);
            let grant = body.grant(spent, trusted).filter(|grant| !of_app || grant.access_token.is_some());
            return grant.ok_or_else(|| answer.malformed("no readable token"));
        }
        // An app has nothing to lose.
        if !matches!(presented, Presented::App)
            && let Some(grant) = body.saved(spent, trusted)
        {
            tracing::warn!(
                call,
                status = answer.status(),
                "a new refresh token was saved from an odd answer"
            );
            return Ok(grant);
        }
        end?;
        Err(refusal::of_oauth(&answer, presented))
    }
}

/// The first separate number from 4700 to 4799 in a page. If the page's status is not a refusal, only a number with a comma
/// counts, as in Zoom's error pages (observed), because scripts of other pages contain many numbers.
fn error_number(page: &str, only_with_comma: bool) -> Option<u16> {
    let words = page.split(|char: char| !char.is_ascii_alphanumeric() && char != ',');
    words.into_iter().find_map(|word| {
        let is_number = match word.strip_prefix("4,") {
            Some(rest) => rest.len() == 3,
            None => !only_with_comma && word.len() == 4,
        };
        let number: u16 = word.replace(',', "").parse().ok()?;
        (is_number && (4700..4800).contains(&number)).then_some(number)
    })
}

/// Basic authentication with id and secret, each form-encoded (RFC 6749, 2.3.1).
fn basic_auth(request: RequestBuilder, app: &AppKeys) -> RequestBuilder {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    request.basic_auth(encoded(&app.client_id), Some(encoded(app.client_secret.expose())))
}

/// The origin in `text`, if access tokens may be sent to it; see [`Grant::api_url`].
fn trusted_api_url(text: &str, api_base: &Url) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    let plain = url.username().is_empty() && url.password().is_none();
    let zooms = url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(is_zooms);
    let configured = url.origin().is_tuple() && url.origin() == api_base.origin();
    (plain && (zooms || configured)).then_some(url)
}

fn is_zooms(host: &str) -> bool {
    ["zoom.us", "zoomgov.com"]
        .iter()
        .any(|domain| host.strip_suffix(domain).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_error_page_is_found_and_others_are_not() {
        for (page, with_comma, number) in [
            ("<h1>4709</h1><p>The app has not registered this redirect URI.</p>", false, Some(4709)),
            ("Invalid redirect URL (4,700).", true, Some(4700)),
            ("Invalid redirect URL (4,700).", false, Some(4700)),
            ("<script src=\"/a.4709.js\"></script>", true, None),
            ("<script src=\"/a-14,709.js\"></script> 4800 44709", false, None),
            ("", false, None),
        ] {
            assert_eq!(error_number(page, with_comma), number, "{page}");
        }
    }

    #[test]
    fn a_token_is_sent_only_to_zoom_or_the_configured_api() {
        let base = Url::parse("http://127.0.0.1:4000").unwrap();
        for (named, trusted) in [
            ("https://api.zoom.us", Some("https://api.zoom.us/")),
            ("https://api-eu.zoom.us/v2?x=1#y", Some("https://api-eu.zoom.us/")),
            ("https://api.zoomgov.com", Some("https://api.zoomgov.com/")),
            ("http://127.0.0.1:4000", Some("http://127.0.0.1:4000/")),
            ("http://api.zoom.us", None),
            ("https://api.zoom.us:8443", None),
            ("https://user@api.zoom.us", None),
            ("https://evilzoom.us", None),
            ("https://zoom.us.evil.com", None),
            ("https://zoom.us@evil.com", None),
            ("http://127.0.0.1:4001", None),
            ("http://169.254.169.254", None),
            ("data:text/plain,x", None),
            ("not an address", None),
        ] {
            assert_eq!(trusted_api_url(named, &base).as_ref().map(Url::as_str), trusted, "{named}");
        }
    }
}
