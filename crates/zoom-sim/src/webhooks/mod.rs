//! What Zoom tells apps unasked: signed webhooks, their retries, and the validation of addresses.
//!
//! | module | knows |
//! |---|---|
//! | `endpoint` | an app's address, its secret token, what it subscribed, whether it passed validation |
//! | `event`, `meeting_event` | names and bodies |
//! | `outbox` | what was or will be delivered, every attempt, and when the next one is due |
//! | `wire` | signing and sending one request, to loopback only |
//! | `delivery`| the task that sends what is due, and the validation handshake |

pub(crate) mod delivery;
pub(crate) mod endpoint;
pub(crate) mod event;
pub(crate) mod meeting_event;
pub(crate) mod outbox;
pub(crate) mod wire;
