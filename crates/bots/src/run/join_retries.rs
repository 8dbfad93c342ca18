//! The joins of a bot: retries where Zoom's verdict allows it, and rejoins after a loss.

use std::time::Duration;

use model::{BotStatus, SubCode, Timestamp};
use tokio::sync::watch;
use zoom::JoinVerdict;

use super::{
    bot_row::BotRecord,
    bot_run::BotRun,
    command::{BotCommand, LatestCommand, unless_commanded},
    follow::{Follow, Progress},
    join_deadline,
    life::Life,
    meeting_event_writer::Recorder,
    outcome::{End, Loss, Outcome},
    outputs::Outputs,
    prepare::prepare,
    rejoin::{Next, Rejoin},
    sign_in::Refused,
    warm_up::WarmUp,
};
use crate::{
    log::{LogEntryKind, NewLogEntry},
    meeting,
};

/// Interval between joins while waiting for the host.
const HOST_RETRY_INTERVAL: Duration = Duration::from_secs(15);

/// The joins of a bot in one run.
pub(super) struct JoinRetries<'a> {
    run: &'a BotRun<'a>,
    recorder: &'a Recorder<'a>,
    commands: LatestCommand,
    life: Life,
    rejoin: Rejoin,
    outputs: Outputs<'a>,
    /// When the bot stops waiting for the host, a seat or a token.
    give_up: Timestamp,
    /// What was prepared for the first join.
    ahead: Box<WarmUp>,
    refused: Refused,
    progress: Progress,
    tries: Tries,
    /// The recorded reason for waiting.
    waits_for: Option<SubCode>,
}

/// How many retries of each kind were made.
#[derive(Default)]
struct Tries {
    retries: u32,
    tokens: u32,
    signatures: u32,
}

impl<'a> JoinRetries<'a> {
    pub(super) fn new(
        run: &'a BotRun<'a>,
        recorder: &'a Recorder<'a>,
        commands: LatestCommand,
        revision: watch::Receiver<u32>,
        ahead: Box<WarmUp>,
    ) -> Self {
        let BotRecord { parts, bot, .. } = run.record;
        let (rules, now) = (run.request.automatic_leave.clone(), parts.env.now());
        let patience = Duration::from_secs(rules.waiting_room_timeout.into());
        let is_new = bot.status() == BotStatus::Ready;
        let rejoin_within = parts.timing.rejoin_within;
        let greetings = run.request.objects.greetings.clone();
        Self {
            run,
            recorder,
            life: Life::new(rules, parts.timing, meeting::started_at(bot), now),
            rejoin: if is_new {
                Rejoin::new(rejoin_within)
            } else {
                Rejoin::from_another_server(rejoin_within, now)
            },
            outputs: Outputs::new(run.record, recorder, greetings, commands.clone(), revision),
            commands,
            give_up: now + patience,
            ahead,
            refused: Refused::default(),
            progress: Progress {
                began: Some(now),
                due_at: is_new.then(|| join_deadline::due_at(bot, now)),
                waits: 0,
                clock_correction: 0,
            },
            tries: Tries::default(),
            waits_for: None,
        }
    }

    /// Joins, with retries where the verdict allows it, and follows the meeting to its end.
    pub(super) async fn run(&mut self) -> Result<End, BotCommand> {
        let env = &self.run.record.parts.env;
        loop {
            let joined = env.now();
            let outcome = self.attempt().await?;
            let outcome = match self.rejoin.after(outcome, &self.life, joined, env.now()) {
                Next::Join { pause, loss } => {
                    self.run.record.lost(loss).await;
                    self.decide("The bot returns to its meeting: it joins again", pause, None);
                    unless_commanded(&mut self.commands, env.clock.sleep(pause)).await?;
                    continue;
                }
                Next::End(end) => return Ok(end),
                Next::AsAtFirst(outcome) => outcome,
            };
            let (again, sub_code, words) = match outcome {
                Outcome::Over(end) => return Ok(end),
                Outcome::Lost(Loss { sub_code, words, .. }) => (None, sub_code, words),
                Outcome::Refused(verdict, words) => {
                    let again = self.again(verdict);
                    let waits = matches!(verdict, JoinVerdict::NotStarted | JoinVerdict::Wait { .. });
                    let waits_for = again.filter(|_| waits).and(Some(verdict.sub_code()));
                    self.record_what_it_waits_for(waits_for).await;
                    (again, verdict.sub_code(), words)
                }
                Outcome::Inside(account, words) => {
                    self.refused.inside.push(account);
                    (Some(Duration::ZERO), SubCode::ZoomErrorMultipleDeviceJoin, words)
                }
                Outcome::AppRefused(app, words) => {
                    self.refused.apps.push(app);
                    self.refused.words.clone_from(&words);
                    (Some(Duration::ZERO), SubCode::ZoomInvalidSignature, words)
                }
                Outcome::Later(pause, sub_code, words) => {
                    let again = until(self.give_up, env.now(), pause);
                    self.record_what_it_waits_for(again.and(Some(sub_code))).await;
                    (again, sub_code, words)
                }
            };
            let Some(pause) = again else { return Ok(End::Fatal(sub_code, words)) };
            tracing::info!(bot = %self.run.record.bot.id, words, ?pause, "the bot joins again");
            self.decide(&format!("The bot joins again, because {words}:"), pause, Some(sub_code));
            unless_commanded(&mut self.commands, env.clock.sleep(pause)).await?;
        }
    }

