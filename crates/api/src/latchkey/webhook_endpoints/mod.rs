//! `/api/latchkey/v1/webhook-endpoints/`: addresses that receive events.

pub(crate) mod actions;
pub(crate) mod deliveries;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use model::{EndpointKind, EndpointState, Secret, Timestamp, WebhookEndpointId, nearest};
use serde::Serialize;
use serde_json::Value;
use store::EndpointChange;
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, RefOr, Schema},
};
use webhooks::{Endpoint, MAX_ENDPOINTS, MailRefusal, NewEndpoint, check_secret, event_types, notable_types};

use crate::{
    State,
    body::Body,
    caller::{Admin, AdminAndRead, Caller, Read},
    error::ApiError,
    fields::Fields,
    mask_url::masked,
    openapi::errors,
    page::{Page, single_page},
    path::Path,
    query::Query,
    request::{CallbackUrl, Field, Pasted, Request as _, Text, request, string},
    request_code::RequestCode,
    secret_answer::WithSecret,
    zoom_oauth_apps::MASK,
};

/// The wildcard for all types of events.
const EVERY_TYPE: &str = "*";

/// An address that receives events.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookEndpoint {
    id: WebhookEndpointId,
    kind: EndpointKind,
    /// The query and all path segments that are not plain words are masked: they may be secret.
    url: String,
    description: String,
    /// `*` stands for all types.
    event_types: Vec<String>,
    svix_headers: bool,
    state: EndpointState,
    #[schema(required)]
    disabled_at: Option<Timestamp>,
    /// The time of the first failure since its last 2xx answer.
    #[schema(required)]
    failing_since: Option<Timestamp>,
    /// The signing secret (`whsec_…`). Only answers that create it show it; others mask it.
    secret: String,
    /// When each previous secret expires. Until then, messages are also signed with it.
    former_secrets_end_at: Vec<Timestamp>,
    created_at: Timestamp,
}

request! {
    /// A new endpoint.
    closed struct CreateWebhookEndpoint {
        /// `webhook` (default) receives signed JSON. `slack` is an incoming webhook of Slack, `email` a person: they receive
        /// unsigned text.
        kind: Option<Kind>,
        /// The address that receives the events. It must be https, unless the operator allows its network. For `email` it is
        /// an address such as `mailto:ops@example.com`.
        url: EndpointUrl,
        /// The types of events. By default all types; for `slack` and `email` the types that need a person's attention.
        event_types: Option<EventTypes>,
        description: Option<Text<200>>,
        /// `whsec_` and the Base64 of 24 to 64 random bytes. By default one is generated.
        secret: Option<SigningSecret>,
        /// Whether id, time and signature are sent a second time as `svix-id`, `svix-timestamp` and `svix-signature`.
        /// Default false.
        svix_headers: Option<bool>,
        /// Default true.
        enabled: Option<bool>,
    }
}

request! {
    /// Changes of an endpoint.
    closed struct ChangeWebhookEndpoint {
        url: Option<EndpointUrl>,
        event_types: Option<EventTypes>,
        description: Option<Text<200>>,
        svix_headers: Option<bool>,
        /// When it is enabled, pending events are sent. Events from the time when it was disabled can be replayed.
        enabled: Option<bool>,
    }
}

/// The kind of an endpoint.
struct Kind(EndpointKind);

impl Field for Kind {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let word = fields.text(name, 40)?;
        let kind = word.parse().ok();
        if kind.is_none() {
            fields.complain(name, "It must be webhook, slack or email.");
        }
        kind.map(Self)
    }

    fn schema() -> RefOr<Schema> {
        string(40).enum_values(Some(EndpointKind::ALL.iter().map(|kind| kind.as_str()))).into()
    }
}

/// A URL that this server may call, or `mailto:` and an e-mail address, depending on the endpoint's kind.
struct EndpointUrl(String);

impl EndpointUrl {
    const MAX_URL_LEN: usize = 2048;

    fn is_mail(&self) -> bool {
        self.0.starts_with("mailto:")
    }

    /// Reports an error if an endpoint of this kind cannot have the address.
    fn check(&self, kind: EndpointKind, state: &State, fields: &mut Fields<'_>) {
        match (kind, self.is_mail()) {
            (EndpointKind::Email, _) => {
                if let Err(wrong) = state.webhooks.accepts_mail(&self.0) {
                    let field = if wrong == MailRefusal::NotSetUp { "kind" } else { "url" };
                    fields.complain(field, wrong.to_string());
                }
            }
            (_, true) => fields
                .complain("url", format!("An endpoint of the kind {kind} cannot have a mailto: address.")),
            (_, false) => {}
        }
    }
}

