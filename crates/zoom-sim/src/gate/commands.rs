//! What a participant says in a meeting, and what comes of it.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};

use super::event::{self, Incoming, Outgoing};
use super::meeting::Meeting;
use crate::ids::MeetingNumber;
use crate::sim::Sim;
use crate::world::World;

/// The SDK leaves padding out at times.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Does what participant `id` says, as far as they may; answers go down their line.
pub(crate) fn obey(sim: &Sim, number: &MeetingNumber, id: u32, frame: &Incoming) {
    let mut world = sim.world();
    do_as_told(&mut world, number, id, frame);
    world.spread_news(number, sim.moment());
    sim.mail.notify_one();
}

fn do_as_told(world: &mut World, number: &MeetingNumber, id: u32, frame: &Incoming) {
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
            speaker.video_on = !flag(body, "bOn");
            meeting.changed();
        }
        event::CHAT => chat(meeting, id, body, &entropy.id()),
        event::END | event::REMOVE | event::HOLD | event::ADMIT_ALL | event::MAKE_HOST => {
            if speaker.host {
                obey_host(meeting, id, frame);
            } else {
                tracing::info!(meeting = %number, evt = frame.evt, "only a host may do that");
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
            meeting.end();
        }
        (event::REMOVE, Some(target)) => {
            meeting.remove(target);
        }
        (event::HOLD, Some(target)) => {
            meeting.set_hold(target, flag(&frame.body, "bHold"));
        }
        (event::MAKE_HOST, Some(target)) => meeting.make_host(target),
        (event::ADMIT_ALL, _) => {
            let waiting = meeting.participants.iter().filter(|person| person.on_hold);
            for waiting in waiting.map(|person| person.id).collect::<Vec<_>>() {
                meeting.set_hold(waiting, false);
            }
        }
        _ => {}
    }
}

/// 4135: `{text, destNodeID}`; the answer 4136 must come, or the SDK gives up after 5 s.
fn chat(meeting: &mut Meeting, from: u32, body: &Value, message_id: &str) {
    let bytes = body["text"].as_str().and_then(|text| LENIENT.decode(text).ok()).unwrap_or_default();
    let to = body["destNodeID"].as_u64().and_then(|id| u32::try_from(id).ok()).filter(|id| *id != 0);
    let said = meeting.say(from, to, &String::from_utf8_lossy(&bytes), message_id);
    let answer = json!({
        "result": if said { 0 } else { 2 },
        "destNodeID": to.unwrap_or(0),
        "msgID": message_id,
    });
    if let Some(speaker) = meeting.participant(from) {
        speaker.tell(Outgoing::new(event::CHAT + 1, answer));
    }
}

fn flag(body: &Value, name: &str) -> bool {
    body[name].as_bool().unwrap_or(false)
}
