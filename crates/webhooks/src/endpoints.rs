//! A workspace's endpoints: create, read, change, rotate secrets, test, retry and replay.

use std::time::Duration;

use model::{
    ApiKeyId, Code, EndpointKind, EndpointState, EventId, Failure, Secret, Timestamp,
    WEBHOOK_ENDPOINT_DISABLED, WEBHOOK_ENDPOINT_TEST, WebhookEndpointId, WorkspaceId,
};
use store::{
    EndpointChange, FailureRun, NewEvent, WebhookEndpoint,
    event_bodies::{ApiKeyOfEvent, StateChange, WebhookEndpointEvent, WebhookEndpointOfEvent},
};
use tenants::Cell;

use crate::{
    MailRefusal, Parts, Webhooks,
    host_limits::host_digest,
    secrets::{Secrets, generate},
};

/// The most endpoints of a workspace.
pub const MAX_ENDPOINTS: u32 = 50;
/// The most events of one replay.
pub const MAX_REPLAY: u32 = 10_000;
/// How often a rotation is tried. A try fails if another rotation is concurrent.
const ATTEMPTS: u32 = 3;

/// An endpoint with its decrypted URL and secrets.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The row, as it is stored.
    pub row: WebhookEndpoint,
    /// The URL that receives events.
    pub url: Secret,
    /// The signing secrets.
    pub secrets: Secrets,
}

impl Endpoint {
    pub(crate) fn open(parts: &Parts, row: WebhookEndpoint) -> Result<Self, Failure> {
        let url = parts.vault.open(row.workspace, Cell::WebhookUrl(row.id), &row.url)?;
        let secrets = parts.vault.open(row.workspace, Cell::WebhookSecrets(row.id), &row.secrets)?;
        Ok(Self { url, secrets: Secrets::from_text(&secrets, parts.env.now())?, row })
    }
}

/// An endpoint to create.
#[derive(Debug)]
pub struct NewEndpoint {
    /// Whether it is a webhook, a Slack webhook or an e-mail address.
    pub kind: EndpointKind,
    /// The URL that receives events. The caller has checked it with [`outbound::CallbackClient::accepts`] or
    /// [`Webhooks::accepts_mail`].
    pub url: Secret,
    /// The caller's signing secret; `None` for a random one. The caller has checked it with [`crate::check_secret`].
    pub secret: Option<Secret>,
    /// A description for people.
    pub description: String,
    /// The event types that the endpoint receives; empty for all.
    pub event_types: Vec<String>,
    /// Whether the signature headers are sent a second time, as `svix-…`.
    pub svix_headers: bool,
    /// Whether events are delivered to the endpoint.
    pub enabled: bool,
}

/// The result of a rotation of secrets.
#[derive(Debug)]
pub enum Rotation {
    /// The endpoint with its new secrets.
    Done(Box<Endpoint>),
    /// Refused, because too many secrets are valid at once.
    Running {
        /// When the next of them expires.
        until: Timestamp,
    },
    /// There is no such endpoint.
    NoEndpoint,
}

impl Webhooks {
    /// Creates an endpoint. Returns `None` if the workspace already has [`MAX_ENDPOINTS`].
    pub async fn create(
        &self,
        workspace: WorkspaceId,
        new: NewEndpoint,
    ) -> Result<Option<Endpoint>, Failure> {
        let Parts { store, vault, env, .. } = &*self.parts;
        let (id, now) = (WebhookEndpointId::generate(env), env.now());
        let secrets = Secrets::one(new.secret.unwrap_or_else(|| generate(env)));
        let row = WebhookEndpoint {
            id,
            workspace,
            url: vault.seal(workspace, Cell::WebhookUrl(id), &new.url),
            secrets: vault.seal(workspace, Cell::WebhookSecrets(id), &secrets.to_text()),
            kind: new.kind,
            lane: host_digest(&new.url),
            description: new.description,
            event_types: new.event_types,
            svix_headers: new.svix_headers,
            state: if new.enabled { EndpointState::Enabled } else { EndpointState::Disabled },
            disabled_at: (!new.enabled).then_some(now),
            run: FailureRun::default(),
            created_at: now,
        };
        let added = store.add_webhook_endpoint(&row, MAX_ENDPOINTS).await?;
        Ok(added.then_some(Endpoint { row, url: new.url, secrets }))
    }

    /// Checks whether mail can be sent to this address: `mailto:` and an e-mail address.
    pub fn accepts_mail(&self, url: &str) -> Result<(), MailRefusal> {
        self.parts.mailer.as_ref().ok_or(MailRefusal::NotSetUp)?.accepts(url)
    }

