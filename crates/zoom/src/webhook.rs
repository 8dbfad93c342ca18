//! Verifies and reads webhooks from Zoom.
//!
//! The signature is an HMAC-SHA256 of `v0:timestamp:body`, with the raw bytes of the body and the app's secret token as the
//! key (documented). No part of a body is trusted, and hardly any is read, before its signature is verified.

use std::time::Duration;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use model::{Code, Failure, MeetingNumber, Secret, Timestamp};

use crate::{fields::Fields, meetings::Number};

/// How far a request's time may be from ours, either way (ours; Zoom names no limit).
pub const WEBHOOK_TOLERANCE: Duration = Duration::from_secs(300);
/// The most digits of a time.
const MAX_DIGITS: usize = 16;
/// Numbers from here on are milliseconds: in seconds this would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

const URL_VALIDATION: &str = "endpoint.url_validation";
const APP_DEAUTHORIZED: &str = "app_deauthorized";
const USER_DEACTIVATED: &str = "user.deactivated";
const USER_DELETED: &str = "user.deleted";
const USER_CREATED: &str = "user.created";
const USER_ACTIVATED: &str = "user.activated";
const USER_UPDATED: &str = "user.updated";
const MEETING_CREATED: &str = "meeting.created";
const MEETING_UPDATED: &str = "meeting.updated";
const MEETING_DELETED: &str = "meeting.deleted";

/// The two headers that authenticate a webhook.
#[derive(Debug, Clone, Copy)]
pub struct WebhookHeaders<'a> {
    /// `x-zm-signature`: `v0=` and lower-case hexadecimal digits.
    pub signature: &'a str,
    /// `x-zm-request-timestamp`: when the request was sent, in seconds since 1970 (documented); milliseconds are
    /// accepted too (ours).
    pub timestamp: &'a str,
}

/// Checks the signature and the time of a webhook. Returns when it was sent, by Zoom's clock, and which of `secrets`
/// signed it: several are in use while one is replaced.
///
/// # Errors
/// [`Code::SignatureInvalid`], or [`Code::SignatureStale`] for an authentic webhook that is more than five minutes off.
pub fn verify_webhook<'s>(
    secrets: &'s [Secret],
    headers: WebhookHeaders<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<(Timestamp, &'s Secret), Failure> {
    let sent_at = time_of(headers.timestamp).ok_or_else(invalid)?;
    let given = headers.signature.strip_prefix("v0=").ok_or_else(invalid)?;
    let text = [b"v0:", headers.timestamp.as_bytes(), b":", body].concat();
    let fits = |secret: &&Secret| {
        let expected = hex_hmac(secret, &text);
        verify_slices_are_equal(expected.as_bytes(), given.as_bytes()).is_ok()
    };
    let signer = secrets.iter().find(fits).ok_or_else(invalid)?;
    in_time(sent_at, now)?;
    Ok((sent_at, signer))
}

/// Checks a webhook before its body has arrived: whether its headers say that it was sent just now.
///
/// # Errors
/// [`Code::SignatureInvalid`] for an invalid time, [`Code::SignatureStale`] for a time that is more than five minutes off.
pub fn check_webhook_time(headers: WebhookHeaders<'_>, now: Timestamp) -> Result<(), Failure> {
    in_time(time_of(headers.timestamp).ok_or_else(invalid)?, now)
}

fn in_time(sent_at: Timestamp, now: Timestamp) -> Result<(), Failure> {
    if now.since(sent_at).max(sent_at.since(now)) > WEBHOOK_TOLERANCE {
        return Err(Failure::new(
            Code::SignatureStale,
            "the webhook's time is not close to the current time",
        ));
    }
    Ok(())
}

fn invalid() -> Failure {
    Failure::new(Code::SignatureInvalid, "the webhook is not signed with the app's secret")
}

/// The `encryptedToken` that answers [`WebhookEvent::UrlValidation`] (documented).
pub fn encrypt_plain_token(secret: &Secret, plain_token: &str) -> String {
    hex_hmac(secret, plain_token.as_bytes())
}

/// Reads a time of digits only, because Zoom writes no sign, fraction or space.
fn time_of(text: &str) -> Option<Timestamp> {
    if text.len() > MAX_DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    Some(if number < MILLISECONDS_FROM { Timestamp::from_second(number) } else { of_milliseconds(number) })
}

fn of_milliseconds(number: i64) -> Timestamp {
    Timestamp::from_microsecond(number.saturating_mul(1000))
}

fn hex_hmac(secret: &Secret, text: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let digits = hmac::sign(&key, text);
    let digits = digits.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The content of an authentic webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The event.
    pub event: WebhookEvent,
    /// The time of the event, by Zoom's clock: the same for every attempt to deliver it.
    pub happened_at: Option<Timestamp>,
}

