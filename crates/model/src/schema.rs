//! Schemas of these types in the OpenAPI document. Types written as text have a named schema, so that
//! generated clients distinguish an account's id from a bot's.

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

use crate::{
    AccountUser, ApiScope, BotStatus, Code, CredentialKind, CredentialStatus, MeetingNumber,
    MeetingSyncStatus, SubCode, Timestamp, TokenKind,
};

/// Text, with an optional format and an optional list of words.
pub(crate) fn text(about: &str, format: Option<&str>, words: &[&str]) -> RefOr<Schema> {
    let words = Some(words).filter(|words| !words.is_empty());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about.trim()))
        .format(format.map(|format| SchemaFormat::Custom(format.to_owned())))
        .enum_values(words.map(|words| words.iter().copied()))
        .into()
}

/// Types that are one word of a closed set.
macro_rules! words {
    ($($type:ty: $about:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                text($about, None, &words)
            }
        }

        impl ToSchema for $type {}
    )*};
}

words! {
    ApiScope: "What an API key may do. None includes another.";
    BotStatus: "The status of a bot. `done` and `fatal` are final.";
    Code: "A stable error code. Codes are never renamed.";
    CredentialKind: "The source of an account's access tokens.";
    CredentialStatus: "Whether an account can be used, with the cause if it can't.";
    MeetingSyncStatus: "The state of the list of an account's meetings.";
    TokenKind: "A kind of short-lived token that a Zoom account can give.";
}

macro_rules! sent_as_word {
    ($($type:ty)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

sent_as_word! { ApiScope Code CredentialKind CredentialStatus MeetingSyncStatus }

impl PartialSchema for SubCode {
    fn schema() -> RefOr<Schema> {
        // An open set: clients must accept unknown words.
        let known: Vec<_> = Self::ALL.iter().map(|word| format!("`{}`", word.as_str())).collect();
        let about = "Why a bot's call ended or failed. New words may be added, so accept any text. Known: ";
        text(&format!("{about}{}.", known.join(", ")), None, &[])
    }
}

impl ToSchema for SubCode {}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        text("A time in ISO 8601. Answers give it in UTC, to the microsecond.", Some("date-time"), &[])
    }
}

impl ToSchema for Timestamp {}

impl PartialSchema for AccountUser {
    fn schema() -> RefOr<Schema> {
        text("A user of a Zoom account: an e-mail address, or Zoom's id of the user.", None, &[])
    }
}

impl ToSchema for AccountUser {}

impl PartialSchema for MeetingNumber {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::Custom("int64".to_owned())))
            .description(Some("A meeting's number: 9 to 11 digits."))
            .minimum(Some(100_000_000_i64))
            .maximum(Some(99_999_999_999_i64))
            .into()
    }
}

impl ToSchema for MeetingNumber {}
