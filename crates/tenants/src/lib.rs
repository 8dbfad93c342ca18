//! Tenants: workspaces, their keys and secrets, and what is sealed for them.
//!
//! - [`Workspaces`]: the first and every other one, their API keys and callback secrets, as the API and the command line have
//!   them in common.
//! - [`ApiKeys`]: what a key that came with a call is good for.
//! - [`ConsoleSessions`]: browsers that have signed in with a key.
//! - [`Vault`]: seals secrets for the [`Cell`]s of the store in which they lie, and opens them.
//! - [`Idempotency`]: a request with an idempotency key is done once, and answered as often as it is sent.

mod api_keys;
mod callback_secrets;
mod console_sessions;
mod idempotency;
mod vault;
mod workspaces;

pub use api_keys::{ApiKeys, IssuedKey, KeyCheck, NewApiKey};
pub use callback_secrets::{CallbackSecrets, Rotation, SECRET_OVERLAP};
pub use console_sessions::{ConsoleSessions, LINK_TTL, SESSION_TTL, SignedIn};
pub use idempotency::{Idempotency, RepeatableRequest, Repetition, Ticket};
pub use vault::{Cell, Vault};
pub use workspaces::{Founded, StartError, Workspaces, digest};