    /// One join: prepares a page and credentials, joins, and follows the meeting.
    #[tracing::instrument(name = "join_attempt", skip_all)]
    async fn attempt(&mut self) -> Result<Outcome, BotCommand> {
        self.life.join(self.run.record.parts.env.now());
        let ahead = std::mem::take(&mut self.ahead);
        // Boxed to keep this future small: the preparation is finished before the bot joins.
        let preparing = Box::pin(prepare(self.run, &self.refused, *ahead));
        let (mut page, credentials) = match unless_commanded(&mut self.commands, preparing).await? {
            Ok(prepared) => prepared,
            Err(outcome) => return Ok(outcome),
        };
        let follow = Follow {
            run: self.run,
            recorder: self.recorder,
            credentials: &credentials,
            commands: &mut self.commands,
            life: &mut self.life,
            outputs: &mut self.outputs,
            progress: &mut self.progress,
        };
        let outcome = follow.run(&mut page).await;
        self.recorder.away();
        self.outputs.end().await;
        page.close().await;
        outcome
    }

    /// Logs the decision to join again after this pause.
    fn decide(&self, words: &str, pause: Duration, sub_code: Option<SubCode>) {
        let when = if pause.is_zero() { "at once".to_owned() } else { format!("in {} s", pause.as_secs()) };
        let note = NewLogEntry::new(LogEntryKind::Decision, format!("{words} {when}."))
            .with("pause_seconds", pause.as_secs())
            .with_some("sub_code", sub_code.map(SubCode::as_str));
        self.run.record.note(note);
    }

    /// Returns the pause before the next join, or `None` if another join can't help.
    fn again(&mut self, verdict: JoinVerdict) -> Option<Duration> {
        let (tries, zoom) = (&mut self.tries, &self.run.request.zoom);
        match verdict {
            // [`Outcome::AppRefused`] handles the choice of another app.
            JoinVerdict::Fatal(_) | JoinVerdict::NewApp { .. } => None,
            JoinVerdict::Retry { pause, .. } => {
                taken(&mut tries.retries, JoinVerdict::RETRIES).then_some(pause)
            }
            // A refused token can be replaced once; without a token there is nothing to replace.
            JoinVerdict::NewToken { sub_code } => {
                let has_token = match sub_code {
                    SubCode::ZoomInvalidJoinToken => zoom.join_token_url.is_some(),
                    _ => zoom.signs_in(),
                };
                (has_token && taken(&mut tries.tokens, 1)).then_some(Duration::ZERO)
            }
            JoinVerdict::NewSignature { .. } => taken(&mut tries.signatures, 1).then_some(Duration::ZERO),
            JoinVerdict::NotStarted | JoinVerdict::Wait { .. } => {
                self.progress.waits += 1;
                until(self.give_up, self.run.record.parts.env.now(), HOST_RETRY_INTERVAL)
            }
        }
    }

    /// Records what the bot waits for, unless it is recorded already.
    async fn record_what_it_waits_for(&mut self, sub_code: Option<SubCode>) {
        let Some(sub_code) = sub_code.filter(|sub_code| self.waits_for != Some(*sub_code)) else { return };
        self.waits_for = Some(sub_code);
        let (give_up, advice) = (self.give_up, sub_code.advice());
        let words = format!("Waiting {}, until {give_up} at most. {advice}", waiting_for(sub_code));
        self.run.record.record(BotStatus::JoiningCall, Some(sub_code), Some(words)).await;
    }
}

/// The pause before the next try. It is shortened so that the last try is at `give_up`; `None` after that.
fn until(give_up: Timestamp, now: Timestamp, pause: Duration) -> Option<Duration> {
    let left = give_up.since(now);
    (!left.is_zero()).then(|| pause.min(left))
}

/// What the bot waits for, in words, given the sub code with which it would end.
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

/// Counts a retry. Returns `false` if none is left.
fn taken(count: &mut u32, most: u32) -> bool {
    *count += 1;
    *count <= most
}
