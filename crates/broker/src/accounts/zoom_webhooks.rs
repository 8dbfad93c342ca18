//! Zoom's webhooks: a user has removed the app or was deleted, a meeting has changed.
//!
//! 1. Only signature and time decide whether a request is accepted. An unknown app gets the answer to a wrong signature.
//! 2. An app may be registered in several workspaces, and Zoom sends each of its events to one address. The event
//!    applies to every registration whose own secret verifies the bytes; the address only names the app.
//! 3. One transaction records the event for each of them (so that the same bytes count once) and erases the tokens of the
//!    accounts that end. From then on no replica gives a token: the account's status and epoch are read with every link.
//! 4. Then Zoom is answered. Data outside the store (ZAKs in memory, grants in escrow) is deleted right afterwards, in a
//!    task of the process. A server that later finds the event unfinished repeats this. All of it may run twice or
//!    concurrently, so it needs no lease.

use std::{convert::Infallible, sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use metrics::Metrics;
use model::{
    Code, CredentialStatus, DisconnectCause, Environment, Failure, Secret, Timestamp, ZoomOauthAppId, chain,
};
use store::{
    AccountStore, AppKind, Digest, Disconnection, Received, ReceivedEvent, ReceivedEvents, ZoomEvent,
    ZoomOauthApp,
};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use zoom::{
    Webhook, WebhookEvent, WebhookHeaders, ZoomClient, check_webhook_time, encrypt_plain_token,
    verify_webhook,
};

use super::{apps::Apps, grants::Grants, meeting_webhook::meeting_change_of};
use crate::{account_cache::AccountCache, log_lines::note};

/// Zoom waits 3 s for the answer (documented) and repeats an unanswered webhook.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(2500);
/// The interval of polls for unfinished events, and for accounts that another process has ended.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How far a poll goes back: it overlaps several polls and covers clock differences.
const LOOK_BACK: Duration = Duration::from_secs(60);
/// The maximum number of events that one poll finishes.
const FINISH_BATCH: u32 = 100;
/// How long an event is stored. Zoom's last repetition comes after 85 minutes (documented).
const EVENT_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// The interval between deletions of older events.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// A received webhook.
#[derive(Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// The registration in the URL. It only names the app.
    pub app: ZoomOauthAppId,
    /// Its signature headers, if it has both.
    pub headers: Option<WebhookHeaders<'a>>,
    /// The raw body.
    pub body: &'a [u8],
}

/// The answer to Zoom.
#[derive(Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// The proof that this server has the app's secret token.
    Validation {
        /// The token of the request.
        plain_token: String,
        /// The same token, signed.
        encrypted_token: String,
    },
    /// It was processed.
    Taken,
}

/// An authentic message.
struct Verified {
    /// The registrations whose own secret verifies it, sorted by id; never empty.
    apps: Vec<ZoomOauthApp>,
    /// When it was sent, by Zoom's clock.
    sent_at: Timestamp,
    /// The secret that signed it.
    secret: Secret,
}

/// Handles Zoom's webhooks.
pub struct Webhooks {
    pub(crate) received_events: Arc<dyn ReceivedEvents + Send + Sync>,
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) cache: Arc<AccountCache>,
    pub(crate) metrics: Metrics,
}

impl Webhooks {
    /// Checks a webhook before its body is read, because any client may send a body, which takes memory. The ids in
    /// addresses are random, so the answer reveals nothing to a stranger.
    ///
    /// # Errors
    /// The codes of signatures, and those after which Zoom should retry.
    pub async fn expect(&self, app: ZoomOauthAppId, headers: WebhookHeaders<'_>) -> Result<(), Failure> {
        check_webhook_time(headers, self.zoom.clock().now())?;
        let known = self.env.clock.timeout(ANSWER_TIMEOUT, self.received_events.webhook_client_id(app)).await;
        match known.ok_or_else(too_slow)?? {
            Some(_) => Ok(()),
            None => Err(Failure::new(Code::SignatureInvalid, "no app has this address")),
        }
    }

    /// Processes a webhook. When this returns, an account that it ends gives no more tokens on any replica.
    ///
    /// # Errors
    /// The codes of signatures, [`Code::RequestMalformed`], and those after which Zoom should retry.
    #[tracing::instrument(skip_all, fields(app = %request.app))]
    pub async fn receive(self: &Arc<Self>, request: WebhookRequest<'_>) -> Result<WebhookAnswer, Failure> {
        let taken = self.env.clock.timeout(ANSWER_TIMEOUT, self.judge(request)).await;
        taken.unwrap_or_else(|| Err(too_slow()))
    }

