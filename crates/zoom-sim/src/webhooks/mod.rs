//! Webhooks: signed deliveries, their retries, and the validation of URLs.
//!
//! | module | contains |
//! |---|---|
//! | `endpoint` | an app's URL, its secret token, its subscriptions, and whether it passed validation |
//! | `event`, `meeting_event` | names and bodies of events |
//! | `outbox` | past and pending deliveries, every attempt, and when the next one is due |
//! | `wire` | signs and sends one request, to loopback only |
//! | `delivery`| the task that sends due deliveries, and the validation handshake |

pub(crate) mod delivery;
pub(crate) mod endpoint;
pub(crate) mod event;
pub(crate) mod meeting_event;
pub(crate) mod outbox;
pub(crate) mod wire;
