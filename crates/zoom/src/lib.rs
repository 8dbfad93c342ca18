//! Zoom as its client sees it. The only crate that knows a Zoom URL, a Zoom error code or a Zoom claim.
//!
//! | module | knows |
//! |---|---|
//! | `fields` | how JSON is read so that only a needed field can refuse it |
//! | `http` | the one HTTP client that talks to Zoom: deadlines, roots, bounded bodies |
//! | `oauth` | consent address, code exchange, refresh, server-to-server grants, revocation |
//! | `token_answer` | what an answer of the token endpoint holds, however odd it is |
//! | `rest` | who a token belongs to, and that user's ZAK |
//! | `meetings` | lists of meetings, and of the users who host them |
//! | `limits` | Zoom's limits: labels of calls, and what the headers of an answer say |
//! | `refusal` | what Zoom's error bodies mean, as tables |
//! | `error` | every failure of a call, by meaning; class and stable code of each |
//! | `server_time` | what time it is at Zoom |
//! | `signature` | the JWT that lets the Meeting SDK join |
//! | `link` | meeting links in all their forms |
//! | `join_error` | what the SDK's join errors mean for a bot, as a table |
//! | `prose` | what two kinds of English text mean, where the SDK gives nothing else |
//! | `webhook` | whether a webhook is genuine, and what it says |
//! | `pkce` | proof that the same party exchanges a code and asked for it |
//!
//! Facts in these modules are marked *documented* (Zoom says so), *observed* (Zoom, its SDK or public
//! integrations were seen doing so) or *ours* (a choice of Latchkey's). Nothing matches on Zoom's prose, except
//! `prose`, which says why it must.
//!
//! Secrets leave a [`Secret`](model::Secret) here only into an `Authorization` header, a form body or a signature.

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
