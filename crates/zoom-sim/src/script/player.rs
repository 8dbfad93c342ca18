//! Plays scripts.

use std::time::Duration;

use serde::Serialize;

use super::ScriptError;
use super::action::{Action, Change, Chat, Join, Who};
use super::file::{MeetingPlan, Script, Timed};
use crate::clock::{Clock, Moment};
use crate::gate::activity::{Activity, Audio};
use crate::gate::captions::{NOT_TRANSLATED, NewCaption};
use crate::gate::chat::NewMessage;
use crate::gate::event::EndedBy;
use crate::gate::meeting::{Meeting, Phase};
use crate::gate::without_socket::{Newcomer, seat_without_socket};
use crate::ids::{MeetingNumber, UserId};
use crate::patch::patched;
use crate::state::SharedSim;
use crate::world::World;
use crate::world::user::User;

/// Most scripts that one simulator plays.
const MAX_SCRIPTS: usize = 100;

/// The scripts that were started.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    list: Vec<Playing>,
}

impl Scripts {
    pub(crate) fn list(&self) -> &[Playing] {
        &self.list
    }
}

/// Progress of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Waits for the participant named in `wait_for`.
    Waiting,
    Playing,
    Done,
}

/// A failed step.
#[derive(Clone, Debug, Serialize)]
struct Failure {
    line: usize,
    error: String,
}

/// A script and its progress.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Playing {
    id: usize,
    pub(crate) meeting_number: MeetingNumber,
    pub(crate) join_url: String,
    state: State,
    steps: usize,
    failures: Vec<Failure>,
}

/// Creates the script's meeting, or uses the given one, and starts playing.
pub(crate) fn play(
    sim: &SharedSim,
    script: Script,
    existing: Option<MeetingNumber>,
) -> Result<Playing, ScriptError> {
    let refused = |message: String| ScriptError { line: 1, message };
    let at = sim.moment();
    let mut world = sim.world();
    let id = world.scripts.list.len();
    if id >= MAX_SCRIPTS {
        return Err(refused(format!("a simulator plays at most {MAX_SCRIPTS} scripts")));
    }
    let number = match (existing, &script.meeting) {
        (Some(number), None) => number,
        (None, Some(plan)) => make_meeting(&mut world, plan, at).map_err(refused)?,
        (Some(_), Some(_)) => {
            return Err(refused(
                "meeting: the script plays in an existing meeting; remove this table".to_owned(),
            ));
        }
        (None, None) => {
            return Err(refused(
                "meeting is missing: it describes the meeting that the script creates".to_owned(),
            ));
        }
    };
    let join_url = world.meetings.get(&number).map(Meeting::join_url);
    let join_url = join_url.ok_or_else(|| refused("there is no such meeting".to_owned()))?;
    let state = if script.wait_for.is_some() { State::Waiting } else { State::Playing };
    let playing =
        Playing { id, meeting_number: number, join_url, state, steps: script.steps, failures: Vec::new() };
    world.scripts.list.push(playing.clone());
    drop(world);
    let run = run(sim.clone(), id, script, playing.meeting_number.clone());
    sim.tasks.spawn(sim.stopping.clone().run_until_cancelled_owned(run));
    Ok(playing)
}

fn make_meeting(world: &mut World, plan: &MeetingPlan, at: Moment) -> Result<MeetingNumber, String> {
    let number = plan.number.clone().map_or_else(|| world.free_number(), MeetingNumber);
    if !number.is_plausible() {
        return Err("meeting_number must be 9 to 11 digits".to_owned());
    }
    if world.meetings.contains_key(&number) {
        return Err(format!("meeting_number {number} is taken"));
    }
    let host_id = user(world, &plan.host_email, None, at);
    let host = world.user(&host_id).ok_or("host_email: there is no such user")?;
    let mut meeting =
        Meeting::new(number.clone(), host_id.clone(), host.account_id.clone(), plan.settings.clone(), at.now);
    meeting.phase = Phase::HeldOpen;
    world.add_meeting(meeting, &host_id, at);
    world.spread_news(&number, at);
    Ok(number)
}

/// The user with this e-mail address; created if there is none.
fn user(world: &mut World, email: &str, name: Option<&str>, at: Moment) -> UserId {
    if let Some(user) = world.users.iter().find(|user| user.email.eq_ignore_ascii_case(email)) {
        return user.id.clone();
    }
    let id = UserId(world.entropy.id());
    let pmi = world.entropy.number(4_000_000_000, 1_000_000_000);
    let mut user = User::new(id.clone(), world.home_account.clone(), pmi, at.now);
    email.clone_into(&mut user.email);
    name.unwrap_or_default().clone_into(&mut user.display_name);
    user.fill_names();
    world.add_user(user, at);
    id
}

/// Waits for `wait_for`, then performs each action at its time. Moving the clock forward makes actions due earlier.
async fn run(sim: SharedSim, id: usize, script: Script, number: MeetingNumber) {
    let mut news = sim.happenings();
    if let Some(name) = &script.wait_for {
        let here = || {
            sim.world()
                .meetings
                .get(&number)
                .is_some_and(|meeting| meeting.find(name).is_some_and(|person| !person.on_hold))
        };
        while !here() {
            if news.changed().await.is_err() {
                return;
            }
        }
        set_state(&sim, id, State::Playing);
    }
    let begun = sim.moment().unix_ms;
    for timed in script.actions {
        loop {
            let due = begun.saturating_add_unsigned(timed.at_ms);
            let left = u64::try_from(due.saturating_sub(sim.moment().unix_ms)).unwrap_or(0);
            if left == 0 {
                break;
            }
            tokio::select! {
                () = Clock::wait(Duration::from_millis(left)) => {}
                changed = news.changed() => if changed.is_err() { return },
            }
        }
        do_it(&sim, id, &number, &timed);
    }
    set_state(&sim, id, State::Done);
}

