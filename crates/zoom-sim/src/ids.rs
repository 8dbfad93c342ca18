//! Ids with distinct types, so that they cannot be confused.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) String);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A Zoom account: the organisation that users belong to.
    AccountId
    /// An app's public id; the SDK calls the same value `appKey` and `sdkKey` (D).
    ClientId
    /// A grant: a given consent and its tokens (ours).
    GrantId
    /// A meeting's number: 9 to 11 digits (I), without spaces.
    MeetingNumber
    /// A Zoom user.
    UserId
}

impl MeetingNumber {
    /// Whether it has 9 to 11 digits (I).
    pub(crate) fn is_plausible(&self) -> bool {
        (9..=11).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The number as in REST and most events; 0 if it is not a number.
    pub(crate) fn as_number(&self) -> u64 {
        self.0.parse().unwrap_or_default()
    }
}
