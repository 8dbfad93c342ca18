//! Types of `store` that requests and answers write as one word of a closed set.

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{
    fields::Fields,
    request::{Field, Schemas, parsed, refer, reference},
};

/// The error text for an unknown kind of app.
pub(crate) const APP_KINDS: &str = "It must be user_level, account_level or server_to_server.";

/// Defines a type around `$inner`; its words are the results of `as_str`.
macro_rules! words {
    ($($(#[doc = $about:literal])* $name:ident($inner:ident) = [$($word:ident),*], $complaint:expr;)*) => {$(
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) store::$inner);

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($about),*).trim()))
                    .enum_values(Some([$(store::$inner::$word.as_str()),*]))
                    .into()
            }
        }

        impl ToSchema for $name {}

        parsed! { $name: $complaint; }
    )*};
}

words! {
    /// Whose meetings a Zoom app may see.
    AppKind(AppKind) = [UserLevel, AccountLevel, ServerToServer],
        APP_KINDS;
    /// What happens when a connected user is connected again over the API.
    SecondAuthorization(SecondAuthorization) = [Replace, Conflict],
        "It must be replace or conflict.";
    /// What happens to fields of a new bot that have no effect: they are named in the answer, or the request is refused.
    IgnoredFields(IgnoredFields) = [Name, Refuse],
        "It must be name or refuse.";
}

/// The protocol between a bot platform and a token link: how it requests tokens, and how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect(pub(crate) store::Dialect);

impl Serialize for Dialect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl PartialSchema for Dialect {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "The protocol of a bot platform: how it requests tokens, and how it is answered.",
            ))
            .enum_values(Some(store::Dialect::ALL.map(store::Dialect::as_str)))
            .into()
    }
}

impl ToSchema for Dialect {}

impl Field for Dialect {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let word = fields.text(name, 40)?;
        let known = store::Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == word);
        if known.is_none() {
            let [most @ .., last] = store::Dialect::ALL.map(store::Dialect::as_str);
            fields.complain(name, format!("It must be {} or {last}.", most.join(", ")));
        }
        known.map(Self)
    }

    fn schema() -> RefOr<Schema> {
        reference::<Self>()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<Self>(schemas);
    }
}