    async fn judge(self: &Arc<Self>, request: WebhookRequest<'_>) -> Result<WebhookAnswer, Failure> {
        let headers = request
            .headers
            .ok_or_else(|| Failure::new(Code::SignatureMissing, "the request carries no x-zm-* headers"))?;
        // Zoom's signatures are checked by Zoom's clock.
        let (now, at_zoom) = (self.env.now(), self.zoom.clock().now());
        let registrations = match self.received_events.webhook_client_id(request.app).await? {
            Some(client_id) => self.received_events.registrations(&client_id).await?,
            None => Vec::new(),
        };
        if registrations.is_empty() {
            // A random secret, so that an unknown app takes the same time as a known one.
            let nobodys = [Secret::new(self.env.entropy.token())];
            verify_webhook(&nobodys, headers, request.body, at_zoom)?;
        }
        let Verified { apps, sent_at, secret } =
            self.verified(registrations, headers, request.body, at_zoom)?;
        let Webhook { event, happened_at } = Webhook::read(request.body)?;
        if let WebhookEvent::UrlValidation { plain_token } = event {
            for app in &apps {
                self.received_events.note_webhook_validation(app.id, now).await?;
                tracing::info!(app = %app.id, "Zoom has validated the app's webhook");
            }
            let encrypted_token = encrypt_plain_token(&secret, &plain_token);
            return Ok(WebhookAnswer::Validation { plain_token, encrypted_token });
        }
        let apps = match &event {
            WebhookEvent::AppDeauthorized { client_id: Some(client_id), .. }
                if *client_id != apps[0].client_id =>
            {
                tracing::warn!(app = %apps[0].id, "an authentic webhook names another app: is its secret used twice?");
                // Each registration has its own secret.
                let others = self.received_events.registrations(client_id).await?;
                self.verified(others, headers, request.body, at_zoom)
                    .map_or_else(|_| Vec::new(), |it| it.apps)
            }
            _ => apps,
        };
        // Both times are by Zoom's clock, so the event's age is right even if our own clock is wrong.
        let happened_at = happened_at.map(|at| now - sent_at.since(at));
        let news = meeting_change_of(&event, happened_at.unwrap_or(now).min(now));
        let mut received = Vec::with_capacity(apps.len());
        for app in &apps {
            let noted = ZoomEvent {
                key: key_of(app.id, request.body),
                workspace: app.workspace,
                app: app.id,
                name: event.name().to_owned(),
                ended: None,
                received_at: now,
            };
            let disconnection = self.disconnection_of(app, &event, happened_at).await?;
            received.push(ReceivedEvent { event: noted, disconnection, news: news.as_ref() });
        }
        let answers = self.received_events.receive_zoom_events(&received).await?;
        for (ReceivedEvent { event, disconnection, .. }, received) in received.into_iter().zip(answers) {
            tracing::info!(app = %event.app, event = event.name, ?received, "received a webhook from Zoom");
            if let (Received::Ended, Some(disconnection)) = (received, disconnection) {
                self.account_ended(event, &disconnection);
            }
        }
        Ok(WebhookAnswer::Taken)
    }

