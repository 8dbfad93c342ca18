//! HTTP to servers that customers name: a ZAK from a bot's `zak_url`, an access token from a customer who keeps the
//! grant.
//!
//! - [`NetworkGuard`]: where we may be sent; judged by the address that is connected to, not by the name.
//! - [`CallbackClient`]: signed, bounded in time and size, never redirected.
//! - `socket`: WebSocket connections, by the same rules.
//! - `token`: checks whether a text can be a token.
//! - [`signature`]: Standard Webhooks signatures of the requests that we send and of those that fetch from us.

mod callback;
mod guard;
mod post;
pub mod signature;
mod socket;
mod special_purpose;
mod token;

pub use callback::{CallbackClient, CallbackError, Unreached};
pub use guard::NetworkGuard;
pub use post::{Message, POST_TIMEOUT, PostAnswer};
pub use socket::{Socket, frames};
pub use token::token;
