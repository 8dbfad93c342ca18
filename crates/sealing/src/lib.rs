//! Secrets at rest: envelope encryption, bound to their place.
//!
//! Every secret gets a data key of its own; the data key is wrapped by a key of the [`KeyRing`], which has an id.
//! Both steps are AES-256-GCM, and both authenticate the format's version, the wrapping key's id and the *place*:
//! workspace, table, row and column. A ciphertext that was moved, cut, or written by another key does not open.
//!
//! ```text
//! version 1 | key id: length, text | nonce 12 | wrapped data key 32 + 16 | nonce 12 | ciphertext + 16
//! ```
//!
//! - [`Provider`]: where the ring lies (a file of ours, a mounted file, the environment) and whether a key service has
//!   wrapped its keys. It makes, rotates and retires.
//! - [`Keys`]: the ring as a process holds it, which follows its file.

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
