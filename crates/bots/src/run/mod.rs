//! One bot, from its lease to its last step.
//!
//! - `bot_run`: the bot with its parsed request. `bot_row`: writes steps and pictures under the lease.
//! - `command`: commands to the running bot.
//! - `warm_up`: prepares a scheduled bot before its time. `join_deadline`: decides whether a bot is too late to join.
//! - `join_retries`: the bot's joins. `prepare`: a page and credentials (`sign_in`) for a join. `seat`: renews a seat of a pool.
//! - `follow`: one join, and the meeting until its end. `leave`: leaves the meeting within a time limit.
//! - `life`: what each event means. `rejoin`: whether and when to join again. `outcome`: how a join and a bot end. No I/O.
//! - `meeting_event_writer`: stores the events of the meeting. `event_queue`: events that wait for the store.
//! - `outputs`: the bot's picture (`camera`) and chat messages (`chat`).

mod bot_row;
mod bot_run;
mod camera;
mod chat;
mod command;
mod event_queue;
mod follow;
mod join_deadline;
mod join_retries;
mod leave;
#[cfg(test)]
mod legal_steps;
mod life;
mod meeting_event_writer;
mod outcome;
mod outputs;
mod parts;
mod prepare;
mod rejoin;
mod seat;
mod sign_in;
mod warm_up;

use model::{BotStatus, SubCode};
use store::{Bot, Lease};
use tokio::sync::watch;

use bot_row::{BotRecord, Resumed};
use bot_run::BotRun;
use join_retries::JoinRetries;
use leave::within_leave_timeout;
use meeting_event_writer::Recorder;
use outcome::End;
use warm_up::{Waited, WarmUp};

pub(crate) use command::{BotCommand, LatestCommand};
pub(crate) use join_deadline::due_at;
pub(crate) use parts::RunParts;

/// Runs a bot while its lease is valid. Returns when the bot has ended or was released.
#[tracing::instrument(name = "bot", skip_all, fields(workspace = %bot.workspace, bot = %bot.id))]
pub(crate) async fn run(
    parts: &RunParts,
    bot: &Bot,
    lease: Lease,
    mut commands: LatestCommand,
    revision: watch::Receiver<u32>,
) {
    let record = BotRecord { parts, bot, lease };
    let end = match without_joining(&record) {
        Some(end) => end,
        None => match BotRun::open(record) {
            Ok(run) => match warm_up::wait_for_join_at(&run, &mut commands).await {
                Waited::Due(ahead) => match record.resume().await {
                    Resumed::NotOurs => return,
                    Resumed::End(end) => end,
                    Resumed::Joins => match Box::pin(live(&run, commands, revision, ahead)).await {
                        Ok(end) => end,
                        Err(BotCommand::Leave) => called_off(),
                        Err(BotCommand::HandOver) => return record.hand_over().await,
                    },
                },
                Waited::Command(BotCommand::Leave) => called_off(),
                // The bot has not started, so no step is recorded.
                Waited::Command(BotCommand::HandOver) | Waited::NotYet => return record.release().await,
            },
            Err(failure) => failure.into(),
        },
    };
    record.close(end).await;
}

/// Records the last step of a bot that will not join any more; releases any other.
#[tracing::instrument(name = "close_bot", skip_all, fields(workspace = %bot.workspace, bot = %bot.id))]
pub(crate) async fn close(parts: &RunParts, bot: &Bot, lease: Lease) {
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
        // The bot's server died between the last two steps.
        return Some(End::Done);
    }
    if bot.leave_requested_at.is_some() {
        // The bot was told to leave before a server took it, or while its server was dead.
        return Some(called_off());
    }
    join_deadline::missed_join_deadline(bot, parts.timing.join_within, parts.env.now())
}

const fn called_off() -> End {
    End::CallEnded(SubCode::BotReceivedLeaveCall, None)
}

/// Runs a bot from its first join to its end, and renews its seat of a pool.
async fn live(
    run: &BotRun<'_>,
    commands: LatestCommand,
    revision: watch::Receiver<u32>,
    ahead: Box<WarmUp>,
) -> Result<End, BotCommand> {
    let recorder = Recorder::new(run.record, &run.request);
    if run.record.bot.status() != BotStatus::Ready {
        recorder.recall().await;
    }
    let mut attempts = JoinRetries::new(run, &recorder, commands, revision, ahead);
    let ended = tokio::select! {
        ended = attempts.run() => ended,
        never = seat::renew(run) => match never {},
        never = recorder.run_writer() => match never {},
        never = recorder.run_recognition(run.link.meeting_number) => match never {},
    };
    // A server that stops does not wait until the store is available.
    match ended {
        Err(BotCommand::HandOver) => {
            within_leave_timeout(&run.record.parts.env, recorder.finish()).await;
        }
        _ => recorder.finish().await,
    }
    ended
}
