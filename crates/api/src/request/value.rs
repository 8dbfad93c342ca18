//! The types of requests' fields, and their schemas.

use std::{ops::Deref, time::Duration};

use model::{AccountUser, CredentialId, PoolId, Timestamp, ZoomOauthAppId};
use serde_json::{Map, Value};
use tenants::SECRET_OVERLAP;
use utoipa::{
    ToSchema,
    openapi::{
        ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
        schema::{AdditionalProperties, SchemaType},
    },
};

use super::{Field, Kind, Schemas};
use crate::fields::Fields;

/// Text of 1 to `MAX` characters.
pub(crate) struct Text<const MAX: usize>(pub(crate) String);

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Field for Text<MAX> {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.text(name, MAX).map(|text| Self(text.to_owned()))
    }

    fn schema() -> RefOr<Schema> {
        string(MAX).into()
    }
}

/// A pasted id or secret of 1 to `MAX` characters. It can't be printed: it has no `Debug`.
pub(crate) struct Pasted<const MAX: usize>(pub(crate) String);

impl<const MAX: usize> Field for Pasted<MAX> {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.pasted(name, MAX).map(|text| Self(text.to_owned()))
    }

    fn schema() -> RefOr<Schema> {
        string(MAX).into()
    }
}

/// A URL of 1 to `MAX` characters that this server may call.
pub(crate) struct CallbackUrl<const MAX: usize>(pub(crate) String);

impl<const MAX: usize> Field for CallbackUrl<MAX> {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.callback_url(name, MAX).map(|url| Self(url.to_owned()))
    }

    fn schema() -> RefOr<Schema> {
        string(MAX).format(Some(SchemaFormat::Custom("uri".to_owned()))).into()
    }
}

/// An empty object.
pub(crate) struct Empty;

impl Field for Empty {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.object(name, |inner| {
            inner.only(&[]);
            Self
        })
    }

    fn schema() -> RefOr<Schema> {
        object(&[], Kind::closed, Vec::new())
    }
}

/// Any value.
pub(crate) struct Anything;

impl Field for Anything {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.anything(name).map(|_| Self)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::AnyValue).into()
    }
}

/// A whole number.
pub(crate) struct Whole<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Field for Whole<MIN, MAX> {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.number_between(name, MIN, MAX).map(Self)
    }

    fn schema() -> RefOr<Schema> {
        number(MIN, MAX)
    }
}

/// Whole seconds.
pub(crate) struct Seconds<const MIN: u32>(pub(crate) u32);

impl<const MIN: u32> Field for Seconds<MIN> {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.seconds(name, MIN).map(Self)
    }

    fn schema() -> RefOr<Schema> {
        number(MIN, u32::MAX)
    }
}

/// How long a secret stays valid after its replacement: whole seconds, a day at most.
pub(crate) struct Overlap(pub(crate) Duration);

impl Field for Overlap {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.overlap(name, SECRET_OVERLAP).map(Self)
    }

    fn schema() -> RefOr<Schema> {
        number(0, u32::try_from(SECRET_OVERLAP.as_secs()).expect("a day"))
    }
}

impl Field for bool {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.boolean(name)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

/// An object with any fields.
pub(crate) struct AnyObject(pub(crate) Map<String, Value>);

impl Field for AnyObject {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        fields.object(name, |inner| Self(inner.others(&[])))
    }

    fn schema() -> RefOr<Schema> {
        any_object().into()
    }
}

/// Types that are parsed from text, and the error texts.
macro_rules! parsed {
    ($($type:ty: $complaint:expr;)*) => {$(
        impl $crate::request::Field for $type {
            fn read(fields: &mut $crate::fields::Fields<'_>, name: &str) -> Option<Self> {
                fields.parsed(name, $complaint)
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::request::reference::<$type>()
            }

            fn schemas(schemas: &mut $crate::request::Schemas) {
                $crate::request::refer::<$type>(schemas);
            }
        }
    )*};
}
pub(crate) use parsed;

parsed! {
    AccountUser: "It must be an e-mail address or Zoom's id of a user.";
    CredentialId: "It must be the id of an account.";
    PoolId: "It must be the id of a pool.";
    Timestamp: "It must be a time in ISO 8601, such as 2026-01-31T12:00:00Z.";
    ZoomOauthAppId: "It must be the id of a registered app.";
}

/// A reference to a named schema.
pub(crate) fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// Adds a named schema, and those that it refers to.
pub(crate) fn refer<T: ToSchema>(schemas: &mut Schemas) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

/// An object with these members: name, whether it is required, schema, description.
pub(crate) fn object(
    about: &[&str],
    kind: Kind,
    members: Vec<(&str, bool, RefOr<Schema>, &[&str])>,
) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(words(about)).filter(|w| !w.is_empty()));
    if kind == Kind::closed {
        object = object.additional_properties(Some(AdditionalProperties::FreeForm(false)));
    }
    for (name, required, schema, about) in members {
        object = object.property(name, described(schema, &words(about)));
        if required {
            object = object.required(name);
        }
    }
    object.into()
}

pub(super) fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Type(kind) = object.schema_type {
                object.schema_type = SchemaType::from_iter([kind, Type::Null]);
            }
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
            RefOr::T(Schema::Array(array))
        }
        other => OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::Null)).item(other).into(),
    }
}

/// Joins the lines of a text.
fn words(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn described(schema: RefOr<Schema>, about: &str) -> RefOr<Schema> {
    let about = Some(about.to_owned()).filter(|about| !about.is_empty());
    match schema {
        RefOr::Ref(mut reference) => {
            reference.description = about.unwrap_or_default();
            RefOr::Ref(reference)
        }
        RefOr::T(Schema::Object(mut object)) => {
            object.description = about.or(object.description);
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = about.or(array.description);
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(mut one_of)) => {
            one_of.description = about.or(one_of.description);
            RefOr::T(Schema::OneOf(one_of))
        }
        other @ RefOr::T(_) => other,
    }
}

pub(crate) fn any_object() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

pub(crate) fn string(most: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(most))
}

pub(crate) fn number(least: u32, most: u32) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most)).into()
}
