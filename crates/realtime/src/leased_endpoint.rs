//! One leased endpoint: reads its next events, and records its position.

use std::time::Duration;

use bots::{
    BotRequest,
    meeting::{read, started_at},
    request::EndpointConfig,
};
use metrics::DeliveryOutcome;
use model::{EventId, Failure, MeetingEvent, RealtimeState, Secret};
use outbound::{
    CallbackError,
    signature::{ELSEWHERE, SigningKey},
};
use store::{Bot, Lease, MAX_REALTIME_PAUSE, RealtimeEndpoint, RealtimeNext, RealtimeProgress};
use workers::Backoff;

use crate::{
    Parts,
    message::{Message, message, state_changed},
};

/// How many rows of events are read at once. Together they have at most a thousand events.
const ROWS: u32 = 2;
/// Pauses after failed deliveries.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: MAX_REALTIME_PAUSE };
/// An endpoint that fails for this long receives no more events.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Why sending to an endpoint stopped.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The lease was lost: another server may send to this endpoint, and nothing more may be written.
    LeaseLost,
    /// A call failed. The lease expires, and the endpoint is leased again.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The outcome of an attempt that failed with this error.
pub(crate) const fn outcome_of(error: &CallbackError) -> DeliveryOutcome {
    match error {
        CallbackError::TooSlow | CallbackError::NotConnected => DeliveryOutcome::Timeout,
        CallbackError::Forbidden | CallbackError::BadUrl | CallbackError::BadSocketUrl => {
            DeliveryOutcome::Forbidden
        }
        CallbackError::Redirect => DeliveryOutcome::Redirect,
        CallbackError::Status(_) | CallbackError::NotASocket | CallbackError::NotAToken(_) => {
            DeliveryOutcome::Refused
        }
        CallbackError::Unreachable { .. } => DeliveryOutcome::Unreachable,
    }
}

/// An endpoint that this server has leased, to send its events.
pub(crate) struct LeasedEndpoint<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) config: EndpointConfig,
    pub(crate) url: Secret,
    row: &'a RealtimeEndpoint,
    lease: &'a Lease,
    bot: Bot,
    progress: RealtimeProgress,
}

impl<'a> LeasedEndpoint<'a> {
    /// Reads the bot and the endpoint's configuration. Returns `None` if there is no such bot, or no such endpoint in its
    /// request.
    pub(crate) async fn open(
        parts: &'a Parts,
        (row, lease): (&'a RealtimeEndpoint, &'a Lease),
    ) -> Result<Option<Self>, Failure> {
        let Some(bot) = parts.store.bot(row.workspace, row.bot).await? else { return Ok(None) };
        let request = BotRequest::open(&parts.vault, bot.workspace, bot.id, &bot.request)?;
        let found = request.objects.realtime_endpoints.into_iter().find(|config| config.place == row.place);
        let Some(config) = found else { return Ok(None) };
        let url = Secret::new(config.url.clone());
        Ok(Some(Self { parts, config, url, row, lease, bot, progress: row.progress }))
    }

    /// The number of the last event that was delivered or skipped.
    pub(crate) const fn delivered_up_to(&self) -> u64 {
        self.progress.told
    }

    /// The current signing keys.
    pub(crate) async fn keys(&self) -> Result<Vec<SigningKey>, Failure> {
        self.parts.workspaces.callback_keys(self.row.workspace).await
    }

    /// The id of a message. Token links refuse ids with this prefix, because the receiver of the message could otherwise
    /// replay its signature there.
    pub(crate) fn id_of(&self, number: u64) -> String {
        format!("{ELSEWHERE}{}-{number}", self.row.id)
    }

    /// Reads the events after this number, at most a thousand.
    pub(crate) async fn after(&self, number: u64) -> Result<Vec<MeetingEvent>, Failure> {
        let Parts { store, vault, .. } = self.parts;
        read::after(&**store, vault, self.row.workspace, self.row.bot, number, ROWS).await
    }

