//! HTTP to URLs that customers configure, such as a bot's `zak_url`, or the URL where a customer who manages the grant
//! provides access tokens.
//!
//! - [`NetworkGuard`]: which addresses may be called. It checks the address that is connected to, not the name.
//! - [`CallbackClient`]: sends signed requests with limits of time and size, and follows no redirect.
//! - `socket`: WebSocket connections, with the same rules.
//! - `token`: checks whether a text can be a token.
//! - [`signature`]: Standard Webhooks signatures of the requests that we send, and of those that fetch tokens from us.

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