impl Field for EndpointUrl {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let is_mail =
            fields.anything(name).and_then(Value::as_str).is_some_and(|url| url.starts_with("mailto:"));
        let url = if is_mail {
            fields.text(name, Self::MAX_URL_LEN)
        } else {
            fields.callback_url(name, Self::MAX_URL_LEN)
        };
        url.map(|url| Self(url.to_owned()))
    }

    fn schema() -> RefOr<Schema> {
        CallbackUrl::<{ Self::MAX_URL_LEN }>::schema()
    }
}

/// Types of events; an empty list stands for all.
struct EventTypes(Vec<String>);

impl Field for EventTypes {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let words = fields.words(name)?;
        match words.iter().position(|word| *word == EVERY_TYPE) {
            Some(_) if words.len() == 1 => return Some(Self(Vec::new())),
            Some(_) => fields.complain(name, "\"*\" stands for all types: give it alone."),
            None => {}
        }
        let known = event_types();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut types: Vec<String> = Vec::new();
        for word in words.into_iter().filter(|word| *word != EVERY_TYPE) {
            if !known.contains(&word) {
                fields.complain(name, unknown_type(word, &known));
            } else if !types.iter().any(|known| known == word) {
                types.push(word.to_owned());
            }
        }
        Some(Self(types))
    }

    fn schema() -> RefOr<Schema> {
        let words = event_types().into_iter().chain([EVERY_TYPE.to_owned()]);
        ArrayBuilder::new().items(string(64).enum_values(Some(words))).min_items(Some(1)).into()
    }
}

pub(crate) fn unknown_type(word: &str, known: &[&str]) -> String {
    let all = known.join(", ");
    match nearest(word, known) {
        Some(meant) => format!("{word:?} is not an event type: did you mean {meant}? The types are: {all}."),
        None => format!("{word:?} is not an event type. The types are: {all}."),
    }
}

/// A signing secret that the caller gives.
struct SigningSecret(Secret);

impl Field for SigningSecret {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let secret = Secret::new(Pasted::<200>::read(fields, name)?.0);
        match check_secret(&secret) {
            Ok(()) => Some(Self(secret)),
            Err(wrong) => {
                fields.complain(name, wrong.to_string());
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        string(200).pattern(Some("^whsec_[A-Za-z0-9+/]+=*$")).into()
    }
}

fn too_many() -> ApiError {
    let detail =
        format!("This workspace has reached its limit of {MAX_ENDPOINTS} endpoints: delete one first.");
    ApiError::refused(RequestCode::TooManyWebhookEndpoints, detail)
}

errors! { CreateWebhookEndpointErrors: too_many() }

/// Create an endpoint
///
/// This answer contains the secret; later ones mask it.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/webhook-endpoints/",
    tag = "events",
    operation_id = "webhook_endpoints_create",
    security(("tokenAuth" = ["admin", "read"])),
    request_body(content = CreateWebhookEndpoint, example = json!({
        "url": "https://example.com/events", "event_types": ["bot.done", "bot.fatal"],
    })),
    responses((status = 201, description = "The endpoint.", body = WebhookEndpoint), CreateWebhookEndpointErrors),
)]
pub(crate) async fn create(
    caller: Caller<AdminAndRead>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<(StatusCode, WithSecret<WebhookEndpoint>), ApiError> {
    let mut fields = Fields::of(&body).with_callbacks(&state);
    let asked = CreateWebhookEndpoint::read(&mut fields);
    let kind =
        asked.as_ref().and_then(|asked| asked.kind.as_ref()).map_or(EndpointKind::Webhook, |kind| kind.0);
    if kind != EndpointKind::Webhook {
        for field in ["secret", "svix_headers"] {
            if fields.anything(field).is_some() {
                fields.complain(field, format!("Messages to an endpoint of the kind {kind} are not signed."));
            }
        }
    }
    if let Some(asked) = &asked {
        asked.url.check(kind, &state, &mut fields);
    }
    let asked = fields.finish(asked)?;
    let every_type = if kind == EndpointKind::Webhook { Vec::new() } else { notable_types() };
    let new = NewEndpoint {
        kind,
        url: Secret::new(asked.url.0),
        secret: asked.secret.map(|secret| secret.0),
        description: asked.description.map(|text| text.0).unwrap_or_default(),
        event_types: asked.event_types.map_or(every_type, |types| types.0),
        svix_headers: asked.svix_headers.unwrap_or(false),
        enabled: asked.enabled.unwrap_or(true),
    };
    let made = state.webhooks.create(caller.workspace, new).await?.ok_or_else(too_many)?;
    Ok((StatusCode::CREATED, with_secret(&made)))
}

/// List endpoints
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/webhook-endpoints/",
    tag = "events",
    operation_id = "webhook_endpoints_list",
    security(("tokenAuth" = ["read"])),
    responses((status = 200, description = "All endpoints, newest first.", body = Page<WebhookEndpoint>)),
)]
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<WebhookEndpoint>>, ApiError> {
    Query::of_names(query.as_deref(), &[])?;
    let endpoints = state.webhooks.endpoints(caller.workspace).await?;
    Ok(Json(single_page(endpoints.iter().map(representation).collect())))
}

