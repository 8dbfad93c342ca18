//! Secrets at rest: envelope encryption, bound to their cell.
//!
//! Every secret has its own data key. The data key is wrapped by a key of the [`KeyRing`], which has an id. Both steps use
//! AES-256-GCM, and both authenticate the format's version, the wrapping key's id and the *cell*: workspace, table, row and
//! column. A ciphertext that was moved, truncated, or sealed with another key can't be opened.
//!
//! ```text
//! version 1 | key id: length, text | nonce 12 | wrapped data key 32 + 16 | nonce 12 | ciphertext + 16
//! ```
//!
//! - [`Provider`]: where the ring is stored (a private file, a mounted file, the environment) and the key service that
//!   wraps its keys, if there is one. It creates rings, and rotates and retires keys.
//! - [`Keys`]: the ring of a running process, which is reloaded when its file changes.

mod cell_address;
mod key_file;
mod keys;
mod provider;
mod ring;
mod ring_text;
mod transit;

pub use cell_address::CellAddress;
pub use key_file::KeyFileError;
pub use keys::Keys;
pub use provider::{KeysError, Provider, Retired, RingSource, Rotated};
pub use ring::{HEAD_LEN, KeyRing, OpenError, key_id};
pub use transit::{Token, Transit, TransitConfig, TransitError};