fn set_state(sim: &SharedSim, id: usize, state: State) {
    if let Some(playing) = sim.world().scripts.list.get_mut(id) {
        playing.state = state;
    }
}

fn do_it(sim: &SharedSim, id: usize, number: &MeetingNumber, timed: &Timed) {
    let at = sim.moment();
    let mut world = sim.world();
    if let Err(error) = perform(&mut world, number, &timed.action, at) {
        tracing::warn!(line = timed.line, error, "a step of the script failed");
        if let Some(playing) = world.scripts.list.get_mut(id) {
            playing.failures.push(Failure { line: timed.line, error });
        }
    }
    world.spread_news(number, at);
    drop(world);
    sim.happened();
}

fn perform(world: &mut World, number: &MeetingNumber, action: &Action, at: Moment) -> Result<(), String> {
    if let Action::Join(join) = action {
        return join_without_socket(world, number, join, at);
    }
    let unasked = world.switches.unasked_captions;
    let message_id = world.entropy.id();
    let meeting = world.meetings.get_mut(number).ok_or("the meeting no longer exists")?;
    let said = |error: &dyn std::fmt::Display| error.to_string();
    match action {
        Action::Join(_) => Ok(()),
        Action::Leave(Who { who }) => {
            let person = meeting.find(who).ok_or_else(|| absent(who))?;
            if person.line.is_some() {
                return Err(format!("{who} has a socket and must leave by itself"));
            }
            let id = person.id;
            meeting.leave(id);
            Ok(())
        }
        Action::Change(change) => change_participant(meeting, change),
        Action::Chat(Chat { who, text, to }) => {
            let from = id_of(meeting, who)?;
            let to = to.as_deref().map(|to| id_of(meeting, to)).transpose()?;
            let message = NewMessage { id: message_id, from, to, text, at_unix_ms: at.unix_ms };
            meeting.say(&message).map_err(|error| said(&error))
        }
        Action::Record(record) => {
            meeting.record(record.status);
            Ok(())
        }
        Action::Admit(Who { who }) => {
            let id = id_of(meeting, who)?;
            meeting.set_hold(id, false);
            Ok(())
        }
        Action::Remove(Who { who }) => {
            let id = id_of(meeting, who)?;
            meeting.remove(id);
            Ok(())
        }
        Action::End => {
            meeting.end(EndedBy::Host);
            Ok(())
        }
        Action::StartSpeech(Who { who }) => {
            let person = meeting.find(who).ok_or_else(|| absent(who))?;
            let (id, mut activity) = (person.id, person.activity.clone());
            activity.muted = false;
            if activity.audio == Audio::None {
                activity.audio = Audio::Computer;
            }
            meeting.change_activity(id, activity).map_err(|error| said(&error))?;
            let mut speakers = meeting.active_speakers.clone();
            speakers.push(id);
            meeting.set_active_speakers(&speakers);
            Ok(())
        }
        Action::Words { who, speech, text, is_final } => {
            let from = id_of(meeting, who)?;
            let id = format!("script-speech-{speech}");
            let caption = NewCaption { from, id, text, is_final: *is_final, language: NOT_TRANSLATED };
            meeting.caption(&caption, unasked).map(drop).map_err(|error| said(&error))
        }
        Action::StopSpeech(Who { who }) => {
            let id = id_of(meeting, who)?;
            let others: Vec<u32> =
                meeting.active_speakers.iter().copied().filter(|other| *other != id).collect();
            meeting.set_active_speakers(&others);
            Ok(())
        }
    }
}

fn join_without_socket(
    world: &mut World,
    number: &MeetingNumber,
    join: &Join,
    at: Moment,
) -> Result<(), String> {
    let user_id = join.email.as_deref().map(|email| user(world, email, Some(&join.who), at));
    let newcomer = Newcomer { name: join.who.clone(), user_id, host: false, guid: None };
    let id = seat_without_socket(world, number, newcomer, at.now).map_err(|error| error.to_string())?;
    if let Some(meeting) = world.meetings.get_mut(number).filter(|_| join.host) {
        meeting.make_host(id);
    }
    Ok(())
}

fn change_participant(meeting: &mut Meeting, change: &Change) -> Result<(), String> {
    let person = meeting.find(&change.who).ok_or_else(|| absent(&change.who))?;
    let id = person.id;
    let activity: Activity = patched(&person.activity, change.activity.clone())?;
    meeting.change_activity(id, activity).map_err(|error| error.to_string())?;
    if let Some(name) = &change.name {
        meeting.rename(id, name).map_err(|error| error.to_string())?;
    }
    if change.host {
        meeting.make_host(id);
    }
    Ok(())
}

fn id_of(meeting: &Meeting, name: &str) -> Result<u32, String> {
    meeting.find(name).map(|person| person.id).ok_or_else(|| absent(name))
}

fn absent(name: &str) -> String {
    format!("no participant named {name:?} is in the meeting")
}