/// Retrieve an endpoint
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/",
    tag = "events",
    operation_id = "webhook_endpoints_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = WebhookEndpointId, Path)),
    responses((status = 200, description = "The endpoint.", body = WebhookEndpoint)),
)]
pub(crate) async fn retrieve(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<WebhookEndpointId>,
) -> Result<Json<WebhookEndpoint>, ApiError> {
    let found = state.webhooks.endpoint(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(representation(&found)))
}

/// Change an endpoint
#[utoipa::path(
    patch,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/",
    tag = "events",
    operation_id = "webhook_endpoints_partial_update",
    security(("tokenAuth" = ["admin", "read"])),
    params(("id" = WebhookEndpointId, Path)),
    request_body(content = ChangeWebhookEndpoint, example = json!({ "event_types": ["bot.done"], "enabled": true })),
    responses((status = 200, description = "The endpoint.", body = WebhookEndpoint)),
)]
pub(crate) async fn change(
    caller: Caller<AdminAndRead>,
    Extract(state): Extract<State>,
    Path(id): Path<WebhookEndpointId>,
    Body(body): Body,
) -> Result<Json<WebhookEndpoint>, ApiError> {
    let mut fields = Fields::of(&body).with_callbacks(&state);
    let asked = ChangeWebhookEndpoint::read(&mut fields);
    if asked.as_ref().and_then(|asked| asked.url.as_ref()).is_some_and(|url| url.0.contains(MASK)) {
        fields.complain("url", "Give the complete address: this one is masked, as in answers.");
    }
    if let Some(url) = asked.as_ref().and_then(|asked| asked.url.as_ref()) {
        let known = state.webhooks.endpoint(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
        url.check(known.row.kind, &state, &mut fields);
    }
    let asked = fields.finish(asked)?;
    let change = EndpointChange {
        url: None,
        description: asked.description.map(|text| text.0),
        event_types: asked.event_types.map(|types| types.0),
        svix_headers: asked.svix_headers,
        enabled: asked.enabled,
        switched_off: None,
    };
    let url = asked.url.map(|url| Secret::new(url.0));
    let changed = state.webhooks.change((caller.workspace, caller.key), id, url, change).await?;
    Ok(Json(representation(&changed.ok_or(ApiError::NotFound)?)))
}

/// Delete an endpoint
///
/// With its deliveries. Pending events are not sent.
#[utoipa::path(
    delete,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/",
    tag = "events",
    operation_id = "webhook_endpoints_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = WebhookEndpointId, Path)),
    responses((status = 204, description = "The endpoint is deleted.")),
)]
pub(crate) async fn remove(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<WebhookEndpointId>,
) -> Result<StatusCode, ApiError> {
    let known = state.store.remove_webhook_endpoint(caller.workspace, id).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

fn representation(endpoint: &Endpoint) -> WebhookEndpoint {
    let Endpoint { row, url, secrets } = endpoint;
    let every = || vec![EVERY_TYPE.to_owned()];
    WebhookEndpoint {
        id: row.id,
        kind: row.kind,
        url: masked(url.expose()),
        description: row.description.clone(),
        event_types: if row.event_types.is_empty() { every() } else { row.event_types.clone() },
        svix_headers: row.svix_headers,
        state: row.state,
        disabled_at: row.disabled_at,
        failing_since: row.run.first_at,
        secret: MASK.to_owned(),
        former_secrets_end_at: secrets.former_end_at().collect(),
        created_at: row.created_at,
    }
}

/// The answer that contains a new secret.
fn with_secret(endpoint: &Endpoint) -> WithSecret<WebhookEndpoint> {
    let mut body = representation(endpoint);
    if endpoint.row.kind == EndpointKind::Webhook {
        endpoint.secrets.current().expose().clone_into(&mut body.secret);
    }
    WithSecret(body)
}