/// The events at Zoom that matter for accounts and for the map of meetings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookEvent {
    /// Zoom requests proof that the server at this address has the secret.
    UrlValidation {
        /// The token to return unchanged, and encrypted with [`encrypt_plain_token`].
        plain_token: String,
    },
    /// A user removed the app: the grant has ended, and its stored data must be erased.
    AppDeauthorized {
        /// Zoom's id of the user's account, if it can be read.
        account_id: Option<String>,
        /// Zoom's id of the user.
        user_id: String,
        /// The app that was removed. `None` if it can't be read: then it is the app whose secret signed the webhook.
        client_id: Option<String>,
    },
    /// An administrator deactivated the user.
    UserDeactivated {
        /// Zoom's id of the user's account, if it can be read.
        account_id: Option<String>,
        /// Zoom's id of the user.
        user_id: String,
    },
    /// The user was deleted.
    UserDeleted {
        /// Zoom's id of the user's account, if it can be read.
        account_id: Option<String>,
        /// Zoom's id of the user.
        user_id: String,
    },
    /// A user was created or activated.
    UserAppeared {
        /// Zoom's name of it.
        name: &'static str,
        /// Zoom's id of the user's account.
        account_id: String,
        /// Zoom's id of the user.
        user_id: String,
    },
    /// The user's personal room has another number.
    PersonalRoom {
        /// Zoom's id of the user's account.
        account_id: String,
        /// Zoom's id of the user.
        user_id: String,
        /// The number from now on.
        number: MeetingNumber,
    },
    /// A meeting was created, changed or deleted. A change to a single occurrence of a recurring meeting is ignored.
    Meeting {
        /// The action.
        action: MeetingAction,
        /// Zoom's id of the host's account.
        account_id: String,
        /// The meeting's number.
        number: MeetingNumber,
        /// Zoom's id of the host. A change contains it only if the host changed (observed).
        host_id: Option<String>,
    },
    /// Any other event.
    Other {
        /// Zoom's name of it.
        name: String,
    },
}

/// An action on a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingAction {
    /// It was created.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

impl Webhook {
    /// Reads the body of a webhook that [`verify_webhook`] has accepted.
    ///
    /// # Errors
    /// [`Code::RequestMalformed`] if it is not an event, or lacks a field that its kind requires. The parser's own message
    /// is dropped, because it can quote the body.
    pub fn read(body: &[u8]) -> Result<Self, Failure> {
        let malformed =
            || Failure::new(Code::RequestMalformed, "the webhook's body is not an event of Zoom's");
        let body = Fields::of(body).ok_or_else(malformed)?;
        let payload = body.object("payload");
        let event =
            body.text("event").and_then(|name| WebhookEvent::of(name, &payload)).ok_or_else(malformed)?;
        // Only events of removed apps have the time twice.
        let said_again = || payload.text("deauthorization_time").and_then(|time| time.parse().ok());
        let happened_at = body.whole("event_ts").filter(|time| *time > 0).map(of_milliseconds);
        Ok(Self { event, happened_at: happened_at.or_else(said_again) })
    }
}

impl WebhookEvent {
    /// Zoom's name of it.
    pub fn name(&self) -> &str {
        match self {
            Self::UrlValidation { .. } => URL_VALIDATION,
            Self::AppDeauthorized { .. } => APP_DEAUTHORIZED,
            Self::UserDeactivated { .. } => USER_DEACTIVATED,
            Self::UserDeleted { .. } => USER_DELETED,
            Self::UserAppeared { name, .. } => name,
            Self::PersonalRoom { .. } => USER_UPDATED,
            Self::Meeting { action: MeetingAction::Created, .. } => MEETING_CREATED,
            Self::Meeting { action: MeetingAction::Updated, .. } => MEETING_UPDATED,
            Self::Meeting { action: MeetingAction::Deleted, .. } => MEETING_DELETED,
            Self::Other { name } => name,
        }
    }

    /// `None` if a field is missing that is needed to end an account. Other events without a needed field are
    /// [`Other`](Self::Other).
    fn of(name: String, payload: &Fields) -> Option<Self> {
        let object = payload.object("object");
        Some(match name.as_str() {
            URL_VALIDATION => Self::UrlValidation { plain_token: payload.text("plainToken")? },
            APP_DEAUTHORIZED => Self::AppDeauthorized {
                account_id: payload.text("account_id"),
                user_id: payload.text("user_id")?,
                client_id: payload.text("client_id"),
            },
            USER_DEACTIVATED => {
                Self::UserDeactivated { account_id: payload.text("account_id"), user_id: object.text("id")? }
            }
            USER_DELETED => {
                Self::UserDeleted { account_id: payload.text("account_id"), user_id: object.text("id")? }
            }
            _ => Self::news(&name, payload, &object).unwrap_or(Self::Other { name }),
        })
    }

    /// Events about users who stay, and about meetings.
    fn news(name: &str, payload: &Fields, object: &Fields) -> Option<Self> {
        // The operation of a change to one occurrence of a recurring meeting is `single`.
        if payload.text("operation").is_some_and(|operation| operation != "all") {
            return None;
        }
        let account_id = payload.text("account_id")?;
        let appeared = [USER_CREATED, USER_ACTIVATED].into_iter().find(|known| *known == name);
        if let Some(name) = appeared {
            return Some(Self::UserAppeared { name, account_id, user_id: object.text("id")? });
        }
        let action = match name {
            USER_UPDATED => {
                let (user_id, number) = (object.text("id")?, number(object, "pmi")?);
                return Some(Self::PersonalRoom { account_id, user_id, number });
            }
            MEETING_CREATED => MeetingAction::Created,
            MEETING_UPDATED => MeetingAction::Updated,
            MEETING_DELETED => MeetingAction::Deleted,
            _ => return None,
        };
        Some(Self::Meeting {
            action,
            account_id,
            number: number(object, "id")?,
            host_id: object.text("host_id"),
        })
    }
}

/// Reads a meeting's number, which may be a number or text.
fn number(object: &Fields, name: &str) -> Option<MeetingNumber> {
    object.get(name).and_then(Number::read)
}

#[cfg(test)]
mod tests;