    /// Skips events that this endpoint does not subscribe to. Returns whether there are events to send.
    pub(crate) async fn skip_unwanted(&mut self) -> Result<bool, Stopped> {
        loop {
            let events = self.after(self.delivered_up_to()).await?;
            let Some(last) = events.last() else { return Ok(false) };
            match events.iter().position(|event| self.message(event).is_some()) {
                Some(0) => return Ok(true),
                Some(place) => {
                    self.record_skipped(events[place - 1].number).await?;
                    return Ok(true);
                }
                None => self.record_skipped(last.number).await?,
            }
        }
    }

    /// Whether the bot has ended and no event after this number is left to send.
    pub(crate) async fn is_over(&self, number: u64) -> Result<bool, Failure> {
        let bot = self.parts.store.bot(self.row.workspace, self.row.bot).await?;
        // The events are read after the bot: when its last step is recorded, all events are stored.
        Ok(bot.is_none_or(|bot| bot.status().is_terminal()) && self.after(number).await?.is_empty())
    }

    /// The message for an event, if this endpoint subscribes to it.
    pub(crate) fn message(&self, event: &MeetingEvent) -> Option<Message> {
        let started_at = started_at(&self.bot).unwrap_or(event.at);
        message(&self.bot, self.row.id, &self.config, started_at, event)
    }

    /// Records that all events up to this number were delivered.
    pub(crate) async fn record_delivered(&mut self, number: u64) -> Result<(), Stopped> {
        let state = RealtimeState::Running;
        self.write(RealtimeProgress { state, told: number, failures: 0, failing_since: None }, None).await
    }

    /// Records that the endpoint subscribes to none of the next events up to this number.
    pub(crate) async fn record_skipped(&mut self, number: u64) -> Result<(), Stopped> {
        self.write(RealtimeProgress { told: number, ..self.progress }, None).await
    }

    /// Records a failed attempt. The endpoint is retried after a pause, or receives no more events.
    pub(crate) async fn record_failure(&mut self, error: &str) -> Result<(), Stopped> {
        let now = self.parts.env.now();
        let since = self.progress.failing_since.unwrap_or(now);
        let failures = self.progress.failures.saturating_add(1);
        let failed = RealtimeProgress { failures, failing_since: Some(since), ..self.progress };
        tracing::info!(endpoint = %self.row.id, failures, error, "could not deliver an event to a real-time endpoint");
        if now.since(since) >= GIVE_UP_AFTER {
            tracing::warn!(endpoint = %self.row.id, error, "a real-time endpoint has failed for a day and receives no more events");
            self.parts.metrics.realtime_endpoint_failed();
            return self
                .write(RealtimeProgress { state: RealtimeState::Failed, ..failed }, Some(error))
                .await;
        }
        self.write(failed, None).await?;
        let again = now + PAUSES.jittered(failures - 1, &self.parts.env);
        self.settle(RealtimeNext::Again(again)).await.map(drop)
    }

    /// Records that the bot has ended and all events were delivered.
    pub(crate) async fn record_done(&mut self) -> Result<(), Stopped> {
        self.write(RealtimeProgress { state: RealtimeState::Done, ..self.progress }, None).await
    }

    /// Records that no more events were found. Returns `true` if there are new ones in the meantime.
    pub(crate) async fn settle(&self, next: RealtimeNext) -> Result<bool, Stopped> {
        let Parts { store, env, .. } = self.parts;
        let settled = store.settle_realtime_endpoint(self.row.id, self.lease, next, env.now()).await?;
        settled.ok_or(Stopped::LeaseLost)
    }

    async fn write(&mut self, progress: RealtimeProgress, error: Option<&str>) -> Result<(), Stopped> {
        let Parts { store, env, .. } = self.parts;
        if progress == self.progress {
            return Ok(());
        }
        let changed = progress.state != self.progress.state;
        let event = changed.then(|| {
            let endpoint = (self.row.id, &self.config);
            state_changed(&self.bot, endpoint, (EventId::generate(env), env.now()), progress.state, error)
        });
        if !store.record_realtime_progress(self.row.id, self.lease, &progress, event.as_ref()).await? {
            return Err(Stopped::LeaseLost);
        }
        self.progress = progress;
        Ok(())
    }
}
