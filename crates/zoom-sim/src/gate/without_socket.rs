//! Participants without a browser (ours): in the roster, able to vouch for bots, and controlled by the control API.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::activity::{Activity, Impossible, MAX_PEOPLE, is_name};
use super::admission::next_id;
use super::participant::Participant;
use crate::ids::{MeetingNumber, UserId};
use crate::world::World;
use crate::world::user::User;

/// A new participant without a browser.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) name: String,
    /// The signed-in user: the participant has their picture and can vouch for bots.
    pub(crate) user_id: Option<UserId>,
    pub(crate) host: bool,
    /// The `userGUID` of an earlier stay, for a participant who rejoins; `None` creates a new one.
    pub(crate) guid: Option<String>,
}

/// Adds a participant to a meeting and returns their id.
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
