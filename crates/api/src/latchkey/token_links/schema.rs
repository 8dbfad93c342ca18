//! The bodies of token links in the document: a property for each name of [`FIELDS`], which is what is read.

use model::{AccountUser, CredentialId, MeetingNumber, PoolId, Timestamp, TokenKind};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema, Type, schema::AdditionalProperties},
};

use super::read::FIELDS;
use crate::{
    request::{Schemas, number, refer, reference, string},
    words::Dialect,
};

/// A token link to be made.
pub(crate) struct CreateTokenLink;

/// What a token link is narrowed to. Fields that are fixed when a link is made are refused.
pub(crate) struct NarrowTokenLink;

impl PartialSchema for CreateTokenLink {
    fn schema() -> RefOr<Schema> {
        let about =
            "Whose tokens: one of credential, accounts, pool and host. Everything else may be left out.";
        object(about)
    }
}

impl ToSchema for CreateTokenLink {
    fn schemas(schemas: &mut Schemas) {
        all(schemas);
    }
}

impl PartialSchema for NarrowTokenLink {
    fn schema() -> RefOr<Schema> {
        object("Less than the link gives now, or other signing secrets. Fields that are fixed are refused.")
    }
}

impl ToSchema for NarrowTokenLink {
    fn schemas(schemas: &mut Schemas) {
        all(schemas);
    }
}

fn all(schemas: &mut Schemas) {
    refer::<AccountUser>(schemas);
    refer::<CredentialId>(schemas);
    refer::<Dialect>(schemas);
    refer::<MeetingNumber>(schemas);
    refer::<PoolId>(schemas);
    refer::<Timestamp>(schemas);
    refer::<TokenKind>(schemas);
}

fn object(about: &str) -> RefOr<Schema> {
    let closed = AdditionalProperties::FreeForm(false);
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(about))
        .additional_properties(Some(closed));
    FIELDS.into_iter().fold(object, |object, name| object.property(name, property(name))).into()
}

fn property(name: &str) -> RefOr<Schema> {
    match name {
        "name" => string(200).into(),
        "dialect" => reference::<Dialect>(),
        "kind" | "kinds" => one_or_more(reference::<TokenKind>()),
        "credential" => reference::<CredentialId>(),
        "user" => reference::<AccountUser>(),
        "accounts" => {
            let account = ObjectBuilder::new()
                .property("credential", reference::<CredentialId>())
                .required("credential")
                .property("user", reference::<AccountUser>());
            ArrayBuilder::new().items(account).min_items(Some(1)).max_items(Some(5)).into()
        }
        "pool" => reference::<PoolId>(),
        "meeting" => OneOfBuilder::new().item(reference::<MeetingNumber>()).item(string(20)).into(),
        "verification" => ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some([super::read::SIGNATURE, super::read::QUERY_SECRET, super::read::UNSIGNED]))
            .into(),
        "query_parameter" => string(40).into(),
        "query_secret" => string(200).min_length(Some(16)).into(),
        "signing_secret" | "networks" => one_or_more(string(1000).into()),
        "host" | "meeting_in_request" | "optional" | "allow_repeat" | "hosting" => {
            ObjectBuilder::new().schema_type(Type::Boolean).into()
        }
        "zak_outlives" => number(60, 24 * 3600),
        "seat_seconds" => number(60, 48 * 3600),
        "per_minute" | "max_uses" => number(1, u32::MAX),
        "not_before" | "expires_at" => reference::<Timestamp>(),
        unknown => panic!("the field {unknown} of token links has no schema: say here what it holds"),
    }
}

fn one_or_more(item: RefOr<Schema>) -> RefOr<Schema> {
    OneOfBuilder::new().item(item.clone()).item(ArrayBuilder::new().items(item)).into()
}
