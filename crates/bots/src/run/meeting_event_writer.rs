//! Stores the events of a bot's meeting. Events are queued at once and written in batches in the background, so that neither
//! a flood of captions nor a slow store delays the bot.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use browser::SdkMeetingEvent;
use model::{MeetingEvent, MeetingEventKind, MeetingEventsId, MeetingNumber, Secret, Timestamp, chain};
use store::{Appended, MeetingEventBatch, RealtimeEndpoint};
use tenants::Cell;
use tokio::sync::{Notify, OnceCell};

use super::{bot_row::BotRecord, event_queue::EventQueue};
use crate::{
    meeting::{
        read::{self, StoredEvents},
        state::{Meeting, MeetingUpdate, Others},
    },
    request::{BotRequest, RecordingConfig},
};

/// Pause after a write, in which events gather for the next batch.
const WRITE_PAUSE: Duration = Duration::from_millis(200);
/// Pause between tries while the store is unavailable.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How often a bot looks for other bots of this installation among the participants. It also looks when someone joins.
const RECOGNITION_INTERVAL: Duration = Duration::from_secs(10);

/// Tracks the meeting of one bot, and stores its events.
pub(super) struct Recorder<'a> {
    record: BotRecord<'a>,
    config: RecordingConfig,
    /// The real-time endpoints.
    endpoints: Vec<RealtimeEndpoint>,
    /// Set when the endpoints are stored.
    endpoints_added: OnceCell<()>,
    meeting: Mutex<Meeting>,
    queue: Mutex<EventQueue>,
    /// Notified when there is something to write.
    queued: Notify,
    /// Notified when a participant joined who may be a bot.
    newcomer: Notify,
    /// Notified when bots of this installation were recognised.
    recognised: Notify,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Recorder<'a> {
    pub(super) fn new(record: BotRecord<'a>, request: &BotRequest) -> Self {
        let endpoints =
            request.objects.realtime_endpoints.iter().map(|endpoint| endpoint.new_row(record.bot));
        Self {
            record,
            config: request.objects.recording,
            endpoints: endpoints.collect(),
            endpoints_added: OnceCell::new(),
            meeting: Mutex::new(Meeting::new(request.automatic_leave.bot_names())),
            queue: Mutex::default(),
            queued: Notify::new(),
            newcomer: Notify::new(),
            recognised: Notify::new(),
        }
    }

    /// Reads the events that another server stored for this bot. Retries while the store is unavailable.
    #[tracing::instrument(name = "recall_meeting", skip_all)]
    pub(super) async fn recall(&self) {
        let (parts, bot) = (self.record.parts, self.record.bot);
        loop {
            match read::all(&*parts.store, &parts.broker.vault, bot.workspace, bot.id).await {
                Ok(stored) => {
                    locked(&self.queue).recall(&stored);
                    let until = self.last_seen(&stored);
                    let entered =
                        |event: &MeetingEvent| matches!(event.what, MeetingEventKind::BotEntered { .. });
                    let knows_people = self.config.participant_events && stored.events.iter().any(entered);
                    let mut meeting = locked(&self.meeting);
                    for event in stored.events {
                        meeting.recall(event.what);
                    }
                    let missing = meeting.take_over(knows_people, until);
                    drop(meeting);
                    return self.enqueue(missing, until);
                }
                Err(failure) => {
                    tracing::error!(bot = %bot.id, failure = %chain(&failure), "could not read a bot's earlier meeting events; will retry");
                    parts.env.clock.sleep(STORE_RETRY_PAUSE).await;
                }
            }
        }
    }

    /// The last time at which the other server is known to have run: it renewed its lease, or stored an event.
    fn last_seen(&self, stored: &StoredEvents) -> Timestamp {
        let BotRecord { parts, bot, .. } = self.record;
        let renewed = bot.leased_until.map(|until| until - parts.timing.lease);
        let stored = stored.events.last().map(|event| event.at);
        let now = parts.env.now();
        renewed.max(stored).unwrap_or(now).min(now)
    }

    /// Applies reports of the page, and queues the events, without waiting.
    pub(super) fn add_events(&self, news: Vec<SdkMeetingEvent>, now: Timestamp) -> (MeetingUpdate, Others) {
        let mut meeting = locked(&self.meeting);
        let mut update = meeting.take(news, now);
        self.enqueue(std::mem::take(&mut update.events), now);
        if update.has_newcomer {
            self.newcomer.notify_one();
        }
        (update, meeting.others())
    }

    /// Call this when the bot's page is gone, or about to be closed.
    pub(super) fn away(&self) {
        let happened = locked(&self.meeting).away();
        self.enqueue(happened, self.record.parts.env.now());
    }

    /// The current number at Zoom of the participant whose events have the number `id`, if they are there.
    pub(super) fn number_now(&self, id: u32) -> Option<u32> {
        locked(&self.meeting).number_now(id)
    }

    /// When to call [`tick`](Self::tick).
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        locked(&self.meeting).deadline()
    }

    /// Handles what is due by `now`.
    pub(super) fn tick(&self, now: Timestamp) {
        let happened = locked(&self.meeting).tick(now);
        self.enqueue(happened, now);
    }

    /// Resolves when bots of this installation were recognised among the participants.
    pub(super) async fn recognised(&self) -> Others {
        self.recognised.notified().await;
        locked(&self.meeting).others()
    }

    fn enqueue(&self, happened: Vec<MeetingEventKind>, now: Timestamp) {
        let mut queue = locked(&self.queue);
        let wanted = happened.into_iter().filter(|what| self.is_wanted(what));
        let missed = wanted.filter_map(|what| (!queue.push(what, now)).then_some(1)).sum();
        self.record.parts.metrics.meeting_events_missed(missed);
        if !queue.is_empty() {
            self.queued.notify_one();
        }
    }

    fn is_wanted(&self, what: &MeetingEventKind) -> bool {
        let RecordingConfig { participant_events, captions, partial_captions, .. } = self.config;
        match what {
            MeetingEventKind::BotEntered { .. }
            | MeetingEventKind::BotLeft
            | MeetingEventKind::Missed { .. } => self.config.keeps_anything(),
            MeetingEventKind::Caption { is_final, .. } => captions && (*is_final || partial_captions),
            MeetingEventKind::CaptionState { .. } => captions,
            _ => participant_events,
        }
    }

    /// Writes queued events for as long as it is polled. It may be dropped at any time: the next write repeats an
    /// unconfirmed batch.
    pub(super) async fn run_writer(&self) -> Infallible {
        loop {
            self.queued.notified().await;
            self.write().await;
            self.record.parts.env.clock.sleep(WRITE_PAUSE).await;
        }
    }

    /// Writes the remaining events when the bot has left or its page is gone. Retries while the store is unavailable.
    pub(super) async fn finish(&self) {
        self.away();
        locked(&self.queue).say_what_was_missed(self.record.parts.env.now());
        self.write().await;
    }

    #[tracing::instrument(name = "write_meeting_events", skip_all)]
    async fn write(&self) {
        let parts = self.record.parts;
        while let Some(batch) = self.next_batch() {
            // The endpoints are stored before the first batch, because the batch makes their deliveries due.
            self.endpoints_added.get_or_init(|| self.add_endpoints()).await;
            match parts.store.append_meeting_events(&self.record.lease, &batch, parts.env.now()).await {
                Ok(Appended::Recorded) => {
                    parts.metrics.meeting_events_kept(batch.last - batch.first + 1);
                    locked(&self.queue).writing = None;
                }
                Ok(Appended::LeaseLost | Appended::Late) => {
                    tracing::warn!(bot = %self.record.bot.id, "meeting events were not stored: the bot's lease is lost");
                    locked(&self.queue).close();
                }
                Err(error) => {
                    tracing::error!(bot = %self.record.bot.id, error = %chain(&error), "could not store meeting events; will retry");
                    parts.env.clock.sleep(STORE_RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Stores the real-time endpoints. Retries while the store is unavailable.
    async fn add_endpoints(&self) {
        let (parts, endpoints) = (self.record.parts, &self.endpoints);
        while !endpoints.is_empty()
            && let Err(error) = parts.store.add_realtime_endpoints(&self.record.lease, endpoints).await
        {
            tracing::error!(bot = %self.record.bot.id, error = %chain(&error), "could not store real-time endpoints; will retry");
            parts.env.clock.sleep(STORE_RETRY_PAUSE).await;
        }
    }

    fn next_batch(&self) -> Option<MeetingEventBatch> {
        let captions = locked(&self.meeting).caption_state();
        let mut queue = locked(&self.queue);
        if queue.writing.is_none() {
            let events = queue.take_batch();
            let (first, last) = (events.first()?.number, events.last()?.number);
            let (parts, bot) = (self.record.parts, self.record.bot);
            let id = MeetingEventsId::generate(&parts.env);
            let text = Secret::new(serde_json::to_string(&events).expect("every key is a string"));
            let events = parts.broker.vault.seal(bot.workspace, Cell::MeetingEvents(id), &text);
            let usual = parts.events_kept_for;
            let kept_for = self.config.retention.map_or(usual, |asked| asked.min(usual));
            let workspace = bot.workspace;
            queue.writing = Some(MeetingEventBatch {
                id,
                bot: bot.id,
                workspace,
                first,
                last,
                events,
                captions,
                kept_for,
            });
        }
        queue.writing.clone()
    }

    /// Stores which participant this bot is, and recognises other bots of this installation, for as long as it is polled. So
    /// bots do not wait for each other to leave a meeting, whichever servers run them.
    pub(super) async fn run_recognition(&self, number: MeetingNumber) -> Infallible {
        let (parts, bot) = (self.record.parts, self.record.bot);
        let mut place = None;
        loop {
            let me = locked(&self.meeting).me();
            if let Some(me) = me
                && let Err(error) = self.recognise(number, me, &mut place).await
            {
                tracing::warn!(bot = %bot.id, error = %chain(&error), "could not look for other bots of this installation");
            }
            tokio::select! {
                () = self.newcomer.notified() => {}
                () = parts.env.clock.sleep(RECOGNITION_INTERVAL) => {}
            }
        }
    }

    async fn recognise(
        &self,
        number: MeetingNumber,
        me: u32,
        place: &mut Option<u32>,
    ) -> Result<(), store::StoreError> {
        let (parts, bot) = (self.record.parts, self.record.bot);
        if *place != Some(me)
            && parts.store.record_bot_participant(bot.id, &self.record.lease, number, me).await?
        {
            *place = Some(me);
        }
        let bots = parts.store.bot_participants(number, parts.env.now()).await?;
        let others: BTreeSet<u32> = bots.into_iter().filter(|id| *id != me).collect();
        let changed = locked(&self.meeting).recognise(others);
        if !changed.is_empty() {
            self.enqueue(changed, parts.env.now());
            self.recognised.notify_one();
        }
        Ok(())
    }
}
