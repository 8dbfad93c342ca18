//! One bot, from its lease to its last step.

use std::{convert::Infallible, time::Duration};

use broker::{WantedZak, signature::SigningKey};
use browser::{BotPage, BrowserError, JoinRequest, JoinToken, PageEvent};
use model::{BotStatus, Code, Failure, Secret, StatusChange, SubCode};
use store::{Bot, Lease, Transition};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use zoom::{AppKeys, JoinVerdict, MeetingLink, Role};

use crate::{
    CallbackError,
    life::{Act, End, Life},
    request::BotRequest,
    supervisor::{LEASE_LIFE, Parts},
};

/// How often a running bot says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long Zoom is given to take note of a leave.
const LEAVING: Duration = Duration::from_secs(5);
/// The interface is drawn a moment after the events; a picture taken at once is blank.
const DRAWN: Duration = Duration::from_secs(2);
/// Zoom's own dialog about a refusal fades in.
const FADED_IN: Duration = Duration::from_millis(600);
/// A ZAK has to outlive the join.
const ZAK_OUTLIVES: Duration = Duration::from_secs(180);
/// Between tries while the host is awaited.
const AWAIT_HOST: Duration = Duration::from_secs(15);
/// Between tries to write a step while the store is away.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// A bot whose server died this often is given up: it may be what kills them.
const RESTARTS: usize = 3;

/// Word from outside to a running bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Stay,
    /// The API wants it out.
    Leave,
    /// This process is stopping.
    ShutDown,
    /// The bot belongs to somebody else by now: write nothing more.
    LeaseLost,
}

/// What a bot was interrupted by.
type Interrupted = Order;

struct Runner<'a> {
    parts: &'a Parts,
    bot: &'a Bot,
    request: BotRequest,
    link: MeetingLink,
}

/// How often each kind of second chance was taken.
#[derive(Default)]
struct Tries {
    retries: u32,
    tokens: u32,
    signatures: u32,
    waits: u32,
}

/// What came of one join.
enum Outcome {
    Over(End),
    Refused(JoinVerdict, String),
}

/// Lives a bot's life. Returns when the bot has reached its end, or belongs to somebody else.
pub(crate) async fn run(
    parts: &Parts,
    bot: Bot,
    lease: Lease,
    changed: &Notify,
    stopping: &CancellationToken,
) {
    let (orders, obeyed) = watch::channel(Order::Stay);
    let living = live(parts, &bot, lease, obeyed);
    tokio::select! {
        () = living => {}
        never = watch_over(parts, &bot, lease, changed, stopping, &orders) => match never {},
    }
}

/// Keeps the lease, and passes on what the row says. Runs beside the bot, whatever the bot is waiting for.
async fn watch_over(
    parts: &Parts,
    bot: &Bot,
    lease: Lease,
    changed: &Notify,
    stopping: &CancellationToken,
    orders: &watch::Sender<Order>,
) -> Infallible {
    let give = |order| {
        orders.send_if_modified(|current| {
            *current != order && {
                *current = order;
                true
            }
        })
    };
    loop {
        let expires_at = parts.env.now() + LEASE_LIFE;
        match parts.store.renew_bot(bot.id, &lease, expires_at).await {
            Ok(Some(row)) if row.leave_requested_at.is_some() => drop(give(Order::Leave)),
            Ok(Some(_)) if stopping.is_cancelled() => drop(give(Order::ShutDown)),
            Ok(Some(_)) => {}
            Ok(None) => drop(give(Order::LeaseLost)),
            // While the store is away nobody else can take the bot either.
            Err(error) => tracing::warn!(bot = %bot.id, %error, "a bot's lease could not be renewed"),
        }
        tokio::select! {
            () = changed.notified() => {}
            () = stopping.cancelled(), if !stopping.is_cancelled() => {}
            () = parts.env.clock.sleep(HEARTBEAT) => {}
        }
    }
}

async fn live(parts: &Parts, bot: &Bot, lease: Lease, mut orders: watch::Receiver<Order>) {
    let ledger = Ledger { parts, bot, lease };
    if bot.status() == BotStatus::CallEnded {
        // Its server died between the last two steps.
        return ledger.record(BotStatus::Done, None, None).await;
    }
    let end = match prepare(parts, bot) {
        // Called off before anybody took it, or while its server was dead.
        Ok(_) if bot.leave_requested_at.is_some() => {
            End::CallEnded(Some(SubCode::BotReceivedLeaveCall), None)
        }
        Ok(runner) => {
            if let Some(end) = ledger.resume().await {
                end
            } else {
                match runner.join_and_follow(&ledger, &mut orders).await {
                    Ok(end) => end,
                    Err(Order::Leave) => End::CallEnded(Some(SubCode::BotReceivedLeaveCall), None),
                    // Not in yet: whoever starts next takes the bot over.
                    Err(Order::ShutDown) => return ledger.release().await,
                    Err(Order::Stay | Order::LeaseLost) => return,
                }
            }
        }
        Err(failure) => End::Fatal(SubCode::BotErrored, failure.to_string()),
    };
    ledger.close(end).await;
}

