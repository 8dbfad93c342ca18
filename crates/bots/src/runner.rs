//! One bot, from its lease to its last step.

use std::{convert::Infallible, time::Duration};

use browser::{BotPage, BrowserError, JoinRequest, JoinToken, PageEvent, SDK_VERSION};
use model::{BotStatus, Code, Environment, Failure, Secret, SubCode, Timestamp, ZoomOauthAppId};
use store::{Bot, Lease, PooledAccount};
use tokio::sync::watch;
use zoom::{JoinVerdict, MeetingLink, Role};

use crate::{
    Kind, Note,
    ahead::{Ahead, PageAhead, Waited},
    best_before,
    bot_record::{BotRecord, Resumed},
    browsers::OpenPage,
    chat::Greetings,
    commands::{BotCommand, Commands, next_command, unless_told},
    life::{Action, End, Life, Loss},
    log,
    meeting::{MeetingWish, live::live_rows, recorder::Recorder},
    outputs::Outputs,
    parts::{Parts, SEAT_TTL},
    rejoin::{Next, Rejoin},
    request::BotRequest,
    sign_in::{self, JoinCredentials, Missing, Refused},
};

/// Time limit for leaving, the last picture included. After it the page is closed, because the caller waits.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(6);
/// From the bot's arrival until its page is tidied: the SDK goes on loading after a join.
const TIDY_AFTER: Duration = Duration::from_secs(12);
/// Commands wait for it.
const TIDY_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval between joins while waiting for the host.
const HOST_RETRY_INTERVAL: Duration = Duration::from_secs(15);

/// Interval between renewals of a bot's seat in a pool.
const SEAT_RENEW_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) struct Runner<'a> {
    pub(crate) record: BotRecord<'a>,
    pub(crate) request: BotRequest,
    pub(crate) link: MeetingLink,
    recorder: Recorder<'a>,
    wish: MeetingWish,
}

/// How often each kind of second try was made.
#[derive(Default)]
struct Tries {
    retries: u32,
    tokens: u32,
    signatures: u32,
    waits: u32,
    /// When the first join began; cleared when the bot is in.
    began: Option<Timestamp>,
    /// The recorded reason for waiting.
    waits_for: Option<SubCode>,
    refused: Refused,
    /// For the first join.
    ahead: Box<Ahead>,
    /// When the first join was to begin; cleared by it.
    due_at: Option<Timestamp>,
}

/// The outcome of one join.
pub(crate) enum Outcome {
    Over(End),
    /// The page is useless, and the meeting may go on.
    Lost(Loss),
    Refused(JoinVerdict, String),
    /// This account of the pool is in the meeting already.
    Inside(PooledAccount, String),
    /// Zoom refused this app, or its signature.
    AppRefused(ZoomOauthAppId, String),
    /// No credentials: try again after this pause. The rest is the end if there is no time for it.
    Later(Duration, SubCode, String),
}

impl From<Missing> for Outcome {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::End(end) => Self::Over(end),
            Missing::Later { pause, sub_code, words } => Self::Later(pause, sub_code, words),
        }
    }
}

/// Runs a bot for as long as its lease is held. Returns when the bot has ended or was released.
#[tracing::instrument(name = "bot", skip_all, fields(workspace = %bot.workspace, bot = %bot.id))]
pub(crate) async fn run(
    parts: &Parts,
    bot: &Bot,
    lease: Lease,
    mut commands: Commands,
    revision: watch::Receiver<u32>,
) {
    let record = BotRecord { parts, bot, lease };
    let end = match without_joining(&record) {
        Some(end) => end,
        None => match open_request(&record) {
            Ok(runner) => match runner.wait_for_its_time(&mut commands).await {
                Waited::Due(ahead) => match record.resume().await {
                    Resumed::NotOurs => return,
                    Resumed::End(end) => end,
                    Resumed::Joins => match Box::pin(runner.live(&mut commands, revision, ahead)).await {
                        Ok(end) => end,
                        Err(BotCommand::Leave) => called_off(),
                        Err(BotCommand::HandOver) => return record.hand_over().await,
                    },
                },
                Waited::Told(BotCommand::Leave) => called_off(),
                // It has not begun: nothing tells of it.
                Waited::Told(BotCommand::HandOver) | Waited::NotYet => return record.release().await,
            },
            Err(failure) => failure.into(),
        },
    };
    record.close(end).await;
}

