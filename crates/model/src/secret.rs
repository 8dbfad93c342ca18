//! A type for secrets.

use std::{fmt, sync::Arc};

use secrecy::{ExposeSecret, SecretString};

/// Text that can't be printed, compared with `==` or serialized by accident, and is wiped when its last owner
/// drops it. Clones share the same memory.
///
/// [`Secret::expose`] is called only in `sealing`, in the Zoom client, in the page that joins, and in the
/// encoder of a token answer. `scripts/check-exposures` keeps that list short.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(SecretString::from(text.into())))
    }

    /// The text itself. Review every caller of this.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Ciphertext as stored in the database. Only `sealing` creates and opens it, bound to its cell.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_prints_nothing_of_the_secret() {
        assert_eq!(format!("{:?}", Secret::new("planted")), "Secret(…)");
    }
}