fn prepare<'a>(parts: &'a Parts, bot: &'a Bot) -> Result<Runner<'a>, Failure> {
    let request = BotRequest::open(parts.broker.vault(), bot.workspace, bot.id, &bot.request)?;
    let link = MeetingLink::parse(&request.meeting_url).map_err(|error| {
        Failure::new(Code::Internal, format!("the accepted link no longer reads: {error}"))
    })?;
    Ok(Runner { parts, bot, request, link })
}

impl Runner<'_> {
    /// Joins, again where the verdict says that it may help, and follows the meeting to its end.
    async fn join_and_follow(
        &self,
        ledger: &Ledger<'_>,
        orders: &mut watch::Receiver<Order>,
    ) -> Result<End, Interrupted> {
        let env = &self.parts.env;
        let patience = Duration::from_secs(self.request.automatic_leave.waiting_room_timeout.into());
        let give_up = env.now() + patience;
        let mut tries = Tries::default();
        loop {
            let (verdict, words) = match self.attempt(ledger, orders, &tries).await? {
                Outcome::Over(end) => return Ok(end),
                Outcome::Refused(verdict, words) => (verdict, words),
            };
            let again = match verdict {
                JoinVerdict::Fatal(_) => None,
                JoinVerdict::Retry { pause, .. } => {
                    taken(&mut tries.retries, JoinVerdict::RETRIES).then_some(pause)
                }
                JoinVerdict::NewToken { .. } => taken(&mut tries.tokens, 1).then_some(Duration::ZERO),
                JoinVerdict::NewSignature { .. } => taken(&mut tries.signatures, 1).then_some(Duration::ZERO),
                JoinVerdict::NotStarted | JoinVerdict::Wait { .. } => {
                    tries.waits += 1;
                    (env.now() + AWAIT_HOST < give_up).then_some(AWAIT_HOST)
                }
            };
            // A token that was brought and refused is the cause; without one there is nothing to renew.
            let signs_in = self.request.zoom.zak_url.is_some() || self.request.zoom.credential.is_some();
            let again = again.filter(|_| signs_in || !matches!(verdict, JoinVerdict::NewToken { .. }));
            let Some(pause) = again else { return Ok(End::Fatal(verdict.sub_code(), words)) };
            tracing::info!(bot = %self.bot.id, words, ?pause, "joining again");
            obey(orders, env.clock.sleep(pause)).await?;
        }
    }

    /// One join: a page, a token, a signature, and what follows.
    async fn attempt(
        &self,
        ledger: &Ledger<'_>,
        orders: &mut watch::Receiver<Order>,
        tries: &Tries,
    ) -> Result<Outcome, Interrupted> {
        // Side by side: the SDK takes seconds to start, and the token is fetched meanwhile.
        let prepared = async { tokio::try_join!(self.page(), self.identity(tries.tokens > 0)) };
        let (mut page, (app, token)) = match obey(orders, prepared).await? {
            Ok(prepared) => prepared,
            Err(end) => return Ok(Outcome::Over(end)),
        };
        let outcome = self.follow(&mut page, &app, token, ledger, orders, tries).await;
        match &outcome {
            Ok(Outcome::Over(End::CallEnded(..))) | Err(_) => {}
            // One picture of a closed door is enough.
            Ok(Outcome::Refused(JoinVerdict::NotStarted | JoinVerdict::Wait { .. }, _))
                if tries.waits > 0 => {}
            Ok(_) => {
                self.parts.env.clock.sleep(FADED_IN).await;
                ledger.picture(&page).await;
            }
        }
        page.close().await;
        outcome
    }

    /// A page with the SDK in it, or the end if there is none.
    async fn page(&self) -> Result<BotPage, End> {
        let page = self.parts.fleet.open().await;
        page.map_err(|error| End::Fatal(launch_sub_code(&error), error.to_string()))
    }

    /// Hands the join to the page and follows it until something ends it.
    async fn follow(
        &self,
        page: &mut BotPage,
        app: &AppKeys,
        token: Option<JoinToken>,
        ledger: &Ledger<'_>,
        orders: &mut watch::Receiver<Order>,
        tries: &Tries,
    ) -> Result<Outcome, Interrupted> {
        let env = &self.parts.env;
        let role = if self.request.zoom.start_meeting { Role::Start } else { Role::Join };
        let request = JoinRequest {
            signature: zoom::sdk_signature(app, &self.link.meeting_number, role, env.now()),
            meeting_number: self.link.meeting_number.clone(),
            passcode: self.link.passcode.clone().unwrap_or_else(|| Secret::new("")),
            bot_name: self.request.bot_name.clone(),
            user_email: self.request.zoom.user_email.clone(),
            token,
            registration: self.link.registration.clone(),
        };
        if let Err(error) = page.join(request).await {
            return Ok(Outcome::Over(End::Fatal(SubCode::BotErrored, error.to_string())));
        }
        let mut life = Life::begin(self.request.automatic_leave.clone(), env.now());
        let mut picture_at = (tries.waits == 0).then(|| env.now() + DRAWN);
        loop {
            let (now, due) = (env.now(), life.deadline());
            let wait = picture_at.map_or(due, |at| at.min(due)).since(now);
            let act = tokio::select! {
                event = page.event() => life.event(event, env.now()),
                order = next_order(orders) => match order {
                    Order::Leave if life.is_in() => Some(Act::Leave(SubCode::BotReceivedLeaveCall)),
                    Order::ShutDown if life.is_in() => {
                        leave(page, env).await;
                        let words = "Latchkey was stopped".to_owned();
                        return Ok(Outcome::Over(End::CallEnded(None, Some(words))));
                    }
                    order => return Err(order),
                },
                () = env.clock.sleep(wait) => life.due(env.now()),
            };
            match act {
                Some(Act::Arrive(status)) => {
                    ledger.record(status, None, None).await;
                    picture_at = Some(env.now() + DRAWN);
                }
                Some(Act::Refused(verdict, words)) => return Ok(Outcome::Refused(verdict, words)),
                Some(Act::Leave(sub_code)) => {
                    ledger.picture(page).await;
                    leave(page, env).await;
                    return Ok(Outcome::Over(End::CallEnded(Some(sub_code), None)));
                }
                Some(Act::End(end)) => return Ok(Outcome::Over(end)),
                None => {}
            }
            if picture_at.is_some_and(|at| at <= env.now()) {
                picture_at = None;
                ledger.picture(page).await;
            }
        }
    }

    /// What the bot signs with and signs in with, or the end if it cannot have them. It never joins anonymously when it
    /// was told to sign in.
    async fn identity(&self, fresh: bool) -> Result<(AppKeys, Option<JoinToken>), End> {
        let (workspace, zoom) = (self.bot.workspace, &self.request.zoom);
        let broken = |failure: Failure| End::Fatal(SubCode::BotErrored, failure.to_string());
        let app = self.parts.broker.sdk_app(workspace, zoom.credential).await.map_err(broken)?;
        let app = app.ok_or_else(|| {
            let words = "no Zoom app is registered to sign the join with: POST /api/v2/zoom-oauth-apps/";
            End::Fatal(SubCode::ZoomSdkCredentialsMissing, words.into())
        })?;
        let zak = match (&zoom.zak_url, zoom.credential) {
            (Some(url), _) => self.fetch_zak(url).await?,
            (None, Some(credential)) => {
                let wanted = WantedZak { outlives: ZAK_OUTLIVES, fresh };
                let zak = self.parts.broker.zak(workspace, credential, wanted).await.map_err(|failure| {
                    let words = format!("{failure}; {}", failure.code.advice());
                    End::Fatal(SubCode::ZoomCredentialUnhealthy, words)
                })?;
                zak.token
            }
            (None, None) => return Ok((app, None)),
        };
        Ok((app, Some(JoinToken::Zak(zak))))
    }

    async fn fetch_zak(&self, url: &str) -> Result<Secret, End> {
        let broken = |failure: Failure| End::Fatal(SubCode::BotErrored, failure.to_string());
        let secret = self.parts.broker.callback_secret(self.bot.workspace).await.map_err(broken)?;
        let key = SigningKey::parse(&secret).ok_or_else(|| {
            End::Fatal(SubCode::BotErrored, "the workspace's callback secret is not one".into())
        })?;
        self.parts.callbacks.fetch(url, &key).await.map_err(|error| {
            let sub_code = match error {
                CallbackError::NotAToken(_) => SubCode::ZoomZakRejected,
                _ => SubCode::ZoomZakCallbackFailed,
            };
            End::Fatal(sub_code, format!("zoom.zak_url: {error}"))
        })
    }
}