const fn called_off() -> End {
    End::CallEnded(Some(SubCode::BotReceivedLeaveCall), None)
}

/// Records the last step of a bot that will not join any more; releases any other.
#[tracing::instrument(name = "close_bot", skip_all, fields(workspace = %bot.workspace, bot = %bot.id))]
pub(crate) async fn close(parts: &Parts, bot: &Bot, lease: Lease) {
    let record = BotRecord { parts, bot, lease };
    match without_joining(&record) {
        Some(end) => record.close(end).await,
        None => record.release().await,
    }
}

/// The end of a bot that will not join.
fn without_joining(record: &BotRecord<'_>) -> Option<End> {
    let BotRecord { parts, bot, .. } = *record;
    if bot.status() == BotStatus::CallEnded {
        // Its server died between the last two steps.
        return Some(End::Done);
    }
    if bot.leave_requested_at.is_some() {
        // Cancelled before a server took it, or while its server was dead.
        return Some(called_off());
    }
    best_before::missed(bot, parts.timing.join_within, parts.env.now())
}

fn open_request<'a>(record: &BotRecord<'a>) -> Result<Runner<'a>, Failure> {
    let BotRecord { parts, bot, .. } = *record;
    let request = BotRequest::open(&parts.broker.vault, bot.workspace, bot.id, &bot.request)?;
    let link = MeetingLink::parse(&request.meeting_url).map_err(|error| {
        Failure::new(Code::Internal, format!("the accepted link no longer reads: {error}")).caused_by(error)
    })?;
    let wish = MeetingWish::of(&request.echoed);
    let recorder =
        Recorder::new(*record, wish, live_rows(bot, &request.echoed), request.automatic_leave.bot_names());
    Ok(Runner { record: *record, request, link, recorder, wish })
}

