//! What Zoom tells us unasked: that a user has removed the app, or is gone, and what becomes of meetings.
//!
//! 1. Signature and time decide alone who is heard. An unknown app is answered as a wrong signature is.
//! 2. An app may be registered in several workspaces, and Zoom sends each of its events to one address. Every registration
//!    whose own secret verifies the bytes is told; the address only names the app.
//! 3. One transaction notes the event for each of them (so that the same bytes count once) and erases the tokens of the
//!    accounts that end. From then on no replica gives a token: the account's status and epoch are read with every link.
//! 4. Zoom has its answer by then. What lies outside the store (ZAKs in memory, grants in escrow) goes right afterwards, in
//!    a task of the process; whoever finds the event unfinished later does the same again. All of it may be done
//!    twice and at once, so it needs no lease.

use std::{convert::Infallible, sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use metrics::Metrics;
use model::{
    Code, CredentialStatus, DisconnectCause, Environment, Failure, Secret, Timestamp, ZoomOauthAppId,
};
use store::{
    AccountStore, AppKind, Digest, Disconnection, Received, ReceivedEvent, ReceivedEvents, ZoomEvent,
    ZoomOauthApp,
};
use tokio_util::task::TaskTracker;
use zoom::{Webhook, WebhookEvent, WebhookHeaders, ZoomClient, encrypt_plain_token, verify_webhook};

use super::{apps::Apps, grants::Grants, meeting_news::news_of};
use crate::{account_cache::AccountCache, log_lines::note};

/// Zoom waits 3 s (documented), and asks again if nothing comes.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(2500);
/// How often a process looks for what was left unfinished, and for accounts that another one has ended.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How far a look goes back: over a few looks, and over clocks that differ.
const LOOK_BACK: Duration = Duration::from_secs(60);
/// How many events are finished at one look.
const FINISH_BATCH: u32 = 100;
/// How long an event is known. Zoom's last try comes after 85 minutes (documented).
const EVENT_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often older ones are removed.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// A webhook as it came.
#[derive(Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// The registration whose address it came to. It names the app, and nothing more.
    pub app: ZoomOauthAppId,
    /// Its signature headers, if both are there.
    pub headers: Option<WebhookHeaders<'a>>,
    /// The body's very bytes.
    pub body: &'a [u8],
}

/// What Zoom is answered.
#[derive(Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// The proof that we hold the app's secret token.
    Validation {
        /// As it came.
        plain_token: String,
        /// Signed.
        encrypted_token: String,
    },
    /// It is taken care of.
    Taken,
}

/// A message that is genuine.
struct Verified {
    /// Whose own secret verifies it, in the order of their ids; never empty.
    apps: Vec<ZoomOauthApp>,
    /// When it was sent, by Zoom's clock.
    sent_at: Timestamp,
    /// What signed it.
    secret: Secret,
}

