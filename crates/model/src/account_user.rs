//! One user of a Zoom account, as callers name the user.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An e-mail address, or Zoom's id of the user. Never `me`, which is not a user for a server-to-server app.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountUser(String);

/// The text is not a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAUser;

impl AccountUser {
    /// Whether it is an address, which can be reassigned to another user. An id is permanent.
    pub fn is_address(&self) -> bool {
        self.0.contains('@')
    }

    /// The text as given, except that an address is in lower case, because Zoom ignores case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountUser {
    type Err = NotAUser;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_address =
            text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
                && text.len() <= 320
                && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/');
        // Zoom's ids have 22 characters. The bounds exclude words, above all `me`.
        let is_id = (16..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b));
        match (is_address, is_id) {
            (true, _) => Ok(Self(text.to_lowercase())),
            (false, true) => Ok(Self(text.to_owned())),
            (false, false) => Err(NotAUser),
        }
    }
}

impl TryFrom<String> for AccountUser {
    type Error = NotAUser;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AccountUser> for String {
    fn from(user: AccountUser) -> Self {
        user.0
    }
}

impl fmt::Display for AccountUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NotAUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is neither an e-mail address nor Zoom's id of a user")
    }
}

impl std::error::Error for NotAUser {}

#[cfg(test)]
mod tests {
    use super::AccountUser;

    #[test]
    fn only_addresses_and_ids_name_a_user() {
        for user in ["ada@example.test", "KDcuGIm1QgePTO8WbOqwIQ", "Zoë@example.test"] {
            assert!(user.parse::<AccountUser>().is_ok(), "{user}");
        }
        for nobody in
            ["", "me", "..", "@", "a@", "a b@c", "a/../b@c", "../../meetings", "KDcuGIm1Qge/TO8WbOqwIQ"]
        {
            assert!(nobody.parse::<AccountUser>().is_err(), "{nobody}");
        }
        assert!("ada@example.test".parse::<AccountUser>().unwrap().is_address());
        assert!(!"KDcuGIm1QgePTO8WbOqwIQ".parse::<AccountUser>().unwrap().is_address());
        assert_eq!("Ada@Example.test".parse::<AccountUser>().unwrap().as_str(), "ada@example.test");
    }
}