impl Runner<'_> {
    /// From the first step to the end, with a seat of the pool.
    async fn live(
        &self,
        commands: &mut Commands,
        revision: watch::Receiver<u32>,
        ahead: Box<Ahead>,
    ) -> Result<End, BotCommand> {
        if self.record.bot.status() != BotStatus::Ready {
            self.recorder.recall().await;
        }
        let ended = tokio::select! {
            ended = self.join_and_follow(commands, revision, ahead) => ended,
            never = self.keep_seat() => match never {},
            never = self.recorder.run_writer() => match never {},
            never = self.recorder.run_recognition(self.link.meeting_number) => match never {},
        };
        // A server that stops does not wait for the store.
        match ended {
            Err(BotCommand::HandOver) => within(&self.record.parts.env, self.recorder.finish()).await,
            _ => self.recorder.finish().await,
        }
        ended
    }

    /// Joins, again where the verdict allows it, and follows the meeting to its end.
    async fn join_and_follow(
        &self,
        commands: &mut Commands,
        revision: watch::Receiver<u32>,
        ahead: Box<Ahead>,
    ) -> Result<End, BotCommand> {
        let env = &self.record.parts.env;
        let patience = Duration::from_secs(self.request.automatic_leave.waiting_room_timeout.into());
        let give_up = env.now() + patience;
        let bot = self.record.bot;
        let due_at = (bot.status() == BotStatus::Ready).then(|| best_before::due_at(bot, env.now()));
        let mut tries = Tries { began: Some(env.now()), ahead, due_at, ..Tries::default() };
        let (mut life, mut back) = self.begin();
        let mut outputs = Outputs::new(
            self.record,
            &self.recorder,
            Greetings::of(&self.request.echoed),
            commands.clone(),
            revision,
        );
        loop {
            let joined = env.now();
            let outcome = self.attempt(commands, &mut tries, &mut life, &mut outputs).await?;
            let outcome = match back.after(outcome, &life, joined, env.now()) {
                Next::Join { pause, loss } => {
                    self.record.lost(loss).await;
                    self.decide("The bot comes back: it joins again", pause, None);
                    unless_told(commands, env.clock.sleep(pause)).await?;
                    continue;
                }
                Next::End(end) => return Ok(end),
                Next::AsAtFirst(outcome) => outcome,
            };
            let (again, sub_code, words) = match outcome {
                Outcome::Over(end) => return Ok(end),
                Outcome::Lost(Loss { sub_code, words, .. }) => (None, sub_code, words),
                Outcome::Refused(verdict, words) => {
                    let again = self.again(verdict, &mut tries, give_up);
                    let waits = matches!(verdict, JoinVerdict::NotStarted | JoinVerdict::Wait { .. });
                    let waits_for = again.filter(|_| waits).and(Some(verdict.sub_code()));
                    self.say_what_it_waits_for(&mut tries, waits_for, give_up).await;
                    (again, verdict.sub_code(), words)
                }
                Outcome::Inside(account, words) => {
                    tries.refused.inside.push(account);
                    (Some(Duration::ZERO), SubCode::ZoomErrorMultipleDeviceJoin, words)
                }
                Outcome::AppRefused(app, words) => {
                    tries.refused.apps.push(app);
                    tries.refused.words.clone_from(&words);
                    (Some(Duration::ZERO), SubCode::ZoomInvalidSignature, words)
                }
                Outcome::Later(pause, sub_code, words) => {
                    let again = until(give_up, env.now(), pause);
                    self.say_what_it_waits_for(&mut tries, again.and(Some(sub_code)), give_up).await;
                    (again, sub_code, words)
                }
            };
            let Some(pause) = again else { return Ok(End::Fatal(sub_code, words)) };
            tracing::info!(bot = %self.record.bot.id, words, ?pause, "joining again");
            self.decide(&format!("The bot joins again, because {words}:"), pause, Some(sub_code));
            unless_told(commands, env.clock.sleep(pause)).await?;
        }
    }

    /// Notes that the bot joins again, after this pause.
    fn decide(&self, words: &str, pause: Duration, sub_code: Option<SubCode>) {
        let when = if pause.is_zero() { "at once".to_owned() } else { format!("in {} s", pause.as_secs()) };
        let note = Note::new(Kind::Decision, format!("{words} {when}."))
            .with("pause_seconds", pause.as_secs())
            .with_some("sub_code", sub_code.map(SubCode::as_str));
        self.record.note(note);
    }

    /// The state of a new bot, or of one that another server ran before.
    fn begin(&self) -> (Life, Rejoin) {
        let BotRecord { parts, bot, .. } = self.record;
        let (within, now) = (parts.timing.rejoin_within, parts.env.now());
        let mut steps = bot.status_changes.iter();
        let first_in = steps.find(|step| step.code == BotStatus::InCallNotRecording);
        let first_in = first_in.map(|step| step.created_at);
        let life = Life::new(self.request.automatic_leave.clone(), parts.timing, first_in, now);
        let back = match bot.status() {
            BotStatus::Ready => Rejoin::new(within),
            _ => Rejoin::from_another_server(within, now),
        };
        (life, back)
    }

    /// The pause before the next join, if another one may help.
    fn again(&self, verdict: JoinVerdict, tries: &mut Tries, give_up: Timestamp) -> Option<Duration> {
        match verdict {
            // [`Outcome::AppRefused`] handles the choice of another app.
            JoinVerdict::Fatal(_) | JoinVerdict::NewApp { .. } => None,
            JoinVerdict::Retry { pause, .. } => {
                taken(&mut tries.retries, JoinVerdict::RETRIES).then_some(pause)
            }
            // A refused token can be replaced once; without a token there is nothing to replace.
            JoinVerdict::NewToken { sub_code } => {
                let brought = match sub_code {
                    SubCode::ZoomInvalidJoinToken => self.request.zoom.join_token_url.is_some(),
                    _ => self.request.zoom.signs_in(),
                };
                (brought && taken(&mut tries.tokens, 1)).then_some(Duration::ZERO)
            }
            JoinVerdict::NewSignature { .. } => taken(&mut tries.signatures, 1).then_some(Duration::ZERO),
            JoinVerdict::NotStarted | JoinVerdict::Wait { .. } => {
                tries.waits += 1;
                until(give_up, self.record.parts.env.now(), HOST_RETRY_INTERVAL)
            }
        }
    }

    /// Records what the bot waits for, once for each reason.
    async fn say_what_it_waits_for(&self, tries: &mut Tries, sub_code: Option<SubCode>, give_up: Timestamp) {
        let Some(sub_code) = sub_code.filter(|sub_code| tries.waits_for != Some(*sub_code)) else { return };
        tries.waits_for = Some(sub_code);
        let advice = sub_code.advice();
        let words = format!("Waiting {}, until {give_up} at most. {advice}", waiting_for(sub_code));
        self.record.record(BotStatus::JoiningCall, Some(sub_code), Some(words)).await;
    }

    /// Renews the bot's seat in its pool for as long as it is polled. The last step releases the seat;
    /// otherwise it expires.
    async fn keep_seat(&self) -> Infallible {
        let BotRecord { parts, bot, .. } = self.record;
        let Some(pool) = self.request.zoom.pool else { return std::future::pending().await };
        loop {
            parts.env.clock.sleep(SEAT_RENEW_INTERVAL).await;
            let (holder, until) = (bot.id.to_string(), parts.env.now() + SEAT_TTL);
            // No seat is fine: the bot may be waiting for one.
            if let Err(failure) = parts.broker.pools.extend_seats(bot.workspace, pool, &holder, until).await {
                tracing::warn!(bot = %bot.id, %failure, "a bot's seat could not be kept");
            }
        }
    }

    /// One join: a page, its credentials, and what follows.
    async fn attempt(
        &self,
        commands: &mut Commands,
        tries: &mut Tries,
        life: &mut Life,
        outputs: &mut Outputs<'_>,
    ) -> Result<Outcome, BotCommand> {
        life.join(self.record.parts.env.now());
        let ahead = std::mem::take(&mut tries.ahead);
        // Boxed: it is over when the bot is in.
        let preparing = Box::pin(self.prepare(&tries.refused, *ahead));
        let (mut page, credentials) = match unless_told(commands, preparing).await? {
            Ok(prepared) => prepared,
            Err(outcome) => return Ok(outcome),
        };
        let outcome = self.follow(&mut page, &credentials, commands, tries, life, outputs).await;
        self.recorder.away();
        outputs.end().await;
        page.close().await;
        outcome
    }

    #[tracing::instrument(name = "prepare_join", skip_all)]
    async fn prepare(
        &self,
        refused: &Refused,
        Ahead { page, credentials }: Ahead,
    ) -> Result<(OpenPage, JoinCredentials), Outcome> {
        // Boxed: it holds calls to the platform and to Zoom, which most bots finish early.
        let (parts, bot) = (self.record.parts, self.record.bot);
        let fetch = Box::pin(sign_in::join_credentials(parts, bot, &self.request.zoom, &self.link, refused));
        let fetch = async {
            match credentials {
                Some(credentials) => Ok(credentials),
                None => fetch.await.map_err(Outcome::from),
            }
        };
        if self.request.zoom.pool.is_some() {
            // A bot that waits for a seat needs no page meanwhile.
            let credentials = fetch.await?;
            return Ok((self.page(page).await?, credentials));
        }
        // Concurrent: the SDK takes seconds to start, and the tokens are fetched meanwhile.
        tokio::try_join!(self.page(page), fetch)
    }

    /// A page with the SDK in it: the one that was opened ahead, if it is usable. A page that hangs or dies while
    /// opening is a loss like any other.
    async fn page(&self, ahead: PageAhead) -> Result<OpenPage, Outcome> {
        let env = &self.record.parts.env;
        let began = env.now();
        let opened = match ahead.into_page().await {
            Some(page) => Ok(page),
            None => self.record.parts.browsers.open().await,
        };
        let note = match &opened {
            Ok(page) => Note::new(Kind::Page, "A page with Zoom's SDK is ready.")
                .with("chromium", page.chromium())
                .with("meeting_sdk", SDK_VERSION),
            Err(error) => Note::new(Kind::Page, format!("No page could be opened: {error}.")),
        };
        self.record.note(note.with("milliseconds", log::milliseconds(began, env.now())));
        opened.map_err(|error| match error {
            BrowserError::PageGone | BrowserError::BrowserGone => {
                self.lost(SubCode::BotErrored, error.to_string())
            }
            BrowserError::Timeout { .. } => self.lost(SubCode::FailedToLaunchInTime, error.to_string()),
            _ => Outcome::Over(End::Fatal(SubCode::FailedToLaunchInTime, error.to_string())),
        })
    }

    fn lost(&self, sub_code: SubCode, words: String) -> Outcome {
        Outcome::Lost(Loss { since: self.record.parts.env.now(), sub_code, words })
    }

    /// Takes a picture, unless a command comes first. A command is never delayed by a picture.
    async fn picture(&self, page: &BotPage, commands: &mut Commands) {
        tokio::select! {
            () = self.record.picture(page) => {}
            _ = next_command(commands) => {}
        }
    }

    /// Passes the join to the page and follows it until it ends.
    #[tracing::instrument(name = "follow_meeting", skip_all)]
    async fn follow(
        &self,
        page: &mut BotPage,
        credentials: &JoinCredentials,
        commands: &mut Commands,
        tries: &mut Tries,
        life: &mut Life,
        outputs: &mut Outputs<'_>,
    ) -> Result<Outcome, BotCommand> {
        let env = &self.record.parts.env;
        let role = if self.request.zoom.start_meeting { Role::Start } else { Role::Join };
        let request = JoinRequest {
            signature: zoom::sdk_signature(
                &credentials.app.keys,
                &self.link.meeting_number.to_string(),
                role,
                self.record.parts.broker.zoom.clock().now(),
            ),
            meeting_number: self.link.meeting_number.to_string(),
            passcode: self.link.passcode.clone().unwrap_or_else(|| Secret::new("")),
            bot_name: self.request.bot_name.clone(),
            user_email: self.request.zoom.user_email.clone(),
            token: credentials.token.clone(),
            recording: credentials.recording.clone(),
            registration: self.link.registration.clone(),
        };
        outputs.begin(page).await;
        let joining = async {
            if self.wish.captions {
                page.want_captions().await?;
            }
            self.record.note(of_join(&request, role, self.link.passcode.is_some(), credentials));
            page.join(request).await
        };
        if let Err(error) = unless_told(commands, joining).await? {
            self.picture(page, commands).await;
            return Ok(self.lost(SubCode::BotErrored, error.to_string()));
        }
        if let Some(due_at) = tries.due_at.take() {
            self.record.parts.metrics.bot_began(env.now().since(due_at));
        }
        life.join(env.now());
        let mut tidy_at = None;
        loop {
            let deadlines = [Some(life.deadline()), self.recorder.deadline(), tidy_at];
            let deadline = deadlines.into_iter().flatten().min().unwrap_or(Timestamp::MAX);
            let wait = deadline.since(env.now());
            let action = tokio::select! {
                event = self.record.hear(page, tries.waits > 0) => {
                    outputs.hear(page, &event).await;
                    if event == (PageEvent::Camera { on: true, wanted: true }) {
                        // What others see now.
                        self.picture(page, commands).await;
                    }
                    match event {
                        PageEvent::Meeting(news) => {
                            let (heeded, company) = self.recorder.hear(news, env.now());
                            life.heed(&heeded, company, env.now());
                            None
                        }
                        event => life.event(event, env.now()),
                    }
                }
                company = self.recorder.recognised() => {
                    life.observe(company, env.now());
                    None
                }
                () = outputs.changed() => {
                    outputs.update(page).await;
                    None
                }
                command = next_command(commands) => match command {
                    BotCommand::Leave if life.is_in() => {
                        Some(Action::Leave(SubCode::BotReceivedLeaveCall))
                    }
                    BotCommand::HandOver if life.is_in() => {
                        within(env, leave(&self.record, page)).await;
                        return Err(command);
                    }
                    BotCommand::Leave => {
                        within(env, self.record.picture(page)).await;
                        return Err(command);
                    }
                    BotCommand::HandOver => return Err(command),
                },
                () = env.clock.sleep(wait) => {
                    if tidy_at.take_if(|at| *at <= env.now()).is_some() {
                        // Whether it works is not important; a frozen page is noticed elsewhere.
                        let _ = env.clock.timeout(TIDY_TIMEOUT, page.tidy()).await;
                    }
                    self.recorder.tick(env.now());
                    life.due(env.now())
                }
            };
            if let Some(Action::Refused(verdict, _)) = &action {
                // One picture is enough while waiting for the host.
                let waits = matches!(verdict, JoinVerdict::NotStarted | JoinVerdict::Wait { .. });
                if !waits || tries.waits == 0 {
                    self.picture(page, commands).await;
                }
            }
            match action {
                Some(Action::Arrive(status)) => {
                    if let Err(failure) = self.record.parts.broker.signing.accept(&credentials.app).await {
                        tracing::warn!(%failure, "that an app signs joins is not remembered");
                    }
                    self.record.record(status, None, None).await;
                    if status == BotStatus::InCallNotRecording {
                        tidy_at = Some(env.now() + TIDY_AFTER);
                        outputs.enter(page).await;
                    }
                    if let Some(began) = tries.began.take() {
                        self.record.parts.metrics.bot_joined(env.now().since(began));
                    }
                    self.picture(page, commands).await;
                }
                Some(Action::Refused(verdict, words)) if verdict.concerns_the_app() => {
                    let words = format!("{words}; {}", signed_with(&credentials.app.keys.client_id));
                    let JoinVerdict::NewApp { .. } = verdict else {
                        return Ok(Outcome::Refused(verdict, words));
                    };
                    let refused = self.record.parts.broker.signing.refuse(&credentials.app, &words);
                    if let Err(failure) = refused.await {
                        tracing::warn!(%failure, "other bots may sign once more with an app that Zoom refused");
                    }
                    return Ok(Outcome::AppRefused(credentials.app.id(), words));
                }
                Some(Action::Refused(verdict, words)) => {
                    let words = match self.request.zoom.source_of(verdict.sub_code()) {
                        Some(field) => format!("{words}; the token came from {field}"),
                        None => words,
                    };
                    let refused = verdict.sub_code() == SubCode::ZoomZakRejected;
                    if let (true, Some(JoinToken::Zak(zak))) = (refused, &credentials.token) {
                        let rejected =
                            self.record.parts.broker.tokens.reject_zak(self.record.bot.workspace, zak);
                        if let Err(failure) = rejected.await {
                            tracing::warn!(%failure, "other servers may give a refused ZAK once more");
                        }
                    }
                    // A bot that is to start the meeting can't use another account.
                    let elsewhere = verdict == JoinVerdict::Fatal(SubCode::ZoomErrorMultipleDeviceJoin)
                        && !self.request.zoom.start_meeting;
                    return Ok(match &credentials.of_the_pool {
                        Some(account) if elsewhere => Outcome::Inside(account.clone(), words),
                        _ => Outcome::Refused(verdict, words),
                    });
                }
                Some(Action::Leave(sub_code)) => {
                    let note = Note::new(Kind::Decision, format!("The bot leaves: {}", sub_code.about()));
                    self.record.note(note.with("sub_code", sub_code.as_str()));
                    let going = async {
                        self.record.picture(page).await;
                        leave(&self.record, page).await;
                    };
                    within(env, going).await;
                    return Ok(Outcome::Over(End::CallEnded(Some(sub_code), None)));
                }
                Some(Action::Rejoin(loss)) => {
                    self.picture(page, commands).await;
                    return Ok(Outcome::Lost(loss));
                }
                Some(Action::End(end)) => {
                    self.picture(page, commands).await;
                    return Ok(Outcome::Over(end));
                }
                None => {}
            }
        }
    }
}

