//! The scopes of API keys.

use std::{convert::Infallible, fmt, str::FromStr};

/// One permission of a key. None includes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiScope {
    /// Read everything in the workspace except secrets.
    Read,
    /// Create and command bots.
    Bots,
    /// Create token links, and fetch tokens.
    Tokens,
    /// Change apps, accounts, keys and the callback secret.
    Admin,
    /// Create and list workspaces. It gives no access to their contents.
    Operator,
}

impl ApiScope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Read, Self::Bots, Self::Tokens, Self::Admin, Self::Operator];

    /// The word in requests, answers and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Bots => "bots",
            Self::Tokens => "tokens",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }
}

impl FromStr for ApiScope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("{text:?} is not a scope; there are {all}")
        })
    }
}

/// The scopes of one key. In the database: words separated by commas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApiScopes(u8);

impl ApiScopes {
    /// All scopes within a workspace.
    pub fn of_a_workspace() -> Self {
        [ApiScope::Read, ApiScope::Bots, ApiScope::Tokens, ApiScope::Admin].into_iter().collect()
    }

    /// Whether it includes this scope.
    pub const fn has(self, scope: ApiScope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }

    /// Whether it is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each scope, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = ApiScope> {
        ApiScope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<ApiScope> for ApiScopes {
    fn from_iter<I: IntoIterator<Item = ApiScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u8))
    }
}

impl fmt::Display for ApiScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(ApiScope::as_str).collect();
        f.write_str(&words.join(","))
    }
}

/// An unknown word, from a newer version, is ignored and grants nothing.
impl FromStr for ApiScopes {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.split(',').filter_map(|word| word.parse::<ApiScope>().ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiScope, ApiScopes};

    #[test]
    fn scopes_are_read_as_they_are_written() {
        let scopes: ApiScopes = [ApiScope::Operator, ApiScope::Read].into_iter().collect();
        assert_eq!(scopes.to_string(), "read,operator");
        assert_eq!("read,operator".parse::<ApiScopes>().unwrap(), scopes);
        assert_eq!("read,fly".parse::<ApiScopes>().unwrap().to_string(), "read");
        assert!("".parse::<ApiScopes>().unwrap().is_empty());
    }

    #[test]
    fn the_scopes_of_a_workspace_do_not_include_operator() {
        let all = ApiScopes::of_a_workspace();
        assert_eq!(all.to_string(), "read,bots,tokens,admin");
        assert!(!all.has(ApiScope::Operator));
    }
}
