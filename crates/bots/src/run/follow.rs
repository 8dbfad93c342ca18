//! One join: passes it to the page, and follows the meeting until its end.

use std::time::Duration;

use browser::{BotPage, JoinRequest, JoinToken, PageEvent};
use model::{BotStatus, CLOCK_TOLERANCE, Secret, SubCode, Timestamp, chain};
use zoom::{JoinVerdict, Role};

use super::{
    bot_run::BotRun,
    command::{BotCommand, LatestCommand, next_command, unless_commanded},
    leave::{leave, within_leave_timeout},
    life::{Action, Life},
    meeting_event_writer::Recorder,
    outcome::{End, Loss, Outcome},
    outputs::Outputs,
    sign_in::JoinCredentials,
};
use crate::log::{LogEntryKind, NewLogEntry};

/// Pause between the bot's entry and the cleanup of its page, because the SDK continues to load after a join.
const TIDY_AFTER: Duration = Duration::from_secs(12);
/// The time limit for the cleanup, because commands wait for it.
const TIDY_TIMEOUT: Duration = Duration::from_secs(2);
/// Zoom is not asked for its time again if it is known to be this recent.
const TIME_KNOWN_FOR: Duration = Duration::from_secs(10);

/// State that lasts over all joins of a run, for metrics and logs.
pub(super) struct Progress {
    /// When the first join began. Cleared when the bot has entered.
    pub(super) began: Option<Timestamp>,
    /// When the first join was due. Cleared when it begins.
    pub(super) due_at: Option<Timestamp>,
    /// How many joins Zoom has refused because the bot has to wait.
    pub(super) waits: u32,
    /// By how many seconds this server's clock was corrected for the last signature.
    pub(super) clock_correction: i64,
}

/// A join and the meeting after it.
pub(super) struct Follow<'r, 'a> {
    pub(super) run: &'a BotRun<'a>,
    pub(super) recorder: &'a Recorder<'a>,
    pub(super) credentials: &'r JoinCredentials,
    pub(super) commands: &'r mut LatestCommand,
    pub(super) life: &'r mut Life,
    pub(super) outputs: &'r mut Outputs<'a>,
    pub(super) progress: &'r mut Progress,
}

impl Follow<'_, '_> {
    /// Passes the join to the page and follows it until it ends.
    #[tracing::instrument(name = "follow_meeting", skip_all)]
    pub(super) async fn run(mut self, page: &mut BotPage) -> Result<Outcome, BotCommand> {
        if let Some(lost) = self.join(page).await? {
            return Ok(lost);
        }
        let env = &self.run.record.parts.env;
        let mut tidy_at = None;
        loop {
            let deadlines = [Some(self.life.deadline()), self.recorder.deadline(), tidy_at];
            let deadline = deadlines.into_iter().flatten().min().unwrap_or(Timestamp::MAX);
            let wait = deadline.since(env.now());
            let action = tokio::select! {
                event = self.run.record.next_event(page, self.progress.waits > 0) => self.handle_event(page, event).await,
                others = self.recorder.recognised() => {
                    self.life.others_changed(others, env.now());
                    None
                }
                () = self.outputs.changed() => {
                    self.outputs.update(page).await;
                    None
                }
                command = next_command(self.commands) => match command {
                    BotCommand::Leave if self.life.is_in() => {
                        Some(Action::Leave(SubCode::BotReceivedLeaveCall))
                    }
                    BotCommand::HandOver if self.life.is_in() => {
                        within_leave_timeout(env, leave(&self.run.record, page)).await;
                        return Err(command);
                    }
                    BotCommand::Leave => {
                        within_leave_timeout(env, self.run.record.picture(page)).await;
                        return Err(command);
                    }
                    BotCommand::HandOver => return Err(command),
                },
                () = env.clock.sleep(wait) => {
                    if tidy_at.take_if(|at| *at <= env.now()).is_some() {
                        // The result is not important. A frozen page is detected elsewhere.
                        let _ = env.clock.timeout(TIDY_TIMEOUT, page.tidy()).await;
                    }
                    self.recorder.tick(env.now());
                    self.life.due(env.now())
                }
            };
            match action {
                None => {}
                Some(Action::Arrive(status)) => {
                    if status == BotStatus::InCallNotRecording {
                        tidy_at = Some(env.now() + TIDY_AFTER);
                    }
                    self.arrive(page, status).await;
                }
                Some(action) => return Ok(self.end(page, action).await),
            }
        }
    }

