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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "planted-webhook-secret";
    const BODY: &str = r#"{"event":"app_deauthorized","event_ts":1800000000123,"payload":{"account_id":"acc-1","user_id":"user-1","signature":"827edc3452044f0bc86bdd5684afb7d1e6becfa1a767f24df1b287853cf73000","deauthorization_time":"2027-01-15T08:00:00.123Z","client_id":"client-1"}}"#;
    // Made with Python's hmac.
    const HEADERS: WebhookHeaders<'_> = WebhookHeaders {
        signature: "v0=4ea817b392cadc3b3c70f026018f5f4a2669b6ab25df5438828ae3ba02c3a1c8",
        timestamp: "1800000000",
    };
    const IN_MILLISECONDS: WebhookHeaders<'_> = WebhookHeaders {
        signature: "v0=f08cafcfa8177452077b80696bdf7c38bf1fd903d50b5ce53f8615c903b6811d",
        timestamp: "1800000000000",
    };
    const SENT_AT: Timestamp = Timestamp::from_second(1_800_000_000);

    fn verdict(
        secrets: &[&str],
        headers: WebhookHeaders<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<usize, Code> {
        let secrets: Vec<Secret> = secrets.iter().copied().map(Secret::new).collect();
        let verified = verify_webhook(&secrets, headers, body, now);
        let (sent_at, signer) = verified.map_err(|failure| failure.code)?;
        assert_eq!(sent_at, SENT_AT);
        Ok(secrets.iter().position(|secret| std::ptr::eq(secret, signer)).unwrap())
    }

    #[test]
    fn an_authentic_webhook_is_verified_by_the_secret_that_signed_it() {
        let verdict = |secrets: &[&str], headers| verdict(secrets, headers, BODY.as_bytes(), SENT_AT);
        assert_eq!(verdict(&[SECRET], HEADERS), Ok(0));
        assert_eq!(verdict(&[SECRET], IN_MILLISECONDS), Ok(0));
        assert_eq!(verdict(&["newer", SECRET], HEADERS), Ok(1));
        assert_eq!(verdict(&["newer"], HEADERS), Err(Code::SignatureInvalid));
        assert_eq!(verdict(&[], HEADERS), Err(Code::SignatureInvalid));
    }

    #[test]
    fn every_byte_and_the_time_are_signed() {
        let verdict = |headers, body: &str| verdict(&[SECRET], headers, body.as_bytes(), SENT_AT);
        let spaced = BODY.replace(':', ": ");
        assert_eq!(verdict(HEADERS, &spaced), Err(Code::SignatureInvalid), "the same JSON in other bytes");
        let later = WebhookHeaders { timestamp: "1800000001", ..HEADERS };
        assert_eq!(verdict(later, BODY), Err(Code::SignatureInvalid));
        for timestamp in ["", " 1800000000", "+1800000000", "1800000000.0", "18000000000000000000", "now"] {
            let odd = WebhookHeaders { timestamp, ..HEADERS };
            assert_eq!(verdict(odd, BODY), Err(Code::SignatureInvalid), "{timestamp:?}");
        }
        let upper = HEADERS.signature.to_uppercase();
        for signature in ["", "v0=", &HEADERS.signature[3..], &upper, &HEADERS.signature[..66]] {
            let odd = WebhookHeaders { signature, ..HEADERS };
            assert_eq!(verdict(odd, BODY), Err(Code::SignatureInvalid), "{signature:?}");
        }
    }

    #[test]
    fn the_window_is_five_minutes_either_way() {
        let at = |now| verdict(&[SECRET], HEADERS, BODY.as_bytes(), now);
        let tick = Duration::from_micros(1);
        assert_eq!(at(SENT_AT + WEBHOOK_TOLERANCE), Ok(0));
        assert_eq!(at(SENT_AT - WEBHOOK_TOLERANCE), Ok(0));
        assert_eq!(at(SENT_AT + WEBHOOK_TOLERANCE + tick), Err(Code::SignatureStale));
        assert_eq!(at(SENT_AT - WEBHOOK_TOLERANCE - tick), Err(Code::SignatureStale));
        let unsigned = verdict(&["other"], HEADERS, BODY.as_bytes(), SENT_AT + WEBHOOK_TOLERANCE * 2);
        assert_eq!(unsigned, Err(Code::SignatureInvalid), "the answer reveals nothing about our clock");
    }

    #[test]
    fn a_validation_is_answered_with_the_hmac_of_its_token() {
        assert_eq!(
            encrypt_plain_token(&Secret::new(SECRET), "qgg8vlvZRS6UYooatFL8Aw"),
            "87cbd62889e4a30ea8cca01b4fe10dd6e7eb2540007d1430e2e38a5395f349d3"
        );
    }

    #[test]
    fn events_are_distinguished() {
        let read = |text: &str| Webhook::read(text.as_bytes()).unwrap();
        let (account_id, user_id) = (Some("acc-1".to_owned()), "user-1".to_owned());
        let removed = read(BODY);
        assert_eq!(removed.happened_at, Some(Timestamp::from_microsecond(1_800_000_000_123_000)));
        let client_id = Some("client-1".to_owned());
        let expected = WebhookEvent::AppDeauthorized {
            account_id: account_id.clone(),
            user_id: user_id.clone(),
            client_id,
        };
        assert_eq!(removed.event, expected);

        let of_user = |event: &str| {
            read(&format!(
                r#"{{"event":"{event}","payload":{{"account_id":"acc-1","object":{{"id":"user-1"}}}}}}"#
            ))
            .event
        };
        assert_eq!(
            of_user("user.deactivated"),
            WebhookEvent::UserDeactivated { account_id: account_id.clone(), user_id: user_id.clone() }
        );
        assert_eq!(of_user("user.deleted"), WebhookEvent::UserDeleted { account_id, user_id });
        assert_eq!(of_user("user.updated"), WebhookEvent::Other { name: "user.updated".into() });

        let asked = read(r#"{"event":"endpoint.url_validation","payload":{"plainToken":"p"},"event_ts":1}"#);
        assert_eq!(asked.event, WebhookEvent::UrlValidation { plain_token: "p".into() });
        let odd = r#"{"event":"moon.full","payload":{"account_id":7,"object":{"id":["x"]},"user_id":null}}"#;
        assert_eq!(read(odd).event, WebhookEvent::Other { name: "moon.full".into() });
    }

    #[test]
    fn events_of_meetings_and_their_hosts_are_read() {
        let read = |event: &str, payload: &str| {
            let text = format!(r#"{{"event":"{event}","payload":{{"account_id":"acc-1",{payload}}}}}"#);
            Webhook::read(text.as_bytes()).unwrap().event
        };
        let meeting = |action, host: Option<&str>| WebhookEvent::Meeting {
            action,
            account_id: "acc-1".into(),
            number: MeetingNumber::try_from(81_234_567_890).unwrap(),
            host_id: host.map(str::to_owned),
        };
        let object = r#""object":{"id":81234567890,"host_id":"user-1"}"#;
        let text = r#""operation":"all","object":{"id":"81234567890","host_id":"user-1"}"#;
        let changed = r#""scope":"all","object":{"id":81234567890,"topic":"x"},"old_object":{"topic":"y"}"#;
        for (event, payload, expected) in [
            (MEETING_CREATED, object, meeting(MeetingAction::Created, Some("user-1"))),
            (MEETING_UPDATED, changed, meeting(MeetingAction::Updated, None)),
            (MEETING_UPDATED, object, meeting(MeetingAction::Updated, Some("user-1"))),
            (MEETING_DELETED, object, meeting(MeetingAction::Deleted, Some("user-1"))),
            (MEETING_DELETED, text, meeting(MeetingAction::Deleted, Some("user-1"))),
        ] {
            let event_read = read(event, payload);
            assert_eq!(event_read, expected, "{event} {payload}");
            assert_eq!(event_read.name(), event);
        }
        let (account_id, user_id) = ("acc-1".to_owned(), "user-1".to_owned());
        let number = MeetingNumber::try_from(5_551_234_567).unwrap();
        let room = WebhookEvent::PersonalRoom { account_id, user_id, number };
        assert_eq!(read(USER_UPDATED, r#""object":{"id":"user-1","pmi":5551234567}"#), room);
        assert_eq!(read(USER_UPDATED, r#""object":{"id":"user-1","pmi":"5551234567"}"#), room);
        let (account_id, user_id) = ("acc-1".to_owned(), "user-1".to_owned());
        let appeared = WebhookEvent::UserAppeared { name: USER_CREATED, account_id, user_id };
        assert_eq!(read(USER_CREATED, r#""object":{"id":"user-1"}"#), appeared);

        for (event, payload) in [
            // One occurrence of a series: the others stay.
            (MEETING_DELETED, r#""operation":"single","object":{"id":81234567890,"host_id":"user-1"}"#),
            (MEETING_CREATED, r#""object":{"id":7,"host_id":"user-1"}"#),
            (MEETING_CREATED, r#""object":{"id":["x"]}"#),
            (MEETING_CREATED, r#""x":0"#),
            (USER_UPDATED, r#""object":{"id":"user-1","pmi":"none"}"#),
            (USER_CREATED, r#""object":{"id":7}"#),
        ] {
            assert_eq!(read(event, payload), WebhookEvent::Other { name: event.into() }, "{event} {payload}");
        }
    }

    #[test]
    fn events_without_their_ids_are_malformed() {
        let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(513));
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"event":7}"#,
            r#"{"event":""}"#,
            &long,
            r#"{"event":"app_deauthorized","payload":{"account_id":"a","client_id":"c"}}"#,
            r#"{"event":"user.deleted","payload":{"account_id":"a","object":{"id":7}}}"#,
            r#"{"event":"user.deleted","payload":{"account_id":"a"}}"#,
            r#"{"event":"endpoint.url_validation","payload":{"plainToken":""}}"#,
            r#"{"event":"endpoint.url_validation"}"#,
        ] {
            let code = Webhook::read(body.as_bytes()).unwrap_err().code;
            assert_eq!(code, Code::RequestMalformed, "{body}");
        }
    }

    /// Values that may occur instead of the expected one; `None` means that the field is missing.
    const ODDITIES: [Option<&str>; 8] = [
        None,
        Some("null"),
        Some(r#""odd""#),
        Some("-7"),
        Some("1e400"),
        Some("[[]]"),
        Some(r#"{"id":["x"]}"#),
        Some("true"),
    ];

    /// `{` and each field with its value; the field named `replaced` has the value `by`.
    fn object(fields: &[(&str, &str)], replaced: &str, by: Option<&str>) -> String {
        let written = fields.iter().filter_map(|(name, value)| {
            let value = if *name == replaced { by } else { Some(*value) };
            value.map(|value| format!("\"{name}\":{value}"))
        });
        format!("{{{}}}", written.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn only_fields_that_end_an_account_can_make_an_event_malformed() {
        let removed = [
            ("account_id", r#""acc-1""#),
            ("user_id", r#""user-1""#),
            ("client_id", r#""client-1""#),
            ("signature", r#""s""#),
            ("deauthorization_time", r#""2027-01-15T08:00:00.123Z""#),
            ("user_data_retention", r#""false""#),
            ("object", r#"{"id":"user-1"}"#),
        ];
        let of_user = [
            ("account_id", r#""acc-1""#),
            ("operator", r#""boss@example.com""#),
            ("object", r#"{"id":"user-1","email":"ann@example.com","type":1}"#),
        ];
        let user_id = "user-1".to_owned();
        for (name, payload, needed) in [
            (APP_DEAUTHORIZED, &removed[..], "user_id"),
            (USER_DEACTIVATED, &of_user[..], "object"),
            (USER_DELETED, &of_user[..], "object"),
        ] {
            for by in ODDITIES {
                for replaced in payload.iter().map(|(name, _)| *name).chain(["event_ts", "x"]) {
                    if replaced == needed {
                        continue;
                    }
                    let (event, payload) = (format!("\"{name}\""), object(payload, replaced, by));
                    let outer =
                        [("event", event.as_str()), ("event_ts", "1800000000123"), ("payload", &payload)];
                    let body = object(&[&outer[..], &[("x", "1")]].concat(), replaced, by);
                    let read =
                        Webhook::read(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
                    match read.event {
                        WebhookEvent::AppDeauthorized { user_id: user, .. }
                        | WebhookEvent::UserDeactivated { user_id: user, .. }
                        | WebhookEvent::UserDeleted { user_id: user, .. } => {
                            assert_eq!(user, user_id, "{body}");
                        }
                        other => panic!("{body}: {other:?}"),
                    }
                    assert!(read.happened_at.is_none_or(|at| at > Timestamp::from_second(0)), "{body}");
                }
            }
        }
    }

    #[test]
    fn other_events_are_accepted_whatever_they_contain() {
        for by in ODDITIES {
            for replaced in ["event_ts", "payload", "object", "account_id", "download_token"] {
                let payload = object(&[("account_id", r#""a""#), ("object", r#"{"id":1}"#)], replaced, by);
                let fields = [
                    ("event", r#""recording.completed""#),
                    ("event_ts", "1800000000123"),
                    ("payload", &payload),
                    ("download_token", r#""t""#),
                ];
                let body = object(&fields, replaced, by);
                let event =
                    Webhook::read(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}")).event;
                assert_eq!(event, WebhookEvent::Other { name: "recording.completed".into() });
            }
        }
    }

    #[test]
    fn a_time_is_read_in_every_format_and_from_both_places() {
        let at = |event_ts: &str| {
            let body = BODY.replace("1800000000123", event_ts);
            Webhook::read(body.as_bytes()).unwrap().happened_at.unwrap().to_string()
        };
        let written = "2027-01-15T08:00:00.123000Z";
        for event_ts in
            ["1800000000123", r#""1800000000123""#, "1800000000123.7", "null", "[]", "1e400", "-1"]
        {
            assert_eq!(at(event_ts), written, "{event_ts}");
        }
        assert_eq!(at("9223372036854775807"), Timestamp::MAX.to_string());
    }

    proptest! {
        #[test]
        fn no_headers_are_accepted_or_cause_a_panic(
            signature in prop_oneof!["v0=[0-9a-f]{64}", "v0=.{0,70}", ".*"],
            timestamp in prop_oneof![Just("1800000000".to_owned()), "[0-9]{0,24}", ".*"],
            body in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let headers = WebhookHeaders { signature: &signature, timestamp: &timestamp };
            prop_assert_eq!(verdict(&[SECRET], headers, &body, SENT_AT), Err(Code::SignatureInvalid));
        }

        #[test]
        fn no_body_causes_a_panic(
            body in prop_oneof![
                any::<Vec<u8>>(),
                ".*".prop_map(String::into_bytes),
                r#"\{"event":"(app_deauthorized|user\.deleted|x)","event_ts":[-0-9]{1,20},"payload":[\{\["a-z:,\]\}]{0,40}\}"#
                    .prop_map(String::into_bytes),
                "[\\[{]{0,5000}".prop_map(String::into_bytes),
            ],
        ) {
            let _ = Webhook::read(&body);
        }
    }
}
