//! People without a browser (ours): in the roster, able to vouch for bots, and moved by the control API.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::activity::{Activity, Impossible, MAX_PEOPLE, is_name};
use super::admission::next_id;
use super::participant::Participant;
use crate::ids::{MeetingNumber, UserId};
use crate::world::World;
use crate::world::user::User;

/// A participant who comes without a browser.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) name: String,
    /// Signed in as this user: their picture, and they can vouch for bots.
    pub(crate) user_id: Option<UserId>,
    pub(crate) host: bool,
    /// Of an earlier stay, for somebody who comes back; a new one otherwise.
    pub(crate) guid: Option<String>,
}

/// Puts a participant into a meeting: their id.
pub(crate) fn seat_without_socket(
    world: &mut World,
    number: &MeetingNumber,
    newcomer: Newcomer,
    joined_at: Timestamp,
) -> Result<u32, Impossible> {
    if !is_name(&newcomer.name) {
        return Err(Impossible::Name);
    }
    if newcomer.guid.as_deref().is_some_and(|guid| !is_name(guid)) {
        return Err(Impossible::Guid);
    }
    let user = newcomer.user_id.as_ref().map(|id| world.user(id).ok_or(Impossible::NoSuchUser));
    let avatar = user.transpose()?.map(User::avatar_url);
    let (zoom_id, new_guid) = (world.entropy.id(), world.entropy.id());
    let meeting = world.meetings.get_mut(number).ok_or(Impossible::NoSuchMeeting)?;
    if meeting.participants.len() >= MAX_PEOPLE {
        return Err(Impossible::TooMany);
    }
    let (id, arrival) = next_id(meeting);
    meeting.enter(Participant {
        id,
        number: arrival,
        zoom_id,
        guid: newcomer.guid.unwrap_or(new_guid),
        name: newcomer.name,
        user_id: newcomer.user_id,
        avatar,
        host: newcomer.host,
        on_hold: false,
        camera: false,
        activity: Activity::default(),
        wants_captions: false,
        breakout_room: None,
        assigned_room: None,
        joined_at,
        authoriser: None,
        privilege: None,
        line: None,
        cut_off: false,
        seen: BTreeMap::new(),
    });
    Ok(id)
}