    /// Passes the join to the page. Returns an outcome if the page did not accept it.
    async fn join(&mut self, page: &mut BotPage) -> Result<Option<Outcome>, BotCommand> {
        let BotRun { record, request, link } = self.run;
        let (parts, env) = (record.parts, &record.parts.env);
        // A bot that was in the meeting does not start it again: the meeting may be over, and Zoom does not report that to a
        // host who starts it.
        let starts = request.zoom.start_meeting && !self.life.was_inside();
        let role = if starts { Role::Start } else { Role::Join };
        let meeting_number = link.meeting_number.to_string();
        let zoom_clock = parts.broker.zoom.clock();
        let zoom_now = zoom_clock.now();
        self.progress.clock_correction = zoom_clock.correction();
        let join = JoinRequest {
            signature: zoom::sdk_signature(&self.credentials.app.keys, &meeting_number, role, zoom_now),
            meeting_number,
            passcode: link.passcode.clone().unwrap_or_else(|| Secret::new("")),
            bot_name: request.bot_name.clone(),
            user_email: request.zoom.user_email.clone(),
            token: self.credentials.token.clone(),
            recording: self.credentials.recording.clone(),
            registration: link.registration.clone(),
        };
        self.outputs.begin(page).await;
        let joining = async {
            if request.objects.recording.captions {
                page.want_captions().await?;
            }
            record.note(of_join(&join, role, link.passcode.is_some(), self.credentials));
            page.join(join).await
        };
        if let Err(error) = unless_commanded(self.commands, joining).await? {
            self.picture(page).await;
            let (since, sub_code) = (env.now(), SubCode::BotErrored);
            return Ok(Some(Outcome::Lost(Loss { since, sub_code, words: error.to_string() })));
        }
        if let Some(due_at) = self.progress.due_at.take() {
            parts.metrics.bot_began(env.now().since(due_at));
        }
        self.life.join(env.now());
        Ok(None)
    }

    /// Handles an event of the page.
    async fn handle_event(&mut self, page: &BotPage, event: PageEvent) -> Option<Action> {
        let env = &self.run.record.parts.env;
        self.outputs.handle_event(page, &event).await;
        if event == (PageEvent::Camera { on: true, wanted: true }) {
            // Shows what the other participants see now.
            self.picture(page).await;
        }
        match event {
            PageEvent::Meeting(news) => {
                let (update, others) = self.recorder.add_events(news, env.now());
                self.life.meeting_changed(&update, others, env.now());
                self.outputs.greet(page, &update.arrivals).await;
                None
            }
            event => self.life.event(event, env.now()),
        }
    }

    /// Handles the bot's entry into the meeting or its waiting room.
    async fn arrive(&mut self, page: &BotPage, status: BotStatus) {
        let record = &self.run.record;
        let parts = record.parts;
        if let Err(failure) = parts.broker.signing.accept(&self.credentials.app).await {
            tracing::warn!(failure = %chain(&failure), "could not store that Zoom accepts an app's signatures");
        }
        record.record(status, None, None).await;
        if status == BotStatus::InCallNotRecording {
            self.outputs.enter(page).await;
        }
        if let Some(began) = self.progress.began.take() {
            parts.metrics.bot_joined(parts.env.now().since(began));
        }
        self.picture(page).await;
    }

    /// Carries out an action that ends the join, and returns the outcome.
    async fn end(&mut self, page: &mut BotPage, action: Action) -> Outcome {
        let record = &self.run.record;
        match action {
            Action::Refused(verdict, words) => {
                // One picture is enough while waiting for the host.
                let waits = matches!(verdict, JoinVerdict::NotStarted | JoinVerdict::Wait { .. });
                if !waits || self.progress.waits == 0 {
                    self.picture(page).await;
                }
                if verdict.concerns_the_app() {
                    self.app_refused(verdict, &words).await
                } else {
                    self.refused(verdict, words).await
                }
            }
            Action::Leave(sub_code) => {
                let note =
                    NewLogEntry::new(LogEntryKind::Decision, format!("The bot leaves: {}", sub_code.about()));
                record.note(note.with("sub_code", sub_code.as_str()));
                let going = async {
                    record.picture(page).await;
                    leave(record, page).await;
                };
                within_leave_timeout(&record.parts.env, going).await;
                Outcome::Over(End::CallEnded(sub_code, None))
            }
            Action::Rejoin(loss) => {
                self.picture(page).await;
                Outcome::Lost(loss)
            }
            Action::End(end) => {
                self.picture(page).await;
                Outcome::Over(end)
            }
            Action::Arrive(_) => unreachable!("`run` handles arrivals"),
        }
    }