/// Leaves the meeting and waits until the page confirms it.
async fn leave(record: &BotRecord<'_>, page: &mut BotPage) {
    if let Err(error) = page.leave().await {
        return tracing::warn!(%error, "the page could not be told to leave");
    }
    let out = |event| {
        use PageEvent::{Dropped, Ended, Failed, Gone, Left};
        matches!(event, Left | Ended { .. } | Dropped { .. } | Failed { .. } | Gone(_))
    };
    while !out(record.hear(page, false).await) {}
}

/// What of a join its bot's log shows.
fn of_join(request: &JoinRequest, role: Role, has_passcode: bool, credentials: &JoinCredentials) -> Note {
    let by = request.token.as_ref().map(|token| match token {
        JoinToken::Zak(_) => "ZAK",
        JoinToken::Obf(_) => "OBF token",
    });
    let how = by.map_or("as a guest".to_owned(), |token| format!("signed in by its {token}"));
    let verb = if role == Role::Start { "start" } else { "join" };
    Note::new(Kind::JoinRequest, format!("The page is told to {verb} the meeting, {how}."))
        .with("meeting_number", request.meeting_number.clone())
        .with_some("signed_in_by", by)
        .with("has_passcode", has_passcode)
        .with("records_without_asking", request.recording.is_some())
        .with("oauth_app", credentials.app.id().to_string())
}

