//! `GET /openapi.json`: every route, made from the handlers and their types.
//!
//! | | |
//! |---|---|
//! | a route: its parameters and answers | the `utoipa::path` above its handler |
//! | a request body | `request!` (`request/mod.rs`) |
//! | an error | the [`ApiError`](crate::error::ApiError) itself, which chooses status and body (`errors`) |
//! | what routes have in common | added to each by its properties: a key, a body, an id (`common`) |
//! | what endpoints receive | its type in `store::event_bodies` (`webhooks`) |
//! | refusals that several routes share | moved to the components (`shared`) |

mod common;
mod errors;
mod shared;
mod webhooks;

use std::sync::LazyLock;

use axum::{Json, extract::State as Extract};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Schema,
        security::{ApiKey, ApiKeyValue, SecurityScheme},
        tag::{Tag, TagBuilder},
    },
};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{State, request::any_object};

pub(crate) use errors::{errors, responses};
pub(crate) use webhooks::EventBody;

/// The name of the security scheme of calls, as in Recall's document.
const TOKEN_AUTH: &str = "tokenAuth";

const ABOUT: &str = include_str!("about.md");

const TAGS: [(&str, &str); 9] = [
    ("bots", "Bots that join meetings. Recall's contract."),
    ("zoom apps", "Zoom OAuth apps that are registered here. Recall's contract."),
    ("accounts", "Zoom accounts that are connected here. Recall's contract, with additions."),
    ("token links", "Addresses that bot platforms fetch tokens from."),
    ("pools", "Several accounts behind one name."),
    ("events", "Events of bots and accounts: listed, or sent to endpoints."),
    ("workspace", "Settings, API keys and secrets of a workspace; the audit log of tokens."),
    ("consent", "Pages for a person's browser: connecting a Zoom account."),
    ("server", "Health, metrics, Zoom's webhooks, this document."),
];

/// An object with any fields.
#[derive(Default, Serialize)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl PartialSchema for Object {
    fn schema() -> RefOr<Schema> {
        any_object().into()
    }
}

impl ToSchema for Object {}

/// Read this document: OpenAPI 3.1
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "server",
    operation_id = "openapi",
    responses((status = 200, description = "An OpenAPI document.", body = Object))
)]
pub(crate) async fn handler(Extract(state): Extract<State>) -> Json<Object> {
    static DOCUMENT: LazyLock<Map<String, Value>> = LazyLock::new(document_as_json);
    let mut document = DOCUMENT.clone();
    let base = state.broker.addresses.public_base().as_str().trim_end_matches('/');
    document.insert("servers".to_owned(), json!([{ "url": base }]));
    Json(Object(document))
}

/// The document of a server with the default address.
pub(crate) fn document_as_json() -> Map<String, Value> {
    let Ok(Value::Object(mut document)) = serde_json::to_value(document(crate::routes())) else {
        unreachable!("a document is an object with text keys")
    };
    document.insert("servers".to_owned(), json!([{ "url": "http://127.0.0.1:8080" }]));
    drop_unused_schemas(&mut document);
    shared::share(&mut document);
    document
}

/// Removes schemas that no part of the document refers to: types that are written inline leave such schemas.
fn drop_unused_schemas(document: &mut Map<String, Value>) {
    loop {
        let text = Value::Object(document.clone()).to_string();
        let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
        let before = schemas.len();
        schemas.retain(|name, _| text.contains(&format!("\"#/components/schemas/{name}\"")));
        if schemas.len() == before {
            return;
        }
    }
}

fn document(routes: Vec<UtoipaMethodRouter<State>>) -> OpenApi {
    let key =
        ApiKeyValue::with_description("Authorization", "`Token <key>`: an API key with the required scopes.");
    let components =
        Components::builder().security_scheme(TOKEN_AUTH, SecurityScheme::ApiKey(ApiKey::Header(key)));
    let info = InfoBuilder::new()
        .title("Latchkey")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let mut document = OpenApiBuilder::new()
        .info(info)
        .components(Some(components.build()))
        .tags(Some(TAGS.map(tag)))
        .webhooks(Some(webhooks::webhooks()))
        .build();
    let components = document.components.get_or_insert_default();
    errors::schemas(components);
    for (schemas, paths, _) in routes {
        components.schemas.extend(schemas);
        document.paths.merge(paths);
    }
    for (path, item) in &mut document.paths.paths {
        common::document(path, item);
    }
    document
}

fn tag((name, about): (&str, &str)) -> Tag {
    TagBuilder::new().name(name).description(Some(about)).build()
}