    /// Reads an endpoint of the workspace.
    pub async fn endpoint(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<Option<Endpoint>, Failure> {
        let row = self.parts.store.webhook_endpoint(workspace, id).await?;
        row.map(|row| Endpoint::open(&self.parts, row)).transpose()
    }

    /// Lists the workspace's endpoints, newest first.
    pub async fn endpoints(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>, Failure> {
        let rows = self.parts.store.webhook_endpoints(workspace).await?;
        rows.into_iter().map(|row| Endpoint::open(&self.parts, row)).collect()
    }

    /// Changes an endpoint's URL, if one is given, and the fields in `change`. If the endpoint is disabled, an event
    /// names the API key `by`. Returns `None` if there is no such endpoint.
    pub async fn change(
        &self,
        (workspace, by): (WorkspaceId, ApiKeyId),
        id: WebhookEndpointId,
        url: Option<Secret>,
        change: EndpointChange,
    ) -> Result<Option<Endpoint>, Failure> {
        let Parts { store, vault, env, .. } = &*self.parts;
        let Some(before) = store.webhook_endpoint(workspace, id).await? else { return Ok(None) };
        let url = url.map(|url| (vault.seal(workspace, Cell::WebhookUrl(id), &url), host_digest(&url)));
        let is_off = change.enabled == Some(false);
        let switched_off = is_off.then(|| self.switched_off(&before, by));
        let change = EndpointChange { url, switched_off, ..change };
        if !store.change_webhook_endpoint(workspace, id, &change, env.now()).await? {
            return Ok(None);
        }
        if !is_off {
            self.worker.wake();
        }
        self.endpoint(workspace, id).await
    }

    fn switched_off(&self, row: &WebhookEndpoint, by: ApiKeyId) -> NewEvent {
        let env = &self.parts.env;
        let data = WebhookEndpointEvent {
            data: StateChange { code: "disabled", sub_code: Some("asked"), updated_at: env.now() },
            webhook_endpoint: WebhookEndpointOfEvent { id: row.id, description: Some(&row.description) },
            message: Some("this endpoint was switched off by a call of the API"),
            switched_off_by: Some(ApiKeyOfEvent { api_key: by }),
            failing_since: None,
            advice: None,
        };
        let kind = (WEBHOOK_ENDPOINT_DISABLED, &row.id as &dyn ToString);
        NewEvent::other(EventId::generate(env), row.workspace, kind, &data, env.now())
    }

    /// Replaces the secret with `new`, or with a random one. Former secrets stay valid for `overlap`. If that is zero, they
    /// become invalid at once, as leaked secrets must.
    pub async fn rotate(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        new: Option<Secret>,
        overlap: Duration,
    ) -> Result<Rotation, Failure> {
        let Parts { store, vault, env, .. } = &*self.parts;
        for _ in 0..ATTEMPTS {
            let Some(before) = self.endpoint(workspace, id).await? else { return Ok(Rotation::NoEndpoint) };
            let ends_at = (!overlap.is_zero()).then(|| env.now() + overlap);
            if ends_at.is_some() && !before.secrets.has_room() {
                let until = before.secrets.former_end_at().min().unwrap_or(env.now());
                return Ok(Rotation::Running { until });
            }
            let secret = new.clone().unwrap_or_else(|| generate(env));
            let secrets = before.secrets.succeeded_by(secret, ends_at);
            let sealed = vault.seal(workspace, Cell::WebhookSecrets(id), &secrets.to_text());
            if store.replace_webhook_secrets(workspace, id, &before.row.secrets, &sealed).await? {
                let row = WebhookEndpoint { secrets: sealed, ..before.row };
                return Ok(Rotation::Done(Box::new(Endpoint { row, secrets, url: before.url })));
            }
        }
        Err(Failure::new(Code::Unavailable, "the secret of the endpoint is being changed by another request"))
    }

    /// Sends a test event to the endpoint. Returns `None` if there is no such endpoint.
    pub async fn test(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<Option<EventId>, Failure> {
        let Parts { store, env, .. } = &*self.parts;
        let (event, now) = (EventId::generate(env), env.now());
        let data = WebhookEndpointEvent {
            data: StateChange { code: "test", sub_code: None, updated_at: now },
            webhook_endpoint: WebhookEndpointOfEvent { id, description: None },
            message: None,
            switched_off_by: None,
            failing_since: None,
            advice: None,
        };
        let kind = (WEBHOOK_ENDPOINT_TEST, &id as &dyn ToString);
        let test = NewEvent::other(event, workspace, kind, &data, now);
        Ok(store.add_delivery(id, &test).await?.then_some(event))
    }

    /// Delivers an event again. Returns `false` if there is no delivery of this event for the endpoint.
    pub async fn retry(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        event: EventId,
    ) -> Result<bool, Failure> {
        let known = self.parts.store.retry_delivery(workspace, id, event, self.parts.env.now()).await?;
        self.worker.wake();
        Ok(known)
    }

    /// Delivers the events of `span` again. Returns how many events these are; if there are more than [`MAX_REPLAY`],
    /// none is delivered. Returns `None` if there is no such endpoint.
    pub async fn replay(
        &self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        span: (Timestamp, Timestamp),
    ) -> Result<Option<u64>, Failure> {
        let Parts { store, env, .. } = &*self.parts;
        let replayed = store.replay_events(workspace, id, span, MAX_REPLAY, env.now()).await?;
        self.worker.wake();
        Ok(replayed)
    }
}