/// The time limit for a frozen page: closing it also takes the bot out of the meeting.
async fn within(env: &Environment, going: impl Future<Output = ()>) {
    if env.clock.timeout(LEAVE_TIMEOUT, going).await.is_none() {
        tracing::warn!("the page or Zoom took no note of the leave; closing the page");
    }
}

fn signed_with(client_id: &str) -> String {
    format!(
        "the join was signed with the app whose client id is {client_id}: check its secret, and that its Meeting SDK is switched on"
    )
}

/// The pause before the next try: shorter before the last one, which is at `give_up`; none after it.
fn until(give_up: Timestamp, now: Timestamp, pause: Duration) -> Option<Duration> {
    let left = give_up.since(now);
    (!left.is_zero()).then(|| pause.min(left))
}

/// What the bot waits for, when it would end with this sub code.
const fn waiting_for(sub_code: SubCode) -> &'static str {
    match sub_code {
        SubCode::MeetingNotStarted => "for the host to start the meeting",
        SubCode::ZoomAnotherMeetingInProgress => "for the host, who has another meeting in progress",
        SubCode::MeetingLocked => "for the host to unlock the meeting",
        SubCode::MeetingFull => "for a participant to leave the meeting, which is full",
        SubCode::ZoomObfUserNotInMeeting => "for the user who vouches for the bot to join",
        SubCode::ZoomPoolFull => "for a seat of the pool",
        _ => "for the account's token",
    }
}

/// Counts a second try; `false` when none is left.
fn taken(count: &mut u32, most: u32) -> bool {
    *count += 1;
    *count <= most
}
