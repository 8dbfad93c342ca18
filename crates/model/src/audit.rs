//! The vocabulary of the audit: who requested a token, why, and the outcome.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AccountUser, ApiKeyId, BotId, Code, MeetingNumber, TokenLinkId};

/// Who requested a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditActor {
    /// A caller with a token link's URL and its signing secret.
    TokenLink(TokenLinkId),
    /// A holder of an API key.
    ApiKey(ApiKeyId),
    /// A bot of this installation.
    Bot(BotId),
}

impl AuditActor {
    /// The kind of id.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::TokenLink(_) => "token_link",
            Self::ApiKey(_) => "api_key",
            Self::Bot(_) => "bot",
        }
    }

    /// The id of either kind.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::TokenLink(TokenLinkId(id)) | Self::ApiKey(ApiKeyId(id)) | Self::Bot(BotId(id)) => id,
        }
    }

    /// Parses the values of [`kind`](Self::kind) and [`uuid`](Self::uuid).
    pub fn read(kind: &str, id: Uuid) -> Result<Self, String> {
        match kind {
            "token_link" => Ok(Self::TokenLink(TokenLinkId(id))),
            "api_key" => Ok(Self::ApiKey(ApiKeyId(id))),
            "bot" => Ok(Self::Bot(BotId(id))),
            other => Err(format!("{other:?} is not a kind of requester")),
        }
    }
}

/// The purpose of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A bot platform fetched from a token link.
    TokenLink,
    /// A bot signs in to join a meeting.
    BotJoin,
    /// The API's endpoint for access tokens.
    AccessTokenEndpoint,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::TokenLink, Self::BotJoin, Self::AccessTokenEndpoint];

    /// The word in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenLink => "token_link",
            Self::BotJoin => "bot_join",
            Self::AccessTokenEndpoint => "access_token_endpoint",
        }
    }
}

impl FromStr for Purpose {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|purpose| purpose.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is not a purpose"))
    }
}

/// What a token refers to in addition to the account, if the caller said so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenContext {
    /// The user, if the account is a server-to-server app's.
    pub user: Option<AccountUser>,
    /// The meeting.
    pub meeting: Option<MeetingNumber>,
    /// The bot, at the platform that requested the token.
    pub bot: Option<PlatformBot>,
}

/// A bot's id at another platform: up to 128 visible ASCII characters. It is not verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlatformBot(String);

/// The text is not a platform's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidPlatformBotId;

impl PlatformBot {
    /// The id as the platform wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlatformBot {
    type Err = InvalidPlatformBotId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for PlatformBot {
    type Error = InvalidPlatformBotId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=128).contains(&text.len()) { Ok(Self(text)) } else { Err(InvalidPlatformBotId) }
    }
}

impl From<PlatformBot> for String {
    fn from(bot: PlatformBot) -> Self {
        bot.0
    }
}

impl fmt::Display for PlatformBot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidPlatformBotId {}

impl fmt::Display for InvalidPlatformBotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id of a bot has 1 to 128 visible ASCII characters")
    }
}

/// The source of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// It was cached.
    Cached,
    /// It was minted at Zoom. All callers that wait for one mint have this source.
    Minted,
}

impl Source {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cached, Self::Minted];

    /// The word in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cached => "kept",
            Self::Minted => "minted",
        }
    }
}

impl FromStr for Source {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|source| source.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is not a source"))
    }
}

/// The outcome of a request for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A token was given.
    Given(Source),
    /// It was refused, for this reason.
    Refused(Code),
}

impl Outcome {
    /// The word for a token that was given. No code has this name.
    pub const GIVEN: &str = "given";

    /// `given`, or the code of the refusal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given(_) => Self::GIVEN,
            Self::Refused(code) => code.as_str(),
        }
    }

    /// The source of the token, if one was given.
    pub const fn source(self) -> Option<Source> {
        match self {
            Self::Given(source) => Some(source),
            Self::Refused(_) => None,
        }
    }

    /// Parses the values of [`as_str`](Self::as_str) and [`source`](Self::source).
    pub fn read(word: &str, source: Option<Source>) -> Result<Self, String> {
        match (word, source) {
            (Self::GIVEN, Some(source)) => Ok(Self::Given(source)),
            (Self::GIVEN, None) => Err("a token was given without a source".into()),
            (code, _) => {
                Code::from_text(code).map(Self::Refused).ok_or_else(|| format!("{code:?} is not a code"))
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::PlatformBot;

    #[test]
    fn a_platforms_bot_id_is_short_and_visible() {
        for id in ["bot_TESTVECTOR000001", "0191b2c4-0000-7000-8000-000000000000", &"x".repeat(128)] {
            assert_eq!(id.parse::<PlatformBot>().unwrap().as_str(), id);
        }
        for id in ["", "a b", "line\nbreak", "Zo\u{eb}", &"x".repeat(129)] {
            assert!(id.parse::<PlatformBot>().is_err(), "{id:?}");
        }
    }
}
