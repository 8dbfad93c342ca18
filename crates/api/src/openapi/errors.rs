//! Errors in the OpenAPI document. Status and body come from the error itself, so the document shows the real answers.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder,
        Schema, Type,
        example::{Example, ExampleBuilder},
        path::Operation,
        schema::AnyOfBuilder,
    },
};

use crate::{
    error::{ApiError, ErrorBody},
    request::any_object,
};

const JSON: &str = "application/json";

/// Errors by field: a list of texts, or, for an object or a list inside, a map or a list of maps of the same kind.
pub(crate) struct FieldErrorsBody;

impl PartialSchema for FieldErrorsBody {
    fn schema() -> RefOr<Schema> {
        let about = "Errors by field: a list of texts; for an object or a list of objects, the same structure inside.";
        any_object().description(Some(about)).into()
    }
}

impl ToSchema for FieldErrorsBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "FieldErrors".into()
    }
}

/// The schemas of all errors.
pub(super) fn schemas(components: &mut Components) {
    components.schemas.insert(ErrorBody::name().into_owned(), ErrorBody::schema());
    components.schemas.insert(FieldErrorsBody::name().into_owned(), FieldErrorsBody::schema());
}

/// Defines the errors that only this operation has.
macro_rules! errors {
    ($name:ident: $($error:expr),* $(,)?) => {
        pub(crate) struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                $crate::openapi::responses(&[$($error),*])
            }
        }
    };
}
pub(crate) use errors;

/// The answers of these errors.
pub(crate) fn responses(errors: &[ApiError]) -> BTreeMap<String, RefOr<Response>> {
    let mut responses = BTreeMap::new();
    for error in errors {
        add_to(&mut responses, error);
    }
    responses
}

/// Adds `error` to the answers of an operation.
pub(super) fn add(operation: &mut Operation, error: &ApiError) {
    add_to(&mut operation.responses.responses, error);
}

fn add_to(responses: &mut BTreeMap<String, RefOr<Response>>, error: &ApiError) {
    let (status, body) = error.answer();
    let about = status.canonical_reason().unwrap_or("Refused");
    let response = responses
        .entry(status.as_str().to_owned())
        .or_insert_with(|| ResponseBuilder::new().description(about).build().into());
    let RefOr::T(response) = response else { return };
    if error.retry_after().is_some() {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).build();
        let mut header = Header::new(seconds);
        header.description = Some("Seconds to wait before a retry.".to_owned());
        response.headers.entry("Retry-After".to_owned()).or_insert_with(|| header.into());
    }
    let is_by_field = matches!(error, ApiError::Invalid(_));
    let content =
        response.content.entry(JSON.to_owned()).or_insert_with(|| ContentBuilder::new().build().into());
    let RefOr::T(content) = content else { return };
    content.schema = Some(schema_of(content, is_by_field));
    content.examples.entry(name_of(error, &body)).or_insert_with(|| example(body.clone()).into());
}

/// The name of an example: its code, where that is unique.
fn name_of(error: &ApiError, body: &Value) -> String {
    match error {
        ApiError::Invalid(_) => "fields".to_owned(),
        ApiError::NotFound => "not_found".to_owned(),
        ApiError::InvalidPage => "invalid_page".to_owned(),
        ApiError::PermissionDenied(scope) => format!("lacks_{}", scope.as_str()),
        _ => body["code"].as_str().unwrap_or("refused").to_owned(),
    }
}

fn example(body: Value) -> Example {
    ExampleBuilder::new().value(Some(body)).build()
}

/// Errors of one status can have both forms.
fn schema_of(content: &Content, is_by_field: bool) -> RefOr<Schema> {
    let coded = || RefOr::Ref(Ref::from_schema_name(ErrorBody::name()));
    let by_field = || RefOr::Ref(Ref::from_schema_name(FieldErrorsBody::name()));
    let own = if is_by_field { by_field() } else { coded() };
    match content.schema.clone() {
        None => own,
        Some(known) if known == own => known,
        Some(RefOr::T(Schema::AnyOf(mut any))) => {
            if !any.items.contains(&own) {
                any.items.push(own);
            }
            RefOr::T(Schema::AnyOf(any))
        }
        Some(known) => AnyOfBuilder::new().item(known).item(own).into(),
    }
}
