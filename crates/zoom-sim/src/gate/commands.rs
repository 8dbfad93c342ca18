//! Frames that a participant sends in a meeting, and their effects.

use serde_json::{Value, json};

use super::activity::Activity;
use super::chat;
use super::event::{self, EndedBy, Incoming, Outgoing};
use super::meeting::Meeting;
use crate::clock::Moment;
use crate::ids::MeetingNumber;
use crate::state::Sim;
use crate::world::World;

/// Executes a frame from participant `id`, if they are permitted; answers go to their socket.
pub(crate) fn obey(sim: &Sim, number: &MeetingNumber, id: u32, frame: &Incoming) {
    let mut world = sim.world();
    do_as_told(&mut world, number, id, frame, sim.moment());
    world.spread_news(number, sim.moment());
    sim.happened();
}

fn do_as_told(world: &mut World, number: &MeetingNumber, id: u32, frame: &Incoming, at: Moment) {
    let World { meetings, entropy, .. } = world;
    let Some(meeting) = meetings.get_mut(number) else { return };
    let Some(speaker) = meeting.participant_mut(id) else { return };
    let body = &frame.body;
    match frame.evt {
        event::READY => speaker.tell(Outgoing::keep_alive(frame.seq)),
        event::LEAVE => {
            speaker.tell(Outgoing::new(event::LEAVE + 1, json!({"res": 0})));
            meeting.leave(id);
        }
        event::CAMERA => {
            speaker.camera = flag(body, "bOn");
            meeting.changed();
        }
        event::VIDEO => {
            speaker.activity.video_on = !flag(body, "bOn");
            meeting.changed();
        }
        event::CHAT => chat::received(meeting, id, body, entropy.id(), at.unix_ms),
        event::ASK_CAPTIONS => meeting.start_captions(id),
        event::RENAME => rename(meeting, id, body),
        event::END
        | event::REMOVE
        | event::HOLD
        | event::ADMIT_ALL
        | event::MAKE_HOST
        | event::REVOKE_CO_HOST
        | event::LOCK => {
            if speaker.host {
                obey_host(meeting, id, frame);
            } else {
                tracing::info!(meeting = %number, evt = frame.evt, "refused: only a host may send this frame");
            }
        }
        evt => tracing::debug!(meeting = %number, evt, "not simulated"),
    }
}

fn obey_host(meeting: &mut Meeting, id: u32, frame: &Incoming) {
    let target = frame.body["id"].as_u64().and_then(|id| u32::try_from(id).ok());
    match (frame.evt, target) {
        (event::END, _) => {
            if let Some(host) = meeting.participant(id) {
                host.tell(Outgoing::new(event::END + 1, json!({"res": 0})));
            }
            meeting.end(EndedBy::Host);
        }
        (event::REMOVE, Some(target)) => {
            meeting.remove(target);
        }
        (event::HOLD, Some(target)) => {
            meeting.set_hold(target, flag(&frame.body, "bHold"));
        }
        (event::MAKE_HOST, Some(target)) if flag(&frame.body, "bCoHost") => {
            set_co_host(meeting, target, true);
        }
        (event::MAKE_HOST, Some(target)) => meeting.make_host(target),
        (event::REVOKE_CO_HOST, Some(target)) => set_co_host(meeting, target, false),
        (event::LOCK, _) => {
            meeting.settings.locked = flag(&frame.body, "bLock");
            meeting.tell_settings();
        }
        (event::ADMIT_ALL, _) => {
            let waiting = meeting.participants.iter().filter(|person| person.on_hold);
            for waiting in waiting.map(|person| person.id).collect::<Vec<_>>() {
                meeting.set_hold(waiting, false);
            }
        }
        _ => {}
    }
}

/// 4109: `{id, dn2}`. A host renames any participant, others themselves where the meeting allows it (I).
fn rename(meeting: &mut Meeting, id: u32, body: &Value) {
    let host = meeting.participant(id).is_some_and(|person| person.host);
    let target = body["id"].as_u64().and_then(|target| u32::try_from(target).ok()).unwrap_or(id);
    if !host && (target != id || !meeting.settings.rename_allowed) {
        tracing::info!(meeting = %meeting.number, "refused: only a host may rename this participant");
        return;
    }
    let name = body["dn2"].as_str().map(chat::decoded).unwrap_or_default();
    if let Err(reason) = meeting.rename(target, &String::from_utf8_lossy(&name)) {
        tracing::info!(meeting = %meeting.number, %reason, "name refused");
    }
}

fn set_co_host(meeting: &mut Meeting, id: u32, co_host: bool) {
    let Some(person) = meeting.participant(id) else { return };
    let activity = Activity { co_host, ..person.activity.clone() };
    if let Err(reason) = meeting.change_activity(id, activity) {
        tracing::info!(meeting = %meeting.number, %reason, "co-host refused");
    }
}

fn flag(body: &Value, name: &str) -> bool {
    body[name].as_bool().unwrap_or(false)
}
