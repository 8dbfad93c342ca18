//! Tenants: workspaces, their keys and secrets, and the sealing of their data.
//!
//! - [`Workspaces`]: creates workspaces, their API keys and callback secrets, for the API and the command line.
//! - [`ApiKeys`]: checks the key of a call.
//! - [`ConsoleSessions`]: browsers that have signed in with a key.
//! - [`Vault`]: seals secrets for the [`Cell`]s of the store that contain them, and opens them.
//! - [`Idempotency`]: a request with an idempotency key is executed once, and answered each time it is sent.

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
pub use workspaces::{FirstWorkspace, StartError, Workspaces, digest};