    /// Handles a refusal because of the app that signed the join.
    async fn app_refused(&mut self, verdict: JoinVerdict, words: &str) -> Outcome {
        if let JoinVerdict::NewApp { sub_code, or_clock: true } = verdict
            && self.clock_was_wrong().await
        {
            let words =
                format!("{words}; this server's clock differs from Zoom's, which was not known before");
            return Outcome::Refused(JoinVerdict::NewSignature { sub_code }, words);
        }
        let app = &self.credentials.app;
        let client_id = &app.keys.client_id;
        let words = format!(
            "{words}; the join was signed with the app whose client id is {client_id}: check its secret, and that its \
             Meeting SDK is switched on"
        );
        let JoinVerdict::NewApp { .. } = verdict else { return Outcome::Refused(verdict, words) };
        if let Err(failure) = self.run.record.parts.broker.signing.refuse(app, &words).await {
            tracing::warn!(failure = %chain(&failure), "could not store that Zoom refused an app; other bots may use it again");
        }
        Outcome::AppRefused(app.id(), words)
    }

    /// Asks Zoom for its time. Returns whether the join was signed with a wrong time: then the app is not the cause.
    async fn clock_was_wrong(&mut self) -> bool {
        let zoom = &self.run.record.parts.broker.zoom;
        tokio::select! {
            () = zoom.ask_for_the_time(TIME_KNOWN_FOR) => {}
            _ = next_command(self.commands) => {}
        }
        let changed_by = zoom.clock().correction().abs_diff(self.progress.clock_correction);
        changed_by > CLOCK_TOLERANCE.as_secs()
    }

    /// Handles any other refusal of the join.
    async fn refused(&self, verdict: JoinVerdict, words: String) -> Outcome {
        let (record, zoom) = (&self.run.record, &self.run.request.zoom);
        let words = match zoom.source_of(verdict.sub_code()) {
            Some(field) => format!("{words}; the token came from {field}"),
            None => words,
        };
        let zak_refused = verdict.sub_code() == SubCode::ZoomZakRejected;
        if let (true, Some(JoinToken::Zak(zak))) = (zak_refused, &self.credentials.token)
            && let Err(failure) = record.parts.broker.tokens.reject_zak(record.bot.workspace, zak).await
        {
            tracing::warn!(failure = %chain(&failure), "could not mark a refused ZAK; other servers may use it again");
        }
        // A bot that must start the meeting can't use another account.
        let elsewhere =
            verdict == JoinVerdict::Fatal(SubCode::ZoomErrorMultipleDeviceJoin) && !zoom.start_meeting;
        match &self.credentials.of_the_pool {
            Some(account) if elsewhere => Outcome::Inside(account.clone(), words),
            _ => Outcome::Refused(verdict, words),
        }
    }

    /// Takes a picture, unless a command comes first: a picture must not delay a command.
    async fn picture(&mut self, page: &BotPage) {
        tokio::select! {
            () = self.run.record.picture(page) => {}
            _ = next_command(self.commands) => {}
        }
    }
}

/// The log entry for a join. It contains no secrets.
fn of_join(
    request: &JoinRequest,
    role: Role,
    has_passcode: bool,
    credentials: &JoinCredentials,
) -> NewLogEntry {
    let by = request.token.as_ref().map(|token| match token {
        JoinToken::Zak(_) => "ZAK",
        JoinToken::Obf(_) => "OBF token",
    });
    let how = by.map_or("as a guest".to_owned(), |token| format!("signed in with its {token}"));
    let verb = if role == Role::Start { "start" } else { "join" };
    NewLogEntry::new(LogEntryKind::JoinRequest, format!("The page was told to {verb} the meeting, {how}."))
        .with("meeting_number", request.meeting_number.clone())
        .with_some("signed_in_by", by)
        .with("has_passcode", has_passcode)
        .with("records_without_asking", request.recording.is_some())
        .with("oauth_app", credentials.app.id().to_string())
}
