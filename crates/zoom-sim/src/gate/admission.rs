//! Admission: a socket that sent its credentials becomes a participant.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::activity::Activity;
use super::event::{self, Outgoing, StayEnd};
use super::frames::{self, FrameReceiver};
use super::join_ticket::JoinTicket;
use super::meeting::Meeting;
use super::participant::{Participant, base64_text};
use super::refusal::Refusal;
use super::rules::{self, Attempt, Seat};
use super::settings::Step;
use super::socket::{Credentials, Opening};
use crate::ids::{MeetingNumber, UserId};
use crate::state::Sim;
use crate::world::World;
use crate::world::switches::DuplicateIdentity;

/// The first participant id; Zoom's ids are of this size (O).
const FIRST_ID: u32 = 16_778_240;

/// A participant who was admitted, and the frames to send to them, in order.
pub(crate) struct Entered {
    pub(crate) id: u32,
    pub(crate) frames: FrameReceiver,
}

/// Applies the rules again, now with all credentials, and admits or refuses in one step.
pub(crate) fn enter(
    sim: &Sim,
    number: &MeetingNumber,
    opening: &Opening,
    credentials: &Credentials,
) -> Result<Entered, Refusal> {
    let now = sim.now();
    let mut world = sim.world();
    let admission = redeem(&mut world, number, opening, credentials, now)?;
    let request = admission.request;
    let moved = credentials.breakout.as_deref();
    let rejoins = opening.zoomid.clone().or_else(|| {
        world.meetings.get_mut(number).and_then(|meeting| meeting.breakout.stay_of(moved, &admission.name))
    });
    let attempt = Attempt {
        number,
        signature: &admission.signature,
        passcode: &credentials.mpwd,
        zak: credentials.zak.as_deref().or(admission.zak.as_deref()).filter(|zak| !zak.is_empty()),
        obf: credentials.obf.as_deref().filter(|token| !token.is_empty()),
        join_token: credentials.join_token.as_deref().filter(|token| !token.is_empty()),
        email: &admission.email,
        tk: credentials.tk.as_deref().filter(|tk| !tk.is_empty()),
        rejoins: rejoins.as_deref(),
    };
    let fixed = world.meetings.get(number).and_then(|meeting| meeting.settings.refusal.as_ref());
    let fixed = fixed.filter(|fixed| fixed.at == Step::Socket).map(|fixed| Refusal::Fixed(fixed.code));
    let seat = fixed.map_or_else(|| rules::judge(&world, &attempt, now), Err);
    let admitted = seat.and_then(|seat| {
        let on_hold = seat.on_hold;
        let entered = sit(&mut world, &admission, seat, rejoins.as_deref(), moved, now)?;
        Ok((entered, on_hold))
    });
    match admitted {
        Ok((entered, on_hold)) => {
            tracing::info!(meeting = %number, participant = entered.id, on_hold, "joined");
            world.history.admit(request, on_hold);
            world.spread_news(number, sim.moment());
            sim.happened();
            Ok(entered)
        }
        Err(refusal) => {
            tracing::info!(meeting = %number, refusal = refusal.word(), "refused at the socket");
            world.history.refuse(request, refusal.at_socket(), refusal.word());
            Err(refusal)
        }
    }
}

