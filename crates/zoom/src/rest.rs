//! The REST calls that a signed-in bot needs: the user of a token, and that user's ZAK.

use std::time::Duration;

use model::{MeetingNumber, Secret, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::{
    CallTurn, Label, MeetingLink, ZoomClient, ZoomError, fields::Readable, http::address, limits::RateLimits,
    link::personal_name, meetings::Number, refusal, unverified_claims,
};

/// The longest lifetime of a ZAK (documented).
const MAX_ZAK_TTL: Duration = Duration::from_secs(31_536_000);

/// The right to call the REST API once. It includes a turn within the account's limits.
pub struct ApiAccess<'a> {
    pub(crate) base: &'a Url,
    access_token: &'a Secret,
    turn: Box<dyn CallTurn + 'a>,
}

impl<'a> ApiAccess<'a> {
    /// `base` is the grant's [`api_url`](crate::Grant::api_url), or else the configured API. `access_token` is sent only
    /// in an `Authorization` header. `turn` is for a call of the label that the documentation of the method names.
    pub fn new(base: &'a Url, access_token: &'a Secret, turn: impl CallTurn + 'a) -> Self {
        Self { base, access_token, turn: Box::new(turn) }
    }
}

/// A Zoom user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomUser {
    /// Zoom's id of the user: 22 characters, never reused.
    pub id: String,
    /// Zoom's id of the user's account.
    pub account_id: String,
    /// The address the user signs in with, unless Zoom withholds it.
    pub email: Option<String>,
    /// The name that people see. It is made from other fields if Zoom gives none.
    pub display_name: String,
    /// Whether the user is active at Zoom.
    pub status: UserStatus,
    /// The number of the user's personal room.
    pub personal_room: Option<MeetingNumber>,
    /// The name in the user's personal link (`/my/NAME`), in lower case.
    pub personal_name: Option<String>,
}

/// Whether a user is active at Zoom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// The user is active.
    Active,
    /// Not yet: the user has not accepted the account's invitation.
    Pending,
    /// The user is deactivated.
    Inactive,
    /// Zoom gave another word.
    #[serde(other)]
    Unknown,
}

/// A Zoom access key: joins as its user, or starts that user's meeting.
#[derive(Debug, Clone)]
pub struct Zak {
    /// The key. Zoom checks its expiry at the join only (documented).
    pub token: Secret,
    /// When it expires by its own claim, which is not verified (only Zoom has the signing key). `None` if the claim
    /// can't be read.
    pub expires_at: Option<Timestamp>,
}

impl ZoomClient {
    /// The user of the access token. Light.
    pub async fn me(&self, api: ApiAccess<'_>) -> Result<ZoomUser, ZoomError> {
        let url = address(api.base, &["v2", "users", "me"]);
        let user: UserBody = self.fetch("me", Label::Light, api, url).await?;
        Ok(user.into())
    }

    /// A user of a server-to-server grant's account, by id or e-mail address. Light.
    pub async fn user(&self, api: ApiAccess<'_>, user: &str) -> Result<ZoomUser, ZoomError> {
        let url = address(api.base, &["v2", "users", user]);
        let user: UserBody = self.fetch("user", Label::Light, api, url).await?;
        Ok(user.into())
    }

    /// The link of the personal room of `user`, with its passcode; `None` if Zoom gives none. `user` as for a ZAK. Light.
    pub async fn personal_link(&self, api: ApiAccess<'_>, user: &str) -> Result<Option<Secret>, ZoomError> {
        let url = address(api.base, &["v2", "users", user]);
        let body: PersonalBody = self.fetch("user", Label::Light, api, url).await?;
        Ok(body.personal_meeting_url.0.filter(|url| MeetingLink::parse(url).is_ok()).map(Secret::new))
    }

    /// A ZAK of `user` that is valid for `ttl`, in whole seconds, at most a year. `user` is `me`, or with a
    /// server-to-server grant the id or e-mail address of a user of its account. Light.
    ///
    /// Zoom may issue a ZAK even for an expired access token (observed), so check the token's age before.
    pub async fn zak(&self, api: ApiAccess<'_>, user: &str, ttl: Duration) -> Result<Zak, ZoomError> {
        let mut url = address(api.base, &["v2", "users", user, "token"]);
        url.query_pairs_mut()
            // Without it, Zoom gives another, deprecated kind of token without an error.
            .append_pair("type", "zak")
            .append_pair("ttl", &ttl.min(MAX_ZAK_TTL).as_secs().to_string());
        let body: TokenBody = self.fetch("zak", Label::Light, api, url).await?;
        Ok(Zak { expires_at: unverified_claims(&body.token).expires_at, token: body.token })
    }

    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        call: &'static str,
        label: Label,
        api: ApiAccess<'_>,
        url: Url,
    ) -> Result<T, ZoomError> {
        let ApiAccess { access_token, turn, .. } = api;
        debug_assert_eq!(turn.label(), label, "the turn is for another kind of call than {call}");
        let request = self.get(url).bearer_auth(access_token.expose());
        let observe = |limits: &RateLimits| turn.observe(limits);
        let answer = self.send_and_observe(call, request, observe).await?;
        if answer.is_success() { answer.json() } else { Err(refusal::of_api(&answer)) }
    }
}

#[derive(Deserialize)]
struct UserBody {
    id: String,
    account_id: String,
    #[serde(default)]
    email: Readable<String>,
    #[serde(default)]
    display_name: Readable<String>,
    #[serde(default)]
    first_name: Readable<String>,
    #[serde(default)]
    last_name: Readable<String>,
    #[serde(default)]
    status: Readable<UserStatus>,
    #[serde(default)]
    pmi: Readable<Number>,
    #[serde(default)]
    vanity_url: Readable<String>,
}

#[derive(Deserialize)]
struct PersonalBody {
    #[serde(default)]
    personal_meeting_url: Readable<String>,
}

impl From<UserBody> for ZoomUser {
    fn from(body: UserBody) -> Self {
        let written = |text: &String| !text.trim().is_empty();
        let full_name =
            [body.first_name.0, body.last_name.0].into_iter().flatten().filter(written).collect::<Vec<_>>();
        let personal_name = body.vanity_url.0.as_deref().and_then(personal_name);
        let email = body.email.0.filter(written);
        let display_name = body
            .display_name
            .0
            .filter(written)
            .or_else(|| Some(full_name.join(" ")).filter(written))
            .or_else(|| email.clone())
            .unwrap_or_else(|| body.id.clone());
        Self {
            id: body.id,
            account_id: body.account_id,
            email,
            display_name,
            status: body.status.0.unwrap_or(UserStatus::Unknown),
            personal_room: body.pmi.0.and_then(Number::read),
            personal_name,
        }
    }
}

/// The body of an answer with a token.
#[derive(Deserialize)]
pub(crate) struct TokenBody {
    #[serde(deserialize_with = "not_empty")]
    pub(crate) token: Secret,
}

fn not_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let token = Secret::deserialize(deserializer)?;
    if token.is_empty() { Err(serde::de::Error::custom("empty")) } else { Ok(token) }
}