/// Writes a bot's steps and pictures, under its lease.
struct Ledger<'a> {
    parts: &'a Parts,
    bot: &'a Bot,
    lease: Lease,
}

impl Ledger<'_> {
    /// The first step of this run. A bot that was on its way or inside when its server died joins again, a few times.
    async fn resume(&self) -> Option<End> {
        match self.bot.status() {
            BotStatus::Ready => {
                self.record(BotStatus::JoiningCall, None, None).await;
                return None;
            }
            // It never arrived anywhere, so this is still the same way in.
            BotStatus::JoiningCall => return None,
            _ => {}
        }
        let starts =
            self.bot.status_changes.iter().filter(|step| step.code == BotStatus::JoiningCall).count();
        if starts > RESTARTS {
            let words = "the server stopped too often while this bot ran".into();
            return Some(End::Fatal(SubCode::BotErrored, words));
        }
        let words = "The server was restarted; joining again.".into();
        self.record(BotStatus::JoiningCall, None, Some(words)).await;
        None
    }

    /// Records the last steps.
    async fn close(&self, end: End) {
        match end {
            End::CallEnded(sub_code, words) => {
                self.record(BotStatus::CallEnded, sub_code, words).await;
                self.record(BotStatus::Done, None, None).await;
            }
            End::Fatal(sub_code, words) => self.record(BotStatus::Fatal, Some(sub_code), Some(words)).await,
        }
    }

    /// Records a step, however long the store is away: what happened has happened.
    async fn record(&self, code: BotStatus, sub_code: Option<SubCode>, message: Option<String>) {
        let id = self.bot.id;
        let step = StatusChange { code, sub_code, message, created_at: self.parts.env.now() };
        tracing::info!(bot = %id, %code, sub_code = sub_code.map(SubCode::as_str), words = step.message, "bot step");
        loop {
            match self.parts.store.record_step(id, &self.lease, &step).await {
                Ok(Transition::Recorded) => return,
                Ok(Transition::LeaseLost) => {
                    return tracing::warn!(bot = %id, %code, "a step came after the lease");
                }
                Ok(Transition::Forbidden) => {
                    return tracing::error!(bot = %id, %code, "a step that may not be");
                }
                Err(error) => {
                    tracing::error!(bot = %id, %error, "a bot's step waits for the store");
                    self.parts.env.clock.sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    async fn release(&self) {
        if let Err(error) = self.parts.store.release_bot(self.bot.id, &self.lease).await {
            tracing::warn!(bot = %self.bot.id, %error, "a bot could not be given back; its lease lapses by itself");
        }
    }

    async fn picture(&self, page: &BotPage) {
        match page.screenshot().await {
            Ok(png) => self.parts.screenshots.keep(self.bot.id, &png).await,
            Err(error) => tracing::warn!(bot = %self.bot.id, %error, "no screenshot"),
        }
    }
}

/// Leaves the meeting, and waits a moment for the page to say so.
async fn leave(page: &mut BotPage, env: &model::Environment) {
    if let Err(error) = page.leave().await {
        return tracing::warn!(%error, "the page could not be told to leave");
    }
    let left = async {
        while !matches!(page.event().await, PageEvent::Left | PageEvent::Ended { .. } | PageEvent::Gone(_)) {}
    };
    if env.clock.timeout(LEAVING, left).await.is_none() {
        tracing::warn!("Zoom took no note of the leave; closing the page");
    }
}

/// Runs `work` unless an order comes first.
async fn obey<T>(
    orders: &mut watch::Receiver<Order>,
    work: impl Future<Output = T>,
) -> Result<T, Interrupted> {
    tokio::select! {
        value = work => Ok(value),
        order = next_order(orders) => Err(order),
    }
}

/// The order that stands, once there is one.
async fn next_order(orders: &mut watch::Receiver<Order>) -> Order {
    loop {
        let order = *orders.borrow_and_update();
        if order != Order::Stay {
            return order;
        }
        if orders.changed().await.is_err() {
            // Whoever gives orders lives as long as the bot does.
            std::future::pending::<()>().await;
        }
    }
}

/// Counts a second chance; `false` when there are none left.
fn taken(count: &mut u32, most: u32) -> bool {
    *count += 1;
    *count <= most
}

const fn launch_sub_code(error: &BrowserError) -> SubCode {
    match error {
        BrowserError::PageGone | BrowserError::BrowserGone => SubCode::BotErrored,
        _ => SubCode::FailedToLaunchInTime,
    }
}
