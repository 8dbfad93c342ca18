//! Answers that routes have in common: layers and extractors produce them, whatever the handler does.

use std::time::Duration;

use model::{ApiScope, Code, Failure};
use serde_json::json;
use utoipa::openapi::{
    AllOfBuilder, Content, ObjectBuilder, PathItem, RefOr, Required, Schema, Type,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn},
};

use super::{TOKEN_AUTH, errors::add};
use crate::{
    bounds::{BodyError, CALLER_MAX_BYTES},
    error::ApiError,
    fields::FieldErrors,
    request_code::RequestCode,
};

/// Operations whose body is also documented as a form, as in Recall's document. Every body may be a form.
const WITH_FORMS: [&str; 2] = ["bot_create", "bot_partial_update"];
const FORMS: [&str; 2] = ["application/x-www-form-urlencoded", "multipart/form-data"];
/// Calls that work without a body.
const WITHOUT_A_BODY: [&str; 2] = ["callback_secret_rotate", "webhook_endpoints_rotate_secret"];

/// Adds to every operation of a path what it has in common with others.
pub(super) fn document(path: &str, item: &mut PathItem) {
    let operations = [
        (false, &mut item.get),
        (false, &mut item.delete),
        (true, &mut item.post),
        (true, &mut item.put),
        (true, &mut item.patch),
    ];
    for (is_write, operation) in operations {
        let Some(operation) = operation else { continue };
        // Public on purpose, and marked as such: an unmarked operation would look like an oversight.
        operation.security.get_or_insert_default();
        // Token links give all their answers in their dialect.
        if path.starts_with("/t/") {
            continue;
        }
        for_every_call(operation);
        // A refused webhook gets only a code, whatever is wrong with it.
        if path.ends_with("/webhook") {
            continue;
        }
        let scopes = scopes_of(operation);
        if !scopes.is_empty() {
            for_calls_with_a_key(operation, &scopes);
            if is_write {
                for_repeatable_calls(operation);
            }
        }
        if operation.request_body.is_some() {
            for_bodies(operation);
            add_forms(operation);
            may_come_without(operation);
        }
        for_parameters(operation);
    }
    if let Some(RefOr::T(body)) = item.patch.as_mut().and_then(|operation| operation.request_body.as_mut()) {
        // A change without a body is allowed and changes nothing.
        body.required = Some(Required::False);
    }
}

/// The scopes that a call needs, all of them; empty where it needs no key.
fn scopes_of(operation: &Operation) -> Vec<ApiScope> {
    let required = serde_json::to_value(&operation.security).unwrap_or_default();
    let scopes = required[0][TOKEN_AUTH].as_array().into_iter().flatten();
    scopes.filter_map(|scope| scope.as_str()?.parse().ok()).collect()
}

fn for_every_call(operation: &mut Operation) {
    add(operation, &ApiError::AddressTooLong);
    add(operation, &ApiError::HeadersTooLarge);
    add(operation, &Failure::new(Code::Internal, "").into());
}

fn for_calls_with_a_key(operation: &mut Operation, scopes: &[ApiScope]) {
    add(operation, &ApiError::NotAuthenticated);
    add(operation, &ApiError::AuthenticationFailed("This API key has expired: make a new one."));
    for scope in scopes {
        add(operation, &ApiError::PermissionDenied(*scope));
    }
    add(operation, &ApiError::Throttled(Duration::from_secs(7)));
    add(operation, &Failure::new(Code::Unavailable, "the database is unavailable").into());
}

fn for_repeatable_calls(operation: &mut Operation) {
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"));
    let about =
        "Visible ASCII. A repeated call with the same key runs once and gets the same answer for an hour.";
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(key))
        .build();
    operation.parameters.get_or_insert_default().push(key.into());
    add(operation, &ApiError::refused(RequestCode::IdempotencyKeyInvalid, crate::idempotency::INVALID));
    add(operation, &ApiError::refused(RequestCode::IdempotencyKeyReuse, crate::idempotency::REUSED));
    add(operation, &ApiError::refused(RequestCode::Conflict, crate::idempotency::IN_FLIGHT));
}

fn for_bodies(operation: &mut Operation) {
    add(operation, &FieldErrors::one("name", "This field is required.").into());
    add(operation, &ApiError::Unreadable("The body is not JSON: line 1, column 7.".to_owned()));
    add(operation, &ApiError::UnsupportedMediaType);
    add(operation, &ApiError::Body(BodyError::TooLarge(CALLER_MAX_BYTES)));
    add(operation, &ApiError::Body(BodyError::TooSlow(Duration::from_secs(30))));
}

fn is_one_of(operation: &Operation, ids: &[&str]) -> bool {
    operation.operation_id.as_deref().is_some_and(|id| ids.contains(&id))
}

fn add_forms(operation: &mut Operation) {
    let is_one = is_one_of(operation, &WITH_FORMS);
    if let (true, Some(RefOr::T(body))) = (is_one, operation.request_body.as_mut())
        && let Some(RefOr::T(Content { schema: Some(schema), .. })) = body.content.get("application/json")
    {
        // One schema for each encoding: generated clients choose the encoding by the type that they are given.
        let own =
            AllOfBuilder::new().item(schema.clone()).item(ObjectBuilder::new().schema_type(Type::Object));
        let own: Schema = own.build().into();
        body.content.extend(FORMS.map(|form| (form.to_owned(), Content::new(Some(own.clone())).into())));
    }
}

fn may_come_without(operation: &mut Operation) {
    if is_one_of(operation, &WITHOUT_A_BODY)
        && let Some(RefOr::T(body)) = operation.request_body.as_mut()
    {
        body.required = Some(Required::False);
    }
}

fn for_parameters(operation: &mut Operation) {
    let parameters: Vec<Parameter> = operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter.clone()),
            RefOr::Ref(_) => None,
        })
        .collect();
    let any = |wanted: ParameterIn| parameters.iter().any(|parameter| parameter.parameter_in == wanted);
    if any(ParameterIn::Path) {
        add(operation, &ApiError::NotFound);
    }
    if any(ParameterIn::Query) {
        let wrong = json!({ "created_at_after": ["It must be a date, or a time in ISO 8601."] });
        let wrong = FieldErrors(wrong.as_object().cloned().unwrap_or_default());
        add(operation, &wrong.into());
    }
    if parameters.iter().any(|parameter| ["cursor", "page"].contains(&parameter.name.as_str())) {
        add(operation, &ApiError::InvalidPage);
    }
}
