//! Pages of a list.

use std::{fmt, str::FromStr};

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The smallest first.
    Ascending,
    /// The largest first; for times, the newest.
    #[default]
    Descending,
}

impl Order {
    /// The opposite order.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// A row's position in a list. Written `<key>_<id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The sort key: microseconds since 1970, or a number.
    pub key: i64,
    /// Distinguishes rows with the same key.
    pub id: String,
}

/// The longest id that is accepted; ours are shorter.
const MAX_CHARACTERS: usize = 64;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.key, self.id)
    }
}

impl FromStr for Place {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = text.split_once('_').and_then(|(key, id)| {
            let is_an_id = (1..=MAX_CHARACTERS).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'/');
            let key = key.parse().ok()?;
            is_an_id.then(|| Self { key, id: id.to_owned() })
        });
        place.ok_or_else(|| format!("{text:?} is not a position in a list"))
    }
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// The order.
    pub order: Order,
    /// Only rows after this position in that order.
    pub after: Option<Place>,
    /// The maximum number of rows.
    pub most: u32,
}
