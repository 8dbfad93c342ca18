//! Request bodies as types.
//!
//! `request!` makes three things from one list of fields: the type that a handler gets, the reader that fills it, and the
//! schema in `/openapi.json`. So exactly what is documented is read. serde's `Deserialize` would stop at the first wrong
//! field; the contract reports all of them at once, which is why [`Fields`] reads.

mod value;

use utoipa::openapi::{RefOr, Schema};

use crate::fields::Fields;

pub(crate) use value::{AnyObject, Anything, CallbackUrl, Empty, Overlap, Pasted, Seconds, Text, Whole};

/// Named schemas that others refer to.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// A type of a field.
pub(crate) trait Field: Sized {
    /// Whether a body without the field is refused.
    const REQUIRED: bool = true;

    /// The value; `None` where it is not given, or after an error was reported.
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self>;

    /// The same as a member of an object: the type decides whether it may be absent.
    fn member(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let value = Self::read(fields, name);
        fields.required(name, value)
    }

    fn schema() -> RefOr<Schema>;

    /// Adds what the schema refers to.
    fn schemas(_: &mut Schemas) {}
}

/// `None`: not given, or null, or an error was reported.
impl<T: Field> Field for Option<T> {
    const REQUIRED: bool = false;

    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        Some(T::read(fields, name))
    }

    fn schema() -> RefOr<Schema> {
        value::nullable(T::schema())
    }

    fn schemas(schemas: &mut Schemas) {
        T::schemas(schemas);
    }
}

/// An object of a request, made by `request!`.
pub(crate) trait Request: Sized {
    /// The names of its fields.
    const FIELDS: &'static [&'static str];

    /// `None` only after an error was reported.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

/// Defines a request: a struct whose fields are [`Field`]s. A `closed` one refuses unknown fields, because
/// they are probably misspelt. An `open` one ignores them.
macro_rules! request {
    (
        $(#[doc = $about:literal])*
        $(#[expect($($of_all:tt)*)])?
        $kind:ident struct $name:ident {
            $($(#[doc = $doc:literal])* $(#[expect($($lint:tt)*)])? $field:ident: $type:ty,)*
        }
    ) => {
        $(#[doc = $about])*
        $(#[expect($($of_all)*)])?
        pub(crate) struct $name {
            $($(#[doc = $doc])* $(#[expect($($lint)*)])? $field: $type,)*
        }

        impl $crate::request::Request for $name {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field),)*];

            fn read(fields: &mut $crate::fields::Fields<'_>) -> Option<Self> {
                $crate::request::$kind(fields, Self::FIELDS);
                // All fields are read, even if one is wrong.
                $(let $field = <$type as $crate::request::Field>::member(fields, stringify!($field));)*
                Some(Self { $($field: $field?,)* })
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::request::object(
                    &[$($about),*],
                    $crate::request::Kind::$kind,
                    vec![$((
                        stringify!($field),
                        <$type as $crate::request::Field>::REQUIRED,
                        <$type as $crate::request::Field>::schema(),
                        &[$($doc),*][..],
                    ),)*],
                )
            }
        }

        impl utoipa::ToSchema for $name {
            fn schemas(schemas: &mut $crate::request::Schemas) {
                $(<$type as $crate::request::Field>::schemas(schemas);)*
            }
        }
    };
}
pub(crate) use request;

/// Whether an object accepts unknown fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(non_camel_case_types, reason = "the words of `request!`")]
pub(crate) enum Kind {
    open,
    closed,
}

pub(crate) fn open(_: &mut Fields<'_>, _: &[&str]) {}

pub(crate) fn closed(fields: &mut Fields<'_>, known: &[&str]) {
    fields.only(known);
}

/// Implements [`Field`] for requests inside requests.
macro_rules! nested {
    ($($name:ty)*) => {$(
        impl $crate::request::Field for $name {
            fn read(fields: &mut $crate::fields::Fields<'_>, name: &str) -> Option<Self> {
                fields.object(name, <$name as $crate::request::Request>::read).flatten()
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::request::reference::<$name>()
            }

            fn schemas(schemas: &mut $crate::request::Schemas) {
                $crate::request::refer::<$name>(schemas);
            }
        }
    )*};
}
pub(crate) use nested;

pub(crate) use value::{any_object, number, object, parsed, refer, reference, string};