/// Takes in what Zoom tells.
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
    /// Takes in a webhook. When this returns, what it ends is over on every replica.
    ///
    /// # Errors
    /// The codes of signatures, [`Code::RequestMalformed`], and those after which Zoom shall try again.
    #[tracing::instrument(skip_all, fields(app = %request.app))]
    pub async fn receive(self: &Arc<Self>, request: WebhookRequest<'_>) -> Result<WebhookAnswer, Failure> {
        let taken = self.env.clock.timeout(ANSWER_TIMEOUT, self.judge(request)).await;
        taken.unwrap_or_else(|| Err(Failure::new(Code::Deadline, "the store takes longer than Zoom waits")))
    }

    async fn judge(self: &Arc<Self>, request: WebhookRequest<'_>) -> Result<WebhookAnswer, Failure> {
        let headers = request
            .headers
            .ok_or_else(|| Failure::new(Code::SignatureMissing, "the request carries no x-zm-* headers"))?;
        // Zoom's signatures are judged by Zoom's clock.
        let (now, at_zoom) = (self.env.now(), self.zoom.clock().now());
        let registrations = match self.received_events.webhook_client_id(request.app).await? {
            Some(client_id) => self.received_events.registrations(&client_id).await?,
            None => Vec::new(),
        };
        if registrations.is_empty() {
            // Nobody's secret: it takes the same time as for an app that is known.
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
                tracing::warn!(app = %apps[0].id, "a genuine webhook tells of another app: is its secret used twice?");
                // It is that app's own secret that counts then.
                let others = self.received_events.registrations(client_id).await?;
                self.verified(others, headers, request.body, at_zoom)
                    .map_or_else(|_| Vec::new(), |it| it.apps)
            }
            _ => apps,
        };
        // Both times are by Zoom's clock, so the age of the event is right however wrong our own clock is.
        let happened_at = happened_at.map(|at| now - sent_at.since(at));
        let news = news_of(&event, happened_at.unwrap_or(now).min(now));
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
            tracing::info!(app = %event.app, event = event.name, ?received, "Zoom has told something");
            if let (Received::Ended, Some(disconnection)) = (received, disconnection) {
                self.account_ended(event, &disconnection);
            }
        }
        Ok(WebhookAnswer::Taken)
    }

    /// Those of an app's registrations whose own secret verifies the bytes.
    ///
    /// # Errors
    /// When it is none of them: as for one that was tried alone.
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
                // What is genuine and late tells more than a wrong signature.
                (Err(failure), _) if refusal.code == Code::SignatureInvalid => refusal = failure,
                (Err(_), _) => {}
            }
        }
        verified.ok_or(refusal)
    }

    /// Zoom has ended an account of this process's store.
    fn account_ended(self: &Arc<Self>, event: ZoomEvent, disconnection: &Disconnection) {
        tracing::warn!(credential = %disconnection.credential, cause = ?disconnection.cause, "account disconnected by Zoom");
        self.metrics.credential_became(CredentialStatus::Disconnected(disconnection.cause));
        // Others look at most a second later; here nothing is served from this moment on.
        self.cache.forget(disconnection.credential);
        let (this, event) = (Arc::clone(self), ZoomEvent { ended: Some(disconnection.credential), ..event });
        self.tasks.spawn(async move {
            if let Err(error) = this.finish(&event).await {
                tracing::warn!(%error, "a webhook's work is left for the next look");
            }
        });
    }

    /// Which account of this app the event ends, if any.
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
            // Its one account stays, and what was minted for this user goes, on every server. Zoom says it again if this fails.
            if let Some(account) = self.store.credential_of(app.workspace, app.id, "").await? {
                self.cache.void_zaks(app.workspace, account.id).await?;
            }
            return Ok(None);
        }
        let Some(account) = self.store.credential_of(app.workspace, app.id, user_id).await? else {
            tracing::info!(app = %app.id, event = event.name(), "Zoom tells of a user who is not connected here");
            return Ok(None);
        };
        Ok(Some(Disconnection {
            credential: account.id,
            cause,
            unless_consented_after: happened_at,
            note: note(&self.env, words),
        }))
    }

    /// Erases what an event has ended from everywhere but the store, which has erased it already.
    async fn finish(&self, event: &ZoomEvent) -> Result<(), Failure> {
        if let Some(id) = event.ended {
            self.cache.forget(id);
            // A grant in escrow finds its generation past, and is taken off the disk.
            self.grants.replay_deposits().await?;
        }
        self.received_events.finish_zoom_event(&event.key).await?;
        Ok(())
    }

    /// Finishes what a crash left unfinished, and forgets what other processes have ended. To be called at start, and
    /// from time to time. Answers how many events were finished.
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

    /// Does so for as long as it is polled, and removes events that are long over.
    pub async fn run_inbox(&self) -> Infallible {
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
                tracing::warn!(%error, "received events could not be looked after");
            }
            self.env.clock.sleep(POLL_INTERVAL).await;
        }
    }
}

/// The app is part of it: what one app was told says nothing of another.
fn key_of(app: ZoomOauthAppId, body: &[u8]) -> Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(app.to_string().as_bytes());
    hash.update(b".");
    hash.update(body);
    let mut key = [0; 32];
    key.copy_from_slice(hash.finish().as_ref());
    key
}