    /// The registrations of an app whose own secret verifies the bytes.
    ///
    /// # Errors
    /// If no secret verifies them: the same error as for a single secret.
    fn verified(
        &self,
        registrations: Vec<ZoomOauthApp>,
        headers: WebhookHeaders<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Failure> {
        let mut verified: Option<Verified> = None;
        let mut refusal = Failure::new(Code::SignatureInvalid, "no app has this address");
        for app in registrations {
            let secrets = self.apps.webhook_secrets(&app)?;
            match (verify_webhook(&secrets, headers, body, now), &mut verified) {
                (Ok(_), Some(verified)) => verified.apps.push(app),
                (Ok((sent_at, secret)), None) => {
                    verified = Some(Verified { apps: vec![app], sent_at, secret: secret.clone() });
                }
                // An authentic but late message says more than a wrong signature.
                (Err(failure), _) if refusal.code == Code::SignatureInvalid => refusal = failure,
                (Err(_), _) => {}
            }
        }
        verified.ok_or(refusal)
    }

    /// Handles an account of this store that Zoom has ended.
    fn account_ended(self: &Arc<Self>, event: ZoomEvent, disconnection: &Disconnection) {
        tracing::warn!(credential = %disconnection.credential, cause = ?disconnection.cause, "account disconnected by Zoom");
        self.metrics.credential_became(CredentialStatus::Disconnected(disconnection.cause));
        // Other servers notice the end within a second. This server gives no more tokens from here on.
        self.cache.forget(disconnection.credential);
        let (this, event) = (Arc::clone(self), ZoomEvent { ended: Some(disconnection.credential), ..event });
        let finishing = async move {
            if let Err(error) = this.finish(&event).await {
                tracing::warn!(error = %chain(&error), "the work of a webhook is retried at the next poll");
            }
        };
        self.tasks.spawn(finishing.in_current_span());
    }

    /// The account of this app that the event ends, if any.
    async fn disconnection_of(
        &self,
        app: &ZoomOauthApp,
        event: &WebhookEvent,
        happened_at: Option<Timestamp>,
    ) -> Result<Option<Disconnection>, Failure> {
        let (cause, words, user_id) = match event {
            WebhookEvent::AppDeauthorized { user_id, .. } => {
                (DisconnectCause::Deauthorized, "the user removed the app at Zoom", user_id)
            }
            WebhookEvent::UserDeactivated { user_id, .. } => {
                (DisconnectCause::UserDeactivated, "the user was deactivated at Zoom", user_id)
            }
            WebhookEvent::UserDeleted { user_id, .. } => {
                (DisconnectCause::UserDeleted, "the user was deleted at Zoom", user_id)
            }
            WebhookEvent::UrlValidation { .. }
            | WebhookEvent::UserAppeared { .. }
            | WebhookEvent::PersonalRoom { .. }
            | WebhookEvent::Meeting { .. }
            | WebhookEvent::Other { .. } => return Ok(None),
        };
        let end = happened_at.unwrap_or_else(|| self.env.now());
        self.store.discard_parked_of(app.id, user_id, end).await?;
        if app.kind == AppKind::ServerToServer {
            // The app's one account stays; tokens minted for this user are voided on every server. Zoom
            // repeats the event if this fails.
            if let Some(account) = self.store.credential_of(app.workspace, app.id, "").await? {
                self.cache.void_zaks(app.workspace, account.id).await?;
            }
            return Ok(None);
        }
        let Some(account) = self.store.credential_of(app.workspace, app.id, user_id).await? else {
            tracing::info!(app = %app.id, event = event.name(), "a webhook is about a user who is not connected here");
            return Ok(None);
        };
        Ok(Some(Disconnection {
            credential: account.id,
            cause,
            unless_consented_after: happened_at,
            note: note(&self.env, words),
        }))
    }

    /// Erases tokens of an ended account outside the store, which has already erased its own.
    #[tracing::instrument(skip_all, fields(ended = event.ended.map(tracing::field::display)))]
    async fn finish(&self, event: &ZoomEvent) -> Result<(), Failure> {
        if let Some(id) = event.ended {
            self.cache.forget(id);
            // A grant in escrow is now outdated, and the replay deletes it.
            self.grants.replay_deposits().await?;
        }
        self.received_events.finish_zoom_event(&event.key).await?;
        Ok(())
    }

    /// Finishes events that a crash left unfinished, and drops accounts that other processes have ended. Call
    /// it at start and regularly. Returns how many events were finished.
    pub async fn replay(&self) -> Result<usize, Failure> {
        for id in self.received_events.accounts_ended_since(self.env.now() - LOOK_BACK).await? {
            self.cache.forget(id);
        }
        let unfinished = self.received_events.unfinished_zoom_events(FINISH_BATCH).await?;
        for event in &unfinished {
            self.finish(event).await?;
        }
        Ok(unfinished.len())
    }

    /// Calls `replay` regularly and deletes old events, for as long as it is polled.
    pub async fn run_received_events(&self) -> Infallible {
        let mut sweep_at = self.env.now();
        loop {
            let now = self.env.now();
            let mut done = self.replay().await.map(drop);
            if done.is_ok() && now >= sweep_at {
                sweep_at = now + FORGET_INTERVAL;
                done = self
                    .received_events
                    .forget_zoom_events(now - EVENT_TTL)
                    .await
                    .map(drop)
                    .map_err(Failure::from);
            }
            if let Err(error) = done {
                tracing::warn!(error = %chain(&error), "received events were not processed");
            }
            self.env.clock.sleep(POLL_INTERVAL).await;
        }
    }
}

/// The key of an event. The app is part of it, because the same bytes for another app are another event.
fn key_of(app: ZoomOauthAppId, body: &[u8]) -> Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(app.to_string().as_bytes());
    hash.update(b".");
    hash.update(body);
    let mut key = [0; 32];
    key.copy_from_slice(hash.finish().as_ref());
    key
}

fn too_slow() -> Failure {
    Failure::new(Code::Deadline, "the store takes longer than Zoom waits")
}
