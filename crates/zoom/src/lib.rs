//! The client of Zoom. This is the only crate that knows a Zoom URL, a Zoom error code or a Zoom claim.
//!
//! | module | purpose |
//! |---|---|
//! | `fields` | reads JSON so that only a needed field can make it unreadable |
//! | `http` | the one HTTP client for Zoom: timeouts, root certificates, bounded bodies |
//! | `oauth` | consent address, code exchange, refresh, server-to-server grants, revocation |
//! | `token_answer` | reads an answer of the token endpoint, however odd it is |
//! | `rest` | the user of a token, and that user's ZAK |
//! | `meetings` | lists of meetings, and of the users who host them |
//! | `limits` | Zoom's limits: labels of calls, and the headers of an answer |
//! | `refusal` | tables of the meanings of Zoom's error bodies |
//! | `error` | the failures of calls by meaning, with their class and stable code |
//! | `server_time` | Zoom's time |
//! | `signature` | the JWT with which the Meeting SDK joins |
//! | `link` | meeting links in all their forms |
//! | `join_error` | a table of the meanings of the SDK's join errors for a bot |
//! | `prose` | the meanings of two kinds of English text, for which the SDK gives nothing else |
//! | `webhook` | verifies and reads webhooks |
//! | `pkce` | proves that the party that exchanges a code is the one that requested it |
//!
//! Facts in these modules are marked *documented* (Zoom says so), *observed* (in Zoom, its SDK or public
//! integrations) or *ours* (a choice of Latchkey). Nothing matches on Zoom's prose, except `prose`, which explains
//! why it must.
//!
//! Secrets are exposed from a [`Secret`](model::Secret) here only for an `Authorization` header, a form body or a signature.

mod error;
mod fields;
mod http;
mod join_error;
mod jwt;
mod limits;
mod link;
mod meeting_tokens;
mod meetings;
mod oauth;
mod pkce;
mod prose;
mod refusal;
mod rest;
mod retry_after;
mod server_time;
mod signature;
mod token_answer;
mod webhook;

pub use error::{ClientSetupError, Sent, ZoomError};
pub use fields::Fields;
pub use http::{Endpoints, ZoomClient};
pub use join_error::{JoinVerdict, judge};
pub use jwt::{Claims, unverified_claims};
pub use limits::{CallTurn, Label, LimitHit, Plan, RateLimits};
pub use link::{LinkError, MeetingLink, join_link, personal_name};
pub use meetings::{Listed, ListedMeeting, ListedUser};
pub use oauth::{AppKeys, Grant};
pub use pkce::{challenge, verifier};
pub use prose::{Closed, judge_end};
pub use rest::{ApiAccess, UserStatus, Zak, ZoomUser};
pub use server_time::ZoomClock;
pub use signature::{Role, sdk_signature};
pub use webhook::{
    MeetingAction, WEBHOOK_TOLERANCE, Webhook, WebhookEvent, WebhookHeaders, check_webhook_time,
    encrypt_plain_token, verify_webhook,
};