/// Takes the join ticket of this socket's step 1. A ticket works once.
fn redeem(
    world: &mut World,
    number: &MeetingNumber,
    opening: &Opening,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<JoinTicket, Refusal> {
    let admission = world.admissions.remove(&opening.auth).ok_or(Refusal::Unannounced)?;
    let same = admission.mid == opening.mid
        && admission.number == *number
        && admission.sign == credentials.sign
        && now < admission.expires_at;
    if same { Ok(admission) } else { Err(Refusal::Unannounced) }
}

/// Creates the participant. Its first frames are the join's result, the settings and what a camera needs.
/// `Meeting::enter` then sends the roster, with the participant's own entry.
fn sit(
    world: &mut World,
    admission: &JoinTicket,
    seat: Seat,
    rejoins: Option<&str>,
    breakout: Option<&str>,
    now: Timestamp,
) -> Result<Entered, Refusal> {
    let zoom_id = rejoins.map_or_else(|| world.entropy.id(), str::to_owned);
    let new_guid = world.entropy.id();
    let replaces = world.switches.duplicate_identity == DuplicateIdentity::Replace;
    let meeting = world.meetings.get_mut(&admission.number).ok_or(Refusal::MeetingNotFound)?;
    if let Some(zoom_id) = rejoins {
        forget(meeting, |person| person.zoom_id == zoom_id, None);
    }
    let guid = meeting.guids.entry(zoom_id.clone()).or_insert(new_guid).clone();
    let room = breakout.and_then(|token| meeting.breakout.room_of(token));
    let user_id = seat.user.as_ref().map(|user| user.id.clone());
    if replaces && user_id.is_some() {
        forget(meeting, |person| person.user_id == user_id, Some(StayEnd::Duplicated));
    }
    let (id, number) = next_id(meeting);
    let (line, frames) = frames::channel();
    let person = Participant {
        id,
        number,
        zoom_id,
        guid,
        name: admission.name.clone(),
        avatar: seat.user.map(|user| user.avatar_url()),
        user_id,
        host: seat.host,
        on_hold: seat.on_hold,
        camera: false,
        activity: Activity::default(),
        wants_captions: false,
        assigned_room: room.clone(),
        breakout_room: room,
        joined_at: now,
        authoriser: seat.authorisation.as_ref().map(|token| token.user_id.clone()),
        privilege: seat.permit.as_ref().map(|permit| permit.privilege),
        line: Some(line),
        cut_off: false,
        seen: BTreeMap::new(),
    };
    person.tell(Outgoing::new(event::JOIN_RESULT, joined(meeting, &person)));
    for frame in meeting.settings_frames() {
        person.tell(frame);
    }
    person.tell(Outgoing::new(event::VIDEO_STREAM, json!({"ssrc": person.id})));
    let (authoriser, zoom_id) = (person.authoriser.clone(), person.zoom_id.clone());
    meeting.enter(person);
    if let Some(authoriser) = authoriser {
        relate(meeting, id, &authoriser);
    }
    meeting.release_unvouched();
    let tokens = [seat.authorisation.map(|token| token.jti), seat.permit.map(|permit| permit.jti)];
    world.spent_tokens.extend(tokens.into_iter().flatten().map(|jti| (jti, zoom_id.clone())));
    Ok(Entered { id, frames })
}

/// The ids of the next participant: the SDK's `userId` and the small `participantID`.
pub(crate) fn next_id(meeting: &mut Meeting) -> (u32, u32) {
    meeting.arrivals += 1;
    (FIRST_ID + 1024 * (meeting.arrivals - 1), meeting.arrivals)
}

/// Removes earlier stays. With a `reason`, the participant is notified and the bots they vouched for leave as well.
fn forget(meeting: &mut Meeting, who: impl Fn(&Participant) -> bool, reason: Option<StayEnd>) {
    let ids: Vec<u32> = meeting.participants.iter().filter(|person| who(person)).map(|p| p.id).collect();
    for id in ids {
        match reason {
            Some(reason) => {
                meeting.dismiss(id, reason);
            }
            None => meeting.take_out(id),
        }
    }
}

/// Sends a bot the participant who vouches for it (O).
fn relate(meeting: &Meeting, bot: u32, authoriser: &UserId) {
    let parent = meeting.participants.iter().find(|person| person.user_id.as_ref() == Some(authoriser));
    let Some((bot, parent)) = meeting.participant(bot).zip(parent) else { return };
    let relation = json!({"type": 4, "childUserID": bot.id, "parentUserID": parent.id});
    bot.tell(Outgoing::new(event::BOT_RELATION, json!({"relationList": [relation]})));
}

/// Body of a 4098 that admits (O for the names; the values that the SDK ignores are ours).
fn joined(meeting: &Meeting, person: &Participant) -> Value {
    json!({
        "res": 0,
        "userID": person.id,
        "conID": person.guid,
        "confID": meeting.number,
        "zoomID": person.zoom_id,
        "jid": format!("{}@xmpp.zoom.us", person.zoom_id),
        "role": u8::from(person.host),
        "mn": meeting.number,
        "participantID": person.number,
        "participantIDStr": person.number.to_string(),
        "svcUrl": "rwg.zoom.us",
        "xtoken": person.guid,
        "encType": 1,
        "encryptKey": STANDARD.encode([0_u8; 32]),
        "elapsed": 0,
        "meetingTopic": base64_text(&meeting.settings.topic),
        "hugeBO": false,
        "reportDomain": "rwg.zoom.us",
        "mmrFeature": 0,
        "useWBVideo": u8::from(meeting.settings.webrtc_video),
        "useWBAudio": 0,
        "e2eEncrypt": false,
        "userGUID": person.guid,
    })
}
